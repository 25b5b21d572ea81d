/* A fixture through the whole pipeline, and what came out of it. */
#pragma once

#include "test.h"

#include <vips/vips.h>

#include "image/image.h"

/* ---- reading fixtures ---- */

struct bytes {
    char *data;
    size_t len;
};

static inline void bytes_done(struct bytes *bytes)
{
    free(bytes->data);
}

static inline struct bytes read_file(const char *directory, const char *name)
{
    char path[512];
    assert_true(snprintf(path, sizeof(path), "%s/%s", directory, name) <
                (int)sizeof(path));
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("no fixture %s", path);
    struct bytes bytes = { malloc(16 << 20), 0 };
    assert_non_null(bytes.data);
    bytes.len = fread(bytes.data, 1, 16 << 20, file);
    (void)fclose(file);
    bytes.data = realloc(bytes.data, bytes.len + 1); /* overreads are seen by ASan */
    return bytes;
}

static inline struct bytes fixture(const char *name)
{
    const char *directory = getenv("IJ_FIXTURES");
    if (!directory)
        fail_msg("IJ_FIXTURES names no directory");
    return read_file(directory, name);
}

/* An image as a file would hold it. @param suffix ".png", with options */
static inline struct bytes encoded(VipsImage *image, const char *suffix)
{
    void *data;
    size_t len;
    if (vips_image_write_to_buffer(image, suffix, &data, &len, NULL) != 0)
        fail_msg("%s: %s", suffix, vips_error_buffer());
    struct bytes bytes = { malloc(len), len };
    assert_non_null(bytes.data);
    memcpy(bytes.data, data, len);
    g_free(data);
    return bytes;
}

/* ---- running one image ---- */

struct made {
    struct ij_image_output outputs[IJ_SPEC_OUTPUTS_MAX];
    struct ij_image_output output; /* the first of them */
    struct ij_image_header header;
    struct ij_timings timings;
    struct ij_failure failure;
    VipsImage *images[IJ_SPEC_OUTPUTS_MAX]; /* what was encoded, decoded again, all of
                                             * its pages below each other */
    VipsImage *image;                       /* the first of them, borrowed */
    int header_answer;                      /* what on_header returns */
    int output_answer;                      /* what on_output returns */
    size_t output_calls;
};

static inline void made_done(struct made *made)
{
    for (size_t i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++)
        g_clear_object(&made->images[i]);
}

static inline int keep_header(void *data, const struct ij_image_header *header)
{
    struct made *made = data;
    made->header = *header;
    return made->header_answer;
}

static inline int keep_output(void *data, size_t index, const void *bytes, size_t len,
                              struct imgjob_error *err)
{
    struct made *made = data;
    assert_int_equal(index, made->output_calls);
    made->output_calls++;
    if (made->output_answer < 0)
        return ij_fail(err, made->output_answer, "no room for %zu bytes", len);
    VipsImage *read = vips_image_new_from_buffer(bytes, len, "", NULL);
    assert_non_null(read);
    if (vips_image_get_n_pages(read) > 1) {
        g_object_unref(read);
        read = vips_image_new_from_buffer(bytes, len, "[n=-1]", NULL);
        assert_non_null(read);
    }
    made->images[index] = vips_image_copy_memory(read);
    g_object_unref(read);
    assert_non_null(made->images[index]);
    made->image = made->images[0];
    return 0;
}

/* What a test changes of a job. */
struct setting {
    struct imgjob_limits limits;
    int64_t until_mono_ms;
    bool safe_shrink;
};

static inline int run_bytes(const struct bytes *bytes, const char *json,
                            const struct setting *setting, struct made *made)
{
    struct imgjob_error err;
    struct imgjob_limits limits = setting ? setting->limits : (struct imgjob_limits){ 0 };
    limits.size = sizeof(limits);
    assert_int_equal(ij_limits_read(&limits, &limits, &err), 0);
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    expect_code(0, ij_spec_parse(json, strlen(json), &ij_image_ops, &spec, &test_err));
    const struct ij_image_job job = {
        .inputs = { { bytes->data, bytes->len } },
        .input_count = 1,
        .spec = spec,
        .limits = &limits,
        .safe_shrink = setting && setting->safe_shrink,
        .until_mono_ms = setting ? setting->until_mono_ms : 0,
        .on_header = keep_header,
        .on_output = keep_output,
        .callback_data = made,
    };
    memset(&made->failure, 0xee, sizeof(made->failure));
    int rc = ij_image_run(&job, made->outputs, &made->timings, &made->failure);
    assert_int_equal(rc, made->failure.error.code);
    made->output = made->outputs[0];
    return rc;
}

static inline int run(const char *name, const char *json, const struct setting *setting,
                      struct made *made)
{
    IJ_AUTO(bytes_done) struct bytes bytes = fixture(name);
    return run_bytes(&bytes, json, setting, made);
}

static inline void expect_well(const char *name, int rc, const struct made *made)
{
    if (rc != 0)
        fail_msg("%s: %s (%s)", name, made->failure.error.text,
                 made->failure.library_text);
    for (size_t i = 0; i < made->output_calls; i++) {
        const struct ij_image_output *output = &made->outputs[i];
        assert_int_equal(vips_image_get_width(made->images[i]), output->width);
        assert_int_equal(vips_image_get_height(made->images[i]),
                         output->height * output->pages);
    }
}

static inline void run_well(const char *name, const char *json, struct made *made)
{
    expect_well(name, run(name, json, NULL, made), made);
}

static inline int start_image_room(void **state)
{
    (void)state;
    return ij_image_start(&test_err);
}

/* ---- specs ---- */

#define RESIZE(w, h) "{\"operation\":\"resize\",\"width\":" #w ",\"height\":" #h "}"
#define RESIZE_TO(w, h, f)                                      \
    "{\"operation\":\"resize\",\"width\":" #w ",\"height\":" #h \
    ",\"output_format\":\"" f "\"}"
#define THUMBNAIL(w, h) "{\"operation\":\"thumbnail\",\"width\":" #w ",\"height\":" #h "}"
#define THUMBNAIL_NOT_LARGER(w, h) \
    "{\"operation\":\"thumbnail\",\"width\":" #w ",\"height\":" #h ",\"enlarge\":false}"
