/*
 * Owns how libvips' words become a failure. Its functions return only -1 and leave text,
 * so the text is searched for what the libraries below it are known to write; where that
 * says nothing, the file's own structure tells whether it was cut off.
 */
#include "image/source.h"

#include <string.h>

#include "base/auto.h"
#include "image/bytes.h"

struct fault {
    const char *words; /* lower case */
    enum ij_reason reason;
};

/* The first that is found counts. */
static const struct fault faults[] = {
    { "out of memory", IJ_REASON_MEMORY },
    { "cannot allocate", IJ_REASON_MEMORY },
    { "unable to allocate", IJ_REASON_MEMORY },
    { "security limit exceeded", IJ_REASON_TOO_LARGE }, /* libheif */
    { "unsupported codec", IJ_REASON_FORMAT },          /* libheif */
    { "premature end", IJ_REASON_TRUNCATED },           /* libjpeg */
    { "unexpected end", IJ_REASON_TRUNCATED },          /* libnsgif, libheif */
    { "end of stream", IJ_REASON_TRUNCATED },           /* libspng */
    { "not enough data", IJ_REASON_TRUNCATED },         /* libtiff */
    { "with stream length", IJ_REASON_TRUNCATED },      /* libopenjp2 */
    { "read error at", IJ_REASON_TRUNCATED },           /* libtiff, a strip */
    { "read error on", IJ_REASON_TRUNCATED },           /* libtiff, a tile */
    { "bad seek", IJ_REASON_TRUNCATED },                /* libtiff, beyond the end */
    { "truncated", IJ_REASON_TRUNCATED },
};

/* Whether the chunks run beyond the end, or stop before IEND. */
static bool png_is_cut(const uint8_t *bytes, size_t len)
{
    size_t at = 8;
    while (len - at >= 12) {
        uint32_t size = ij_big_endian(bytes + at);
        if (size > len - at - 12)
            return true;
        if (memcmp(bytes + at + 4, "IEND", 4) == 0)
            return false;
        at += (size_t)size + 12;
    }
    return true;
}

/* For the formats whose readers do not say it in words. */
static bool is_cut(const struct ij_source *source)
{
    const uint8_t *bytes = source->data;
    switch (source->format) {
    case IMGJOB_FORMAT_PNG:
        return png_is_cut(bytes, source->len);
    case IMGJOB_FORMAT_WEBP: /* RIFF: the size of all that follows its field */
        return ij_little_endian(bytes + 4) > source->len - 8;
    default:
        return false;
    }
}

/* One line: bytes of a stranger, cut to fit. */
static void take_library_text(struct ij_failure *failure)
{
    (void)snprintf(failure->library_text, sizeof(failure->library_text), "%s",
                   vips_error_buffer());
    vips_error_clear();
    size_t len = strlen(failure->library_text);
    while (len > 0 && (unsigned char)failure->library_text[len - 1] <= ' ')
        failure->library_text[--len] = '\0';
    for (char *at = failure->library_text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
}

/* The first words are of what failed first: an encoder only reports, after the decoder,
 * that it could not go on. Our target is memory, so what it cannot write are pixels that
 * did not come. */
static bool is_of_encoder(const struct ij_source *source, const char *text)
{
    if (strcasestr(text, "unable to write to target"))
        return false;
    /* "pngsave_buffer: …", "vips2tiff: …"; libvips calls both halves of libheif "heif" */
    size_t len = strcspn(text, ":");
    const char *save = strstr(text, "save");
    return (save && save < text + len) || strncmp(text, "vips2", 5) == 0 ||
           (strncmp(text, "heif:", 5) == 0 && source->format != IMGJOB_FORMAT_AVIF &&
            source->format != IMGJOB_FORMAT_HEIC);
}

static enum ij_reason reason_of(const struct ij_source *source, enum ij_stage stage,
                                const char *text)
{
    enum ij_reason found = IJ_REASON_NONE;
    for (size_t i = 0; i < IJ_ARRAY_LEN(faults) && found == IJ_REASON_NONE; i++)
        if (strcasestr(text, faults[i].words))
            found = faults[i].reason;
    if (found == IJ_REASON_MEMORY)
        return found;
    /* in stage encode the pixels were there */
    if (stage == IJ_STAGE_ENCODE || is_of_encoder(source, text))
        return IJ_REASON_ENCODE;
    if (found != IJ_REASON_NONE)
        return found;
    return is_cut(source) ? IJ_REASON_TRUNCATED : IJ_REASON_CORRUPT;
}

int ij_source_fail(const struct ij_source *source, enum ij_stage stage,
                   struct ij_failure *failure)
{
    enum ij_reason reason = reason_of(source, stage, vips_error_buffer());
    take_library_text(failure);
    const char *format = imgjob_format_name(source->format);
    switch (reason) {
    case IJ_REASON_MEMORY:
        return ij_failure_set(
            failure, stage, reason, IMGJOB_E_NOMEM,
            "out of memory on %s of %zu bytes (a worker has worker_memory_limit)", format,
            source->len);
    case IJ_REASON_TOO_LARGE:
        return ij_failure_set(failure, stage, reason, IMGJOB_E_LIMIT,
                              "%s of %zu bytes: larger than its decoder allows", format,
                              source->len);
    case IJ_REASON_FORMAT:
        return ij_failure_set(failure, stage, reason, IMGJOB_E_IMAGE,
                              "%s of %zu bytes: libvips has no decoder for its kind",
                              format, source->len);
    case IJ_REASON_ENCODE:
        return ij_failure_set(failure, IJ_STAGE_ENCODE, reason, IMGJOB_E_INTERNAL,
                              "the encoder failed on an image made of %s of %zu bytes",
                              format, source->len);
    case IJ_REASON_TRUNCATED:
        return ij_failure_set(failure, stage, reason, IMGJOB_E_IMAGE,
                              "%s of %zu bytes: the file is truncated", format,
                              source->len);
    default:
        if (stage == IJ_STAGE_STEPS)
            return ij_failure_set(failure, stage, IJ_REASON_STEP, IMGJOB_E_INTERNAL,
                                  "a step failed on %s of %zu bytes", format,
                                  source->len);
        return ij_failure_set(failure, stage, reason, IMGJOB_E_IMAGE,
                              "%s of %zu bytes: the file is corrupt", format,
                              source->len);
    }
}
