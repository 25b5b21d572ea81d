/*
 * Owns the sizes that can be read without a decoder. What already says that it is too
 * large is refused before a decoder sees a byte, and in our words, with the limit and its
 * setting; some decoders have limits of their own and tell neither.
 */
#include "image/source.h"

#include <string.h>

#include "image/bytes.h"

enum { SEARCHED_MAX = 65536 /* bytes in which a container declares its images */ };

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The largest of the sizes in the boxes of an AVIF or HEIC file (ISO/IEC 23008-12 §6.5.3:
 * a full box of 20 bytes, version and flags 0). */
static struct ij_extent of_boxes(const uint8_t *bytes, size_t len)
{
    static const uint8_t box[] = { 0, 0, 0, 20, 'i', 's', 'p', 'e', 0, 0, 0, 0 };
    enum { BOX_SIZE = 20 };
    struct ij_extent found = { 0 };
    const uint8_t *end = bytes + (len < SEARCHED_MAX ? len : SEARCHED_MAX);
    const uint8_t *at = bytes;
    while ((at = memmem(at, (size_t)(end - at), box, sizeof(box))) &&
           end - at >= BOX_SIZE) {
        found.width = larger(found.width, ij_big_endian(at + 12));
        found.height = larger(found.height, ij_big_endian(at + 16));
        at += BOX_SIZE;
    }
    return found;
}

struct ij_extent ij_source_declared(const struct ij_source *source)
{
    const uint8_t *bytes = source->data;
    switch (source->format) {
    case IMGJOB_FORMAT_AVIF:
    case IMGJOB_FORMAT_HEIC:
        return of_boxes(bytes, source->len);
    case IMGJOB_FORMAT_PNG: /* IHDR comes first (PNG, third edition, §11.2.1) */
        if (source->len >= 24 && memcmp(bytes + 12, "IHDR", 4) == 0)
            return (struct ij_extent){ ij_big_endian(bytes + 16),
                                       ij_big_endian(bytes + 20) };
        break;
    default:
        break;
    }
    return (struct ij_extent){ 0 };
}
