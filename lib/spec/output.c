/*
 * Owns what an output may say: its name, its format, and the settings that its format
 * knows. A setting that would be ignored is refused.
 */
#include "spec/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

const char ij_output_name_default[] = "image";

#define WRITTEN_NAMES "jpeg", "png", "webp", "avif", "gif", "tiff", "jxl"
const char *const ij_output_formats[] = { WRITTEN_NAMES, NULL };
const char *const ij_output_candidates[] = { "webp", "avif", "jpeg", NULL };

static const char auto_name[] = "auto";
static const char outputs_at[] = "/outputs";
static const char *const or_auto[] = { WRITTEN_NAMES, "auto", NULL };

static const char *const chromas[] = {
    [IJ_CHROMA_AUTO] = "auto", [IJ_CHROMA_420] = "420", [IJ_CHROMA_444] = "444", NULL
};
static const char *const compressions[] = { [IJ_COMPRESSION_NONE] = "none",
                                            [IJ_COMPRESSION_DEFLATE] = "deflate",
                                            [IJ_COMPRESSION_LZW] = "lzw",
                                            [IJ_COMPRESSION_JPEG] = "jpeg",
                                            NULL };
static const char *const metadata[] = { [IJ_METADATA_STRIP] = "strip",
                                        [IJ_METADATA_COPYRIGHT] = "copyright",
                                        [IJ_METADATA_ALL] = "all",
                                        NULL };

const struct ij_param ij_output_params[IJ_OUT_PARAM_COUNT] = {
    [IJ_OUT_QUALITY] = { .name = "quality",
                         .type = IJ_PARAM_INT,
                         .min = 1,
                         .max = 100,
                         .doc = "How much of the image is kept; of tiff with compression "
                                "jpeg. With a search: the most it tries" },
    [IJ_OUT_EFFORT] = { .name = "effort",
                        .type = IJ_PARAM_INT,
                        .min = 0,
                        .max = 9,
                        .doc = "From fast to small, spread over what the encoder has" },
    [IJ_OUT_PROGRESSIVE] = { .name = "progressive",
                             .type = IJ_PARAM_BOOL,
                             .fallback = IJ_DEFAULT_INT(0),
                             .doc = "Coarse first, then finer" },
    [IJ_OUT_CHROMA] = { .name = "chroma",
                        .type = IJ_PARAM_CHOICE,
                        .fallback = IJ_DEFAULT_INT(IJ_CHROMA_AUTO),
                        .choices = chromas,
                        .doc = "420 halves the resolution of colours, 444 does not; auto "
                               "goes by the quality" },
    [IJ_OUT_LOSSLESS] = { .name = "lossless",
                          .type = IJ_PARAM_BOOL,
                          .fallback = IJ_DEFAULT_INT(0),
                          .doc = "Keep every pixel exactly" },
    [IJ_OUT_PALETTE] = { .name = "palette",
                         .type = IJ_PARAM_BOOL,
                         .fallback = IJ_DEFAULT_INT(0),
                         .doc = "Few colours, each pixel a number of one" },
    [IJ_OUT_COLORS] = { .name = "colors",
                        .type = IJ_PARAM_INT,
                        .min = 2,
                        .max = 256,
                        .fallback = IJ_DEFAULT_INT(256),
                        .doc = "The most colours of a palette; an image that has no more "
                               "keeps them all, else png makes 2, 4, 16 or 256 and gif a "
                               "power of 2; png needs palette" },
    [IJ_OUT_DITHER] = { .name = "dither",
                        .type = IJ_PARAM_REAL,
                        .min = 0,
                        .max = 1,
                        .fallback = IJ_DEFAULT_REAL(1),
                        .doc = "How much of a palette's error is spread to the pixels "
                               "around; png needs palette" },
    [IJ_OUT_COMPRESSION] = { .name = "compression",
                             .type = IJ_PARAM_CHOICE,
                             .fallback = IJ_DEFAULT_INT(IJ_COMPRESSION_DEFLATE),
                             .choices = compressions,
                             .doc = "How the pixels are packed; jpeg loses some" },
    [IJ_OUT_LOOP] = { .name = "loop",
                      .type = IJ_PARAM_INT,
                      .min = 0,
                      .max = 65535,
                      .doc = "How often an animation plays, 0 for ever; if absent, as "
                             "the input" },
    [IJ_OUT_DELAY] = { .name = "delay",
                       .type = IJ_PARAM_INT,
                       .min = 10,
                       .max = 60000,
                       .unit = "ms",
                       .doc = "How long every frame is shown; if absent, as the input" },
    [IJ_OUT_BACKGROUND] = { .name = "background",
                            .type = IJ_PARAM_COLOR,
                            .fallback = IJ_DEFAULT_COLOR(0xffffffff),
                            .doc = "Under transparent pixels, where the format has none; "
                                   "tiff needs compression jpeg" },
    [IJ_OUT_METADATA] = { .name = "metadata",
                          .type = IJ_PARAM_CHOICE,
                          .fallback = IJ_DEFAULT_INT(IJ_METADATA_STRIP),
                          .choices = metadata,
                          .doc = "What is kept of EXIF, XMP and IPTC; copyright keeps "
                                 "the artist and the copyright of EXIF, in a tiff as "
                                 "XMP; a tiff has no EXIF, and a gif none of them" },
    [IJ_OUT_MAX_BYTES] = { .name = "max_bytes",
                           .type = IJ_PARAM_INT,
                           .min = 1,
                           .max = 1 << 30,
                           .unit = "bytes",
                           .doc = "Search the best quality, or the most colours, that "
                                  "fit into so many" },
    [IJ_OUT_TARGET_SSIM] = { .name = "target_ssim",
                             .type = IJ_PARAM_REAL,
                             .min = 0.5,
                             .max = 0.9999,
                             .doc = "Search the lowest quality that is at least so like "
                                    "the image; excludes max_bytes" },
    [IJ_OUT_MIN_QUALITY] = { .name = "min_quality",
                             .type = IJ_PARAM_INT,
                             .min = 1,
                             .max = 100,
                             .fallback = IJ_DEFAULT_INT(10),
                             .doc = "Where a search ends, found or not; needs max_bytes "
                                    "or target_ssim" },
};

