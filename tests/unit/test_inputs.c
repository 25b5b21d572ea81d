/* Jobs of several images: as they come in, as they are kept, as they go. */
#include "place.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "store.h"

/* 1 × 1 px, red */
static const unsigned char red_gif[] = {
    'G',  'I',  'F',  '8',  '9',  'a',  0x01, 0x00, 0x01, 0x00, 0x80, 0x00,
    0x00, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3b,
};

#define COMPOSITE(n) "{\"op\":\"composite\",\"input\":" #n "}"
#define RESIZE       "{\"op\":\"resize\",\"width\":5,\"height\":5}"
#define AS_PNG       "\"outputs\":[{\"format\":\"png\"}]"
static const char two_inputs[] = "{\"steps\":[" RESIZE "," COMPOSITE(1) "]," AS_PNG "}";

static void write_input(struct imgjob_draft *draft, uint32_t input, const void *data,
                        size_t len)
{
    expect_code(0, imgjob_draft_select(draft, input, &test_err));
    expect_code(0, imgjob_draft_write(draft, data, len, &test_err));
}

/* A draft of the orange PNG, with the red GIF as input 1. */
static struct imgjob_draft *draft_of_two(struct place *place)
{
    struct imgjob_draft *draft = NULL;
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    write_input(draft, 1, red_gif, sizeof(red_gif));
    write_input(draft, 0, tiny_png, sizeof(tiny_png));
    return draft;
}

/* The draft becomes a job, or else it is discarded. @return what submit returned */
static int submit_draft(struct place *place, struct imgjob_draft *draft, const char *json,
                        char id[IMGJOB_ID_SIZE])
{
    struct imgjob_spec *spec = spec_of(json);
    memcpy(id, imgjob_draft_id(draft), IMGJOB_ID_SIZE);
    int rc = imgjob_store_submit(place->store, draft, spec, NULL, NULL, &test_err);
    if (rc < 0)
        imgjob_draft_discard(draft);
    imgjob_spec_free(spec);
    return rc;
}

static void submit_two(struct place *place, char id[IMGJOB_ID_SIZE])
{
    expect_code(0, submit_draft(place, draft_of_two(place), two_inputs, id));
}

/* The path of an input, "…/in/2f/<id>.in1". */
static char *input_path(const struct place *place, const char *id, const char *suffix)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/in/%s/%s.%s", place->dir, id + IMGJOB_ID_SIZE - 3, id,
                         suffix) > 0);
    return path;
}

static bool has_input(const struct place *place, const char *id, const char *suffix)
{
    IJ_AUTO(ij_free) char *path = input_path(place, id, suffix);
    return access(path, F_OK) == 0;
}

static void make_file(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
}

static struct imgjob_job *ended_job(struct place *place, const char *id)
{
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
    assert_true(imgjob_job_is_ended(job));
    return job;
}

/* What imgjob_run() makes of the two. */
static struct imgjob_result *result_of_two(void)
{
    const struct imgjob_image_bytes inputs[] = { { red_gif, sizeof(red_gif) } };
    struct imgjob_run_options options = { .size = sizeof(options),
                                          .inputs = inputs,
                                          .input_count = 1 };
    struct imgjob_result *result = NULL;
    struct imgjob_spec *spec = spec_of(two_inputs);
    expect_code(
        0, imgjob_run(tiny_png, sizeof(tiny_png), spec, &options, &result, &test_err));
    imgjob_spec_free(spec);
    return result;
}

static void expect_output_of_two(struct place *place, const char *id)
{
    struct imgjob_result *result = result_of_two();
    const struct imgjob_output *output = imgjob_result_output(result, 0);
    struct imgjob_download *download = NULL;
    char bytes[1024];
    size_t len = 0;
    expect_code(0,
                imgjob_store_open_output(place->store, id, NULL, &download, &test_err));
    expect_code(0,
                imgjob_download_read(download, 0, bytes, sizeof(bytes), &len, &test_err));
    assert_int_equal(len, output->len);
    assert_memory_equal(bytes, output->data, len);
    imgjob_download_close(download);
    imgjob_result_free(result);
}

/* ---- the way in and out ---- */

