/* Leases held on a store and an executor that only write down what they are asked. */
#include "test.h"

#include <semaphore.h>

#include "pool/lease.h"

struct scene {
    struct ij_jobs jobs;         /* first: what get() and heartbeat() are handed */
    struct ij_executor executor; /* of slot 3 */
    struct ij_pool_metrics metrics;
    struct ij_leases leases;
    sem_t stops, beats; /* posted for each stop() and heartbeat() */
    enum ij_exit_cause stopped_as;
    struct ij_beat last_beat;
    pthread_mutex_t lock;
    struct ij_job row; /* guarded by lock: what get() answers */
};

enum { SLOT = 3, LEASE_MS = 3600 * 1000 /* no renewal comes by itself */ };

static int get(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
               struct imgjob_error *err)
{
    struct scene *scene = (struct scene *)jobs;
    (void)id;
    (void)err;
    (void)pthread_mutex_lock(&scene->lock);
    *out = (struct ij_record){ .job = scene->row };
    (void)pthread_mutex_unlock(&scene->lock);
    return 0;
}

static int heartbeat(struct ij_jobs *jobs, struct ij_beat *beats, size_t count,
                     uint32_t lease_ms, struct imgjob_error *err)
{
    struct scene *scene = (struct scene *)jobs;
    (void)lease_ms;
    (void)err;
    assert_int_equal(count, 1);
    scene->last_beat = beats[0];
    (void)sem_post(&scene->beats);
    return 0;
}

static void stop(struct ij_executor *executor, enum ij_exit_cause why)
{
    struct scene *scene =
        (struct scene *)((char *)executor - offsetof(struct scene, executor));
    scene->stopped_as = why;
    (void)sem_post(&scene->stops);
}

static void unstop(struct ij_executor *executor)
{
    (void)executor;
}

static const struct ij_jobs_ops jobs_ops = { .get = get, .heartbeat = heartbeat };
static const struct ij_executor_ops executor_ops = { .stop = stop, .unstop = unstop };

static const struct ij_id job_id = { .bytes = { 1 } }, other_id = { .bytes = { 2 } };

static int scene_setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    scene->jobs.ops = &jobs_ops;
    scene->executor.ops = &executor_ops;
    (void)sem_init(&scene->stops, 0, 0);
    (void)sem_init(&scene->beats, 0, 0);
    (void)pthread_mutex_init(&scene->lock, NULL);
    scene->row = (struct ij_job){
        .id = job_id, .state = IMGJOB_STATE_RUNNING, .gen = 7, .token = 8
    };
    scene->leases = (struct ij_leases){ .jobs = &scene->jobs,
                                        .lease_ms = LEASE_MS,
                                        .metrics = &scene->metrics };
    expect_code(0, ij_leases_start(&scene->leases, &test_err));
    *state = scene;
    return 0;
}

static int scene_teardown(void **state)
{
    struct scene *scene = *state;
    ij_leases_end(&scene->leases);
    free(scene);
    return 0;
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue;
}

static bool has_come(sem_t *semaphore)
{
    return sem_trywait(semaphore) == 0;
}

static void claim(struct scene *scene)
{
    struct ij_lease lease = { job_id, 7, 8 };
    ij_leases_hold(&scene->leases, SLOT, &lease);
}

static void begin(struct scene *scene)
{
    ij_leases_begin_work(&scene->leases, SLOT, &scene->executor);
}

static enum ij_stop_cause end(struct scene *scene)
{
    enum ij_stop_cause cause = ij_leases_end_work(&scene->leases, SLOT);
    ij_leases_drop(&scene->leases, SLOT);
    return cause;
}

/* What another process wrote. */
static void write_row(struct scene *scene, struct ij_job row)
{
    (void)pthread_mutex_lock(&scene->lock);
    scene->row = row;
    (void)pthread_mutex_unlock(&scene->lock);
}

static void a_cancel_stops_the_work_of_its_job_and_no_other(void **state)
{
    struct scene *scene = *state;
    claim(scene);
    begin(scene);
    ij_leases_cancel(&scene->leases, &other_id);
    assert_false(has_come(&scene->stops));
    ij_leases_cancel(&scene->leases, &job_id);
    assert_true(has_come(&scene->stops));
    assert_int_equal(scene->stopped_as, IJ_EXIT_CANCELED);
    ij_leases_cancel(&scene->leases, &job_id); /* once is enough */
    assert_false(has_come(&scene->stops));
    assert_int_equal(end(scene), IJ_STOP_CANCELED);
}

