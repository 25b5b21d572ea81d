/* What a run tells of how far it is: by a clock that steps on each look, so that every
 * change is told, or that stands still. */
#include "image_case.h"

#include "image/meter.h"

enum { TOLD_MAX = 1000 };

struct told {
    struct ij_progress all[TOLD_MAX];
    size_t count;
    int64_t now_ms, step_ms; /* of the clock */
    atomic_bool stop;
    uint32_t stop_at; /* per cent; 0 = never */
    size_t output_calls;
};

static int64_t step(void *data)
{
    struct told *told = data;
    told->now_ms += told->step_ms;
    return told->now_ms;
}

static void keep_progress(void *data, const struct ij_progress *progress)
{
    struct told *told = data;
    assert_true(told->count < TOLD_MAX);
    told->all[told->count++] = *progress;
    if (told->stop_at > 0 && progress->percent >= told->stop_at)
        atomic_store(&told->stop, true);
}

static int count_output(void *data, size_t index, const void *bytes, size_t len,
                        struct imgjob_error *err)
{
    struct told *told = data;
    (void)index;
    (void)bytes;
    (void)len;
    (void)err;
    told->output_calls++;
    return 0;
}

static int keep_info(void *data, const char *json, size_t len, struct imgjob_error *err)
{
    (void)data;
    (void)json;
    (void)len;
    (void)err;
    return 0;
}

/* Run a spec on an image. @return as ij_image_run() */
static int tell_of(struct told *told, const struct bytes *image, const char *json)
{
    struct imgjob_spec *spec = NULL;
    struct imgjob_limits limits;
    struct ij_image_output outputs[IJ_SPEC_OUTPUTS_MAX];
    struct ij_timings timings;
    struct ij_failure failure;
    const struct ij_clock clock = { .mono_ms = step, .data = told };
    expect_code(0, ij_spec_parse(json, strlen(json), &ij_image_ops, &spec, &test_err));
    expect_code(0, ij_limits_read(NULL, &limits, &test_err));
    const struct ij_image_job job = {
        .inputs = { { image->data, image->len } },
        .input_count = 1,
        .spec = spec,
        .limits = &limits,
        .stop = &told->stop,
        .on_output = count_output,
        .on_info = keep_info,
        .on_progress = keep_progress,
        .clock = &clock,
        .callback_data = told,
    };
    int rc = ij_image_run(&job, outputs, &timings, &failure);
    test_err = failure.error;
    imgjob_spec_free(spec);
    return rc;
}

/* A gradient with some life in it, many strips high. */
static struct bytes picture(const char *suffix)
{
    VipsImage *grey = NULL, *made = NULL;
    assert_int_equal(vips_grey(&grey, 300, 4000, "uchar", TRUE, NULL), 0);
    assert_int_equal(vips_bandjoin2(grey, grey, &made, NULL), 0);
    g_object_unref(grey);
    VipsImage *rgb = NULL;
    assert_int_equal(vips_colourspace(made, &rgb, VIPS_INTERPRETATION_sRGB,
                                      "source_space", VIPS_INTERPRETATION_B_W, NULL),
                     0);
    g_object_unref(made);
    struct bytes bytes = encoded(rgb, suffix);
    g_object_unref(rgb);
    return bytes;
}

static bool was_told(const struct told *told, enum ij_stage stage, uint32_t output)
{
    for (size_t i = 0; i < told->count; i++)
        if (told->all[i].stage == stage && told->all[i].output == output)
            return true;
    return false;
}

/* It only rises, ends below 100, and names what there is. */
static void expect_sane(const struct told *told, uint32_t output_count)
{
    for (size_t i = 0; i < told->count; i++) {
        const struct ij_progress *at = &told->all[i];
        assert_in_range(at->percent, i ? told->all[i - 1].percent : 0, IJ_METER_MAX);
        assert_in_range(at->stage, IJ_STAGE_DECODE, IJ_STAGE_ENCODE);
        assert_in_range(at->output, 0, output_count ? output_count - 1 : 0);
    }
}

