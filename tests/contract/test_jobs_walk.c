/*
 * A random walk on both backends at once, the memory backend being the model: every call
 * must have the same outcome, every transition be told with the same members in the same
 * order, and, every so often, every row, page and delivery be the same. Tokens and the
 * ids of deliveries are random in each and are left out.
 *
 *     IJ_WALK_SEED=… IJ_WALK_STEPS=…    to repeat a failure, or to go further
 */
#include <inttypes.h>

#include "jobs/memory.h"
#include "walk.h"

enum { STEPS_DEFAULT = 20000, COMPARED_EVERY = 250, REOPENED_EVERY = 5000 };

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

/* What a submit may say, in the storage of the caller. */
struct words {
    const char *tags[2];
    char key[16];
};

static struct ij_submit any_submit(struct walk *walk, struct words *words)
{
    static const char *const urls[] = { "http://a/", "http://b/" };
    int64_t now = walk->stores[0]->now;
    struct ij_submit with = {
        .spec = one_in(walk, 8) ? "{\"width\":2}" : "{\"width\":1}",
        .input = "{}",
        .options = one_in(walk, 2) ? "{\"o\":1}" : NULL,
        .bytes = roll(walk, 5000),
        .tenant = any_tenant(walk),
        .queue = one_in(walk, 300) ? "no name" : any_queue(walk),
        .has_prio = one_in(walk, 3),
        .prio = (uint32_t)roll(walk, 3) * 4,
        .max_attempts = (uint32_t)roll(walk, 4),
        .delay_ms = one_in(walk, 6) ? roll(walk, 4000) : 0,
        .deadline = one_in(walk, 6) ? now + (int64_t)roll(walk, 4000) : 0,
        .result_ttl_ms = one_in(walk, 4) ? roll(walk, 60000) : 0,
        .job_ttl_ms = one_in(walk, 4) ? roll(walk, 60000) : 0,
        .batch = one_in(walk, 3) ? test_id(1000 + (uint32_t)roll(walk, 4)) : ij_id_none,
        .callback_url = one_in(walk, 3) ? urls[roll(walk, 2)] : NULL,
        .has_dedup = one_in(walk, 4),
        .dedup = { (unsigned char)roll(walk, 12) },
        .fingerprint = { (unsigned char)(one_in(walk, 8)) },
    };
    if (with.delay_ms == 0 && one_in(walk, 10))
        with.run_at = now - 500 + (int64_t)roll(walk, 3000);
    for (size_t i = 0; i < 2; i++) {
        const char *tag = any_tag(walk);
        if (tag && (with.tag_count == 0 || tag != words->tags[0] || one_in(walk, 50)))
            words->tags[with.tag_count++] = tag;
    }
    with.tags = words->tags;
    (void)snprintf(words->key, sizeof(words->key), "key%u", (unsigned)roll(walk, 12));
    if (one_in(walk, 3))
        with.idempotency_key = words->key;
    return with;
}

static void move_submit(struct walk *walk)
{
    enum { MANY = 4 };
    struct imgjob_error errs[2] = { 0 };
    struct ij_submit submits[2][MANY];
    struct words words[MANY];
    char keys[MANY][IMGJOB_ID_SIZE + 8];
    size_t count = one_in(walk, 4) ? 1 + roll(walk, MANY) : 1;
    for (size_t at = 0; at < count; at++) {
        char id[IMGJOB_ID_SIZE];
        submits[0][at] = any_submit(walk, &words[at]);
        submits[0][at].id = test_id((uint32_t)roll(walk, IDS));
        ij_id_format(&submits[0][at].id, id);
        (void)snprintf(keys[at], sizeof(keys[at]), "%s.in0\n", id);
        submits[0][at].keys = keys[at];
        submits[1][at] = submits[0][at];
    }
    int rc[2];
    for (int i = 0; i < 2; i++)
        rc[i] = ops(walk, i)->submit(jobs(walk, i), submits[i], count, &errs[i]);
    assert_same_outcome(rc[0], rc[1], errs);
    walk->refusals += rc[0] < 0;
    for (size_t at = 0; at < count && rc[0] == 0; at++) {
        assert_int_equal(submits[0][at].outcome, submits[1][at].outcome);
        assert_true(ij_id_equal(&submits[0][at].job, &submits[1][at].job));
        walk->replays += submits[0][at].outcome == IJ_SUBMIT_REPLAYED;
        walk->twins += submits[0][at].outcome == IJ_SUBMIT_DEDUPLICATED;
    }
}

