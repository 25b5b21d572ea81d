/*
 * The bound of the engine's benchmark: what libvips alone takes. Best practice
 * throughout: a stream where the operation allows one, 8 bits where they do, a table
 * where it is all about levels, the encoder settings that the engine uses. Nothing is
 * checked, planned or limited, and every number is known beforehand.
 *
 * Owns how a case is run; the cases stand in by_hand_<group>.c.
 */
#include "by_hand.h"

#include <stdint.h>

#include "by_hand_cases.h"

static const struct hand_group *const groups[] = { &hand_geometry, &hand_filters,
                                                   &hand_colour, &hand_compositing,
                                                   &hand_formats };

const struct hand_case *hand_case_at(size_t index)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (index < groups[i]->count)
            return &groups[i]->cases[index];
        index -= groups[i]->count;
    }
    return NULL;
}

static int save_jpeg(VipsImage *image, void **out, size_t *len)
{
    return vips_jpegsave_buffer(image, out, len, "Q", 80, "strip", TRUE, NULL);
}

static int is_png(const struct bench_bytes *bytes)
{
    return ((const uint8_t *)bytes->data)[0] == 0x89;
}

static int load(const struct bench_bytes *bytes, int shrink, VipsImage **out)
{
    if (is_png(bytes))
        return vips_pngload_buffer(bytes->data, bytes->len, out, "access",
                                   VIPS_ACCESS_SEQUENTIAL, NULL);
    return vips_jpegload_buffer(bytes->data, bytes->len, out, "access",
                                VIPS_ACCESS_SEQUENTIAL, "shrink", shrink ? shrink : 1,
                                NULL);
}

static int hold(VipsImage **image)
{
    VipsImage *held = vips_image_copy_memory(*image);
    if (!held)
        return -1;
    g_object_unref(*image);
    *image = held;
    return 0;
}

int hand_run(const struct hand_case *which, const struct bench_bytes *inputs,
             struct bench_bytes *out)
{
    struct hand hand = { { NULL }, { NULL } };
    VipsImage *made = NULL;
    int failed = 0;
    for (int i = 0; i < HAND_INPUTS_MAX && which->images[i] && !failed; i++) {
        failed = load(&inputs[i], i == 0 ? which->shrink : 1, &hand.inputs[i]);
        if (!failed && (i > 0 || which->is_held))
            failed = hold(&hand.inputs[i]);
    }
    failed = failed || which->process(&hand, &made) ||
             (which->save ? which->save : save_jpeg)(made, &out->data, &out->len);
    for (int i = HAND_STEPS_MAX - 1; i >= 0; i--)
        g_clear_object(&hand.t[i]);
    for (int i = 0; i < HAND_INPUTS_MAX; i++)
        g_clear_object(&hand.inputs[i]);
    return failed ? -1 : 0;
}