enum {
    JPEG = 1 << IMGJOB_FORMAT_JPEG,
    PNG = 1 << IMGJOB_FORMAT_PNG,
    WEBP = 1 << IMGJOB_FORMAT_WEBP,
    AVIF = 1 << IMGJOB_FORMAT_AVIF,
    GIF = 1 << IMGJOB_FORMAT_GIF,
    TIFF = 1 << IMGJOB_FORMAT_TIFF,
    JXL = 1 << IMGJOB_FORMAT_JXL,
    AS_INPUT = JPEG | PNG | WEBP, /* what an output without a format can become */
    WRITTEN = JPEG | PNG | WEBP | AVIF | GIF | TIFF | JXL
};

static const uint32_t formats_of[IJ_OUT_PARAM_COUNT] = {
    [IJ_OUT_QUALITY] = JPEG | WEBP | AVIF | TIFF | JXL,
    [IJ_OUT_EFFORT] = PNG | WEBP | AVIF | GIF | JXL,
    [IJ_OUT_PROGRESSIVE] = JPEG | PNG,
    [IJ_OUT_CHROMA] = JPEG | AVIF,
    [IJ_OUT_LOSSLESS] = WEBP | AVIF | JXL,
    [IJ_OUT_PALETTE] = PNG,
    [IJ_OUT_COLORS] = PNG | GIF,
    [IJ_OUT_DITHER] = PNG | GIF,
    [IJ_OUT_COMPRESSION] = TIFF,
    [IJ_OUT_LOOP] = WEBP | GIF,
    [IJ_OUT_DELAY] = WEBP | GIF,
    [IJ_OUT_BACKGROUND] = JPEG | TIFF,
    [IJ_OUT_METADATA] = WRITTEN & ~JXL,   /* libvips 8.14 writes none into it */
    [IJ_OUT_MAX_BYTES] = WRITTEN & ~TIFF, /* tiff has nothing to search */
    [IJ_OUT_TARGET_SSIM] = JPEG | WEBP | AVIF | JXL,
    [IJ_OUT_MIN_QUALITY] = JPEG | WEBP | AVIF | JXL,
};

static uint32_t bit_of(uint32_t format)
{
    return format < 32 ? UINT32_C(1) << format : 0;
}