static void a_job_of_two_images_goes_in_and_comes_out(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    submit_two(place, id);
    assert_true(has_input(place, id, "in0"));
    assert_true(has_input(place, id, "in1"));
    assert_int_equal(count_blobs(place, "in"), 2);
    struct imgjob_store_stats stats = { .size = sizeof(stats) };
    expect_code(0, imgjob_store_read_stats(place->store, &stats, &test_err));
    assert_int_equal(stats.ready, 1);

    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    struct imgjob_job *job = ended_job(place, id);
    assert_string_equal(imgjob_job_error(job), "");
    imgjob_job_free(job);
    imgjob_pool_close(pool);
    expect_output_of_two(place, id);
    assert_int_equal(count_blobs(place, "in"), 2);
}

static void inputs_may_arrive_in_pieces_and_in_turn(void **state)
{
    struct place *place = *state;
    struct imgjob_draft *draft = NULL;
    char id[IMGJOB_ID_SIZE];
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    for (size_t i = 0; i < sizeof(tiny_png); i++) {
        write_input(draft, 0, tiny_png + i, 1);
        if (i < sizeof(red_gif))
            write_input(draft, 1, red_gif + i, 1);
        write_input(draft, 2, tiny_png + i, 1);
    }
    expect_code(0, submit_draft(place, draft,
                                "{\"steps\":[" COMPOSITE(2) "," COMPOSITE(1) "]}", id));

    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    struct ij_id key;
    assert_true(ij_id_parse(id, IMGJOB_ID_SIZE - 1, &key));
    struct ij_jobs *jobs = place->store->jobs;
    expect_code(0, jobs->ops->get(jobs, &key, &record, &test_err));
#define PNG_ENTRY                                 \
    "\"format\":\"png\",\"bytes\":69,\"sha256\":" \
    "\"3f4745edf6de4abf808999d8a5bcf14a53906b43b14004d70d74fa33fc529c24\""
#define GIF_ENTRY                                 \
    "\"format\":\"gif\",\"bytes\":35,\"sha256\":" \
    "\"b263ce6bde416426b6676c320846f73870d40b2125bfc9630087c3c54df21ac8\""
    assert_string_equal(record.input,
                        "{" PNG_ENTRY ",\"further\":[{" GIF_ENTRY "},{" PNG_ENTRY "}]}");
}

static void an_image_alone_is_described_as_ever(void **state)
{
    struct place *place = *state;
    struct imgjob_draft *draft = NULL;
    char id[IMGJOB_ID_SIZE];
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    expect_code(0, imgjob_draft_write(draft, tiny_png, sizeof(tiny_png), &test_err));
    expect_code(0, submit_draft(place, draft, "{\"steps\":[" RESIZE "]}", id));
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    struct ij_id key;
    assert_true(ij_id_parse(id, IMGJOB_ID_SIZE - 1, &key));
    struct ij_jobs *jobs = place->store->jobs;
    expect_code(0, jobs->ops->get(jobs, &key, &record, &test_err));
    assert_string_equal(record.input, "{" PNG_ENTRY "}");
}

static void acknowledged_inputs_are_there_after_a_restart(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    submit_two(place, id);
    imgjob_store_close(place->store);
    place_open(place);
    assert_int_equal(count_blobs(place, "in"), 2);
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    struct imgjob_job *job = ended_job(place, id);
    assert_string_equal(imgjob_job_error(job), "");
    imgjob_job_free(job);
    imgjob_pool_close(pool);
    expect_output_of_two(place, id);
}

static void a_further_input_that_is_gone_is_told_so(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    submit_two(place, id);
    IJ_AUTO(ij_free) char *path = input_path(place, id, "in1");
    assert_int_equal(unlink(path), 0);
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    struct imgjob_job *job = ended_job(place, id);
    assert_string_equal(imgjob_job_reason(job), "input_missing");
    assert_non_null(strstr(imgjob_job_error(job), ".in1"));
    imgjob_job_free(job);
    imgjob_pool_close(pool);
}

/* ---- refusals ---- */

static void only_the_inputs_that_the_steps_take_are_welcome(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *json;
        bool has_first, has_second;
        const char *words;
    } cases[] = {
        { "{\"steps\":[" RESIZE "]}", true, false, "/steps: no step takes input 1" },
        { two_inputs, true, true, "/steps: no step takes input 2" },
        { two_inputs, false, false,
          "/steps/1/input: takes input 1, which was not given" },
        { two_inputs, false, true, "/steps/1/input: takes input 1, which was not given" },
        { "{\"steps\":[" COMPOSITE(2) "]}", false, true,
          "/steps/0/input: takes input 2, and no step takes input 1" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1}", true, false,
          "/steps: no step takes input 1" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct imgjob_draft *draft = NULL;
        char id[IMGJOB_ID_SIZE];
        expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
        expect_code(0, imgjob_draft_write(draft, tiny_png, sizeof(tiny_png), &test_err));
        if (cases[i].has_first)
            write_input(draft, 1, red_gif, sizeof(red_gif));
        if (cases[i].has_second)
            write_input(draft, 2, red_gif, sizeof(red_gif));
        expect_code(IMGJOB_E_SPEC, submit_draft(place, draft, cases[i].json, id));
        assert_string_equal(test_err.text, cases[i].words);
        assert_int_equal(count_blobs(place, "in"), 0);
    }
}

