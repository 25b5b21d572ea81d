/* A spec, checked: the same data in the server, in the job store (as text) and in the
 * worker. The public struct imgjob_spec is this one. */
#pragma once

#include <imgjob/spec.h>

#include "base/buf.h"
#include "base/json.h"
#include "spec/op.h"

enum {
    IJ_SPEC_TEXT_MAX = 64 * 1024, /* bytes of a spec as it is sent */
    IJ_SPEC_DEPTH_MAX = 8,
    IJ_SPEC_STEPS_MAX = 16, /* common ones, and of each output */
    IJ_SPEC_OUTPUTS_MAX = 16,
    IJ_SPEC_INPUTS_MAX = 9, /* the image and 8 more */
    IJ_SPEC_PAGES_MAX = 256,
    IJ_FORMATS_MAX = 16,             /* more than there are */
    IJ_OUTPUT_NAME_SIZE = 65,        /* [a-z0-9][a-z0-9_-]{0,63} and a terminator */
    IJ_WRITTEN_MAX = 8 * 1024 * 1024 /* bytes of a text that is made of all tables */
};

/* What an output may say beside name, steps and format: the index into
 * ij_output_params[] and ij_output_spec.values[]. */
enum ij_output_param {
    IJ_OUT_QUALITY,     /* INT 1..100: jpeg webp avif tiff(jpeg) jxl */
    IJ_OUT_EFFORT,      /* INT 0..9, fast to slow, spread over what the encoder has */
    IJ_OUT_PROGRESSIVE, /* BOOL: jpeg, png */
    IJ_OUT_CHROMA,      /* CHOICE auto 420 444: jpeg, avif */
    IJ_OUT_LOSSLESS,    /* BOOL: webp avif jxl */
    IJ_OUT_PALETTE,     /* BOOL: png */
    IJ_OUT_COLORS,      /* INT 2..256: png with palette, gif */
    IJ_OUT_DITHER,      /* REAL 0..1: png with palette, gif */
    IJ_OUT_COMPRESSION, /* CHOICE none deflate lzw jpeg: tiff */
    IJ_OUT_LOOP,        /* INT 0..65535, 0 = for ever: animated gif webp */
    IJ_OUT_DELAY,       /* INT ms 10..60000 of every frame; absent = as the input's */
    IJ_OUT_BACKGROUND,  /* COLOR: under transparent pixels where the format has none */
    IJ_OUT_METADATA,    /* CHOICE strip copyright all */
    IJ_OUT_MAX_BYTES,   /* INT */
    IJ_OUT_TARGET_SSIM, /* REAL 0.5..0.9999 */
    IJ_OUT_MIN_QUALITY, /* INT 1..100: floor of the search */
    IJ_OUT_PARAM_COUNT
};
extern const struct ij_param ij_output_params[IJ_OUT_PARAM_COUNT];

enum { IJ_CHROMA_AUTO, IJ_CHROMA_420, IJ_CHROMA_444 };
enum {
    IJ_COMPRESSION_NONE,
    IJ_COMPRESSION_DEFLATE,
    IJ_COMPRESSION_LZW,
    IJ_COMPRESSION_JPEG
};
enum { IJ_METADATA_STRIP, IJ_METADATA_COPYRIGHT, IJ_METADATA_ALL };

struct ij_output_spec {
    char name[IJ_OUTPUT_NAME_SIZE];
    uint32_t format; /* enum imgjob_format; NONE = as the input, or `candidates` */
    uint32_t candidates[IJ_FORMATS_MAX]; /* of format "auto": the smallest wins */
    size_t candidate_count;              /* 0 = not auto */
    struct ij_value values[IJ_OUT_PARAM_COUNT];
    struct ij_step *steps; /* after the common ones; NULL = none */
    size_t step_count;
};

/* How the input is opened. */
struct ij_load_spec {
    uint32_t page;      /* first one, from 0 */
    uint32_t pages;     /* how many, 1..256; 0 = all */
    bool is_upright;    /* EXIF orientation is applied; true by default */
    bool keeps_profile; /* false: converted to sRGB, the default */
};

