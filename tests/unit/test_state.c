/* The transition table: each row of it, its guard and its effect; then a random walk on
 * which the invariants must hold. */
#include "test.h"

#include "jobs/state.h"

enum { NOW = 1000000, OWNER = 9 };
static const struct ij_retention retention = { 5000, 9000 };
static const struct ij_failure broken = { .error = { IMGJOB_E_IMAGE, "bad" },
                                          .reason = IJ_REASON_CORRUPT };
static const struct ij_failure unlucky = { .error = { IMGJOB_E_BLOB, "no disk" },
                                           .reason = IJ_REASON_BLOB };

static struct ij_job ready_job(void)
{
    struct ij_submit submit = { .id = { { 1, 2, 3 } }, .spec = "{}", .max_attempts = 3 };
    return ij_state_new(&submit, NOW);
}

static struct ij_job running_job(void)
{
    struct ij_job job = ready_job();
    struct ij_claim claim = { .lease_ms = 300 };
    assert_true(ij_state_claim(&job, &claim, OWNER, 77, NOW));
    return job;
}

static struct ij_finish finish_of(const struct ij_job *job, enum ij_finish_kind kind)
{
    return (struct ij_finish){
        .lease = ij_lease_of(job),
        .kind = kind,
        .failure = kind == IJ_FINISH_FAILED ? &broken : &unlucky,
        .random = 1234567,
    };
}

static bool finish(struct ij_job *job, enum ij_finish_kind kind)
{
    struct ij_finish with = finish_of(job, kind);
    if (!ij_finish_blames(&with) || kind == IJ_FINISH_RELEASED)
        with.failure = NULL;
    return ij_state_finish(job, &with, &retention, NOW + 10);
}

static void assert_untouched(const struct ij_job *job, const struct ij_job *before)
{
    assert_memory_equal(job, before, sizeof(*job));
}

static void assert_ended(const struct ij_job *job, enum imgjob_state state, int64_t at)
{
    assert_int_equal(job->state, state);
    assert_int_equal(job->finished, at);
    assert_int_equal(job->updated, at);
    assert_int_equal(job->result_expires, at + 5000);
    assert_int_equal(job->expires, at + 9000);
    assert_int_equal(job->lease_until, 0);
}

static void a_new_job_is_ready_with_default_attempts(void **state)
{
    (void)state;
    struct ij_submit submit = { .id = { { 7 } }, .spec = "{}" };
    struct ij_job job = ij_state_new(&submit, NOW);
    assert_int_equal(job.state, IMGJOB_STATE_READY);
    assert_int_equal(job.max_attempts, IJ_ATTEMPTS_DEFAULT);
    assert_int_equal(job.prio, IJ_PRIO_DEFAULT);
    assert_int_equal(job.created, NOW);
    assert_int_equal(job.gen, 0);
}

static void promote_waits_until_the_job_is_due(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    assert_true(finish(&job, IJ_FINISH_RETRY));
    struct ij_job before = job;
    assert_false(ij_state_promote(&job, job.run_at - 1));
    assert_untouched(&job, &before);
    assert_true(ij_state_promote(&job, job.run_at));
    assert_int_equal(job.state, IMGJOB_STATE_READY);
    assert_int_equal(job.run_at, 0);
    assert_int_equal(job.ver, before.ver + 1);
    assert_false(ij_state_promote(&job, INT64_MAX));
}

static void claim_takes_a_lease_under_a_new_gen(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    assert_int_equal(job.state, IMGJOB_STATE_RUNNING);
    assert_int_equal(job.gen, 1);
    assert_int_equal(job.attempt, 1);
    assert_int_equal(job.token, 77);
    assert_int_equal(job.owner, OWNER);
    assert_int_equal(job.lease_until, NOW + 300);
    assert_int_equal(job.started, NOW);
    struct ij_job before = job;
    struct ij_claim again = { .lease_ms = 300 };
    assert_false(ij_state_claim(&job, &again, OWNER, 78, NOW));
    assert_untouched(&job, &before);
}

