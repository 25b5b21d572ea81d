/* Owns the making, writing and reading of ids. */
#include "base/id.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

const struct ij_id ij_id_none;

int ij_random(void *out, size_t len, struct imgjob_error *err)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ij_fail_errno(err, IMGJOB_E_INTERNAL, "read %zu random bytes", len);
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

int ij_id_new(int64_t wall_ms, struct ij_id *out, struct imgjob_error *err)
{
    struct ij_id id;
    int rc = ij_random(id.bytes, sizeof(id.bytes), err);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f)); /* version 7 */
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f)); /* variant 10 */
    *out = id;
    return 0;
}

/* Where the dashes stand, after which byte. */
static bool dash_after(int byte)
{
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

void ij_id_format(const struct ij_id *id, char out[IMGJOB_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        *at++ = digits[id->bytes[i] >> 4];
        *at++ = digits[id->bytes[i] & 15];
        if (dash_after(i))
            *at++ = '-';
    }
    *at = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool ij_id_parse(const char *text, size_t len, struct ij_id *out)
{
    if (len < IMGJOB_ID_SIZE - 1)
        return false;
    struct ij_id id;
    for (int i = 0; i < 16; i++) {
        int high = hex_value(text[0]);
        int low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0)
            return false;
        id.bytes[i] = (uint8_t)(high << 4 | low);
        text += 2;
        if (dash_after(i) && *text++ != '-')
            return false;
    }
    *out = id;
    return true;
}

bool ij_id_of(const char *text, struct ij_id *out)
{
    return text && strnlen(text, IMGJOB_ID_SIZE) == IMGJOB_ID_SIZE - 1 &&
           ij_id_parse(text, IMGJOB_ID_SIZE - 1, out);
}

bool ij_id_equal(const struct ij_id *a, const struct ij_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
