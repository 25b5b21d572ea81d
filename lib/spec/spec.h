/* A spec, checked: the same data in the server, in the job store (as text) and in the
 * worker. The public struct imgjob_spec is this one. */
#pragma once

#include <imgjob/spec.h>

#include "base/json.h"
#include "spec/op.h"

enum {
    IJ_SPEC_TEXT_MAX = 64 * 1024, /* bytes of a spec as it is sent */
    IJ_SPEC_DEPTH_MAX = 8,
    IJ_SPEC_STEPS_MAX = 1,   /* this version runs one step … */
    IJ_SPEC_OUTPUTS_MAX = 1, /* … and makes one output */
    IJ_OUTPUT_NAME_SIZE = 65 /* [a-z0-9][a-z0-9_-]{0,63} and a terminator */
};

struct ij_output_spec {
    char name[IJ_OUTPUT_NAME_SIZE];
    uint32_t format; /* enum imgjob_format; NONE = as the input */
};

struct imgjob_spec {
    struct ij_step steps[IJ_SPEC_STEPS_MAX];
    size_t step_count;
    struct ij_output_spec outputs[IJ_SPEC_OUTPUTS_MAX];
    size_t output_count; /* at least 1 */
    char *text;          /* canonical, made once */
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

/* The format an output gets, given what the input is. Never NONE. */
uint32_t ij_spec_output_format(const struct ij_output_spec *output, uint32_t input_format,
                               bool has_alpha);

bool ij_output_name_valid(const char *name);

/* "jpeg" → IMGJOB_FORMAT_JPEG, also "jpg"; NONE for what is no format. */
uint32_t ij_format_by_name(const char *name);

/* The extension of a file of that format: "jpg", "png", …; "bin" for any other. */
const char *ij_format_extension(uint32_t format);

/* The format that the first bytes of a file say; NONE if none that we read. 32 bytes are
 * enough. Pure; also used on the worker's outputs. */
uint32_t ij_format_sniff(const void *data, size_t len);
