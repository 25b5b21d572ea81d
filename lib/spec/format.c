/*
 * Owns what an image format is called and how it is told by its first bytes. Pure: it
 * decides from bytes alone, never from a name or a media type that somebody sent.
 */
#include "spec/spec.h"

#include <string.h>

#include "base/auto.h"

struct format {
    const char *name;
    const char *media_type;
    const char *extension;
};

static const struct format formats[] = {
    [IMGJOB_FORMAT_NONE] = { "", "application/octet-stream", "bin" },
    [IMGJOB_FORMAT_JPEG] = { "jpeg", "image/jpeg", "jpg" },
    [IMGJOB_FORMAT_PNG] = { "png", "image/png", "png" },
    [IMGJOB_FORMAT_WEBP] = { "webp", "image/webp", "webp" },
    [IMGJOB_FORMAT_GIF] = { "gif", "image/gif", "gif" },
    [IMGJOB_FORMAT_TIFF] = { "tiff", "image/tiff", "tif" },
    [IMGJOB_FORMAT_AVIF] = { "avif", "image/avif", "avif" },
    [IMGJOB_FORMAT_HEIC] = { "heic", "image/heic", "heic" },
};

static const struct format *format_of(uint32_t format)
{
    return &formats[format < IJ_ARRAY_LEN(formats) ? format : IMGJOB_FORMAT_NONE];
}

const char *imgjob_format_name(uint32_t format)
{
    return format_of(format)->name;
}

const char *imgjob_format_media_type(uint32_t format)
{
    return format_of(format)->media_type;
}

const char *ij_format_extension(uint32_t format)
{
    return format_of(format)->extension;
}

uint32_t ij_format_by_name(const char *name)
{
    if (strcmp(name, "jpg") == 0)
        return IMGJOB_FORMAT_JPEG;
    for (uint32_t format = 1; format < IJ_ARRAY_LEN(formats); format++)
        if (strcmp(name, formats[format].name) == 0)
            return format;
    return IMGJOB_FORMAT_NONE;
}

/* The bytes that a file of the format begins with. */
struct magic {
    uint32_t format;
    uint32_t len;
    const char *bytes;
};

static const struct magic magics[] = {
    { IMGJOB_FORMAT_JPEG, 3, "\xff\xd8\xff" },
    { IMGJOB_FORMAT_PNG, 8, "\x89PNG\r\n\x1a\n" },
    { IMGJOB_FORMAT_GIF, 6, "GIF87a" },
    { IMGJOB_FORMAT_GIF, 6, "GIF89a" },
    { IMGJOB_FORMAT_TIFF, 4, "II*\0" },
    { IMGJOB_FORMAT_TIFF, 4, "MM\0*" },
    { IMGJOB_FORMAT_TIFF, 4, "II+\0" }, /* BigTIFF */
    { IMGJOB_FORMAT_TIFF, 4, "MM\0+" },
};

/* A brand of an ISO base media file that means still images of a known kind. */
static uint32_t format_of_brand(const uint8_t *brand)
{
    static const char heic[][5] = { "heic", "heix", "hevc", "hevx", "heim", "heis" };
    if (memcmp(brand, "avif", 4) == 0 || memcmp(brand, "avis", 4) == 0)
        return IMGJOB_FORMAT_AVIF;
    for (size_t i = 0; i < IJ_ARRAY_LEN(heic); i++)
        if (memcmp(brand, heic[i], 4) == 0)
            return IMGJOB_FORMAT_HEIC;
    return IMGJOB_FORMAT_NONE;
}

/*
 * The ftyp box (ISO/IEC 14496-12 §4.3): size, "ftyp", major brand, version, compatible
 * brands. "mif1" and "msf1" say only that it is HEIF: the codec is in the others, and
 * HEVC where they do not tell.
 */
static uint32_t sniff_heif(const uint8_t *bytes, size_t len)
{
    size_t box = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 |
                 bytes[3];
    uint32_t format = format_of_brand(bytes + 8);
    if (format)
        return format;
    if (memcmp(bytes + 8, "mif1", 4) != 0 && memcmp(bytes + 8, "msf1", 4) != 0)
        return IMGJOB_FORMAT_NONE;
    for (size_t at = 16; at + 4 <= len && at + 4 <= box && at < 32; at += 4) {
        format = format_of_brand(bytes + at);
        if (format)
            return format;
    }
    return IMGJOB_FORMAT_HEIC;
}

uint32_t ij_format_sniff(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < IJ_ARRAY_LEN(magics); i++) {
        const struct magic *magic = &magics[i];
        if (len >= magic->len && memcmp(bytes, magic->bytes, magic->len) == 0)
            return magic->format;
    }
    if (len >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return IMGJOB_FORMAT_WEBP;
    if (len >= 12 && memcmp(bytes + 4, "ftyp", 4) == 0)
        return sniff_heif(bytes, len);
    return IMGJOB_FORMAT_NONE;
}