static void every_input_must_be_an_image(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *bytes;
        const char *words;
    } cases[] = {
        { "", "input 1 is empty" },
        { "%PDF-1.7", "input 1 is pdf, which is not read here (switch on" },
        { "<!doctype html>", "input 1 is HTML, which is not read here" },
        { "<HTML lang=en>", "input 1 is HTML, which is not read here" },
        { "hello", "input 1 has no format that is read here" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct imgjob_draft *draft = NULL;
        char id[IMGJOB_ID_SIZE];
        expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
        expect_code(0, imgjob_draft_write(draft, tiny_png, sizeof(tiny_png), &test_err));
        write_input(draft, 1, cases[i].bytes, strlen(cases[i].bytes));
        expect_code(IMGJOB_E_IMAGE, submit_draft(place, draft, two_inputs, id));
        expect_words(cases[i].words);
        assert_int_equal(count_blobs(place, "in"), 0);
    }
}

static void a_further_input_is_refused_by_its_first_bytes(void **state)
{
    struct place *place = *state;
    struct imgjob_draft *draft = NULL;
    const char zeros[IJ_HEAD_SIZE] = { 0 };
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    expect_code(0, imgjob_draft_write(draft, tiny_png, sizeof(tiny_png), &test_err));
    expect_code(0, imgjob_draft_select(draft, 8, &test_err));
    expect_code(0, imgjob_draft_write(draft, zeros, sizeof(zeros) - 1, &test_err));
    expect_code(IMGJOB_E_IMAGE, imgjob_draft_write(draft, zeros, 1, &test_err));
    expect_words("input 8 has no format that is read here");
    assert_int_equal(count_blobs(place, "in"), 2);
    imgjob_draft_discard(draft);
    assert_int_equal(count_blobs(place, "in"), 0);
}

static void the_upload_limit_counts_all_inputs(void **state)
{
    struct place *place = *state;
    imgjob_store_close(place->store);
    place->options.max_upload_size = sizeof(tiny_png) + sizeof(red_gif);
    place_open(place);
    struct imgjob_draft *draft = draft_of_two(place); /* exactly the limit */
    expect_code(IMGJOB_E_LIMIT, imgjob_draft_write(draft, "x", 1, &test_err));
    assert_string_equal(
        test_err.text, "the images together are larger than 104 bytes (max_upload_size)");
    imgjob_draft_discard(draft);
    assert_int_equal(count_blobs(place, "in"), 0);
}

static void an_input_beyond_the_eighth_is_refused(void **state)
{
    struct place *place = *state;
    struct imgjob_draft *draft = draft_of_two(place);
    expect_code(IMGJOB_E_INVALID,
                imgjob_draft_select(draft, IMGJOB_INPUTS_MAX + 1, &test_err));
    assert_string_equal(test_err.text, "input: must be 0..8, not 9");
    /* what follows would go to another input */
    expect_code(IMGJOB_E_INVALID, imgjob_draft_write(draft, "x", 1, &test_err));
    expect_words("a select, write or submit of it has failed; only discard is allowed");
    expect_code(IMGJOB_E_INVALID, imgjob_draft_select(draft, 1, &test_err));
    expect_words("only discard is allowed");
    imgjob_draft_discard(draft);
    assert_int_equal(count_blobs(place, "in"), 0);
}

static void what_cannot_be_published_takes_the_others_back(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_draft *draft = draft_of_two(place);
    IJ_AUTO(ij_free) char *path = input_path(place, imgjob_draft_id(draft), "in1");
    make_file(path); /* the name is taken */
    expect_code(IMGJOB_E_BLOB, submit_draft(place, draft, two_inputs, id));
    expect_words(".in1");
    assert_false(has_input(place, id, "in0"));
    assert_int_equal(count_blobs(place, "in"), 1);
    struct imgjob_job *job = NULL;
    expect_code(IMGJOB_E_NOTFOUND, imgjob_store_get(place->store, id, &job, &test_err));
}

