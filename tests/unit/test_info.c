/* What is known about an image: told by a run, by a call of its own, by a job. */
#include "place.h"

#include <unistd.h>

#include "base/json.h"

static const char info_only[] = "{\"outputs\":[],\"info\":true}";
static const char info_beside[] =
    "{\"steps\":[{\"op\":\"resize\",\"width\":3,\"height\":2}],\"info\":true}";

struct image {
    char bytes[1 << 20];
    size_t len;
};

/* A fixture; freed with free(). */
static struct image *read_image(const char *name)
{
    const char *directory = getenv("IJ_FIXTURES");
    if (!directory)
        fail_msg("IJ_FIXTURES names no directory");
    IJ_AUTO(ij_free) char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
    struct image *image = calloc(1, sizeof(*image));
    FILE *file = fopen(path, "rb");
    assert_non_null(image);
    if (!file)
        fail_msg("no fixture %s", path);
    image->len = fread(image->bytes, 1, sizeof(image->bytes), file);
    (void)fclose(file);
    assert_true(image->len > 0 && image->len < sizeof(image->bytes));
    return image;
}

static struct ij_json *parse(const char *text)
{
    struct ij_json *root = NULL;
    assert_non_null(text);
    expect_code(0, ij_json_parse(text, strlen(text), 8, &root, &test_err));
    return root;
}

static void expect_int(const struct ij_json *object, const char *key, int64_t value)
{
    const struct ij_json *member = ij_json_member(object, key);
    assert_int_equal(ij_json_type(member), IJ_JSON_INT);
    assert_int_equal(ij_json_int(member), value);
}

static void expect_text(const struct ij_json *object, const char *key, const char *value)
{
    assert_string_equal(ij_json_string(ij_json_member(object, key)), value);
}

static void the_header_of_every_kind_of_image_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *file, *format;
        int width, height, pages, orientation, bands, bits;
        bool has_alpha, progressive;
    } cases[] = {
        { "photo-640x480.jpg", "jpeg", 640, 480, 1, 1, 3, 8, false, false },
        { "progressive.jpg", "jpeg", 64, 48, 1, 1, 3, 8, false, true },
        { "orientation-6.jpg", "jpeg", 320, 240, 1, 6, 3, 8, false, false }, /* upright */
        { "rgba.png", "png", 64, 48, 1, 1, 4, 8, true, false },
        { "grey16.png", "png", 64, 48, 1, 1, 1, 16, false, false },
        { "animated.gif", "gif", 32, 32, 3, 1, 3, 2, false, false }, /* four colours */
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(ij_free) struct image *image = read_image(cases[i].file);
        IJ_AUTO(ij_free) char *text = NULL;
        expect_code(0,
                    imgjob_info_json(image->bytes, image->len, NULL, &text, &test_err));
        IJ_AUTO(ij_json_freep) struct ij_json *info = parse(text);
        expect_text(info, "format", cases[i].format);
        expect_int(info, "width", cases[i].width);
        expect_int(info, "height", cases[i].height);
        expect_int(info, "pages", cases[i].pages);
        expect_int(info, "orientation", cases[i].orientation);
        expect_int(info, "bands", cases[i].bands);
        expect_int(info, "bits", cases[i].bits);
        assert_int_equal(ij_json_bool(ij_json_member(info, "has_alpha")),
                         cases[i].has_alpha);
        assert_int_equal(ij_json_bool(ij_json_member(info, "progressive")),
                         cases[i].progressive);
    }
}

static void one_orange_pixel_is_orange(void **state)
{
    (void)state;
    IJ_AUTO(ij_free) char *text = NULL;
    expect_code(0, imgjob_info_json(tiny_png, sizeof(tiny_png), NULL, &text, &test_err));
    IJ_AUTO(ij_json_freep) struct ij_json *info = parse(text);
    expect_text(info, "average", "#ff8000");
    expect_text(info, "dominant", "#ff8000");
    const struct ij_json *palette = ij_json_member(info, "palette");
    assert_int_equal(ij_json_count(palette), 1);
    expect_text(ij_json_at(palette, 0), "color", "#ff8000");
    assert_true(ij_json_real(ij_json_member(ij_json_at(palette, 0), "share")) == 1);
    static const char *const zero[] = { "entropy", "sharpness" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(zero); i++) {
        const struct ij_json *value = ij_json_member(info, zero[i]);
        assert_non_null(value);
        assert_true(ij_json_real(value) == 0);
    }
    static const char *const members[] = { "profile", "exif", "blurhash", "thumbhash",
                                           "phash" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(members); i++)
        assert_non_null(ij_json_member(info, members[i]));
    assert_int_equal(ij_json_count(info), 9 + 10);
}

