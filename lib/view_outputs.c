/* Owns what the outputs of a job look like from outside. */
#include "view_outputs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <imgjob/job.h>

#include "base/auto.h"
#include "spec/spec.h"
#include "store.h"

enum {
    URL_SIZE = IJ_PUBLIC_URL_SIZE + 32 + IMGJOB_ID_SIZE + IJ_OUTPUT_NAME_SIZE,
    WIDTH_SIZE = 32 /* ", " and the width as text */
};

/* Where a client fetches an output. */
static void describe_url(const struct ij_view_outputs *view, const struct ij_json *output,
                         char out[URL_SIZE])
{
    (void)snprintf(out, URL_SIZE, "%s/jobs/%s/download/%s", view->public_url, view->id,
                   ij_json_text(output, "name"));
}

/* What is there whatever the spec asked, and then what a search has left. */
static void put_numbers(struct ij_json_out *out, const struct ij_json *output)
{
    static const char *const always[] = { "width", "height", "bytes" };
    static const char *const searched[] = { "encodes", "quality", "colors" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(always); i++)
        ij_json_put_int(out, always[i], ij_json_int(ij_json_member(output, always[i])));
    const struct ij_json *pages = ij_json_member(output, "pages");
    ij_json_put_int(out, "pages", pages ? ij_json_int(pages) : 1); /* 0.1.0: only one */
    for (size_t i = 0; i < IJ_ARRAY_LEN(searched); i++) {
        const struct ij_json *value = ij_json_member(output, searched[i]);
        if (value)
            ij_json_put_int(out, searched[i], ij_json_int(value));
    }
    const struct ij_json *ssim = ij_json_member(output, "ssim");
    if (ssim)
        ij_json_put_real(out, "ssim", ij_json_real(ssim));
    if (ij_json_bool(ij_json_member(output, "over_budget")))
        ij_json_put_bool(out, "over_budget", true);
}

void ij_view_put_outputs(struct ij_json_out *out, const struct ij_view_outputs *view)
{
    ij_json_open(out, "outputs", '[');
    for (size_t i = 0; i < ij_json_count(view->outputs); i++) {
        const struct ij_json *output = ij_json_at(view->outputs, i);
        char url[URL_SIZE];
        describe_url(view, output, url);
        ij_json_open(out, NULL, '{');
        ij_json_put_str(out, "name", ij_json_text(output, "name"));
        ij_json_put_str(out, "format", ij_json_text(output, "format"));
        put_numbers(out, output);
        ij_json_put_str(out, "sha256", ij_json_text(output, "sha256"));
        ij_json_put_str(out, "url", url);
        ij_json_close(out, '}');
    }
    ij_json_close(out, ']');
}

/* Outputs of one format, no two of a width, by width. A plain value. */
struct widths {
    const struct ij_json *outputs[IJ_SPEC_OUTPUTS_MAX];
    size_t count;
};

static int64_t width_of(const struct ij_json *output)
{
    return ij_json_int(ij_json_member(output, "width"));
}

/* Put an output at its place; of those of one width the first stays. */
static void widths_add(struct widths *widths, const struct ij_json *output)
{
    size_t at = 0;
    while (at < widths->count && width_of(widths->outputs[at]) < width_of(output))
        at++;
    bool is_known =
        at < widths->count && width_of(widths->outputs[at]) == width_of(output);
    if (is_known || widths->count == IJ_SPEC_OUTPUTS_MAX)
        return;
    memmove(&widths->outputs[at + 1], &widths->outputs[at],
            (widths->count - at) * sizeof(widths->outputs[0]));
    widths->outputs[at] = output;
    widths->count++;
}

static struct widths widths_of(const struct ij_json *outputs, const char *format)
{
    struct widths widths = { .count = 0 };
    for (size_t i = 0; i < ij_json_count(outputs); i++) {
        const struct ij_json *output = ij_json_at(outputs, i);
        if (strcmp(ij_json_text(output, "format"), format) == 0)
            widths_add(&widths, output);
    }
    return widths;
}

/* What an <img srcset> wants: the first format, in the order of the outputs, that there
 * is in several widths. */
void ij_view_put_srcset(struct ij_json_out *out, const struct ij_view_outputs *view)
{
    struct widths widths = { .count = 0 };
    for (size_t i = 0; i < ij_json_count(view->outputs) && widths.count < 2; i++)
        widths = widths_of(view->outputs,
                           ij_json_text(ij_json_at(view->outputs, i), "format"));
    if (widths.count < 2)
        return;
    char text[IJ_SPEC_OUTPUTS_MAX * (URL_SIZE + WIDTH_SIZE)] = "";
    size_t used = 0;
    for (size_t i = 0; i < widths.count; i++) {
        char url[URL_SIZE];
        describe_url(view, widths.outputs[i], url);
        int len = snprintf(text + used, sizeof(text) - used, "%s%s %" PRId64 "w",
                           i > 0 ? ", " : "", url, width_of(widths.outputs[i]));
        used += len > 0 ? (size_t)len : 0; /* always fits */
    }
    ij_json_put_str(out, "srcset", text);
}