static void a_single_stream_counts_to_its_end(void **state)
{
    (void)state;
    struct told told = { .step_ms = 1000 };
    struct bytes image = picture(".png");
    expect_code(0, tell_of(&told, &image,
                           "{\"steps\":[{\"op\":\"resize\",\"width\":290}],"
                           "\"outputs\":[{\"format\":\"jpeg\"}]}"));
    expect_sane(&told, 1);
    assert_in_range(told.all[told.count - 1].percent, 1, IJ_METER_MAX);
    assert_true(was_told(&told, IJ_STAGE_DECODE, 0)); /* the encoder only waits for it */
    assert_false(was_told(&told, IJ_STAGE_ENCODE, 0));
    bytes_done(&image);
}

static void what_is_left_to_the_encoder_does_not_count_before(void **state)
{
    (void)state;
    struct told told = { .step_ms = 1000 };
    struct bytes image = picture(".png");
    expect_code(0, tell_of(&told, &image, "{\"outputs\":[{\"format\":\"webp\"}]}"));
    expect_sane(&told, 1);
    assert_in_range(told.count, 2, TOLD_MAX);
    assert_int_equal(told.all[0].stage, IJ_STAGE_DECODE);
    assert_int_equal(told.all[1].stage, IJ_STAGE_ENCODE);
    assert_int_equal(told.all[1].percent, 0);
    bytes_done(&image);
}

static void each_output_is_told_of_in_its_turn(void **state)
{
    (void)state;
    static const char *const specs[] = {
        /* from the larger to the smaller */
        "{\"outputs\":[{\"name\":\"a\",\"format\":\"jpeg\",\"steps\":"
        "[{\"op\":\"resize\",\"width\":300}]},{\"name\":\"b\",\"format\":\"webp\","
        "\"steps\":[{\"op\":\"resize\",\"width\":200}]}]}",
        /* from one that is held */
        "{\"steps\":[{\"op\":\"rotate\",\"angle\":90}],\"outputs\":[{\"name\":\"a\","
        "\"format\":\"png\"},{\"name\":\"b\",\"format\":\"webp\",\"steps\":"
        "[{\"op\":\"blur\",\"sigma\":2}]}]}",
    };
    struct bytes image = picture(".png");
    for (size_t i = 0; i < IJ_ARRAY_LEN(specs); i++) {
        struct told told = { .step_ms = 1000 };
        expect_code(0, tell_of(&told, &image, specs[i]));
        expect_sane(&told, 2);
        assert_true(was_told(&told, IJ_STAGE_ENCODE, 0));
        assert_true(was_told(&told, IJ_STAGE_ENCODE, 1));
        assert_int_equal(told.all[told.count - 1].output, 1);
        assert_in_range(told.all[told.count - 1].percent, 66, IJ_METER_MAX);
    }
    bytes_done(&image);
}

static void whatever_is_asked_for_it_never_falls(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        uint32_t outputs;
    } cases[] = {
        { "{\"outputs\":[],\"info\":true}", 0 },
        { "{\"outputs\":[{\"format\":\"png\"}],\"info\":true}", 1 },
        { "{\"outputs\":[{\"format\":\"jpeg\",\"max_bytes\":4000}]}", 1 },
        { "{\"outputs\":[{\"format\":\"webp\",\"target_ssim\":0.95}]}", 1 },
        { "{\"outputs\":[{\"format\":\"png\",\"palette\":true}]}", 1 },
        { "{\"outputs\":[{\"format\":\"auto\",\"candidates\":[\"webp\",\"jpeg\"]}]}", 1 },
        { "{\"steps\":[{\"op\":\"trim\"},{\"op\":\"normalize\"},{\"op\":\"rotate\","
          "\"angle\":7}],\"outputs\":[{\"format\":\"jpeg\",\"progressive\":true}]}",
          1 },
    };
    struct bytes image = picture(".jpg");
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct told told = { .step_ms = 1000 };
        expect_code(0, tell_of(&told, &image, cases[i].spec));
        expect_sane(&told, cases[i].outputs);
        assert_true(told.count > 0);
    }
    bytes_done(&image);
}

