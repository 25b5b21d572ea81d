/**
 * One image, now, in the caller's own process: for programs that trust their images.
 *
 * The decoders of libvips run in the calling thread here. A hostile image can crash the
 * process or hang it; bytes from strangers belong in a pool (imgjob/pool.h), whose
 * workers are processes of their own.
 */
#ifndef IMGJOB_IMAGE_H
#define IMGJOB_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/spec.h>

IMGJOB_BEGIN_DECLS

/**
 * What one image may cost. Zero means "default" in every field; an error names the field.
 * Numbers of bytes and pixels are at most 2^63-1.
 *
 * @since 0.1
 */
struct imgjob_limits {
    size_t size; /**< sizeof(struct imgjob_limits) */
    /** Bytes of all inputs, checked before any is looked into; 0 = 10,485,760. */
    uint64_t max_upload_size;
    /** Bytes of all outputs of a job, checked after each was encoded; 0 = 67,108,864. */
    uint64_t max_output_size;
    /** Width × height × pages. Of an input, checked when its header was read, and of what
     * a step makes, checked before any pixel moves; 0 = 50,000,000. */
    uint64_t max_pixels;
    /** The same for progressive or interlaced inputs, by the header; 0 = 20,000,000. */
    uint64_t max_progressive_pixels;
    /** Px, each side of an input, by the header; at most 10,000,000; 0 = 16,384. */
    uint32_t max_side;
    /** Pages or frames that a spec may ask for, 1..256, checked by the header; 0 = 256.
     * One is taken where it asks for none. */
    uint32_t max_pages;
    /** Formats that are read beside jpeg, png, webp, gif, tiff, avif and heic: a set of
     * IMGJOB_FORMAT_BIT() of SVG, PDF, JXL and JP2; 0 = none. libvips calls their readers
     * untrusted, so switch on only what is needed. An SVG or PDF is drawn as large as the
     * steps need it, within max_side and max_pixels; its own size is that at 72 dpi. */
    uint32_t extra_formats;
    uint32_t reserved; /**< 0 */
};

/** An encoded image in memory, borrowed. @since 0.1 */
struct imgjob_image_bytes {
    const void *data;
    size_t len; /**< bytes */
};

/** Options of imgjob_run() and imgjob_info(). Zero means "default". @since 0.1 */
struct imgjob_run_options {
    size_t size;                        /**< sizeof(struct imgjob_run_options) */
    const struct imgjob_limits *limits; /**< read during the call; NULL = all defaults */
    uint32_t timeout_ms; /**< stop after this, at the next tile; 0 = 30,000 */
    /** 1 = keep libvips' factor-2 margin when a JPEG is decoded at reduced size: slower,
     * a little sharper. */
    uint32_t safe_shrink;
    /** Further images that steps take: `"input": 1` is the first of them; as many as the
     * steps take, none empty. Borrowed during the call; imgjob_info() and
     * imgjob_info_json() look at none. */
    const struct imgjob_image_bytes *inputs;
    size_t input_count; /**< 0..IMGJOB_INPUTS_MAX */
};

/** The outputs of one run; owned by one thread at a time. @since 0.1 */
struct imgjob_result;

/** One output. Grows at its end only. @since 0.1 */
struct imgjob_output {
    const char *name; /**< as in the spec; "image" for the short form */
    uint32_t format;  /**< enum imgjob_format */
    uint32_t width;   /**< px */
    uint32_t height;  /**< px */
    const void *data; /**< the encoded image; borrowed until imgjob_result_free() */
    size_t len;       /**< bytes */
};