bool ij_format_is_written(uint32_t format)
{
    return (bit_of(format) & WRITTEN) != 0;
}

bool ij_format_has_param(uint32_t format, enum ij_output_param param)
{
    return (bit_of(format) & formats_of[param]) != 0;
}

/* The formats that the output can get. */
static uint32_t formats_for(const struct ij_output_spec *output)
{
    if (output->format)
        return bit_of(output->format);
    uint32_t formats = 0;
    for (size_t i = 0; i < output->candidate_count; i++)
        formats |= bit_of(output->candidates[i]);
    return formats ? formats : AS_INPUT;
}

bool ij_spec_output_may_be(const struct ij_output_spec *output, uint32_t format)
{
    return (bit_of(format) & formats_for(output)) != 0;
}

uint32_t ij_spec_output_format(const struct ij_output_spec *output, uint32_t input_format,
                               bool has_alpha)
{
    if (output->format)
        return output->format;
    if (bit_of(input_format) & AS_INPUT)
        return input_format;
    return has_alpha ? IMGJOB_FORMAT_PNG : IMGJOB_FORMAT_JPEG;
}

bool ij_output_name_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < IJ_OUTPUT_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len &&
           name[0] != '_' && name[0] != '-';
}

/* ---- format ---- */

/* Refusing over `names`, which may hold "auto" beside the formats. */
static int read_format(const struct ij_json *value, const char *const *names,
                       const char *at, uint32_t *out, struct imgjob_error *err)
{
    int rc = ij_value_expect(value, IJ_JSON_STRING, at, err);
    if (rc < 0)
        return rc;
    uint32_t format = ij_format_by_name(ij_json_string(value));
    if (!ij_format_is_written(format))
        return ij_value_refuse_choice(names, ij_json_string(value), at, err);
    *out = format;
    return 0;
}

int ij_output_format_read(const struct ij_json *value, const char *at, uint32_t *out,
                          struct imgjob_error *err)
{
    *out = IMGJOB_FORMAT_NONE;
    return value ? read_format(value, ij_output_formats, at, out, err) : 0;
}

static int read_candidate(struct ij_output_spec *output, const struct ij_json *value,
                          const char *at, struct imgjob_error *err)
{
    uint32_t format = IMGJOB_FORMAT_NONE;
    int rc = read_format(value, ij_output_formats, at, &format, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < output->candidate_count; i++)
        if (output->candidates[i] == format)
            return ij_fail(err, IMGJOB_E_SPEC, "%s: %s is there already", at,
                           imgjob_format_name(format));
    output->candidates[output->candidate_count++] = format;
    return 0;
}

static int read_candidates(struct ij_output_spec *output, const struct ij_json *array,
                           const char *at, struct imgjob_error *err)
{
    if (!array) {
        for (size_t i = 0; ij_output_candidates[i]; i++)
            output->candidates[output->candidate_count++] =
                ij_format_by_name(ij_output_candidates[i]);
        return 0;
    }
    int rc = ij_list_expect(array, IJ_FORMATS_MAX, at, err);
    if (rc == 0 && ij_json_count(array) == 0)
        rc = ij_fail(err, IMGJOB_E_SPEC, "%s: must have at least 1", at);
    for (size_t i = 0; i < ij_json_count(array) && rc == 0; i++) {
        char where[IJ_POINTER_SIZE];
        ij_pointer_element(where, at, i);
        rc = read_candidate(output, ij_json_at(array, i), where, err);
    }
    return rc;
}

static int read_formats(const struct ij_json *object, const char *at,
                        struct ij_output_spec *output, struct imgjob_error *err)
{
    char where[IJ_POINTER_SIZE];
    const struct ij_json *format = ij_json_member(object, "format");
    const struct ij_json *candidates = ij_json_member(object, "candidates");
    bool is_auto = strcmp(ij_json_string(format), auto_name) == 0;
    if (format && !is_auto) {
        ij_pointer_member(where, at, "format");
        int rc = read_format(format, or_auto, where, &output->format, err);
        if (rc < 0)
            return rc;
    }
    ij_pointer_member(where, at, "candidates");
    if (is_auto)
        return read_candidates(output, candidates, where, err);
    if (candidates)
        return ij_fail(err, IMGJOB_E_SPEC, "%s: needs the format auto", where);
    return 0;
}

