/** What to do with an image: steps and outputs, checked once. */
#ifndef IMGJOB_SPEC_H
#define IMGJOB_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>

IMGJOB_BEGIN_DECLS

/** Image formats, in and out. The numbers never change. @since 0.1 */
enum imgjob_format {
    /** As an input: not recognized; as an output: as the input. */
    IMGJOB_FORMAT_NONE = 0,
    IMGJOB_FORMAT_JPEG = 1,
    IMGJOB_FORMAT_PNG = 2,
    IMGJOB_FORMAT_WEBP = 3,
    IMGJOB_FORMAT_GIF = 4,
    IMGJOB_FORMAT_TIFF = 5, /**< where libvips has it */
    IMGJOB_FORMAT_AVIF = 6, /**< where libvips has it */
    IMGJOB_FORMAT_HEIC = 7, /**< read only, where libvips has it */
    IMGJOB_FORMAT_SVG = 8,  /**< read only, where libvips has it and `extra_formats` */
    IMGJOB_FORMAT_PDF = 9,  /**< read only, where libvips has it and `extra_formats` */
    /** Where libvips has it; read where `extra_formats` has it. */
    IMGJOB_FORMAT_JXL = 10,
    IMGJOB_FORMAT_JP2 = 11 /**< read only, where libvips has it and `extra_formats` */
};

/** A format as one of a set, such as `extra_formats`. @since 0.1 */
#define IMGJOB_FORMAT_BIT(format) (UINT32_C(1) << (format))

/**
 * "jpeg", "png", …; "" for IMGJOB_FORMAT_NONE and for any other number.
 *
 * @return a constant string
 * @since 0.1
 */
IMGJOB_API const char *imgjob_format_name(uint32_t format);

/**
 * The media type of a format, "image/jpeg"; "application/octet-stream" for any other.
 *
 * @return a constant string
 * @since 0.1
 */
IMGJOB_API const char *imgjob_format_media_type(uint32_t format);

/**
 * The extension of a file of that format, without a dot: "jpg", "png", "tif", …; "bin"
 * for any other number.
 *
 * @return a constant string
 * @since 0.1
 */
IMGJOB_API const char *imgjob_format_extension(uint32_t format);

/** How many further images the steps of a spec can take beside the image. @since 0.1 */
#define IMGJOB_INPUTS_MAX 8

/**
 * A checked spec. Immutable, so any number of threads may use one at the same time.
 *
 * @since 0.1
 */
struct imgjob_spec;

/**
 * Read a spec. Both forms are understood:
 *
 *     {"operation": "thumbnail", "width": 400, "height": 300, "output_format": "webp"}
 *     {"load":    {"page": 0, "pages": "all"},
 *      "steps":   [{"op": "resize", "width": 400, "height": 300, "fit": "inside"}],
 *      "outputs": [{"name": "small", "format": "webp", "quality": 80},
 *                  {"name": "grey", "steps": [{"op": "grayscale"}], "format": "auto"}],
 *      "info":    true}
 *
 * The first is short for one step and one output named "image". `resize` gives exactly
 * the dimensions asked for (`fit: fill`), `thumbnail` fits within them and keeps the
 * ratio (`fit: inside`); both enlarge a small image unless `"enlarge": false`. Sides are
 * 1..4096 px.
 *
 * In the long form every member may be absent. `steps`, at most 16, run on the decoded
 * image; each of at most 16 `outputs` may add 16 of its own. No outputs means one, named
 * "image"; `[]` makes none and needs `info`, which reports what is known about the image
 * (see imgjob_info_json()). A step that takes another image names it by `input`,
 * 1..IMGJOB_INPUTS_MAX; those that steps take are counted from 1 without a gap, and have
 * to be given to imgjob_store_submit() or imgjob_run(), and no others. A missing format
 * means: as the input where that is jpeg, png or webp, else png for an image with alpha
 * and jpeg for one without. The format "auto" tries `candidates` (webp, avif, jpeg) and
 * takes the smallest. `load` says which `page` and how many `pages` of the input are
 * taken (0 and 1), whether it is turned `upright` (true), and whether its colour
 * `profile` is kept
 * ("srgb" or "keep").
 *
 * imgjob_spec_schema() lists all operations and settings. Unknown keys, wrong types,
 * numbers out of range and settings that the format does not know are refused; the error
 * text begins with a JSON pointer to the place.
 *
 * @param json UTF-8, at most 64 KiB; need not be terminated
 * @param out  the caller's, to end with imgjob_spec_free(); untouched on failure
 * @return 0, or IMGJOB_E_SPEC, _INVALID, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_spec_parse(const char *json, size_t len, struct imgjob_spec **out,
                                 struct imgjob_error *err);

/**
 * The one text of this meaning: two specs that mean the same have the same canonical
 * text, byte for byte, whatever form they were written in. imgjob_spec_parse() reads it.
 *
 * @return borrowed until imgjob_spec_free()
 * @since 0.1
 */
IMGJOB_API const char *imgjob_spec_text(const struct imgjob_spec *spec);

/** Free a spec; NULL is fine. @since 0.1 */
IMGJOB_API void imgjob_spec_free(struct imgjob_spec *spec);

/**
 * What a spec may say, as a JSON Schema (2020-12): every operation, output setting and
 * load setting, with type, range, default and, as "x-unit", the unit.
 *
 * @param out the caller's, to end with imgjob_text_free(); untouched on failure
 * @return 0, or IMGJOB_E_NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_spec_schema(char **out, struct imgjob_error *err);

/**
 * The same for people: Markdown, with a table for each group of operations, one of output
 * settings and one of load settings.
 *
 * @param out the caller's, to end with imgjob_text_free(); untouched on failure
 * @return 0, or IMGJOB_E_NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_spec_markdown(char **out, struct imgjob_error *err);

/** Free a text that was handed over; NULL is fine. @since 0.1 */
IMGJOB_API void imgjob_text_free(char *text);

IMGJOB_END_DECLS
#endif