/**
 * Decode `image`, do what `spec` says, encode the outputs.
 *
 * Any thread, any number at a time. The first call starts libvips for the whole process:
 * with its operation cache off, one thread per image, the loaders that libvips calls
 * untrusted blocked (but of `extra_formats`), and its warnings dropped (they quote the
 * bytes of strangers). The error text of libvips is one per process, so with several runs
 * at once a text may name another run's fault; the code is always right.
 *
 * @param image   borrowed during the call
 * @param options read during the call; NULL = all defaults
 * @param out     the caller's, to end with imgjob_result_free(); untouched on failure
 * @return 0, or IMGJOB_E_IMAGE, _LIMIT, _SPEC, _TIMEOUT, _NOMEM, _INVALID, _ABI,
 * _INTERNAL
 * @since 0.1
 */
IMGJOB_API int imgjob_run(const void *image, size_t len, const struct imgjob_spec *spec,
                          const struct imgjob_run_options *options,
                          struct imgjob_result **out, struct imgjob_error *err);

/** How many outputs; 0 for a spec with `"outputs": []`. @since 0.1 */
IMGJOB_API size_t imgjob_result_count(const struct imgjob_result *result);

/**
 * The output at `index`, in the order of the spec.
 *
 * @return borrowed until imgjob_result_free(); NULL when there are fewer
 * @since 0.1
 */
IMGJOB_API const struct imgjob_output *imgjob_result_output(
    const struct imgjob_result *result, size_t index);

/**
 * What is known about the image, for a spec with `"info": true`: the JSON object that
 * imgjob_info_json() describes.
 *
 * @return borrowed until imgjob_result_free(); NULL when the spec did not ask
 * @since 0.1
 */
IMGJOB_API const char *imgjob_result_info(const struct imgjob_result *result);

/** Free a result with all its outputs; NULL is fine. @since 0.1 */
IMGJOB_API void imgjob_result_free(struct imgjob_result *result);

/** What the header of an image says. @since 0.1 */
struct imgjob_image_info {
    size_t size;          /**< set by the caller: sizeof(struct imgjob_image_info) */
    uint32_t format;      /**< enum imgjob_format */
    uint32_t width;       /**< px of one page, as stored: orientation not yet applied */
    uint32_t height;      /**< px of one page, as stored */
    uint32_t pages;       /**< pages or frames in the file, at least 1 */
    uint32_t bands;       /**< channels, alpha included */
    uint32_t bits;        /**< per channel: 1, 2, 4, 8, 16 or 32 */
    uint32_t orientation; /**< EXIF, 1..8; 1 = upright */
    bool has_alpha;
    bool has_profile; /**< an ICC profile is embedded */
    bool progressive; /**< progressive JPEG or interlaced PNG or GIF */
};

/**
 * Read the header of an image; no pixel is decoded. No limit but the upload size applies.
 *
 * @param options read during the call; NULL = all defaults
 * @param out     `size` must be set; filled on success
 * @return 0, or IMGJOB_E_IMAGE, _LIMIT, _INVALID, _ABI, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_info(const void *image, size_t len,
                           const struct imgjob_run_options *options,
                           struct imgjob_image_info *out, struct imgjob_error *err);

/**
 * Decode an image and tell all that is known about it, as one JSON object of at most 16
 * KiB: format, width and height (px, upright), pages, orientation, bands, bits,
 * has_alpha, progressive; profile and some EXIF fields; average and dominant colour,
 * palette with shares, entropy (bits), sharpness (variance of the Laplacian), blurhash,
 * thumbhash (base64), phash (hexadecimal). What comes from pixels is measured on the
 * first page, at no more than 512 px a side.
 *
 * @param options read during the call; NULL = all defaults. All limits apply
 * @param out     the caller's, to end with imgjob_text_free(); untouched on failure
 * @return 0, or IMGJOB_E_IMAGE, _LIMIT, _TIMEOUT, _INVALID, _ABI, _NOMEM, _INTERNAL
 * @since 0.1
 */
IMGJOB_API int imgjob_info_json(const void *image, size_t len,
                                const struct imgjob_run_options *options, char **out,
                                struct imgjob_error *err);

IMGJOB_END_DECLS
#endif