static void move_claim(struct walk *walk)
{
    struct ij_claim claim = { .lease_ms = LEASE_MS };
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
    struct ij_claim claim = { .lease_ms = LEASE_MS };
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
        struct ij_progress progress = { (uint32_t)roll(walk, 100),
                                        (enum ij_stage)roll(walk, IJ_STAGE_COUNT),
                                        (uint32_t)roll(walk, 3) };
        for (int i = 0; i < 2; i++)
            beats[i][count] =
                (struct ij_beat){ .lease = walk->leases[at][i], .progress = progress };
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
    assert_int_equal(swept[0].dropped, swept[1].dropped);
    walk->dropped += swept[0].dropped;
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

static void move_time(struct walk *walk)
{
    int64_t more = (int64_t)roll(walk, roll(walk, 10) ? 1500 : LEASE_MS);
    for (int i = 0; i < 2; i++)
        walk->stores[i]->now += more;
}

static void step(struct walk *walk)
{
    static void (*const moves[])(struct walk *) = {
        move_submit,
        move_submit,
        move_submit,
        move_submit,
        move_claim,
        move_claim,
        move_claim,
        move_finish,
        move_finish,
        move_finish,
        move_finish,
        move_get,
        move_time,
        move_time,
        move_time,
        move_heartbeat,
        move_sweep,
        move_sweep,
        move_condemn,
        move_collect,
        move_reclaim,
        move_cancel,
        move_retry,
        move_purge,
        move_list,
        move_changes,
        move_queue_set,
        move_delivery_claim,
        move_retry,
        move_delivery_claim,
        move_delivery_finish,
        move_delivery_finish,
        move_list,
        move_delivery_list,
        move_delivery_replay,
    };
    moves[roll(walk, IJ_ARRAY_LEN(moves))](walk);
    compare_stats(walk);
    assert_true(walk->stores[0]->told == walk->stores[1]->told);
    assert_true(walk->stores[0]->told_sum == walk->stores[1]->told_sum);
}

/* SQLite's store begins anew, and the turns of the queues with it. */
static void reopen(struct walk *walk)
{
    struct ij_memory *memory = (struct ij_memory *)jobs(walk, 0);
    memory->turn_clock.pass = 0;
    for (size_t i = 0; i < memory->queue_count; i++)
        memory->queues[i].turn.pass = 0;
    store_reopen(walk->stores[1]);
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
    static const struct backend *const backends[] = { &memory_backend, &sqlite_backend };
    for (int i = 0; i < 2; i++) {
        walk.stores[i] = store_new(backends[i]);
        walk.stores[i]->config.max_bytes = 300000;
        store_reopen(walk.stores[i]); /* both are empty */
    }
    for (uint64_t i = 1; i <= steps; i++) {
        step(&walk);
        if (i % COMPARED_EVERY == 0)
            compare_all(&walk);
        if (i % REOPENED_EVERY == 0)
            reopen(&walk);
    }
    print_message("%u claims, %u refused submits, %u replays, %u twins, %u losses, "
                  "%u overdue\n",
                  walk.claims, walk.refusals, walk.replays, walk.twins, walk.losses,
                  walk.overdue);
    print_message("%u canceled, %u retried, %u purged, %u forgotten, %u deliveries, "
                  "%u dropped, %u further pages\n",
                  walk.canceled, walk.retried, walk.purged, walk.forgotten,
                  walk.deliveries, walk.dropped, walk.pages);
    for (int i = 0; i < 2; i++)
        store_free(walk.stores[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sqlite_does_what_memory_does) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