static void claim_refuses_a_job_whose_deadline_passed(void **state)
{
    (void)state;
    struct ij_job job = ready_job();
    struct ij_claim claim = { .lease_ms = 300 };
    job.deadline = NOW;
    struct ij_job late = job;
    assert_false(ij_state_claim(&late, &claim, OWNER, 1, NOW + 1));
    assert_untouched(&late, &job);
    assert_true(ij_state_claim(&job, &claim, OWNER, 1, NOW));
}

static void beat_extends_and_never_shortens(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    uint64_t ver = job.ver;
    struct ij_beat beat = { .lease = ij_lease_of(&job), .progress = { 40, 0, 1 } };
    assert_true(ij_state_beat(&job, &beat, 1000, NOW));
    assert_int_equal(job.lease_until, NOW + 1000);
    assert_true(ij_state_beat(&job, &beat, 10, NOW));
    assert_int_equal(job.lease_until, NOW + 1000);
    assert_int_equal(job.ver, ver);
}

static void progress_never_falls_within_an_attempt(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_beat beat = { .lease = ij_lease_of(&job),
                            .progress = { 40, IJ_STAGE_ENCODE, 1 } };
    assert_true(ij_state_beat(&job, &beat, 10, NOW));
    struct ij_beat older = { .lease = beat.lease, .progress = { 39, IJ_STAGE_STEPS, 0 } };
    assert_true(ij_state_beat(&job, &older, 10, NOW));
    assert_memory_equal(&job.progress, &beat.progress, sizeof(job.progress));
    assert_true(finish(&job, IJ_FINISH_RELEASED));
    struct ij_claim claim = { .lease_ms = 300 };
    assert_true(ij_state_claim(&job, &claim, OWNER, 78, NOW));
    assert_int_equal(job.progress.percent, 0);
}

static void a_job_for_later_is_scheduled(void **state)
{
    (void)state;
    struct ij_submit submit = { .spec = "{}", .delay_ms = 50 };
    struct ij_job job = ij_state_new(&submit, NOW);
    assert_int_equal(job.state, IMGJOB_STATE_SCHEDULED);
    assert_int_equal(job.run_at, NOW + 50);
    submit = (struct ij_submit){ .spec = "{}", .run_at = NOW + 7 };
    job = ij_state_new(&submit, NOW);
    assert_int_equal(job.state, IMGJOB_STATE_SCHEDULED);
    assert_int_equal(job.run_at, NOW + 7);
    submit.run_at = NOW; /* that is now */
    job = ij_state_new(&submit, NOW);
    assert_int_equal(job.state, IMGJOB_STATE_READY);
    assert_int_equal(job.run_at, 0);
    submit = (struct ij_submit){ .spec = "{}", .delay_ms = UINT64_MAX };
    assert_true(ij_state_new(&submit, NOW).run_at == INT64_MAX);
}

static void a_job_may_have_lifetimes_of_its_own(void **state)
{
    (void)state;
    struct ij_submit submit = { .spec = "{}", .result_ttl_ms = 100, .job_ttl_ms = 200 };
    struct ij_job job = ij_state_new(&submit, NOW);
    assert_true(ij_state_cancel(&job, &retention, NOW));
    assert_int_equal(job.result_expires, NOW + 100);
    assert_int_equal(job.expires, NOW + 200);
}

static void only_a_success_with_its_blobs_is_extended(void **state)
{
    (void)state;
    struct ij_job job = running_job(), failed = job;
    assert_false(ij_state_extend(&job, &retention, NOW));
    assert_true(finish(&failed, IJ_FINISH_FAILED));
    assert_false(ij_state_extend(&failed, &retention, NOW));
    assert_true(finish(&job, IJ_FINISH_SUCCEEDED));
    struct ij_job before = job;
    assert_true(ij_state_extend(&job, &retention, NOW + 1000));
    assert_int_equal(job.result_expires, NOW + 6000);
    assert_int_equal(job.expires, NOW + 10000);
    assert_int_equal(job.ver, before.ver + 1);
    assert_int_equal(job.updated, before.updated);
    assert_true(ij_state_extend(&job, &retention, NOW)); /* never shortened */
    assert_int_equal(job.result_expires, NOW + 6000);
    assert_true(ij_state_purge(&job, job.result_expires));
    assert_false(ij_state_extend(&job, &retention, NOW + 1000));
}

