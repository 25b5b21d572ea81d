/* Owns percent-decoding. Strict: what is no %XX, or is %00, is refused, not passed on. */
#include "server/query.h"

#include <inttypes.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at `from` stands for; 0 when it stands for none that is allowed. */
static char percent_byte(const char *from, size_t len)
{
    int high = len >= 3 ? hex_digit(from[1]) : -1;
    int low = len >= 3 ? hex_digit(from[2]) : -1;
    return high < 0 || low < 0 ? '\0' : (char)(high << 4 | low);
}

static int decode(const char *from, size_t len, char *out, size_t size,
                  struct imgjob_error *err)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = from[i] == '+' ? ' ' : from[i];
        if (c == '%') {
            c = percent_byte(from + i, len - i);
            if (c == '\0')
                return ij_fail(err, IMGJOB_E_INVALID, "query: bad percent sign");
            i += 2;
        }
        if (used + 1 >= size)
            return ij_fail(err, IMGJOB_E_INVALID,
                           "query: a name or value is longer than %zu bytes", size - 1);
        out[used++] = c;
    }
    out[used] = '\0';
    return 0;
}

int ij_query_next(const char **at, struct ij_query_pair *out, struct imgjob_error *err)
{
    *at += strspn(*at, "&");
    if (**at == '\0')
        return 1;
    size_t len = strcspn(*at, "&");
    const char *equals = memchr(*at, '=', len);
    size_t name_len = equals ? (size_t)(equals - *at) : len;
    int rc = decode(*at, name_len, out->name, sizeof(out->name), err);
    if (rc < 0)
        return rc;
    const char *value = equals ? equals + 1 : *at + len;
    rc = decode(value, (size_t)(*at + len - value), out->value, sizeof(out->value), err);
    *at += len;
    return rc;
}

bool ij_query_has(const char *query, const char *name)
{
    struct ij_query_pair pair;
    while (ij_query_next(&query, &pair, NULL) == 0)
        if (strcmp(pair.name, name) == 0)
            return true;
    return false;
}

/* RFC 3986 §2.3: what needs no percent sign. */
static void encode(struct ij_buf *out, const char *text)
{
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~";
    for (; *text; text++)
        if (strchr(plain, *text))
            ij_buf_add(out, text, 1);
        else
            ij_buf_printf(out, "%%%02X", (unsigned char)*text);
}

void ij_query_add(struct ij_buf *out, char separator, const struct ij_query_pair *pair)
{
    ij_buf_add(out, &separator, 1);
    encode(out, pair->name);
    ij_buf_add(out, "=", 1);
    encode(out, pair->value);
}

int ij_query_read_only_switch(const char *query, const char *name, bool *out,
                              struct imgjob_error *err)
{
    struct ij_query_pair pair;
    int rc;
    *out = false;
    while ((rc = ij_query_next(&query, &pair, err)) == 0) {
        if (strcmp(pair.name, name) != 0)
            return ij_fail(err, IMGJOB_E_INVALID, "%s: no such parameter; there is %s",
                           pair.name, name);
        if (strcmp(pair.value, "0") != 0 && strcmp(pair.value, "1") != 0)
            return ij_fail(err, IMGJOB_E_INVALID, "%s: must be 0 or 1, not '%.40s'", name,
                           pair.value);
        *out = pair.value[0] == '1';
    }
    return rc < 0 ? rc : 0;
}

int ij_query_read_limit(const struct ij_query_pair *pair, uint32_t max, uint32_t *out,
                        struct imgjob_error *err)
{
    enum { DIGITS_MAX = 9 }; /* any such number fits */
    const char *text = pair->value;
    size_t len = strspn(text, "0123456789");
    uint32_t limit = 0;
    for (size_t i = 0; i < len && len <= DIGITS_MAX; i++)
        limit = limit * 10 + (uint32_t)(text[i] - '0');
    if (text[len] != '\0' || limit < 1 || limit > max)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%s: must be a whole number, 1 to %" PRIu32 ", not '%.20s'",
                       pair->name, max, text);
    *out = limit;
    return 0;
}