static void a_quick_job_tells_nothing_unless_its_encoder_is_slow(void **state)
{
    (void)state;
    struct told told = { .step_ms = 0 };
    struct bytes image = picture(".png");
    expect_code(0, tell_of(&told, &image, "{\"outputs\":[{\"format\":\"jpeg\"}]}"));
    assert_int_equal(told.count, 0);
    expect_code(0, tell_of(&told, &image,
                           "{\"steps\":[{\"op\":\"resize\",\"width\":16}],"
                           "\"outputs\":[{\"format\":\"avif\",\"effort\":0}]}"));
    assert_int_equal(told.count, 1);
    assert_int_equal(told.all[0].stage, IJ_STAGE_ENCODE);
    bytes_done(&image);
}

static void a_run_that_is_stopped_ends_within_its_pass(void **state)
{
    (void)state;
    struct told told = { .step_ms = 1000, .stop_at = 30 };
    struct bytes image = picture(".png");
    expect_code(IMGJOB_E_TIMEOUT,
                tell_of(&told, &image, "{\"outputs\":[{\"format\":\"jpeg\"}]}"));
    assert_int_equal(told.output_calls, 0);
    assert_in_range(told.all[told.count - 1].percent, 30, 90);
    bytes_done(&image);
}

static void a_pass_moves_within_its_phase(void **state)
{
    (void)state;
    struct told told = { .step_ms = 1000 };
    const struct ij_clock clock = { .mono_ms = step, .data = &told };
    struct ij_meter meter = { .tell = keep_progress, .data = &told, .clock = &clock };
    VipsImage *image = NULL, *held;
    ij_meter_init(&meter);
    assert_int_equal(vips_black(&image, 64, 2000, NULL), 0);
    ij_meter_watch(&meter, image);
    const struct ij_meter_phase decode = { .stage = IJ_STAGE_DECODE, .end = 40 };
    ij_meter_begin(&meter, &decode);
    /* each takes half of what is left, as far as it is told */
    static const uint32_t most[] = { 20, 30, 35 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(most); i++) {
        held = vips_image_copy_memory(image);
        assert_non_null(held);
        g_object_unref(held);
        assert_in_range(told.all[told.count - 1].percent, 0, most[i]);
    }
    const struct ij_meter_phase encode = { .stage = IJ_STAGE_ENCODE,
                                           .end = 90,
                                           .has_one_pass = true };
    ij_meter_begin(&meter, &encode);
    assert_int_equal(told.all[told.count - 1].percent, 40);
    held = vips_image_copy_memory(image);
    assert_non_null(held);
    g_object_unref(held);
    expect_sane(&told, 1);
    assert_in_range(told.all[told.count - 1].percent, 40, 90);
    const struct ij_meter_phase after = { .stage = IJ_STAGE_ENCODE, .end = 90 };
    ij_meter_begin(&meter, &after);
    assert_int_equal(told.all[told.count - 1].percent, 90);
    g_object_unref(image);
    ij_meter_done(&meter);
}

static int start(void **state)
{
    (void)state;
    return ij_image_start(&test_err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_moves_within_its_phase),
        cmocka_unit_test(a_single_stream_counts_to_its_end),
        cmocka_unit_test(what_is_left_to_the_encoder_does_not_count_before),
        cmocka_unit_test(each_output_is_told_of_in_its_turn),
        cmocka_unit_test(whatever_is_asked_for_it_never_falls),
        cmocka_unit_test(a_quick_job_tells_nothing_unless_its_encoder_is_slow),
        cmocka_unit_test(a_run_that_is_stopped_ends_within_its_pass),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