static void a_twin_is_under_way_or_can_be_fetched(void **state)
{
    (void)state;
    struct ij_job ready = ready_job(), running = running_job(), failed = running;
    assert_true(ij_state_is_twin(&ready, NOW));
    assert_true(ij_state_is_twin(&running, NOW));
    assert_true(finish(&failed, IJ_FINISH_FAILED));
    assert_false(ij_state_is_twin(&failed, NOW));
    struct ij_job done = running;
    assert_true(finish(&done, IJ_FINISH_SUCCEEDED));
    assert_true(ij_state_is_twin(&done, done.result_expires - 1));
    assert_false(ij_state_is_twin(&done, done.result_expires));
    assert_true(ij_state_cancel(&running, &retention, NOW));
    assert_false(ij_state_is_twin(&running, NOW));
}

static void a_stale_lease_may_do_nothing(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    const struct ij_job before = job;
    struct ij_lease stale[3] = { ij_lease_of(&job), ij_lease_of(&job),
                                 ij_lease_of(&job) };
    stale[0].gen--;
    stale[1].token++;
    stale[2].id.bytes[0]++;
    for (size_t i = 0; i < IJ_ARRAY_LEN(stale); i++) {
        struct ij_beat beat = { .lease = stale[i], .progress = { .percent = 50 } };
        assert_false(ij_state_beat(&job, &beat, 1000, NOW));
        for (int kind = IJ_FINISH_SUCCEEDED; kind <= IJ_FINISH_CRASHED; kind++) {
            struct ij_finish with = finish_of(&job, (enum ij_finish_kind)kind);
            with.lease = stale[i];
            assert_false(ij_state_finish(&job, &with, &retention, NOW));
            assert_false(ij_state_is_repeat(&job, &with));
        }
        assert_untouched(&job, &before);
    }
}

static void success_ends_the_job_even_if_a_cancel_was_asked(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    assert_true(ij_state_cancel(&job, &retention, NOW));
    assert_true(finish(&job, IJ_FINISH_SUCCEEDED));
    assert_ended(&job, IMGJOB_STATE_SUCCEEDED, NOW + 10);
    assert_int_equal(job.progress.percent, 100);
    assert_int_equal(job.attempt, 1);
}

static void a_permanent_error_ends_the_job_at_the_first_attempt(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    assert_true(finish(&job, IJ_FINISH_FAILED));
    assert_ended(&job, IMGJOB_STATE_FAILED, NOW + 10);
    assert_int_equal(job.reason, IJ_REASON_CORRUPT);
}

static void a_transient_error_waits_until_no_attempt_is_left(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_claim claim = { .lease_ms = 300 };
    for (uint32_t attempt = 1; attempt < 3; attempt++) {
        assert_true(finish(&job, IJ_FINISH_RETRY));
        assert_int_equal(job.state, IMGJOB_STATE_SCHEDULED);
        assert_int_equal(job.reason, IJ_REASON_BLOB);
        assert_int_equal(job.run_at, NOW + 10 + ij_retry_delay_ms(attempt, 1234567));
        assert_true(ij_state_promote(&job, job.run_at));
        assert_true(ij_state_claim(&job, &claim, OWNER, 5, NOW));
    }
    assert_true(finish(&job, IJ_FINISH_RETRY));
    assert_ended(&job, IMGJOB_STATE_FAILED, NOW + 10);
    assert_int_equal(job.reason, IJ_REASON_BLOB);
    assert_int_equal(job.attempt, 3);
}

static void a_release_costs_no_attempt_and_waits_after_twenty(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_claim claim = { .lease_ms = 300 };
    for (int i = 1; i <= IJ_RELEASES_MAX; i++) {
        assert_true(finish(&job, IJ_FINISH_RELEASED));
        assert_int_equal(job.state, IMGJOB_STATE_READY);
        assert_int_equal(job.attempt, 0);
        assert_int_equal(job.releases, i);
        assert_true(ij_state_claim(&job, &claim, OWNER, 5, NOW));
    }
    assert_true(finish(&job, IJ_FINISH_RELEASED));
    assert_int_equal(job.state, IMGJOB_STATE_SCHEDULED);
    assert_int_equal(job.attempt, 0);
}

