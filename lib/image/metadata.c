/*
 * Owns what of the input's metadata gets into an output: nothing, who made it, or all.
 * Fields are taken from the image before it is encoded, since what an encoder of libvips
 * leaves out on request differs between formats and versions.
 */
#include "image/metadata.h"

#include <string.h>

#include "base/auto.h"
#include "image/bytes.h"
#include "image/source.h"
#include "spec/spec.h"

static bool is_profile(const char *name)
{
    return strcmp(name, VIPS_META_ICC_NAME) == 0;
}

static bool is_preview(const char *name)
{
    return strcmp(name, "jpeg-thumbnail-data") == 0;
}

static bool is_text(const char *name)
{
    static const char *const starts[] = { "exif-",
                                          "xmp-",
                                          "iptc-",
                                          "png-comment-",
                                          "photoshop-",
                                          "gif-comment",
                                          "image-description" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(starts); i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static bool says_who_made_it(VipsImage *image, const char *name)
{
    const char *text;
    return (strcmp(name, "exif-ifd0-Copyright") == 0 ||
            strcmp(name, "exif-ifd0-Artist") == 0) &&
           ij_metadata_text(image, name, &text) > 0;
}

/* Whether the profile is meant for an image of so many bands: an operation may have made
 * grey of colour. The space stands in byte 16 (ICC.1:2022 §7.2.6). */
static bool profile_fits(VipsImage *image)
{
    enum { SPACE = 16 };
    const void *profile;
    size_t len;
    if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) != VIPS_TYPE_BLOB ||
        vips_image_get_blob(image, VIPS_META_ICC_NAME, &profile, &len) != 0 ||
        len < SPACE + 4)
        return false;
    const char *wanted = vips_image_get_bands(image) < 3 ? "GRAY" : "RGB ";
    return memcmp((const char *)profile + SPACE, wanted, 4) == 0;
}

/* ---- who made it, as EXIF ---- */

enum {
    EXIF_HEAD = 6,  /* "Exif", 0, 0 */
    TIFF_HEAD = 8,  /* byte order, 42, where the directory is */
    EXIF_ENTRY = 12 /* tag, type, count, value or its place */
};

static void write_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void write_u32(uint8_t *at, uint32_t value)
{
    write_u16(at, value);
    write_u16(at + 2, value >> 16);
}

/* libvips shows a field as "1/125 (1/125 sec., Rational, 1 components, 8 bytes)". A text
 * may hold brackets: it ends before one, where its components do, with or without a
 * terminator among them. */
size_t ij_metadata_text(VipsImage *image, const char *field, const char **text)
{
    static const char behind[] = ", ASCII, ";
    if (vips_image_get_typeof(image, field) == 0 ||
        vips_image_get_string(image, field, text) != 0)
        return 0;
    size_t len = strlen(*text);
    const char *bracket = strstr(*text, " (");
    const char *tail = g_strrstr(*text, behind);
    guint64 count = tail ? g_ascii_strtoull(tail + strlen(behind), NULL, 10) : 0;
    for (guint64 at = count > 0 ? count - 1 : len; at <= count && at < len; at++)
        if (strncmp(*text + at, " (", 2) == 0) {
            bracket = *text + at;
            break;
        }
    len = bracket ? (size_t)(bracket - *text) : len;
    /* libvips' stand-in for bytes that are no UTF-8 is no text of the image */
    static const char none[] = "<invalid utf-8 string>";
    if (len == sizeof(none) - 1 && memcmp(*text, none, len) == 0)
        return 0;
    return len < IJ_METADATA_TEXT_MAX ? len : IJ_METADATA_TEXT_MAX;
}

/*
 * Not every encoder of libvips makes EXIF of the fields of an image, so it is made here:
 * one directory of texts (Exif 2.32 §4.5, in the form of TIFF 6.0 §2), little endian.
 */
static void set_authors(VipsImage *image)
{
    static const struct {
        uint16_t tag;
        const char *field;
    } texts[] = { { 0x013b, "exif-ifd0-Artist" }, { 0x8298, "exif-ifd0-Copyright" } };
    enum { COUNT = IJ_ARRAY_LEN(texts), ASCII = 2 };
    uint8_t exif[EXIF_HEAD + TIFF_HEAD + 2 +
                 COUNT * (EXIF_ENTRY + IJ_METADATA_TEXT_MAX + 1) + 4] =
        "Exif\0\0II*\0\10"; /* the directory is at 8 */
    uint8_t *tiff = exif + EXIF_HEAD;
    uint32_t found = 0, lens[COUNT];
    const char *at[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        at[i] = NULL;
        lens[i] = (uint32_t)ij_metadata_text(image, texts[i].field, &at[i]);
        found += lens[i] > 0;
    }
    if (!found)
        return;
    uint8_t *entry = tiff + TIFF_HEAD;
    uint32_t end = TIFF_HEAD + 2 + found * EXIF_ENTRY + 4; /* 4: no further directory */
    write_u16(entry, found);
    entry += 2;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (lens[i] == 0)
            continue;
        write_u16(entry, texts[i].tag);
        write_u16(entry + 2, ASCII);
        write_u32(entry + 4, lens[i] + 1);
        bool is_short = lens[i] + 1 <= 4; /* stands in the entry itself */
        memcpy(is_short ? entry + 8 : tiff + end, at[i], lens[i]);
        if (!is_short) {
            write_u32(entry + 8, end);
            end += lens[i] + 1;
        }
        entry += EXIF_ENTRY;
    }
    vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, exif, EXIF_HEAD + end);
}