/* ---- settings ---- */

static int refuse_setting(const struct ij_output_spec *output, enum ij_output_param param,
                          const char *at, struct imgjob_error *err)
{
    if (output->format)
        return ij_fail(err, IMGJOB_E_SPEC, "%s: %s has no such setting", at,
                       imgjob_format_name(output->format));
    if (output->candidate_count)
        return ij_fail(err, IMGJOB_E_SPEC, "%s: no candidate has such a setting", at);
    if (param == IJ_OUT_TARGET_SSIM)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s: needs the format jpeg, webp, avif, jxl or auto", at);
    return ij_fail(err, IMGJOB_E_SPEC, "%s: needs a format that has it", at);
}

static bool can_have(const struct ij_output_spec *output, enum ij_output_param param)
{
    if (param == IJ_OUT_TARGET_SSIM && !output->format && !output->candidate_count)
        return false; /* as a png it would mean nothing */
    return (formats_for(output) & formats_of[param]) != 0;
}

static bool is_searched(const struct ij_output_spec *output)
{
    return output->values[IJ_OUT_MAX_BYTES].is_given ||
           output->values[IJ_OUT_TARGET_SSIM].is_given;
}

/* Whether the value that stands when nothing is written stands for this output. */
static bool has_default(const struct ij_output_spec *output, enum ij_output_param param)
{
    return ij_output_params[param].fallback.is_given && can_have(output, param) &&
           (param != IJ_OUT_MIN_QUALITY || is_searched(output));
}

void ij_output_set_defaults(struct ij_output_spec *output)
{
    for (size_t i = 0; i < IJ_OUT_PARAM_COUNT; i++)
        if (!output->values[i].is_given && has_default(output, i))
            output->values[i] = ij_output_params[i].fallback;
}

bool ij_output_is_default(const struct ij_output_spec *output, enum ij_output_param param)
{
    return !output->values[param].is_given ||
           ij_param_is_default(&ij_output_params[param], &output->values[param]);
}

/* What one setting needs of another; those not written are not given yet. */
static const char *missing_need(const struct ij_output_spec *output,
                                enum ij_output_param param)
{
    const struct ij_value *values = output->values;
    bool is_png = output->format == IMGJOB_FORMAT_PNG;
    bool is_tiff = output->format == IMGJOB_FORMAT_TIFF;
    switch (param) {
    case IJ_OUT_COLORS:
    case IJ_OUT_DITHER:
        return is_png && !values[IJ_OUT_PALETTE].integer ? "palette" : NULL;
    case IJ_OUT_QUALITY:
    case IJ_OUT_BACKGROUND:
        return is_tiff && values[IJ_OUT_COMPRESSION].integer != IJ_COMPRESSION_JPEG
                   ? "compression jpeg"
                   : NULL;
    case IJ_OUT_MIN_QUALITY:
        return is_searched(output) ? NULL : "max_bytes or target_ssim";
    default:
        return NULL;
    }
}

static int check_settings(const struct ij_output_spec *output, const char *at,
                          struct imgjob_error *err)
{
    const struct ij_value *values = output->values;
    for (size_t i = 0; i < IJ_OUT_PARAM_COUNT; i++) {
        const char *need = values[i].is_given ? missing_need(output, i) : NULL;
        if (need)
            return ij_fail(err, IMGJOB_E_SPEC, "%s/%s: needs %s", at,
                           ij_output_params[i].name, need);
    }
    if (values[IJ_OUT_MAX_BYTES].is_given && values[IJ_OUT_TARGET_SSIM].is_given)
        return ij_fail(err, IMGJOB_E_SPEC, "%s/target_ssim: excludes max_bytes", at);
    if (values[IJ_OUT_MIN_QUALITY].is_given && values[IJ_OUT_QUALITY].is_given &&
        values[IJ_OUT_MIN_QUALITY].integer > values[IJ_OUT_QUALITY].integer)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "%s/min_quality: must be at most the quality, %d, not %d", at,
                       (int)values[IJ_OUT_QUALITY].integer,
                       (int)values[IJ_OUT_MIN_QUALITY].integer);
    return 0;
}