static void a_job_its_node_cannot_run_lets_others_pass_and_is_not_tried_for_ever(
    void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_claim claim = { .lease_ms = 300 };
    struct ij_finish with = finish_of(&job, IJ_FINISH_RELEASED);
    assert_non_null(with.failure);
    for (int i = 1; i <= IJ_RELEASES_MAX; i++) {
        with.lease = ij_lease_of(&job);
        assert_true(ij_state_finish(&job, &with, &retention, NOW));
        assert_int_equal(job.state, IMGJOB_STATE_SCHEDULED);
        assert_int_equal(job.attempt, 0);
        assert_int_equal(job.reason, with.failure->reason);
        assert_true(ij_state_promote(&job, job.run_at));
        assert_true(ij_state_claim(&job, &claim, OWNER, 5, NOW));
    }
    for (uint32_t i = 1; i < job.max_attempts; i++) { /* from here on each try counts */
        with.lease = ij_lease_of(&job);
        assert_true(ij_state_finish(&job, &with, &retention, NOW));
        assert_int_equal(job.state, IMGJOB_STATE_SCHEDULED);
        assert_int_equal(job.attempt, i);
        assert_true(ij_state_promote(&job, job.run_at));
        assert_true(ij_state_claim(&job, &claim, OWNER, 5, NOW));
    }
    with.lease = ij_lease_of(&job);
    assert_true(ij_state_finish(&job, &with, &retention, NOW));
    assert_ended(&job, IMGJOB_STATE_FAILED, NOW);
}

static void the_third_crash_is_poison(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_claim claim = { .lease_ms = 300 };
    assert_true(finish(&job, IJ_FINISH_CRASHED));
    assert_int_equal(job.state, IMGJOB_STATE_READY);
    assert_int_equal(job.attempt, 0);
    assert_true(ij_state_claim(&job, &claim, OWNER, 5, NOW));
    assert_true(finish(&job, IJ_FINISH_CRASHED));
    assert_int_equal(job.state, IMGJOB_STATE_SCHEDULED);
    assert_int_equal(job.run_at, NOW + 10 + ij_retry_delay_ms(2, 1234567));
    assert_true(ij_state_promote(&job, job.run_at));
    assert_true(ij_state_claim(&job, &claim, OWNER, 5, NOW));
    assert_true(finish(&job, IJ_FINISH_CRASHED));
    assert_ended(&job, IMGJOB_STATE_FAILED, NOW + 10);
    assert_int_equal(job.reason, IJ_REASON_POISON);
    assert_string_equal(ij_state_reason_text(job.reason),
                        "the job ended its worker process 3 times");
}

static void cancel_ends_a_waiting_job_and_flags_a_running_one(void **state)
{
    (void)state;
    struct ij_job waiting = ready_job();
    assert_true(ij_state_cancel(&waiting, &retention, NOW));
    assert_ended(&waiting, IMGJOB_STATE_CANCELED, NOW);
    assert_false(ij_state_cancel(&waiting, &retention, NOW));

    struct ij_job job = running_job();
    uint64_t ver = job.ver;
    assert_true(ij_state_cancel(&job, &retention, NOW));
    assert_true(ij_state_cancel(&job, &retention, NOW)); /* idempotent */
    assert_int_equal(job.state, IMGJOB_STATE_RUNNING);
    assert_true(job.cancel_asked);
    assert_int_equal(job.ver, ver + 1);
    assert_true(finish(&job, IJ_FINISH_CANCELED));
    assert_ended(&job, IMGJOB_STATE_CANCELED, NOW + 10);
}

static void a_canceled_job_is_never_tried_again(void **state)
{
    (void)state;
    static const enum ij_finish_kind back[] = { IJ_FINISH_RETRY, IJ_FINISH_RELEASED,
                                                IJ_FINISH_CRASHED };
    for (size_t i = 0; i < IJ_ARRAY_LEN(back); i++) {
        struct ij_job job = running_job();
        assert_true(ij_state_cancel(&job, &retention, NOW));
        assert_true(finish(&job, back[i]));
        assert_ended(&job, IMGJOB_STATE_CANCELED, NOW + 10);
    }
    struct ij_job job = running_job();
    assert_true(ij_state_cancel(&job, &retention, NOW));
    assert_true(ij_state_lose(&job, true, &retention, NOW + 10));
    assert_ended(&job, IMGJOB_STATE_CANCELED, NOW + 10);
}

