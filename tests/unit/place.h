/* A store with its directories in a place of its own, for tests that see it as a program
 * does: real database, real directories, real workers. */
#pragma once

#include "test.h"

#include <dirent.h>
#include <unistd.h>

#include <imgjob/imgjob.h>

/* A valid 1×1 RGB PNG. */
static const unsigned char tiny_png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00,
    0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78,
    0xda, 0x63, 0xf8, 0xdf, 0xc0, 0x00, 0x00, 0x04, 0x01, 0x01, 0x80, 0xfb, 0xd7, 0xcb,
    0xf1, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

struct place {
    char *dir;
    char jobs[512], inputs[512], outputs[512];
    struct imgjob_store_options options;
    struct imgjob_store *store;
};

static inline void place_open(struct place *place)
{
    expect_code(0, imgjob_store_open(&place->options, &place->store, &test_err));
}

/* A place of its own, not open yet. @param jobs_url NULL = a database */
static inline struct place *place_new(const char *jobs_url)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->dir = test_dir_make();
    (void)snprintf(place->jobs, sizeof(place->jobs), "sqlite:%s/data/jobs.db",
                   place->dir);
    (void)snprintf(place->inputs, sizeof(place->inputs), "file:%s/in", place->dir);
    (void)snprintf(place->outputs, sizeof(place->outputs), "file:%s/out", place->dir);
    place->options = (struct imgjob_store_options){
        .size = sizeof(place->options),
        .jobs_url = jobs_url ? jobs_url : place->jobs,
        .inputs_url = place->inputs,
        .outputs_url = place->outputs,
        .min_free_bytes = 1,
    };
    return place;
}

/* For cmocka: the initial state is the jobs' URL, or NULL for a database. */
static inline int place_setup(void **state)
{
    struct place *place = place_new(*state);
    place_open(place);
    *state = place;
    return 0;
}

static inline int place_teardown(void **state)
{
    struct place *place = *state;
    imgjob_store_close(place->store);
    test_dir_remove(place->dir);
    free(place);
    return 0;
}

/* Files in the 256 subdirectories of `name`. */
static inline int count_blobs(const struct place *place, const char *name)
{
    int count = 0;
    for (int i = 0; i < 256; i++) {
        char path[600];
        (void)snprintf(path, sizeof(path), "%s/%s/%02x", place->dir, name, i);
        DIR *dir = opendir(path);
        assert_non_null(dir);
        for (struct dirent *at; (at = readdir(dir)) != NULL;)
            count += at->d_name[0] != '.';
        (void)closedir(dir);
    }
    return count;
}

/* Until no job has a file any more. The sweeper comes by within a few seconds; the test
 * runner ends a test that hangs. */
static inline void await_no_blobs(const struct place *place)
{
    while (count_blobs(place, "in") + count_blobs(place, "out") > 0)
        (void)usleep(20000);
}

static inline struct imgjob_spec *spec_of(const char *json)
{
    struct imgjob_spec *spec = NULL;
    expect_code(0, imgjob_spec_parse(json, strlen(json), &spec, &test_err));
    return spec;
}

static inline struct imgjob_pool *pool_of(struct place *place,
                                          struct imgjob_pool_options options)
{
    struct imgjob_pool *pool = NULL;
    options.size = sizeof(options);
    options.workers = options.workers ? options.workers : 1;
    options.worker_path = getenv("IJ_WORKER");
    expect_code(0, imgjob_pool_open(place->store, &options, &pool, &test_err));
    return pool;
}

/* The spec of a job that nothing is wrong with. */
static const char plain_spec[] __attribute__((unused)) =
    "{\"operation\":\"resize\",\"width\":20,\"height\":10}";

/* A draft that holds some bytes. */
static inline struct imgjob_draft *place_draft(struct place *place, const void *data,
                                               size_t len)
{
    struct imgjob_draft *draft = NULL;
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    expect_code(0, imgjob_draft_write(draft, data, len, &test_err));
    return draft;
}

/* Submit the tiny PNG; NULL = plain_spec, no options. @return what submit returned */
static inline int place_submit(struct place *place, const char *spec_json,
                               const struct imgjob_submit_options *options,
                               struct imgjob_submitted *out)
{
    struct imgjob_spec *spec = spec_of(spec_json ? spec_json : plain_spec);
    struct imgjob_draft *draft = place_draft(place, tiny_png, sizeof(tiny_png));
    out->size = sizeof(*out);
    int rc = imgjob_store_submit(place->store, draft, spec, options, out, &test_err);
    if (rc < 0)
        imgjob_draft_discard(draft);
    imgjob_spec_free(spec);
    return rc;
}
