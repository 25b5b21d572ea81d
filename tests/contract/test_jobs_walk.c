/*
 * A random walk on both backends at once, the memory backend being the model: every call
 * must have the same outcome, every row the same members, every transition be told in the
 * same order. Tokens are random in each and are left out.
 *
 *     IJ_WALK_SEED=… IJ_WALK_STEPS=…    to repeat a failure, or to go further
 */
#include <inttypes.h>

#include "jobs_fixture.h"

enum { STEPS_DEFAULT = 20000, LEASES = 32, IDS = 400 };

/* The two stores and what the walk remembers. */
struct walk {
    uint64_t seed; /* xorshift64 */
    struct store *stores[2];
    struct ij_lease leases[LEASES][2]; /* the same claim in each store */
    bool has_lease[LEASES];
    uint32_t claims, refusals, losses, overdue,
        forgotten; /* so that it is seen to get around */
};

static uint64_t roll(struct walk *walk, uint64_t sides)
{
    walk->seed ^= walk->seed << 13;
    walk->seed ^= walk->seed >> 7;
    walk->seed ^= walk->seed << 17;
    return (walk->seed >> 11) % sides;
}

static const struct ij_jobs_ops *ops(const struct walk *walk, int which)
{
    return walk->stores[which]->jobs->ops;
}

static struct ij_jobs *jobs(const struct walk *walk, int which)
{
    return walk->stores[which]->jobs;
}

static void assert_same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a)
        assert_string_equal(a, b);
}

static void assert_same_record(const struct ij_record *a, const struct ij_record *b)
{
#define SAME(member) assert_true(a->job.member == b->job.member)
    assert_true(ij_id_equal(&a->job.id, &b->job.id));
    SAME(seq);
    SAME(tenant);
    SAME(queue);
    SAME(state);
    SAME(reason);
    SAME(prio);
    SAME(fair);
    SAME(run_at);
    SAME(deadline);
    SAME(attempt);
    SAME(max_attempts);
    SAME(crashes);
    SAME(losses);
    SAME(releases);
    SAME(gen);
    SAME(lease_until);
    SAME(owner);
    SAME(cancel_asked);
    SAME(progress);
    SAME(ver);
    SAME(created);
    SAME(updated);
    SAME(started);
    SAME(finished);
    SAME(result_expires);
    SAME(expires);
#undef SAME
    assert_int_equal(a->job.token == 0, b->job.token == 0);
    assert_same_text(a->spec, b->spec);
    assert_same_text(a->input, b->input);
    assert_same_text(a->result, b->result);
    assert_same_text(a->failure, b->failure);
}

static void assert_same_outcome(int a, int b, const struct imgjob_error errs[2])
{
    assert_int_equal(a, b);
    if (a < 0)
        assert_string_equal(errs[0].text, errs[1].text);
}

/* ---- moves ---- */

static void remember(struct walk *walk, struct ij_record records[2])
{
    size_t at = roll(walk, LEASES);
    assert_same_record(&records[0], &records[1]);
    for (int i = 0; i < 2; i++) {
        walk->leases[at][i] = ij_lease_of(&records[i].job);
        ij_record_done(&records[i]);
    }
    walk->has_lease[at] = true;
    walk->claims++;
}

static void move_submit(struct walk *walk)
{
    struct imgjob_error errs[2] = { 0 };
    uint32_t number = (uint32_t)roll(walk, IDS);
    const char *spec = roll(walk, 8) ? "{\"width\":1}" : "{\"width\":2}";
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = submit_into(walk->stores[i], number, spec, &errs[i]);
    assert_same_outcome(rc[0], rc[1], errs);
    walk->refusals += rc[0] < 0;
}

static void move_claim(struct walk *walk)
{
    struct ij_claim claim = { .owner = roll(walk, 5), .lease_ms = LEASE_MS };
    struct ij_record records[2] = { 0 };
    int64_t due[2] = { -1, -1 };
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = ops(walk, i)->claim(jobs(walk, i), &claim, &records[i], &due[i], NULL);
    assert_int_equal(rc[0], rc[1]);
    assert_true(due[0] == due[1]);
    if (rc[0] == 0)
        remember(walk, records);
}

