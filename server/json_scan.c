/*
 * Owns the reading of a JSON body. The values of the top-level keys "image_data" and
 * "overlay1", "overlay2", … go through unescaping and base64 straight to a sink, as they
 * arrive; empty texts take their places. Everything else is kept, bounded, and parsed at
 * the end, so that the whole is strict JSON exactly when what is kept is: this scanner
 * itself only has to know where strings and brackets are, and to be strict inside the
 * strings it takes out.
 */
#include "server/json_scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "server/spec.h"

void ij_scan_init(struct ij_scan *scan, ij_bytes_sink sink, void *data)
{
    memset(scan, 0, offsetof(struct ij_scan, decoded));
    scan->sink = sink;
    scan->data = data;
    scan->inputs.image_name = "image_data";
    scan->rest.max = IJ_SENT_SPEC_MAX;
}

void ij_scan_done(struct ij_scan *scan)
{
    ij_buf_done(&scan->rest);
}

static int keep(struct ij_scan *scan, const char *from, const char *end,
                struct imgjob_error *err)
{
    ij_buf_add(&scan->rest, from, (size_t)(end - from));
    if (scan->rest.failed)
        return ij_fail(err, IMGJOB_E_LIMIT,
                       "more than %d bytes of JSON beside the images", IJ_SENT_SPEC_MAX);
    return 0;
}

/* ---- escapes ---- */

/* What the character after a backslash stands for; -1 when it stands for nothing. */
static int short_escape(char c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : -1;
}

/*
 * The next character inside an open escape.
 *
 * @return 0 when the escape is whole (its meaning is in `value`), 1 when it goes on, -1
 * when there is no such escape
 */
static int escape_feed(struct ij_escape *escape, char c)
{
    if (escape->digits > 0) {
        if (!isxdigit((unsigned char)c))
            return -1;
        uint32_t digit = c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 32) - 'a' + 10);
        escape->value = escape->value << 4 | digit;
        escape->open = --escape->digits > 0;
        return escape->open;
    }
    if (c == 'u') {
        escape->digits = 4;
        escape->value = 0;
        return 1;
    }
    int value = short_escape(c);
    escape->value = (uint32_t)value;
    escape->open = false;
    return value < 0 ? -1 : 0;
}

/* ---- the images ---- */

static int not_base64(const struct ij_scan *scan, struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_INVALID, "%s: is not valid base64", scan->key);
}

static int decode(struct ij_scan *scan, const char *text, size_t len,
                  struct imgjob_error *err)
{
    while (len > 0) {
        size_t piece = len < IJ_SCAN_PIECE ? len : IJ_SCAN_PIECE;
        long bytes = ij_base64_decode(&scan->base64, text, piece, scan->decoded);
        if (bytes < 0)
            return not_base64(scan, err);
        if (bytes > 0) {
            int rc =
                scan->sink(scan->data, scan->input, scan->decoded, (size_t)bytes, err);
            if (rc < 0)
                return rc;
        }
        scan->value_len += (uint64_t)bytes;
        text += piece;
        len -= piece;
    }
    return 0;
}

static const char data_scheme[] = "data:";
enum { DATA_SCHEME_LEN = sizeof(data_scheme) - 1 };

/* Whether the text so far could begin a data URL (RFC 2397). */
static bool may_be_data_url(const struct ij_scan *scan)
{
    size_t len = scan->prefix_len < DATA_SCHEME_LEN ? scan->prefix_len : DATA_SCHEME_LEN;
    return strncasecmp(scan->prefix, data_scheme, len) == 0;
}