static void a_refused_row_takes_all_inputs_back(void **state)
{
    struct place *place = *state;
    imgjob_store_close(place->store);
    place->options.max_queued_jobs = 1;
    place_open(place);
    char first[IMGJOB_ID_SIZE], second[IMGJOB_ID_SIZE];
    struct imgjob_draft *late = draft_of_two(place);
    submit_two(place, first);
    expect_code(IMGJOB_E_BUSY, submit_draft(place, late, two_inputs, second));
    expect_words("max_queued_jobs is 1");
    assert_true(has_input(place, first, "in0"));
    assert_true(has_input(place, first, "in1"));
    assert_int_equal(count_blobs(place, "in"), 2);
}

/* ---- the way off the disk ---- */

static void a_discarded_draft_leaves_nothing(void **state)
{
    struct place *place = *state;
    struct imgjob_draft *draft = NULL;
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    for (uint32_t i = 0; i < IJ_SPEC_INPUTS_MAX; i++)
        write_input(draft, i, red_gif, sizeof(red_gif));
    assert_int_equal(count_blobs(place, "in"), IJ_SPEC_INPUTS_MAX);
    imgjob_draft_discard(draft);
    assert_int_equal(count_blobs(place, "in"), 0);
}

static void inputs_without_a_row_go_at_the_next_start(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    submit_two(place, id);
    imgjob_store_close(place->store);
    static const char other[] = "019abcde-0000-7000-8000-000000000021";
    static const char *const suffixes[] = { "in0", "in1", "in2.draft" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(suffixes); i++) {
        IJ_AUTO(ij_free) char *path = input_path(place, other, suffixes[i]);
        make_file(path);
    }
    assert_int_equal(count_blobs(place, "in"), 2 + 3);
    place_open(place);
    assert_int_equal(count_blobs(place, "in"), 2);
    assert_true(has_input(place, id, "in0"));
    assert_true(has_input(place, id, "in1"));
}

static void the_collector_spares_a_draft(void **state)
{
    struct place *place = *state;
    struct imgjob_draft *draft = draft_of_two(place);
    expect_code(0, ij_store_collect(place->store, 0, &test_err));
    assert_int_equal(count_blobs(place, "in"), 2);
    char id[IMGJOB_ID_SIZE];
    expect_code(0, submit_draft(place, draft, two_inputs, id));
    expect_code(0, ij_store_collect(place->store, 0, &test_err));
    assert_int_equal(count_blobs(place, "in"), 2);
}

static int setup_expiring(void **state)
{
    struct place *place = place_new(*state);
    place->options.result_ttl_ms = 1;
    place_open(place);
    *state = place;
    return 0;
}

static void all_inputs_expire_with_the_result(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_pool *pool = pool_of(place, (struct imgjob_pool_options){ 0 });
    submit_two(place, id);
    imgjob_job_free(ended_job(place, id));
    imgjob_pool_close(pool);
    await_no_blobs(place);
}

/* ---- without a store ---- */

static void run_takes_further_images(void **state)
{
    (void)state;
    struct imgjob_result *two = result_of_two();
    struct imgjob_result *one = NULL;
    struct imgjob_spec *spec = spec_of("{\"steps\":[" RESIZE "]," AS_PNG "}");
    expect_code(0, imgjob_run(tiny_png, sizeof(tiny_png), spec, NULL, &one, &test_err));
    imgjob_spec_free(spec);
    const struct imgjob_output *with = imgjob_result_output(two, 0);
    const struct imgjob_output *without = imgjob_result_output(one, 0);
    assert_int_equal(with->width, 5);
    assert_int_equal(with->height, 5);
    assert_true(with->len != without->len ||
                memcmp(with->data, without->data, with->len) != 0);
    imgjob_result_free(one);
    imgjob_result_free(two);
}

