/** What to do with an image: steps and outputs, checked once. */
#ifndef IMGJOB_SPEC_H
#define IMGJOB_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>

IMGJOB_BEGIN_DECLS

/** Image formats, in and out. The numbers never change. @since 0.1 */
enum imgjob_format {
    IMGJOB_FORMAT_NONE =
        0, /**< as an input: not recognized; as an output: as the input */
    IMGJOB_FORMAT_JPEG = 1,
    IMGJOB_FORMAT_PNG = 2,
    IMGJOB_FORMAT_WEBP = 3,
    IMGJOB_FORMAT_GIF = 4,  /**< read only */
    IMGJOB_FORMAT_TIFF = 5, /**< read only, where libvips has it */
    IMGJOB_FORMAT_AVIF = 6, /**< read only, where libvips has it */
    IMGJOB_FORMAT_HEIC = 7  /**< read only, where libvips has it */
};

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
 * A checked spec. Immutable, so any number of threads may use one at the same time.
 *
 * @since 0.1
 */
struct imgjob_spec;

/**
 * Read a spec. Both forms are understood:
 *
 *     {"operation": "thumbnail", "width": 400, "height": 300, "output_format": "webp"}
 *     {"steps":   [{"op": "resize", "width": 400, "height": 300, "fit": "inside"}],
 *      "outputs": [{"name": "image", "format": "webp"}]}
 *
 * The first is short for the second. `resize` gives exactly the dimensions asked for
 * (`fit: fill`), `thumbnail` fits within them and keeps the ratio (`fit: inside`); both
 * enlarge a small image unless `"enlarge": false`. Sides are 1..4096 px. A missing output
 * format means: as the input where that is jpeg, png or webp, else png for an image with
 * alpha and jpeg for one without. Unknown keys, wrong types and numbers out of range are
 * refused; the error text begins with a JSON pointer to the place.
 *
 * In this version a spec has exactly one step and one output.
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

IMGJOB_END_DECLS
#endif