static int end_prefix(struct ij_scan *scan, struct imgjob_error *err)
{
    static const char mark[] = ";base64,";
    size_t len = sizeof(mark) - 1;
    if (scan->prefix_len < len ||
        strncasecmp(scan->prefix + scan->prefix_len - len, mark, len) != 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%s: a data URL must be 'data:TYPE;base64,'", scan->key);
    scan->prefix_read = true;
    return 0;
}

/* Characters of an image's value, unescaped. */
static int take_image(struct ij_scan *scan, const char *text, size_t len,
                      struct imgjob_error *err)
{
    for (; !scan->prefix_read && len > 0; text++, len--) {
        scan->prefix[scan->prefix_len++] = *text;
        int rc = 0;
        if (!may_be_data_url(scan)) {
            scan->prefix_read = true;
            rc = decode(scan, scan->prefix, scan->prefix_len, err);
        } else if (*text == ',' || scan->prefix_len == sizeof(scan->prefix))
            rc = end_prefix(scan, err);
        if (rc < 0)
            return rc;
    }
    return decode(scan, text, len, err);
}

static int end_image(struct ij_scan *scan, struct imgjob_error *err)
{
    if (!scan->prefix_read) { /* so short that it might have become a data URL */
        if (scan->prefix_len >= DATA_SCHEME_LEN)
            return end_prefix(scan, err);
        int rc = decode(scan, scan->prefix, scan->prefix_len, err);
        if (rc < 0)
            return rc;
    }
    if (!ij_base64_is_whole(&scan->base64))
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%s: is not valid base64: it ends within a group of four",
                       scan->key);
    if (scan->value_len == 0)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: is empty", scan->key);
    scan->state = IJ_SCAN_OUTSIDE;
    static const char placeholder[] = "\"\"";
    return keep(scan, placeholder, placeholder + 2, err);
}

static int take_escape(struct ij_scan *scan, char c, struct imgjob_error *err)
{
    int rc = escape_feed(&scan->escape, c);
    if (rc != 0)
        return rc > 0 ? 0 : ij_fail(err, IMGJOB_E_INVALID, "%s: bad escape", scan->key);
    if (scan->escape.value > 0x7f)
        return not_base64(scan, err);
    char meaning = (char)scan->escape.value;
    return take_image(scan, &meaning, 1, err);
}

/*
 * Inside an image's value: the hot path. Runs of plain characters are found by memchr
 * and decoded whole. Looking for the quote once per piece is enough, since an escaped
 * one is no base64 and ends the scan.
 */
static int scan_image(struct ij_scan *scan, const char **at, const char *end,
                      struct imgjob_error *err)
{
    const char *quote = memchr(*at, '"', (size_t)(end - *at));
    const char *stop = quote ? quote : end;
    while (*at < end) {
        if (scan->escape.open) {
            int rc = take_escape(scan, *(*at)++, err);
            if (rc < 0)
                return rc;
            continue;
        }
        if (*at == quote) {
            ++*at;
            return end_image(scan, err);
        }
        const char *slash = memchr(*at, '\\', (size_t)(stop - *at));
        size_t run = (size_t)((slash ? slash : stop) - *at);
        /* the decoder passes over line breaks, but JSON wants them escaped */
        if (memchr(*at, '\n', run) || memchr(*at, '\r', run))
            return ij_fail(err, IMGJOB_E_INVALID,
                           "%s: a line break must be written as an escape", scan->key);
        int rc = take_image(scan, *at, run, err);
        if (rc < 0)
            return rc;
        *at += run;
        if (slash) {
            scan->escape = (struct ij_escape){ .open = true };
            ++*at;
        }
    }
    return 0;
}

/* ---- everything else ---- */

static void add_to_key(struct ij_scan *scan, uint32_t character)
{
    bool is_plain = character >= ' ' && character < 0x7f; /* as all names of inputs are */
    if (scan->key_len + 1 < sizeof(scan->key))
        scan->key[scan->key_len++] = is_plain ? (char)character : '?';
}

static int end_key(struct ij_scan *scan, struct imgjob_error *err)
{
    scan->in_key = false;
    scan->expects_key = false;
    scan->key[scan->key_len] = '\0';
    if (scan->is_image_only && strcmp(scan->key, scan->inputs.image_name) != 0)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: no such field; there is only %s",
                       scan->key, scan->inputs.image_name);
    int rc = ij_input_names_take(&scan->inputs, scan->key, &scan->input, err);
    scan->key_is_input = rc == 0;
    return rc < 0 ? rc : 0;
}

