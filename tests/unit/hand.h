/* A worker's part of a job done by hand, so that a test decides when a job begins and how
 * it ends. */
#pragma once

#include "place.h"

#include "store.h"

/* The next job begins. @return its lease */
static inline struct ij_lease hand_claim(struct place *place)
{
    const struct ij_claim claim = { .lease_ms = 60000 };
    IJ_AUTO(ij_record_done) struct ij_record record = { 0 };
    int64_t next_due = 0;
    struct ij_jobs *jobs = place->store->jobs;
    expect_code(0, jobs->ops->claim(jobs, &claim, &record, &next_due, &test_err));
    return ij_lease_of(&record.job);
}

/* It ends; `kind` is neither a success nor in need of a failure. */
static inline void hand_finish(struct place *place, const struct ij_finish *finish)
{
    struct ij_jobs *jobs = place->store->jobs;
    expect_code(0, jobs->ops->finish(jobs, finish, NULL, NULL, &test_err));
}

/* It succeeds with one output of ten bytes, which is on the disk. */
static inline void hand_succeed(struct place *place, struct ij_lease lease)
{
    char key[IJ_BLOB_KEY_SIZE], keys[IJ_BLOB_KEY_SIZE + 1], result[512];
    ij_blob_output_key(&lease.id, lease.gen, lease.token, "image", "png", key);
    struct ij_blobs *outputs = place->store->outputs;
    struct ij_blob_draft draft = { .fd = -1 };
    expect_code(0, outputs->ops->draft_create(outputs, key, &draft, &test_err));
    assert_int_equal(write(draft.fd, "0123456789", 10), 10);
    expect_code(0, outputs->ops->draft_publish(&draft, &test_err));
    (void)snprintf(keys, sizeof(keys), "%s\n", key);
    (void)snprintf(result, sizeof(result),
                   "{\"outputs\":[{\"name\":\"image\",\"key\":\"%s\",\"format\":\"png\","
                   "\"width\":20,\"height\":10,\"bytes\":10,\"sha256\":\"%064d\"}]}",
                   key, 7);
    const struct ij_finish finish = {
        .lease = lease,
        .kind = IJ_FINISH_SUCCEEDED,
        .result = result,
        .keys = keys,
        .bytes = 10,
    };
    hand_finish(place, &finish);
}

/* It fails for good. */
static inline void hand_fail(struct place *place, struct ij_lease lease)
{
    struct ij_failure failure = { 0 };
    (void)ij_failure_set(&failure, IJ_STAGE_DECODE, IJ_REASON_CORRUPT, IMGJOB_E_IMAGE,
                         "the image is corrupt");
    const struct ij_finish finish = {
        .lease = lease,
        .kind = IJ_FINISH_FAILED,
        .failure = &failure,
    };
    hand_finish(place, &finish);
}

/* It tells how far it is. */
static inline void hand_beat(struct place *place, struct ij_lease lease,
                             struct ij_progress progress)
{
    struct ij_beat beat = { .lease = lease, .progress = progress };
    struct ij_jobs *jobs = place->store->jobs;
    expect_code(0, jobs->ops->heartbeat(jobs, &beat, 1, 60000, &test_err));
    assert_false(beat.lost);
}

/* What is due happens now, not within seconds. */
static inline void hand_sweep(struct place *place)
{
    const struct ij_sweep sweep = { .budget = 100, .is_clock_trusted = true };
    struct ij_swept swept;
    struct ij_jobs *jobs = place->store->jobs;
    expect_code(0, jobs->ops->sweep(jobs, &sweep, &swept, &test_err));
}

/* The job as it is now; to be freed. */
static inline struct imgjob_job *job_of(struct place *place, const char *id)
{
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_store_get(place->store, id, &job, &test_err));
    return job;
}

static inline void expect_status(struct place *place, const char *id, const char *status)
{
    struct imgjob_job *job = job_of(place, id);
    assert_string_equal(imgjob_job_status_name(job), status);
    imgjob_job_free(job);
}

/* The view of the job must hold these words. */
static inline void expect_view(struct place *place, const char *id, const char *words)
{
    struct imgjob_job *job = job_of(place, id);
    if (!strstr(imgjob_job_json(job), words)) {
        print_error("'%s' is not in %s\n", words, imgjob_job_json(job));
        assert_true(0);
    }
    imgjob_job_free(job);
}

/* Tests that run on the reference and on the database: the initial state says which. */
#define ON(url, setup, name)                                         \
    {                                                                \
#name, name, setup, place_teardown, (void *)(uintptr_t)(url) \
    }
#define ON_BOTH_WITH(setup, name) ON(NULL, setup, name), ON("memory:", setup, name)
#define ON_BOTH(name)             ON_BOTH_WITH(place_setup, name)