static void run_refuses_other_images_than_the_steps_take(void **state)
{
    (void)state;
    static const struct imgjob_image_bytes red = { red_gif, sizeof(red_gif) };
    const struct imgjob_image_bytes reds[IMGJOB_INPUTS_MAX + 1] = { red, red };
    const struct imgjob_image_bytes none[] = { { red_gif, 0 } };
    const struct imgjob_image_bytes nowhere[] = { { NULL, 5 } };
    const struct imgjob_limits tight = { .size = sizeof(tight),
                                         .max_upload_size = sizeof(tiny_png) + 34 };
    const struct {
        const struct imgjob_image_bytes *inputs;
        size_t count;
        const struct imgjob_limits *limits;
        int code;
        const char *words;
    } cases[] = {
        { NULL, 0, NULL, IMGJOB_E_SPEC,
          "/steps/1/input: takes input 1, which was not given" },
        { reds, 2, NULL, IMGJOB_E_SPEC, "/steps: no step takes input 2" },
        { reds, IMGJOB_INPUTS_MAX + 1, NULL, IMGJOB_E_INVALID,
          "input_count: must be 0..8, not 9" },
        { NULL, 1, NULL, IMGJOB_E_INVALID, "inputs: must not be NULL" },
        { none, 1, NULL, IMGJOB_E_IMAGE, "input 1 is empty" },
        { nowhere, 1, NULL, IMGJOB_E_INVALID, "inputs[0].data: must not be NULL" },
        { reds, 1, &tight, IMGJOB_E_LIMIT,
          "the images together have 104 bytes, max_upload_size is 103" },
    };
    struct imgjob_spec *spec = spec_of(two_inputs);
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct imgjob_run_options options = {
            .size = sizeof(options),
            .limits = cases[i].limits,
            .inputs = cases[i].inputs,
            .input_count = cases[i].count,
        };
        struct imgjob_result *result = NULL;
        expect_code(cases[i].code, imgjob_run(tiny_png, sizeof(tiny_png), spec, &options,
                                              &result, &test_err));
        assert_string_equal(test_err.text, cases[i].words);
        assert_null(result);
    }
    imgjob_spec_free(spec);
}

static void no_image_is_looked_for_at_null(void **state)
{
    (void)state;
    struct imgjob_spec *spec = spec_of("{\"steps\":[" RESIZE "]}");
    struct imgjob_result *result = NULL;
    struct imgjob_image_info info = { .size = sizeof(info) };
    char *text = NULL;
    const struct {
        size_t len;
        int code;
        const char *words;
    } cases[] = { { 5, IMGJOB_E_INVALID, "image: must not be NULL" },
                  { 0, IMGJOB_E_IMAGE, "the image is empty" } };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        size_t len = cases[i].len;
        expect_code(cases[i].code, imgjob_run(NULL, len, spec, NULL, &result, &test_err));
        assert_string_equal(test_err.text, cases[i].words);
        expect_code(cases[i].code, imgjob_info(NULL, len, NULL, &info, &test_err));
        assert_string_equal(test_err.text, cases[i].words);
        expect_code(cases[i].code, imgjob_info_json(NULL, len, NULL, &text, &test_err));
        assert_string_equal(test_err.text, cases[i].words);
    }
    imgjob_spec_free(spec);
}

int main(void)
{
#define ON(url, setup, name)                                         \
    {                                                                \
#name, name, setup, place_teardown, (void *)(uintptr_t)(url) \
    }
#define ON_SQLITE(name) ON(NULL, place_setup, name)
#define ON_BOTH(name)   ON_SQLITE(name), ON("memory:", place_setup, name)
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_job_of_two_images_goes_in_and_comes_out),
        ON_BOTH(inputs_may_arrive_in_pieces_and_in_turn),
        ON_BOTH(an_image_alone_is_described_as_ever),
        ON_SQLITE(acknowledged_inputs_are_there_after_a_restart),
        ON_SQLITE(a_further_input_that_is_gone_is_told_so),
        ON_SQLITE(only_the_inputs_that_the_steps_take_are_welcome),
        ON_SQLITE(every_input_must_be_an_image),
        ON_SQLITE(a_further_input_is_refused_by_its_first_bytes),
        ON_SQLITE(the_upload_limit_counts_all_inputs),
        ON_SQLITE(an_input_beyond_the_eighth_is_refused),
        ON_BOTH(what_cannot_be_published_takes_the_others_back),
        ON_SQLITE(a_refused_row_takes_all_inputs_back),
        ON_BOTH(a_discarded_draft_leaves_nothing),
        ON_SQLITE(inputs_without_a_row_go_at_the_next_start),
        ON_BOTH(the_collector_spares_a_draft),
        ON(NULL, setup_expiring, all_inputs_expire_with_the_result),
        ON("memory:", setup_expiring, all_inputs_expire_with_the_result),
        cmocka_unit_test(run_takes_further_images),
        cmocka_unit_test(run_refuses_other_images_than_the_steps_take),
        cmocka_unit_test(no_image_is_looked_for_at_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