static void a_format_has_an_extension(void **state)
{
    (void)state;
    assert_string_equal(imgjob_format_extension(IMGJOB_FORMAT_JPEG), "jpg");
    assert_string_equal(imgjob_format_extension(IMGJOB_FORMAT_TIFF), "tif");
    assert_string_equal(imgjob_format_extension(IMGJOB_FORMAT_NONE), "bin");
    assert_string_equal(imgjob_format_extension(UINT32_MAX), "bin");
}

static void what_is_no_image_is_refused(void **state)
{
    (void)state;
    static const struct imgjob_limits small = { .size = sizeof(small), .max_side = 100 };
    static const struct imgjob_run_options tight = { .size = sizeof(tight),
                                                     .limits = &small };
    const struct {
        const char *file; /* NULL = no bytes */
        const struct imgjob_run_options *options;
        int code;
        const char *words;
    } cases[] = {
        { NULL, NULL, IMGJOB_E_IMAGE, "the image is empty" },
        { "text.txt", NULL, IMGJOB_E_IMAGE, "no image that is read here" },
        { "truncated.png", NULL, IMGJOB_E_IMAGE, "png" },
        { "photo-640x480.jpg", &tight, IMGJOB_E_LIMIT, "max_side" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(ij_free)
        struct image *image = read_image(cases[i].file ? cases[i].file : "text.txt");
        char *text = NULL;
        expect_code(cases[i].code,
                    imgjob_info_json(image->bytes, cases[i].file ? image->len : 0,
                                     cases[i].options, &text, &test_err));
        expect_words(cases[i].words);
        assert_null(text);
    }
}

static void further_images_of_the_options_are_not_looked_at(void **state)
{
    (void)state;
    static const struct imgjob_image_bytes broken = { "hello", 5 };
    static const struct imgjob_run_options options = { .size = sizeof(options),
                                                       .inputs = &broken,
                                                       .input_count = 1 };
    IJ_AUTO(ij_free) char *text = NULL;
    struct imgjob_image_info info = { .size = sizeof(info) };
    expect_code(0,
                imgjob_info_json(tiny_png, sizeof(tiny_png), &options, &text, &test_err));
    expect_code(0, imgjob_info(tiny_png, sizeof(tiny_png), &options, &info, &test_err));
    assert_int_equal(info.width, 1);
}

static struct imgjob_result *run(const char *json)
{
    struct imgjob_result *result = NULL;
    struct imgjob_spec *spec = spec_of(json);
    expect_code(0,
                imgjob_run(tiny_png, sizeof(tiny_png), spec, NULL, &result, &test_err));
    imgjob_spec_free(spec);
    return result;
}

static void a_run_tells_what_it_is_asked_for(void **state)
{
    (void)state;
    IJ_AUTO(ij_free) char *text = NULL;
    expect_code(0, imgjob_info_json(tiny_png, sizeof(tiny_png), NULL, &text, &test_err));
    struct imgjob_result *alone = run(info_only);
    assert_int_equal(imgjob_result_count(alone), 0);
    assert_null(imgjob_result_output(alone, 0));
    assert_string_equal(imgjob_result_info(alone), text);
    imgjob_result_free(alone);

    struct imgjob_result *beside = run(info_beside); /* of the image as it came in */
    assert_int_equal(imgjob_result_count(beside), 1);
    assert_int_equal(imgjob_result_output(beside, 0)->width, 3);
    assert_string_equal(imgjob_result_info(beside), text);
    imgjob_result_free(beside);

    struct imgjob_result *silent = run("{\"steps\":[]}");
    assert_int_equal(imgjob_result_count(silent), 1);
    assert_null(imgjob_result_info(silent));
    imgjob_result_free(silent);
}

/* ---- of a job ---- */

static void submit(struct place *place, const char *json, char id[IMGJOB_ID_SIZE])
{
    struct imgjob_draft *draft = NULL;
    struct imgjob_spec *spec = spec_of(json);
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    expect_code(0, imgjob_draft_write(draft, tiny_png, sizeof(tiny_png), &test_err));
    memcpy(id, imgjob_draft_id(draft), IMGJOB_ID_SIZE);
    expect_code(0, imgjob_store_submit(place->store, draft, spec, NULL, NULL, &test_err));
    imgjob_spec_free(spec);
}

/* What the job's JSON has under "info" is that text. @param text NULL = nothing */
static void expect_info(const struct imgjob_job *job, const char *text)
{
    IJ_AUTO(ij_json_freep) struct ij_json *view = parse(imgjob_job_json(job));
    if (!text) {
        assert_null(imgjob_job_info(job));
        assert_null(ij_json_member(view, "info"));
        return;
    }
    assert_string_equal(imgjob_job_info(job), text);
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    struct ij_json_out out = { .buf = &buf };
    ij_json_put(&out, NULL, ij_json_member(view, "info"));
    assert_string_equal(buf.data, text);
}

static struct imgjob_job *ended_job(struct place *place, const char *id)
{
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_error(job), "");
    assert_string_equal(imgjob_job_status_name(job), "completed");
    return job;
}