static void a_cancel_before_the_work_begins_stops_it_then(void **state)
{
    struct scene *scene = *state;
    claim(scene);
    ij_leases_cancel(&scene->leases, &job_id);
    assert_false(has_come(&scene->stops));
    begin(scene);
    assert_true(has_come(&scene->stops));
    assert_int_equal(end(scene), IJ_STOP_CANCELED);
}

static void a_cancel_after_the_work_changes_nothing(void **state)
{
    struct scene *scene = *state;
    claim(scene);
    begin(scene);
    assert_int_equal(ij_leases_end_work(&scene->leases, SLOT), IJ_STOP_NONE);
    ij_leases_cancel(&scene->leases, &job_id);
    assert_false(has_come(&scene->stops));
    assert_int_equal(end(scene), IJ_STOP_NONE);
}

/* The claim is committed, and its answer still on the way. */
static void a_cancel_between_claim_and_hold_is_not_missed(void **state)
{
    struct scene *scene = *state;
    scene->row.cancel_asked = true;
    ij_leases_cancel(&scene->leases, &job_id);
    claim(scene);
    begin(scene);
    await(&scene->stops); /* without this it hangs */
    assert_int_equal(end(scene), IJ_STOP_CANCELED);
}

static void what_another_process_asked_is_found_in_the_row(void **state)
{
    struct scene *scene = *state;
    struct ij_job row = scene->row;
    claim(scene);
    begin(scene);
    row.cancel_asked = true;
    write_row(scene, row);
    ij_leases_cancel(&scene->leases, &ij_id_none);
    await(&scene->stops);
    assert_int_equal(end(scene), IJ_STOP_CANCELED);
    assert_false(has_come(&scene->beats)); /* nothing is written for it */
}

static void a_lease_that_is_anothers_is_found_in_the_row(void **state)
{
    struct scene *scene = *state;
    struct ij_job others[3] = { scene->row, scene->row, scene->row };
    others[0].gen++;
    others[1].token++;
    others[2].state = IMGJOB_STATE_READY;
    for (size_t i = 0; i < IJ_ARRAY_LEN(others); i++) {
        claim(scene);
        begin(scene);
        write_row(scene, others[i]);
        ij_leases_cancel(&scene->leases, &ij_id_none);
        await(&scene->stops);
        assert_int_equal(scene->stopped_as, IJ_EXIT_LOST);
        assert_int_equal(end(scene), IJ_STOP_LOST);
        assert_int_equal(ij_counter_read(&scene->metrics.leases_lost), i + 1);
    }
}

static void progress_is_told_to_the_store(void **state)
{
    struct scene *scene = *state;
    const struct ij_progress first = { 40, IJ_STAGE_STEPS, 0 };
    const struct ij_progress second = { 70, IJ_STAGE_ENCODE, 1 };
    claim(scene);
    begin(scene);
    ij_leases_progress(&scene->leases, SLOT, &first);
    await(&scene->beats);
    assert_memory_equal(&scene->last_beat.progress, &first, sizeof(first));
    assert_int_equal(scene->last_beat.lease.gen, 7);
    ij_leases_progress(&scene->leases, SLOT, &second);
    await(&scene->beats);
    assert_memory_equal(&scene->last_beat.progress, &second, sizeof(second));
    assert_int_equal(end(scene), IJ_STOP_NONE);
    assert_false(has_come(&scene->beats));
}

static void the_end_of_the_pool_stops_what_works_and_what_would(void **state)
{
    struct scene *scene = *state;
    claim(scene);
    begin(scene);
    ij_leases_release_all(&scene->leases);
    assert_true(has_come(&scene->stops));
    assert_int_equal(scene->stopped_as, IJ_EXIT_CLOSED);
    ij_leases_cancel(&scene->leases, &job_id); /* comes too late */
    assert_int_equal(end(scene), IJ_STOP_RELEASED);
    claim(scene);
    begin(scene);
    assert_true(has_come(&scene->stops));
    assert_int_equal(end(scene), IJ_STOP_RELEASED);
}

#define SCENE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_cancel_stops_the_work_of_its_job_and_no_other),
        SCENE_TEST(a_cancel_before_the_work_begins_stops_it_then),
        SCENE_TEST(a_cancel_after_the_work_changes_nothing),
        SCENE_TEST(a_cancel_between_claim_and_hold_is_not_missed),
        SCENE_TEST(what_another_process_asked_is_found_in_the_row),
        SCENE_TEST(a_lease_that_is_anothers_is_found_in_the_row),
        SCENE_TEST(progress_is_told_to_the_store),
        SCENE_TEST(the_end_of_the_pool_stops_what_works_and_what_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
