/* Owns the form of a cursor: kind, end of the store's id, "-", a number in hex. */
#include "cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STORE_LEN = 12, DIGITS_MAX = 16 };

/* The random end of a store's id. */
static const char *store_word(struct imgjob_store *store)
{
    const char *id = store->jobs->ops->store_id(store->jobs);
    size_t len = strlen(id);
    return len > STORE_LEN ? id + len - STORE_LEN : id;
}

static void write_head(struct imgjob_store *store, enum ij_cursor_kind kind,
                       char out[IJ_CURSOR_SIZE])
{
    (void)snprintf(out, IJ_CURSOR_SIZE, "%c%s-", (char)kind, store_word(store));
}

void ij_cursor_write(struct imgjob_store *store, enum ij_cursor_kind kind, uint64_t place,
                     char out[IJ_CURSOR_SIZE])
{
    write_head(store, kind, out);
    size_t used = strlen(out);
    (void)snprintf(out + used, IJ_CURSOR_SIZE - used, "%" PRIx64, place);
}

/* Lower-case hex, 1 to 16 digits, nothing else. */
static bool read_hex(const char *text, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strlen(text);
    if (len < 1 || len > DIGITS_MAX || strspn(text, digits) != len)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 4 | (uint64_t)(strchr(digits, text[i]) - digits);
    *out = value;
    return true;
}

int ij_cursor_read(struct imgjob_store *store, enum ij_cursor_kind kind, const char *text,
                   const char *what, uint64_t *out, struct imgjob_error *err)
{
    char head[IJ_CURSOR_SIZE];
    write_head(store, kind, head);
    size_t len = strlen(head);
    uint64_t place;
    if (strnlen(text, IJ_CURSOR_SIZE) == IJ_CURSOR_SIZE ||
        strncmp(text, head, len) != 0 || !read_hex(text + len, &place) ||
        place > INT64_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: '%.40s' is none that this store gave",
                       what, text);
    *out = place;
    return 0;
}