static void move_finish(struct walk *walk)
{
    size_t at = roll(walk, LEASES);
    if (!walk->has_lease[at])
        return;
    enum ij_finish_kind kind = (enum ij_finish_kind)roll(walk, IJ_FINISH_CRASHED + 1);
    struct ij_claim claim = { .owner = 3, .lease_ms = LEASE_MS };
    const struct ij_claim *next = roll(walk, 2) ? &claim : NULL;
    uint64_t random = roll(walk, UINT32_MAX);
    bool is_stale = roll(walk, 10) == 0;
    struct ij_record records[2] = { 0 };
    int rc[2];
    for (int i = 0; i < 2; i++) {
        struct ij_finish with = finish_with(walk->leases[at][i], kind);
        with.random = random;
        with.lease.token ^= is_stale;
        rc[i] = ops(walk, i)->finish(jobs(walk, i), &with, next, &records[i], NULL);
    }
    assert_int_equal(rc[0], rc[1]);
    assert_int_equal(records[0].spec == NULL, records[1].spec == NULL);
    if (records[0].spec)
        remember(walk, records);
}

static void move_heartbeat(struct walk *walk)
{
    struct ij_beat beats[2][LEASES];
    size_t count = 0;
    for (size_t at = 0; at < LEASES; at++) {
        if (!walk->has_lease[at] || roll(walk, 2))
            continue;
        for (int i = 0; i < 2; i++)
            beats[i][count] = (struct ij_beat){ .lease = walk->leases[at][i] };
        count++;
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            ops(walk, i)->heartbeat(jobs(walk, i), beats[i], count, LEASE_MS, NULL), 0);
    for (size_t at = 0; at < count; at++) {
        assert_int_equal(beats[0][at].lost, beats[1][at].lost);
        assert_int_equal(beats[0][at].cancel_asked, beats[1][at].cancel_asked);
    }
}

static void move_sweep(struct walk *walk)
{
    struct ij_sweep with = { (uint32_t)roll(walk, 20), roll(walk, 4) != 0 };
    struct ij_swept swept[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops(walk, i)->sweep(jobs(walk, i), &with, &swept[i], NULL), 0);
    assert_int_equal(swept[0].promoted, swept[1].promoted);
    assert_int_equal(swept[0].losses, swept[1].losses);
    assert_int_equal(swept[0].overdue, swept[1].overdue);
    assert_int_equal(swept[0].purged, swept[1].purged);
    assert_int_equal(swept[0].forgotten, swept[1].forgotten);
    walk->losses += swept[0].losses;
    walk->overdue += swept[0].overdue;
    walk->forgotten += swept[0].forgotten;
}

static void move_condemn(struct walk *walk)
{
    uint32_t number = (uint32_t)roll(walk, IDS);
    size_t at = roll(walk, LEASES);
    bool is_input = !walk->has_lease[at] || roll(walk, 2);
    static const char *const inputs[] = { "in0", "in1", "in2" };
    char key[64], id[IMGJOB_ID_SIZE];
    struct ij_id of = is_input ? test_id(number) : walk->leases[at][0].id;
    ij_id_format(&of, id);
    (void)snprintf(key, sizeof(key), "%s.%s", id,
                   is_input ? inputs[roll(walk, IJ_ARRAY_LEN(inputs))] : "out");
    bool is_condemned[2];
    for (int i = 0; i < 2; i++) {
        struct ij_suspect suspect = { .key = key,
                                      .id = of,
                                      .is_input = is_input,
                                      .gen = walk->leases[at][i].gen,
                                      .token = walk->leases[at][i].token };
        assert_int_equal(ops(walk, i)->condemn(jobs(walk, i), &suspect, 1, NULL), 0);
        is_condemned[i] = suspect.is_condemned;
    }
    assert_int_equal(is_condemned[0], is_condemned[1]);
}