static void a_job_tells_what_it_is_asked_for(void **state)
{
    struct place *place = *state;
    IJ_AUTO(ij_free) char *text = NULL;
    expect_code(0, imgjob_info_json(tiny_png, sizeof(tiny_png), NULL, &text, &test_err));
    static const struct {
        const char *json;
        size_t outputs;
        bool wants_info;
    } cases[] = { { info_only, 0, true },
                  { info_beside, 1, true },
                  { "{\"steps\":[]}", 1, false } };
    char ids[IJ_ARRAY_LEN(cases)][IMGJOB_ID_SIZE];
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct imgjob_job *job = NULL;
        submit(place, cases[i].json, ids[i]);
        expect_code(0, imgjob_store_get(place->store, ids[i], &job, &test_err));
        expect_info(job, NULL); /* not yet */
        imgjob_job_free(job);
    }
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct imgjob_job *job = ended_job(place, ids[i]);
        assert_int_equal(imgjob_job_output_count(job), cases[i].outputs);
        expect_info(job, cases[i].wants_info ? text : NULL);
        imgjob_job_free(job);
    }
    imgjob_pool_close(pool);
    assert_int_equal(count_blobs(place, "out"), 2);

    struct imgjob_download *download = NULL;
    expect_code(IMGJOB_E_NOTFOUND, imgjob_store_open_output(place->store, ids[0], NULL,
                                                            &download, &test_err));
    assert_string_equal(test_err.text, "the job has no outputs");
}

static int setup_expiring(void **state)
{
    struct place *place = place_new(*state);
    place->options.result_ttl_ms = 1;
    place_open(place);
    *state = place;
    return 0;
}

static void what_was_told_expires_with_the_result(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    submit(place, info_only, id);
    imgjob_job_free(ended_job(place, id));
    imgjob_pool_close(pool);
    await_no_blobs(place);
    struct imgjob_job *job = ended_job(place, id);
    expect_info(job, NULL);
    imgjob_job_free(job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_of_every_kind_of_image_is_told),
        cmocka_unit_test(one_orange_pixel_is_orange),
        cmocka_unit_test(a_format_has_an_extension),
        cmocka_unit_test(what_is_no_image_is_refused),
        cmocka_unit_test(further_images_of_the_options_are_not_looked_at),
        cmocka_unit_test(a_run_tells_what_it_is_asked_for),
        cmocka_unit_test_setup_teardown(a_job_tells_what_it_is_asked_for, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(what_was_told_expires_with_the_result,
                                        setup_expiring, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