static void lose_waits_for_the_lease_unless_the_owner_is_dead(void **state)
{
    (void)state;
    struct ij_job job = running_job(), orphan = job;
    const struct ij_job before = job;
    assert_false(ij_state_lose(&job, false, &retention, job.lease_until));
    assert_untouched(&job, &before);
    assert_true(ij_state_lose(&job, false, &retention, job.lease_until + 1));
    assert_int_equal(job.state, IMGJOB_STATE_READY);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.losses, 1);
    assert_int_equal(job.crashes, 0);
    assert_int_equal(job.gen, 1);
    assert_true(ij_state_lose(&orphan, true, &retention, NOW));
    assert_int_equal(orphan.state, IMGJOB_STATE_READY);
}

static void the_twenty_first_loss_fails_the_job(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_claim claim = { .lease_ms = 300 };
    for (int i = 0; i < IJ_LOSSES_MAX; i++) {
        assert_true(ij_state_lose(&job, true, &retention, NOW));
        assert_true(ij_state_claim(&job, &claim, OWNER, 5, NOW));
    }
    assert_true(ij_state_lose(&job, true, &retention, NOW + 10));
    assert_ended(&job, IMGJOB_STATE_FAILED, NOW + 10);
    assert_int_equal(job.reason, IJ_REASON_LOST);
}

static void overdue_fails_only_what_waits(void **state)
{
    (void)state;
    struct ij_job job = ready_job(), running = running_job();
    assert_false(ij_state_overdue(&job, &retention, INT64_MAX)); /* it has no deadline */
    job.deadline = running.deadline = NOW + 1;
    assert_false(ij_state_overdue(&job, &retention, NOW + 1));
    assert_true(ij_state_overdue(&job, &retention, NOW + 2));
    assert_ended(&job, IMGJOB_STATE_FAILED, NOW + 2);
    assert_int_equal(job.reason, IJ_REASON_DEADLINE);
    assert_false(ij_state_overdue(&running, &retention, NOW + 2));
}

static void retry_begins_anew_while_the_blobs_are_there(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_job before = job;
    assert_false(ij_state_retry(&job, NOW));
    assert_untouched(&job, &before);
    assert_true(finish(&job, IJ_FINISH_FAILED));
    struct ij_job purged = job;
    assert_true(ij_state_retry(&job, NOW + 20));
    assert_int_equal(job.state, IMGJOB_STATE_READY);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.reason, IJ_REASON_NONE);
    assert_int_equal(job.finished, 0);
    assert_int_equal(job.expires, 0);
    assert_int_equal(job.deadline, 0);
    assert_int_equal(job.gen, 1);
    assert_true(ij_state_purge(&purged, purged.result_expires));
    assert_false(ij_state_retry(&purged, NOW + 20));
}

static void blobs_go_before_the_row(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    assert_false(ij_state_purge(&job, INT64_MAX));
    assert_true(finish(&job, IJ_FINISH_SUCCEEDED));
    assert_false(ij_state_purge(&job, job.result_expires - 1));
    assert_false(ij_state_is_forgotten(&job, INT64_MAX));
    int64_t updated = job.updated;
    assert_true(ij_state_purge(&job, job.result_expires));
    assert_int_equal(job.result_expires, 0);
    assert_int_equal(job.bytes, 0);
    assert_int_equal(job.updated, updated);
    assert_false(ij_state_purge(&job, INT64_MAX));
    assert_false(ij_state_is_forgotten(&job, job.expires - 1));
    assert_true(ij_state_is_forgotten(&job, job.expires));
}

static void a_row_outlives_its_blobs_and_long_lives_do_not_wrap(void **state)
{
    (void)state;
    struct ij_retention odd = { 9000, 10 }, endless = { UINT64_MAX, UINT64_MAX };
    struct ij_job job = ready_job(), other = job;
    assert_true(ij_state_cancel(&job, &odd, NOW));
    assert_int_equal(job.expires, NOW + 9000);
    assert_true(ij_state_cancel(&other, &endless, NOW));
    assert_true(other.expires == INT64_MAX);
}

