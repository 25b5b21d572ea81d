/*
 * Owns the reading of multipart bodies. A part's bytes are handed on as soon as they
 * cannot belong to a boundary; only as many are held back as a boundary has. What RFC
 * 2046 leaves to taste is refused: a line that begins like the boundary and is not it,
 * transfer encodings, a part without a name.
 */
#include "server/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int malformed(struct imgjob_error *err, const char *what)
{
    return ij_fail(err, IMGJOB_E_INVALID, "multipart body: %s", what);
}

/* ---- header parameters ---- */

/*
 * Read the value at `at`, a token or a quoted string, into `out`.
 *
 * @return what follows it, or NULL when it is malformed or does not fit
 */
static const char *read_value(const char *at, const char *end, char *out, size_t size)
{
    size_t len = 0;
    bool quoted = at < end && *at == '"';
    at += quoted;
    while (at < end && (quoted ? *at != '"' : !strchr("; \t\"", *at))) {
        if (quoted && *at == '\\' && at + 1 < end)
            at++;
        if (len + 1 >= size || *at == '\0')
            return NULL;
        out[len++] = *at++;
    }
    out[len] = '\0';
    if (!quoted)
        return at;
    return at < end ? at + 1 : NULL;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/*
 * Find `; name=value` in a header value.
 *
 * @return 0 when it is in `out`, 1 when there is none, -1 when the header is malformed
 */
static int find_parameter(const char *at, const char *end, const char *name, char *out,
                          size_t size)
{
    size_t name_len = strlen(name);
    const char *semicolon = memchr(at, ';', (size_t)(end - at));
    at = semicolon ? semicolon : end;
    while (at < end && *at == ';') {
        at = skip_space(at + 1, end);
        if (at == end)
            break; /* a semicolon may end the list */
        const char *equals = memchr(at, '=', (size_t)(end - at));
        if (!equals)
            return -1;
        bool found =
            (size_t)(equals - at) == name_len && strncasecmp(at, name, name_len) == 0;
        char other[512]; /* a file's name, which nobody reads */
        at = read_value(equals + 1, end, found ? out : other,
                        found ? size : sizeof(other));
        if (!at)
            return -1;
        if (found)
            return 0;
        at = skip_space(at, end);
    }
    return at == end ? 1 : -1;
}

int ij_multipart_init(struct ij_multipart *multipart, const char *content_type,
                      const struct ij_part_sink *sink, struct imgjob_error *err)
{
    *multipart = (struct ij_multipart){ .sink = *sink, .parts_max = IJ_PARTS_MAX };
    char boundary[IJ_BOUNDARY_MAX + 1];
    int rc = find_parameter(content_type, content_type + strlen(content_type), "boundary",
                            boundary, sizeof(boundary));
    if (rc != 0 || boundary[0] == '\0')
        return ij_fail(err, IMGJOB_E_INVALID,
                       "Content-Type: multipart/form-data needs a boundary of 1 to %d "
                       "characters",
                       IJ_BOUNDARY_MAX);
    multipart->delimiter_len = (size_t)snprintf(
        multipart->delimiter, sizeof(multipart->delimiter), "\r\n--%s", boundary);
    return 0;
}

/* ---- the headers of a part ---- */

struct part_headers {
    char name[IJ_PART_NAME_SIZE];
    bool has_name;
};

/* Whether a header line is of that name; its value then begins at `out_value`. */
static bool header_is(const char *line, const char *end, const char *name,
                      const char **out_value)
{
    size_t len = strlen(name);
    if ((size_t)(end - line) <= len || strncasecmp(line, name, len) != 0 ||
        line[len] != ':')
        return false;
    *out_value = skip_space(line + len + 1, end);
    return true;
}

static bool value_is(const char *value, const char *end, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(end - value) == len && strncasecmp(value, word, len) == 0;
}

static int read_header(struct part_headers *headers, const char *line, const char *end,
                       struct imgjob_error *err)
{
    const char *value;
    if (header_is(line, end, "Content-Transfer-Encoding", &value)) {
        if (value_is(value, end, "binary") || value_is(value, end, "8bit") ||
            value_is(value, end, "7bit"))
            return 0;
        return malformed(err, "a Content-Transfer-Encoding is not read (RFC 7578 §4.7)");
    }
    if (!header_is(line, end, "Content-Disposition", &value))
        return memchr(line, ':', (size_t)(end - line))
                   ? 0
                   : malformed(err, "a part's header has no colon");
    static const char form_data[] = "form-data";
    size_t len = sizeof(form_data) - 1;
    if (headers->has_name || (size_t)(end - value) < len ||
        strncasecmp(value, form_data, len) != 0 ||
        (value + len < end && !strchr("; \t", value[len])) ||
        find_parameter(value, end, "name", headers->name, sizeof(headers->name)) != 0)
        return malformed(err, "a part needs 'Content-Disposition: form-data; name=...'");
    headers->has_name = true;
    return 0;
}

/* `block` is the header lines, each with its CRLF. */
static int begin_part(struct ij_multipart *multipart, const char *block, const char *end,
                      struct imgjob_error *err)
{
    struct part_headers headers = { .has_name = false };
    while (block < end) {
        const char *line_end = memmem(block, (size_t)(end - block), "\r\n", 2);
        int rc = read_header(&headers, block, line_end, err);
        if (rc < 0)
            return rc;
        block = line_end + 2;
    }
    if (!headers.has_name)
        return malformed(err, "a part has no Content-Disposition");
    if (++multipart->parts > multipart->parts_max)
        return ij_fail(err, IMGJOB_E_INVALID, "multipart body: more than %u parts",
                       multipart->parts_max);
    multipart->state = IJ_MULTIPART_BODY;
    return multipart->sink.begin(multipart->sink.data, headers.name, err);
}

/* ---- the states; each returns 0 having moved on, 1 when it needs more bytes ---- */

static int read_preamble(struct ij_multipart *multipart, const char **at, const char *end)
{
    /* the first boundary may stand at the very beginning, without its CRLF */
    const char *delimiter = multipart->delimiter + 2;
    size_t len = multipart->delimiter_len - 2;
    if (!multipart->begun) {
        if ((size_t)(end - *at) < len)
            return 1;
        multipart->begun = true;
        if (memcmp(*at, delimiter, len) == 0) {
            *at += len;
            multipart->state = IJ_MULTIPART_DELIMITER;
            return 0;
        }
    }
    len = multipart->delimiter_len;
    const char *found = memmem(*at, (size_t)(end - *at), multipart->delimiter, len);
    if (found) {
        *at = found + len;
        multipart->state = IJ_MULTIPART_DELIMITER;
        return 0;
    }
    if ((size_t)(end - *at) >= len)
        *at = end - (len - 1);
    return 1;
}

static int read_delimiter(struct ij_multipart *multipart, const char **at,
                          const char *end, struct imgjob_error *err)
{
    if (end - *at < 2)
        return 1;
    if (memcmp(*at, "--", 2) == 0) {
        *at = end;
        multipart->state = IJ_MULTIPART_EPILOGUE;
        return 0;
    }
    const char *after = skip_space(*at, end); /* transport padding */
    if (end - after < 2) /* what is held back is bounded: see ij_multipart_feed() */
        return end - *at >= IJ_PART_HEADERS_MAX ? malformed(err, "bad boundary") : 1;
    if (memcmp(after, "\r\n", 2) != 0)
        return malformed(err, "a line begins like the boundary and is not it");
    *at = after + 2;
    multipart->state = IJ_MULTIPART_HEADERS;
    return 0;
}

static int read_headers(struct ij_multipart *multipart, const char **at, const char *end,
                        struct imgjob_error *err)
{
    size_t len = (size_t)(end - *at);
    size_t within = len < IJ_PART_HEADERS_MAX ? len : IJ_PART_HEADERS_MAX;
    if (len >= 2 && memcmp(*at, "\r\n", 2) == 0)
        return malformed(err, "a part has no Content-Disposition");
    const char *blank = memmem(*at, within, "\r\n\r\n", 4);
    if (!blank)
        return len < IJ_PART_HEADERS_MAX
                   ? 1
                   : ij_fail(err, IMGJOB_E_INVALID,
                             "multipart body: a part has more than %d bytes of headers",
                             IJ_PART_HEADERS_MAX);
    int rc = begin_part(multipart, *at, blank + 2, err);
    *at = blank + 4;
    return rc;
}

static int hand_on(struct ij_multipart *multipart, const char **at, const char *to,
                   struct imgjob_error *err)
{
    size_t len = (size_t)(to - *at);
    const char *from = *at;
    *at = to;
    return len > 0 ? multipart->sink.bytes(multipart->sink.data, from, len, err) : 0;
}

static int read_body(struct ij_multipart *multipart, const char **at, const char *end,
                     struct imgjob_error *err)
{
    size_t len = multipart->delimiter_len;
    const char *found = memmem(*at, (size_t)(end - *at), multipart->delimiter, len);
    if (found) {
        int rc = hand_on(multipart, at, found, err);
        if (rc < 0)
            return rc;
        *at = found + len;
        multipart->state = IJ_MULTIPART_DELIMITER;
        return multipart->sink.end(multipart->sink.data, err);
    }
    if ((size_t)(end - *at) < len)
        return 1;
    int rc = hand_on(multipart, at, end - (len - 1), err);
    return rc < 0 ? rc : 1;
}

int ij_multipart_feed(struct ij_multipart *multipart, const char *data, size_t len,
                      size_t *out_used, struct imgjob_error *err)
{
    const char *at = data, *end = data + len;
    int rc = 0;
    while (at < end && rc == 0)
        switch (multipart->state) {
        case IJ_MULTIPART_PREAMBLE:
            rc = read_preamble(multipart, &at, end);
            break;
        case IJ_MULTIPART_DELIMITER:
            rc = read_delimiter(multipart, &at, end, err);
            break;
        case IJ_MULTIPART_HEADERS:
            rc = read_headers(multipart, &at, end, err);
            break;
        case IJ_MULTIPART_BODY:
            rc = read_body(multipart, &at, end, err);
            break;
        case IJ_MULTIPART_EPILOGUE:
            at = end;
            break;
        }
    if (rc < 0)
        return rc;
    *out_used = (size_t)(at - data);
    return 0;
}

int ij_multipart_end(const struct ij_multipart *multipart, struct imgjob_error *err)
{
    if (multipart->state != IJ_MULTIPART_EPILOGUE)
        return malformed(err, "it ends before its closing boundary");
    return 0;
}
