/*
 * Owns what an image format is called and how it is told by its first bytes. Pure: it
 * decides from bytes alone, never from a name or a media type that somebody sent.
 */
#include "spec/spec.h"

#include <stdio.h>
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
    [IMGJOB_FORMAT_SVG] = { "svg", "image/svg+xml", "svg" },
    [IMGJOB_FORMAT_PDF] = { "pdf", "application/pdf", "pdf" },
    [IMGJOB_FORMAT_JXL] = { "jxl", "image/jxl", "jxl" },
    [IMGJOB_FORMAT_JP2] = { "jp2", "image/jp2", "jp2" },
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

/* ---- which are read ---- */

/* Those that have to be switched on. */
static const uint32_t extra_formats =
    IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_SVG) | IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_PDF) |
    IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_JXL) | IMGJOB_FORMAT_BIT(IMGJOB_FORMAT_JP2);

bool ij_format_is_read(uint32_t format, uint32_t extra)
{
    if (format == IMGJOB_FORMAT_NONE || format >= IJ_ARRAY_LEN(formats))
        return false;
    return (IMGJOB_FORMAT_BIT(format) & extra_formats & ~extra) == 0;
}

void ij_formats_read(uint32_t extra, char out[IJ_FORMATS_TEXT_SIZE])
{
    size_t len = 0;
    for (uint32_t format = 1; format < IJ_ARRAY_LEN(formats); format++)
        if (ij_format_is_read(format, extra))
            len += (size_t)snprintf(out + len, IJ_FORMATS_TEXT_SIZE - len, "%s%s",
                                    len ? ", " : "", formats[format].name);
}

int ij_extra_formats_check(uint32_t extra, struct imgjob_error *err)
{
    if ((extra & ~extra_formats) == 0)
        return 0;
    return ij_fail(
        err, IMGJOB_E_INVALID,
        "extra_formats: must be of the bits 0x%x (svg, pdf, jxl, jp2), not 0x%x",
        (unsigned)extra_formats, (unsigned)extra);
}

/* ---- by the first bytes ---- */

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
    { IMGJOB_FORMAT_PDF, 5, "%PDF-" },
    { IMGJOB_FORMAT_JXL, 2, "\xff\x0a" },                  /* bare codestream */
    { IMGJOB_FORMAT_JXL, 12, "\0\0\0\x0cJXL \r\n\x87\n" }, /* ISO/IEC 18181-2 */
    { IMGJOB_FORMAT_JP2, 12, "\0\0\0\x0cjP  \r\n\x87\n" }, /* ISO/IEC 15444-1 §I.5.1 */
    { IMGJOB_FORMAT_JP2, 4, "\xff\x4f\xff\x51" },          /* bare codestream */
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

/*
 * SVG has no signature: it is XML whose first element is <svg>. What may stand before
 * that (a declaration, comments) is taken for it, since its reader will refuse any other
 * XML; HTML, which begins in ways of its own, is not.
 */
static bool begins_as_svg(const char *text, size_t len)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8 */
    static const char *const begins[] = { "<svg", "<?xml", "<!--", "<!DOCTYPE svg" };
    static const char *const after[] = { " \t\r\n>/", " \t\r\n", NULL, " \t\r\n>[" };
    size_t at = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
    while (at < len && memchr(" \t\r\n", text[at], 4))
        at++;
    for (size_t i = 0; i < IJ_ARRAY_LEN(begins); i++) {
        size_t size = strlen(begins[i]);
        if (len - at > size && memcmp(text + at, begins[i], size) == 0)
            return !after[i] || memchr(after[i], text[at + size], strlen(after[i]));
    }
    return false;
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
    return begins_as_svg(data, len) ? IMGJOB_FORMAT_SVG : IMGJOB_FORMAT_NONE;
}