static int read_settings(const struct ij_reading *reading, const struct ij_json *object,
                         const char *at, struct ij_output_spec *output)
{
    for (size_t i = 0; i < IJ_OUT_PARAM_COUNT; i++) {
        const struct ij_param *param = &ij_output_params[i];
        const struct ij_json *value = ij_json_member(object, param->name);
        if (!value)
            continue;
        char where[IJ_POINTER_SIZE];
        ij_pointer_member(where, at, param->name);
        int rc = can_have(output, i)
                     ? ij_param_read(reading, param, value, where, &output->values[i])
                     : refuse_setting(output, i, where, reading->err);
        if (rc < 0)
            return rc;
    }
    int rc = check_settings(output, at, reading->err);
    if (rc == 0)
        ij_output_set_defaults(output);
    return rc;
}

/* ---- outputs ---- */

static int read_name(const struct ij_reading *reading, const struct ij_json *value,
                     const char *at, struct ij_output_spec *output)
{
    const struct imgjob_spec *spec = reading->spec;
    const char *name = ij_output_name_default;
    if (value || spec->output_count > 1) {
        int rc = ij_value_expect(value, IJ_JSON_STRING, at, reading->err);
        if (rc < 0)
            return rc;
        name = ij_json_string(value);
    }
    if (!ij_output_name_valid(name))
        return ij_fail(
            reading->err, IMGJOB_E_SPEC,
            "%s: must be 1 to 64 of a-z 0-9 _ - and begin with a letter or digit", at);
    for (const struct ij_output_spec *other = spec->outputs; other < output; other++)
        if (strcmp(other->name, name) == 0)
            return ij_fail(reading->err, IMGJOB_E_SPEC,
                           "%s: '%s' is the name of another output", at, name);
    memcpy(output->name, name, strlen(name) + 1);
    return 0;
}

static int read_output(const struct ij_reading *reading, const struct ij_json *object,
                       const char *at, struct ij_output_spec *output)
{
    const char *members[IJ_OUT_PARAM_COUNT + 5] = { "name", "steps", "format",
                                                    "candidates" };
    for (size_t i = 0; i < IJ_OUT_PARAM_COUNT; i++)
        members[i + 4] = ij_output_params[i].name;
    int rc = ij_value_expect(object, IJ_JSON_OBJECT, at, reading->err);
    if (rc == 0)
        rc = ij_members_expect(object, members, at, reading->err);
    char where[IJ_POINTER_SIZE];
    ij_pointer_member(where, at, "name");
    if (rc == 0)
        rc = read_name(reading, ij_json_member(object, "name"), where, output);
    if (rc == 0)
        rc = read_formats(object, at, output, reading->err);
    if (rc == 0)
        rc = read_settings(reading, object, at, output);
    ij_pointer_member(where, at, "steps");
    if (rc == 0)
        rc = ij_steps_read(reading, ij_json_member(object, "steps"), where,
                           &output->steps, &output->step_count);
    return rc;
}

int ij_outputs_make(const struct ij_reading *reading, size_t count)
{
    struct imgjob_spec *spec = reading->spec;
    spec->outputs = calloc(count, sizeof(*spec->outputs));
    if (!spec->outputs)
        return ij_fail_nomem(reading->err, "reading a spec");
    spec->output_count = count;
    return 0;
}

int ij_outputs_read(const struct ij_reading *reading, const struct ij_json *array)
{
    struct imgjob_spec *spec = reading->spec;
    int rc =
        array ? ij_list_expect(array, IJ_SPEC_OUTPUTS_MAX, outputs_at, reading->err) : 0;
    size_t count = array ? ij_json_count(array) : 1;
    if (rc == 0 && count == 0) {
        if (spec->wants_info)
            return 0;
        rc = ij_fail(reading->err, IMGJOB_E_SPEC, "%s: may be empty only with info",
                     outputs_at);
    }
    if (rc == 0)
        rc = ij_outputs_make(reading, count);
    if (rc == 0 && !array) {
        memcpy(spec->outputs[0].name, ij_output_name_default,
               sizeof(ij_output_name_default));
        ij_output_set_defaults(&spec->outputs[0]);
        return 0;
    }
    for (size_t i = 0; i < count && rc == 0; i++) {
        char at[IJ_POINTER_SIZE];
        ij_pointer_element(at, outputs_at, i);
        rc = read_output(reading, ij_json_at(array, i), at, &spec->outputs[i]);
    }
    return rc;
}