static void a_finish_is_a_repeat_only_of_its_own_outcome(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_finish succeeded = finish_of(&job, IJ_FINISH_SUCCEEDED);
    struct ij_finish failed = finish_of(&job, IJ_FINISH_FAILED);
    struct ij_finish retry = finish_of(&job, IJ_FINISH_RETRY);
    struct ij_job lost = job, done = job, back = job;
    assert_true(ij_state_finish(&done, &succeeded, &retention, NOW));
    assert_true(ij_state_is_repeat(&done, &succeeded));
    assert_false(ij_state_is_repeat(&done, &failed));
    assert_true(ij_state_finish(&back, &retry, &retention, NOW));
    assert_true(ij_state_is_repeat(&back, &retry));
    assert_false(ij_state_is_repeat(&back, &succeeded));
    assert_true(ij_state_lose(&lost, true, &retention, NOW));
    assert_false(ij_state_is_repeat(&lost, &retry)); /* somebody else gave it back */
}

static void a_blob_belongs_to_the_lease_that_wrote_it(void **state)
{
    (void)state;
    struct ij_job job = running_job();
    struct ij_suspect input = { .id = job.id, .is_input = true };
    struct ij_suspect output = { .id = job.id, .gen = 1, .token = 77 };
    struct ij_suspect stale = { .id = job.id, .gen = 1, .token = 78 };
    struct ij_suspect foreign = { .id = { { 9 } }, .is_input = true };
    assert_true(ij_state_owns(&job, &input));
    assert_true(ij_state_owns(&job, &output));
    assert_false(ij_state_owns(&job, &stale));
    assert_false(ij_state_owns(&job, &foreign));
    struct ij_job failed = job;
    assert_true(finish(&failed, IJ_FINISH_FAILED));
    assert_true(ij_state_owns(&failed, &input));
    assert_false(ij_state_owns(&failed, &output));
    assert_true(finish(&job, IJ_FINISH_SUCCEEDED));
    assert_true(ij_state_owns(&job, &output));
    assert_true(ij_state_purge(&job, job.result_expires));
    assert_false(ij_state_owns(&job, &output));
    assert_false(ij_state_owns(&job, &input));
}

static void the_delay_doubles_up_to_fifteen_minutes(void **state)
{
    (void)state;
    assert_int_equal(ij_retry_delay_ms(0, 2000), 2000);
    assert_int_equal(ij_retry_delay_ms(1, 2000), 2000);
    assert_int_equal(ij_retry_delay_ms(1, 2001), 0);
    assert_int_equal(ij_retry_delay_ms(2, 4000), 4000);
    assert_int_equal(ij_retry_delay_ms(9, 512000), 512000);
    assert_int_equal(ij_retry_delay_ms(10, 900000), 900000);
    assert_int_equal(ij_retry_delay_ms(UINT32_MAX, 900001), 0);
}

/* ---- the walk ---- */

static uint64_t next_random(uint64_t *seed) /* xorshift64 */
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

static void assert_invariants(const struct ij_job *job, const struct ij_job *before)
{
    bool is_ended = job->state >= IMGJOB_STATE_SUCCEEDED;
    assert_int_equal(job->state == IMGJOB_STATE_RUNNING, job->lease_until != 0);
    assert_int_equal(job->state == IMGJOB_STATE_SCHEDULED, job->run_at != 0);
    assert_int_equal(is_ended, job->finished != 0);
    assert_int_equal(is_ended, job->expires != 0);
    assert_true(job->gen >= before->gen);
    assert_true(job->ver >= before->ver);
    assert_true(job->attempt <= job->max_attempts);
    assert_true(job->crashes <= IJ_CRASHES_MAX && job->losses <= IJ_LOSSES_MAX + 1);
}