static void move_collect(struct walk *walk)
{
    char *keys[2][16];
    size_t count[2] = { 0 }, max = roll(walk, 17);
    struct ij_id id = test_id((uint32_t)roll(walk, IDS));
    char after[IMGJOB_ID_SIZE];
    ij_id_format(&id, after);
    if (roll(walk, 2))
        after[0] = '\0';
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            ops(walk, i)->gc_list(jobs(walk, i), after, keys[i], max, &count[i], NULL),
            0);
    assert_int_equal(count[0], count[1]);
    for (size_t at = 0; at < count[0]; at++)
        assert_string_equal(keys[0][at], keys[1][at]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            ops(walk, i)->gc_drop(jobs(walk, i), (const char **)keys[i], count[i], NULL),
            0);
        for (size_t at = 0; at < count[i]; at++)
            free(keys[i][at]);
    }
}

static void move_reclaim(struct walk *walk)
{
    uint64_t count[2] = { 0 };
    if (roll(walk, 8))
        return;
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops(walk, i)->reclaim_all(jobs(walk, i), &count[i], NULL), 0);
    assert_true(count[0] == count[1]);
}

static void move_get(struct walk *walk)
{
    struct ij_id id = test_id((uint32_t)roll(walk, IDS));
    struct ij_record records[2] = { 0 };
    struct imgjob_error errs[2] = { 0 };
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = ops(walk, i)->get(jobs(walk, i), &id, &records[i], &errs[i]);
    assert_same_outcome(rc[0], rc[1], errs);
    assert_same_record(&records[0], &records[1]);
    for (int i = 0; i < 2; i++)
        ij_record_done(&records[i]);
}

static void move_deadline(struct walk *walk)
{
    struct ij_id id = test_id((uint32_t)roll(walk, IDS));
    int64_t deadline = walk->stores[0]->now + (int64_t)roll(walk, 4000);
    struct ij_record record = { 0 };
    if (roll(walk, 3) || ops(walk, 0)->get(jobs(walk, 0), &id, &record, NULL) != 0)
        return;
    ij_record_done(&record);
    for (int i = 0; i < 2; i++)
        walk->stores[i]->backend->set_deadline(jobs(walk, i), walk->stores[i]->path, &id,
                                               deadline);
}

static void move_time(struct walk *walk)
{
    int64_t more = (int64_t)roll(walk, roll(walk, 10) ? 1500 : LEASE_MS);
    for (int i = 0; i < 2; i++)
        walk->stores[i]->now += more;
}

static void step(struct walk *walk)
{
    static void (*const moves[])(struct walk *) = {
        move_submit,  move_submit,    move_submit,   move_claim, move_claim,
        move_finish,  move_finish,    move_finish,   move_get,   move_time,
        move_time,    move_heartbeat, move_sweep,    move_sweep, move_condemn,
        move_collect, move_reclaim,   move_deadline,
    };
    moves[roll(walk, IJ_ARRAY_LEN(moves))](walk);
    struct ij_jobs_stats stats[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops(walk, i)->stats(jobs(walk, i), &stats[i], NULL), 0);
    assert_memory_equal(&stats[0], &stats[1], sizeof(stats[0]));
    assert_true(walk->stores[0]->told_sum == walk->stores[1]->told_sum);
}

static uint64_t number_of_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void sqlite_does_what_memory_does(void **state)
{
    (void)state;
    uint64_t random = 0;
    expect_code(0, ij_random(&random, sizeof(random), &test_err));
    struct walk walk = { .seed = number_of_environment("IJ_WALK_SEED", random | 1) };
    uint64_t steps = number_of_environment("IJ_WALK_STEPS", STEPS_DEFAULT);
    print_message("IJ_WALK_SEED=%" PRIu64 "\n", walk.seed); /* before it can fail */
    walk.stores[0] = store_new(&memory_backend);
    walk.stores[1] = store_new(&sqlite_backend);
    for (uint64_t i = 0; i < steps; i++) {
        step(&walk);
        if (i % 5000 == 4999)
            store_reopen(walk.stores[1]);
    }
    print_message("%u claims, %u refused submits, %u losses, %u overdue, %u forgotten\n",
                  walk.claims, walk.refusals, walk.losses, walk.overdue, walk.forgotten);
    for (int i = 0; i < 2; i++)
        store_free(walk.stores[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sqlite_does_what_memory_does) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