/* Inside any other string, up to its end. Wrong escapes are left to the parser. */
static int scan_string(struct ij_scan *scan, const char **at, const char *end,
                       struct imgjob_error *err)
{
    const char *from = *at;
    bool ended = false;
    while (*at < end && !ended) {
        char c = *(*at)++;
        if (scan->escape.open) {
            int rc = escape_feed(&scan->escape, c);
            if (rc < 0)
                return ij_fail(err, IMGJOB_E_INVALID, "JSON: bad escape in a string");
            if (rc == 0 && scan->in_key)
                add_to_key(scan, scan->escape.value);
        } else if (c == '\\')
            scan->escape = (struct ij_escape){ .open = true };
        else if (c == '"')
            ended = true;
        else if ((unsigned char)c < 0x20) /* json-c 0.16 lets it through */
            return ij_fail(err, IMGJOB_E_INVALID,
                           "JSON: a control character in a string");
        else if (scan->in_key)
            add_to_key(scan, (unsigned char)c);
    }
    int rc = keep(scan, from, *at, err);
    if (rc < 0 || !ended)
        return rc;
    scan->state = IJ_SCAN_OUTSIDE;
    return scan->in_key ? end_key(scan, err) : 0;
}

/* A quote outside strings: which string does it begin? */
static void begin_string(struct ij_scan *scan)
{
    scan->escape = (struct ij_escape){ 0 };
    if (scan->wants_image) {
        scan->state = IJ_SCAN_IMAGE;
        scan->wants_image = false;
        scan->key_is_input = false;
        scan->base64 = (struct ij_base64){ 0 };
        scan->prefix_len = 0;
        scan->prefix_read = false;
        scan->value_len = 0;
        return;
    }
    scan->state = IJ_SCAN_STRING;
    scan->in_key = scan->depth == 1 && scan->expects_key;
    if (scan->in_key)
        scan->key_len = 0;
}

/* One character outside strings. */
static void note(struct ij_scan *scan, char c)
{
    if (c == '{' || c == '[') {
        scan->depth++;
        scan->expects_key = scan->depth == 1;
    } else if ((c == '}' || c == ']') && scan->depth > 0)
        scan->depth--;
    else if (c == ',' && scan->depth == 1) {
        scan->expects_key = true;
        scan->key_is_input = false;
    } else if (c == ':' && scan->depth == 1)
        scan->wants_image = scan->key_is_input;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int scan_outside(struct ij_scan *scan, const char **at, const char *end,
                        struct imgjob_error *err)
{
    const char *from = *at;
    while (*at < end) {
        char c = *(*at)++;
        if (c == '"') {
            begin_string(scan);
            bool kept = scan->state == IJ_SCAN_STRING; /* an image gets other quotes */
            return keep(scan, from, kept ? *at : *at - 1, err);
        }
        if (scan->wants_image && !is_space(c))
            return ij_fail(err, IMGJOB_E_INVALID, "%s: must be a string", scan->key);
        note(scan, c);
    }
    return keep(scan, from, *at, err);
}

static int scan_start(struct ij_scan *scan, const char **at, const char *end,
                      struct imgjob_error *err)
{
    while (*at < end && is_space(**at))
        ++*at;
    if (*at == end)
        return 0;
    if (**at != '{')
        return ij_fail(
            err, IMGJOB_E_INVALID,
            "the body must be a JSON object; for the raw bytes of an image say "
            "Content-Type: image/jpeg, or application/octet-stream");
    scan->state = IJ_SCAN_OUTSIDE;
    return 0;
}

int ij_scan_feed(struct ij_scan *scan, const char *text, size_t len,
                 struct imgjob_error *err)
{
    const char *at = text, *end = text + len;
    int rc = 0;
    while (at < end && rc == 0)
        switch (scan->state) {
        case IJ_SCAN_START:
            rc = scan_start(scan, &at, end, err);
            break;
        case IJ_SCAN_OUTSIDE:
            rc = scan_outside(scan, &at, end, err);
            break;
        case IJ_SCAN_STRING:
            rc = scan_string(scan, &at, end, err);
            break;
        case IJ_SCAN_IMAGE:
            rc = scan_image(scan, &at, end, err);
            break;
        }
    return rc;
}

/* ---- the end ---- */

int ij_scan_end(struct ij_scan *scan, struct ij_json **out_root, struct imgjob_error *err)
{
    if (scan->state == IJ_SCAN_START)
        return ij_fail(err, IMGJOB_E_INVALID, "the body is empty");
    if (scan->state != IJ_SCAN_OUTSIDE)
        return ij_fail(err, IMGJOB_E_INVALID, "JSON: the text ends within a string");
    return ij_json_parse(scan->rest.data, scan->rest.len, IJ_SENT_SPEC_DEPTH_MAX,
                         out_root, err);
}