/* @return whether the move says that it changed the job */
static bool random_move(struct ij_job *job, uint64_t *seed, int64_t now)
{
    uint64_t random = next_random(seed);
    struct ij_claim claim = { .lease_ms = 500 };
    struct ij_beat beat = { .lease = ij_lease_of(job),
                            .progress = { .percent = (uint32_t)(random / 1024 % 101) } };
    struct ij_finish with =
        finish_of(job, (enum ij_finish_kind)(random / 16 % (IJ_FINISH_CRASHED + 1)));
    with.random = random;
    with.lease.gen -= random / 256 % 4 == 0;
    switch (random % 10) {
    case 0:
        return ij_state_promote(job, now);
    case 1:
        return ij_state_claim(job, &claim, random, random | 1, now);
    case 2:
        return ij_state_beat(job, &beat, 500, now);
    case 3:
        return random / 512 % 8 == 0 && ij_state_cancel(job, &retention, now);
    case 4:
        return ij_state_lose(job, random / 512 % 2, &retention, now);
    case 5:
        return ij_state_overdue(job, &retention, now);
    case 6:
        return ij_state_retry(job, now);
    case 7:
        return ij_state_purge(job, now);
    default:
        return ij_state_finish(job, &with, &retention, now);
    }
}

static void the_invariants_hold_on_a_random_walk(void **state)
{
    (void)state;
    uint64_t seed = 0x9e3779b97f4a7c15u;
    int64_t now = NOW;
    struct ij_job job = ready_job();
    for (int i = 0; i < 200000; i++) {
        now += (int64_t)(next_random(&seed) % 400);
        struct ij_job before = job;
        bool is_changed = random_move(&job, &seed, now);
        if (!is_changed)
            assert_untouched(&job, &before);
        assert_invariants(&job, &before);
        if (before.state >= IMGJOB_STATE_SUCCEEDED && job.state != before.state)
            assert_int_equal(job.state, IMGJOB_STATE_READY); /* T14 */
        if (ij_state_is_forgotten(&job, now))
            job = ready_job();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_job_is_ready_with_default_attempts),
        cmocka_unit_test(promote_waits_until_the_job_is_due),
        cmocka_unit_test(claim_takes_a_lease_under_a_new_gen),
        cmocka_unit_test(claim_refuses_a_job_whose_deadline_passed),
        cmocka_unit_test(beat_extends_and_never_shortens),
        cmocka_unit_test(progress_never_falls_within_an_attempt),
        cmocka_unit_test(a_job_for_later_is_scheduled),
        cmocka_unit_test(a_job_may_have_lifetimes_of_its_own),
        cmocka_unit_test(only_a_success_with_its_blobs_is_extended),
        cmocka_unit_test(a_twin_is_under_way_or_can_be_fetched),
        cmocka_unit_test(a_stale_lease_may_do_nothing),
        cmocka_unit_test(success_ends_the_job_even_if_a_cancel_was_asked),
        cmocka_unit_test(a_permanent_error_ends_the_job_at_the_first_attempt),
        cmocka_unit_test(a_transient_error_waits_until_no_attempt_is_left),
        cmocka_unit_test(a_release_costs_no_attempt_and_waits_after_twenty),
        cmocka_unit_test(
            a_job_its_node_cannot_run_lets_others_pass_and_is_not_tried_for_ever),
        cmocka_unit_test(the_third_crash_is_poison),
        cmocka_unit_test(cancel_ends_a_waiting_job_and_flags_a_running_one),
        cmocka_unit_test(a_canceled_job_is_never_tried_again),
        cmocka_unit_test(lose_waits_for_the_lease_unless_the_owner_is_dead),
        cmocka_unit_test(the_twenty_first_loss_fails_the_job),
        cmocka_unit_test(overdue_fails_only_what_waits),
        cmocka_unit_test(retry_begins_anew_while_the_blobs_are_there),
        cmocka_unit_test(blobs_go_before_the_row),
        cmocka_unit_test(a_row_outlives_its_blobs_and_long_lives_do_not_wrap),
        cmocka_unit_test(a_finish_is_a_repeat_only_of_its_own_outcome),
        cmocka_unit_test(a_blob_belongs_to_the_lease_that_wrote_it),
        cmocka_unit_test(the_delay_doubles_up_to_fifteen_minutes),
        cmocka_unit_test(the_invariants_hold_on_a_random_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