/* As XML can hold it: UTF-8, without control characters. g_free() */
static char *xml_of(const char *text, size_t len)
{
    char *valid = g_utf8_make_valid(text, (gssize)len);
    for (char *at = valid; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    char *escaped = g_markup_escape_text(valid, -1);
    g_free(valid);
    return escaped;
}

/* libvips writes no EXIF into TIFF, but XMP: creator and rights of Dublin Core, which is
 * where such programs look for them (ISO 16684-1, the Dublin Core namespace). */
static void set_authors_xmp(VipsImage *image)
{
    static const struct {
        const char *field, *head, *tail;
    } texts[] = { { "exif-ifd0-Artist", "<dc:creator><rdf:Seq><rdf:li>",
                    "</rdf:li></rdf:Seq></dc:creator>" },
                  { "exif-ifd0-Copyright",
                    "<dc:rights><rdf:Alt><rdf:li xml:lang=\"x-default\">",
                    "</rdf:li></rdf:Alt></dc:rights>" } };
    GString *xmp = g_string_new("<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
                                "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-"
                                "syntax-ns#\"><rdf:Description rdf:about=\"\" "
                                "xmlns:dc=\"http://purl.org/dc/elements/1.1/\">");
    bool has_any = false;
    for (size_t i = 0; i < IJ_ARRAY_LEN(texts); i++) {
        const char *text;
        size_t len = ij_metadata_text(image, texts[i].field, &text);
        if (len == 0)
            continue;
        has_any = true;
        char *xml = xml_of(text, len);
        g_string_append_printf(xmp, "%s%s%s", texts[i].head, xml, texts[i].tail);
        g_free(xml);
    }
    g_string_append(xmp, "</rdf:Description></rdf:RDF></x:xmpmeta>");
    if (has_any)
        vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, xmp->str, xmp->len);
    (void)g_string_free(xmp, TRUE);
}

/* ---- selecting ---- */

/* vips_image_get_fields() also names what every image has, which cannot be removed: such
 * a name is neither of the kinds above. */
static void remove_fields(VipsImage *image, int64_t kind, struct ij_metadata *left)
{
    int keeps = 0;
    if (vips_image_get_typeof(image, IJ_META_KEEP_PROFILE) == G_TYPE_INT)
        (void)vips_image_get_int(image, IJ_META_KEEP_PROFILE, &keeps); /* is there */
    bool keeps_profile = keeps && profile_fits(image);
    gchar **names = vips_image_get_fields(image);
    for (size_t i = 0; names && names[i]; i++) {
        const char *name = names[i];
        bool stays = true;
        if (is_profile(name)) {
            stays = keeps_profile;
            left->has_profile = stays;
        } else if (is_text(name)) {
            stays = kind == IJ_METADATA_ALL ||
                    (kind == IJ_METADATA_COPYRIGHT && says_who_made_it(image, name));
            left->has_texts |= stays;
        } else if (is_preview(name)) {
            stays = false;
        }
        if (!stays)
            (void)vips_image_remove(image, name); /* false: was not there */
    }
    g_strfreev(names);
}

int ij_metadata_select(VipsImage *image, int64_t kind, uint32_t format, VipsImage **made,
                       struct ij_metadata *left)
{
    *left = (struct ij_metadata){ 0 };
    VipsImage *copy;
    if (vips_copy(image, &copy, NULL) != 0)
        return -1;
    remove_fields(copy, kind, left);
    if (kind == IJ_METADATA_COPYRIGHT && format == IMGJOB_FORMAT_TIFF)
        set_authors_xmp(copy);
    else if (kind == IJ_METADATA_COPYRIGHT)
        set_authors(copy);
    *made = copy;
    return 0;
}

/* ---- WebP ---- */

static bool chunk_stays(const uint8_t *chunk, const struct ij_metadata *left)
{
    if (memcmp(chunk, "ICCP", 4) == 0)
        return left->has_profile;
    if (memcmp(chunk, "EXIF", 4) == 0 || memcmp(chunk, "XMP ", 4) == 0)
        return left->has_texts;
    return true;
}

/*
 * webpsave of libvips 8.14 keeps a profile and writes EXIF of its own making even when
 * told to strip, so those chunks are taken out again. A WebP file is "RIFF", size,
 * "WEBP", then chunks of name, size and bytes, padded to 2 (RFC 9649 §2.3).
 */
void ij_metadata_clean_webp(uint8_t *webp, size_t *len, const struct ij_metadata *left)
{
    enum { HEAD = 12, CHUNK_HEAD = 8, FLAGS = 20 };
    enum { HAS_ICC = 0x20, HAS_EXIF = 0x08, HAS_XMP = 0x04 };
    size_t end = HEAD;
    for (size_t at = HEAD; at + CHUNK_HEAD <= *len;) {
        uint64_t size = (uint64_t)CHUNK_HEAD + ij_little_endian(webp + at + 4);
        size += size & 1;
        if (size > *len - at)
            return; /* not what an encoder writes */
        if (chunk_stays(webp + at, left)) {
            memmove(webp + end, webp + at, (size_t)size);
            end += (size_t)size;
        }
        at += (size_t)size;
    }
    if (end == *len)
        return;
    *len = end;
    write_u32(webp + 4, (uint32_t)(end - CHUNK_HEAD));
    /* the flags of VP8X, always first where there is any such chunk */
    if (!left->has_profile)
        webp[FLAGS] &= (uint8_t)~HAS_ICC;
    if (!left->has_texts)
        webp[FLAGS] &= (uint8_t) ~(HAS_EXIF | HAS_XMP);
}