struct imgjob_spec {
    struct ij_load_spec load;
    struct ij_step *steps;
    size_t step_count;
    struct ij_output_spec *outputs;
    size_t output_count; /* at least 1, or 0 with wants_info */
    bool wants_info;     /* report what is known about the image */
    uint32_t inputs;     /* that the steps take, the image included: 1.. */
    char *text;          /* canonical, made once */
    void **owned;        /* texts and numbers of the values */
    size_t owned_count;
};

/*
 * Read a spec over the given operations; see imgjob_spec_parse(). The text of a failure
 * begins with a JSON pointer: "/steps/0/width: must be 1..4096, not 4097".
 *
 * @return 0, or IMGJOB_E_SPEC, _NOMEM
 */
int ij_spec_parse(const char *json, size_t len, const struct ij_ops *ops,
                  struct imgjob_spec **out, struct imgjob_error *err);

/* The same from a parsed object, members that are no part of a spec refused. */
int ij_spec_read(const struct ij_json *object, const struct ij_ops *ops,
                 struct imgjob_spec **out, struct imgjob_error *err);

/*
 * Whether the further inputs that are there are the ones that the steps take: 1, 2, …
 * without a gap. The text of a failure begins with a JSON pointer:
 * "/steps/0/input: takes input 2, which was not given".
 *
 * @param given bit k: input k is there; that of the image says nothing
 * @return 0, or IMGJOB_E_SPEC
 */
int ij_spec_check_inputs(const struct imgjob_spec *spec, uint32_t given,
                         struct imgjob_error *err);

/* For IJ_AUTO(ij_spec_freep). */
static inline void ij_spec_freep(struct imgjob_spec **spec)
{
    imgjob_spec_free(*spec);
}

/* The short form of a spec that has one. */
struct ij_spec_short {
    const char *operation; /* "resize" or "thumbnail" */
    uint32_t width, height;
};

/* @return whether the spec says no more than the short form can */
bool ij_spec_short(const struct imgjob_spec *spec, struct ij_spec_short *out);

/* Describe every operation, output setting and load setting, with types, ranges, defaults
 * and units, as a JSON Schema (2020-12) of a spec. Failures stick in the buffer. */
void ij_spec_schema(const struct ij_ops *ops, struct ij_buf *out);

/* The same for people: a Markdown table per group of operations, and one of outputs. */
void ij_spec_markdown(const struct ij_ops *ops, struct ij_buf *out);

/* A number that differs, but for chance, where two tables describe their operations
 * differently: mistakes are found by it, not enemies. @return 0, or IMGJOB_E_NOMEM */
int ij_ops_hash(const struct ij_ops *ops, uint64_t *out, struct imgjob_error *err);

/* The format an output gets, given what the input is and whether what is encoded has
 * alpha; not for "auto". Never NONE. */
uint32_t ij_spec_output_format(const struct ij_output_spec *output, uint32_t input_format,
                               bool has_alpha);

/* Whether the output can come in that format: the one it names, any candidate, or what an
 * unnamed one becomes. */
bool ij_spec_output_may_be(const struct ij_output_spec *output, uint32_t format);

/* Whether an encoder of ours writes that format. */
bool ij_format_is_written(uint32_t format);

/* Whether an output of that format knows that setting. */
bool ij_format_has_param(uint32_t format, enum ij_output_param param);

bool ij_output_name_valid(const char *name);

/* "jpeg" → IMGJOB_FORMAT_JPEG, also "jpg"; NONE for what is no format. */
uint32_t ij_format_by_name(const char *name);

/* The extension of a file of that format: "jpg", "png", …; "bin" for any other. */
const char *ij_format_extension(uint32_t format);

/* The format that the first bytes of a file say; NONE if none that we know. 32 bytes are
 * enough, 64 for an SVG that begins with space. Pure; also used on the worker's outputs.
 */
uint32_t ij_format_sniff(const void *data, size_t len);

/* Whether files of that format are read: always, or since it is one of `extra`. */
bool ij_format_is_read(uint32_t format, uint32_t extra);

/* The formats that are read, for people: "jpeg, png, …, heic, svg". Never cut off. */
enum { IJ_FORMATS_TEXT_SIZE = 80 };
void ij_formats_read(uint32_t extra, char out[IJ_FORMATS_TEXT_SIZE]);

/* Whether each of the set can be switched on. @return 0, or IMGJOB_E_INVALID */
int ij_extra_formats_check(uint32_t extra, struct imgjob_error *err);
