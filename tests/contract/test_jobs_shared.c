/* A database that several processes share: this one, and others that do what they are
 * told through a pipe, so that nothing depends on who is faster. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "jobs_fixture.h"

/* ---- the other process: its orders come by line, each is answered by a line ---- */

enum { CLAIMS_MAX = 256 };

struct other {
    struct store store; /* its clock is set by each order */
    struct ij_lease claimed[CLAIMS_MAX];
    size_t claim_count;
};

static int64_t other_now(void *data)
{
    return ((struct other *)data)->store.now;
}

static int other_claim(struct other *other)
{
    struct ij_claim with = { .lease_ms = LEASE_MS };
    struct ij_record record = { 0 };
    int64_t due;
    struct ij_jobs *jobs = other->store.jobs;
    int rc = jobs->ops->claim(jobs, &with, &record, &due, &test_err);
    if (rc == 0 && other->claim_count < CLAIMS_MAX)
        other->claimed[other->claim_count++] = ij_lease_of(&record.job);
    ij_record_done(&record);
    return rc;
}

/* Claim until there is nothing, and say what it was. */
static void other_claim_all(struct other *other)
{
    size_t from = other->claim_count;
    int rc;
    while ((rc = other_claim(other)) == 0)
        continue;
    printf("%d", rc);
    for (size_t i = from; i < other->claim_count; i++)
        printf(" %u", number_of(&other->claimed[i].id));
    printf("\n");
}

static int other_submit_many(struct other *other, uint32_t first, uint32_t count)
{
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++)
        rc = submit(&other->store, first + i);
    return rc;
}

static int other_beat(struct other *other, struct ij_lease lease)
{
    struct ij_beat beat = { .lease = lease };
    struct ij_jobs *jobs = other->store.jobs;
    int rc = jobs->ops->heartbeat(jobs, &beat, 1, LEASE_MS, &test_err);
    return rc < 0 ? rc : beat.lost;
}

static void obey(struct other *other, const char *order, uint32_t a, uint32_t b)
{
    if (strcmp(order, "submit") == 0)
        printf("%d\n", other_submit_many(other, a, b));
    else if (strcmp(order, "claim") == 0)
        printf("%d\n", other_claim(other));
    else if (strcmp(order, "claim_all") == 0)
        other_claim_all(other);
    else if (strcmp(order, "finish") == 0)
        printf("%d\n", finish(&other->store, other->claimed[a], (enum ij_finish_kind)b));
    else if (strcmp(order, "beat") == 0)
        printf("%d\n", other_beat(other, other->claimed[a]));
    else if (strcmp(order, "stale") == 0)
        printf("%" PRIu64 "\n", (uint64_t)other->store.metrics.stale_writes.value);
    else
        printf("-99 what is '%s'?\n", order);
}

static int be_other(const char *path)
{
    static struct other other;
    char line[128], order[32];
    struct ij_jobs_config *config = &other.store.config;
    *config = (struct ij_jobs_config){
        .path = path,
        .is_durability_normal = true,
        .is_shared = true,
        .max_queued = 1000,
        .result_ttl_ms = RESULT_TTL_MS,
        .job_ttl_ms = JOB_TTL_MS,
        .metrics = &other.store.metrics,
        .clock = { other_now, other_now, &other },
    };
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    int rc = ij_sqlite_open(config, &other.store.jobs, &test_err);
    printf("%d %s\n", rc, test_err.text);
    while (rc == 0 && fgets(line, sizeof(line), stdin)) {
        int64_t now;
        uint32_t a, b;
        if (sscanf(line, "%" SCNd64 " %31s %" SCNu32 " %" SCNu32, &now, order, &a, &b) !=
                4 ||
            a >= CLAIMS_MAX)
            return 1;
        other.store.now = now;
        obey(&other, order, a, b);
    }
    ij_jobs_close(other.store.jobs);
    return 0;
}

/* ---- this process ---- */

struct process {
    pid_t pid;
    FILE *orders, *answers;
    struct store *store; /* whose clock it goes by */
};

/* The answer's line; its first word is a code. */
static int answer_of(struct process *process, char rest[1024])
{
    char line[1100], *end;
    assert_non_null(fgets(line, sizeof(line), process->answers));
    int code = (int)strtol(line, &end, 10);
    if (rest)
        (void)snprintf(rest, 1024, "%s", end);
    return code;
}

static struct process start(struct store *store)
{
    int orders[2], answers[2];
    assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
    assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(orders[0], 0) == 0 && dup2(answers[1], 1) == 1)
            (void)execl("/proc/self/exe", "other", store->path, (char *)NULL);
        _exit(127);
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    struct process process = { pid, fdopen(orders[1], "w"), fdopen(answers[0], "r"),
                               store };
    assert_non_null(process.orders);
    assert_non_null(process.answers);
    assert_int_equal(answer_of(&process, NULL), 0); /* it is open */
    return process;
}

static void tell(struct process *process, const char *order, uint32_t a, uint32_t b)
{
    (void)fprintf(process->orders, "%" PRId64 " %s %u %u\n", (int64_t)process->store->now,
                  order, a, b);
    assert_int_equal(fflush(process->orders), 0);
}

static int ask(struct process *process, const char *order, uint32_t a, uint32_t b)
{
    tell(process, order, a, b);
    return answer_of(process, NULL);
}

static void await_end(struct process *process)
{
    (void)fclose(process->orders);
    int status;
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    (void)fclose(process->answers);
}

static void kill_it(struct process *process)
{
    assert_int_equal(kill(process->pid, SIGKILL), 0);
    await_end(process);
}

/* Returns once it stands still. */
static void stop(struct process *process)
{
    int status;
    assert_int_equal(kill(process->pid, SIGSTOP), 0);
    assert_int_equal(waitpid(process->pid, &status, WUNTRACED), process->pid);
    assert_true(WIFSTOPPED(status));
}

/* How often config.stirred was called: of the one store that is open. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    uint64_t count; /* guarded by lock */
} stirs = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static void note_stirred(void *data)
{
    (void)data;
    (void)pthread_mutex_lock(&stirs.lock);
    stirs.count++;
    (void)pthread_cond_broadcast(&stirs.more);
    (void)pthread_mutex_unlock(&stirs.lock);
}

static uint64_t await_stirs(uint64_t count)
{
    (void)pthread_mutex_lock(&stirs.lock);
    while (stirs.count < count)
        (void)pthread_cond_wait(&stirs.more, &stirs.lock);
    count = stirs.count;
    (void)pthread_mutex_unlock(&stirs.lock);
    return count;
}

static int setup(void **state)
{
    struct store *store = store_new(&sqlite_backend);
    store->config.is_shared = true;
    store->config.stirred = note_stirred;
    store->config.max_queued = 1000;
    store_reopen(store);
    *state = store;
    return 0;
}

static uint32_t losses(struct store *store, bool is_clock_trusted)
{
    struct ij_sweep with = { .budget = 100, .is_clock_trusted = is_clock_trusted };
    struct ij_swept swept = { 0 };
    expect_code(0, store->jobs->ops->sweep(store->jobs, &with, &swept, &test_err));
    return swept.losses;
}

/* ---- who may open it ---- */

static void a_shared_database_is_nobodys_alone(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    struct ij_jobs *jobs = NULL;
    store->config.is_shared = false;
    expect_code(IMGJOB_E_BUSY, ij_sqlite_open(&store->config, &jobs, &test_err));
    expect_words("is in use by another process");
    await_end(&other);
    store_reopen(store); /* alone */
    store->config.is_shared = true;
    expect_code(IMGJOB_E_BUSY, ij_sqlite_open(&store->config, &jobs, &test_err));
    expect_words("is in use by another process (pid ");
}

static void each_process_is_an_owner_of_its_own(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    assert_int_equal(ask(&other, "submit", 1, 2), 0);
    assert_int_equal(ask(&other, "claim", 0, 0), 0);
    (void)claim_number(store, 2);
    uint64_t theirs = job_of(store, 1).owner, ours = job_of(store, 2).owner;
    assert_true(ours == store->jobs->ops->owner(store->jobs));
    assert_true(theirs != ours && (theirs & 0xff) != (ours & 0xff));
    await_end(&other);
}

/* ---- what they do together ---- */

static void submits_and_claims_of_both_are_one_sequence(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    for (uint32_t i = 0; i < 20; i++) {
        expect_code(0, submit(store, 2 * i));
        assert_int_equal(ask(&other, "submit", 2 * i + 1, 1), 0);
    }
    for (uint32_t i = 0; i < 40; i++) {
        assert_int_equal(job_of(store, i).seq, i + 1);
        assert_int_equal(job_of(store, i).change, i + 1);
    }
    assert_int_equal(stats_of(store).by_state[IMGJOB_STATE_READY], 40);
    (void)claim_number(store, 0);
    assert_int_equal(ask(&other, "claim", 0, 0), 0);
    assert_int_equal(ask(&other, "finish", 0, IJ_FINISH_SUCCEEDED), 0);
    (void)claim_number(store, 2);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_SUCCEEDED);
    struct ij_jobs_stats stats = stats_of(store);
    assert_int_equal(stats.by_state[IMGJOB_STATE_READY], 37);
    assert_int_equal(stats.by_state[IMGJOB_STATE_RUNNING], 2);
    assert_int_equal(stats.by_state[IMGJOB_STATE_SUCCEEDED], 1);
    assert_int_equal(stats.bytes, 40 * INPUT_BYTES + OUTPUT_BYTES);
    assert_int_equal(fault_count(store), 0);
    await_end(&other);
}

static void no_job_is_claimed_twice(void **state)
{
    enum { EACH = 60 };
    struct store *store = *state;
    struct process other = start(store);
    bool is_claimed[2 * EACH] = { false };
    tell(&other, "submit", EACH, EACH);
    for (uint32_t i = 0; i < EACH; i++)
        expect_code(0, submit(store, i));
    assert_int_equal(answer_of(&other, NULL), 0);

    tell(&other, "claim_all", 0, 0);
    struct ij_claim with = { .lease_ms = LEASE_MS };
    struct ij_record record = { 0 };
    int64_t due;
    int rc;
    while ((rc = store->jobs->ops->claim(store->jobs, &with, &record, &due, &test_err)) ==
           0) {
        uint32_t number = number_of(&record.job.id);
        assert_false(is_claimed[number]);
        is_claimed[number] = true;
        ij_record_done(&record);
    }
    assert_int_equal(rc, 1);
    char list[1024], *at = list;
    assert_int_equal(answer_of(&other, list), 1);
    for (char *end; *at && *at != '\n'; at = end) {
        unsigned long number = strtoul(at, &end, 10);
        assert_true(number < 2 * EACH && !is_claimed[number]);
        is_claimed[number] = true;
    }
    for (uint32_t i = 0; i < 2 * EACH; i++)
        assert_true(is_claimed[i]);
    assert_int_equal(stats_of(store).by_state[IMGJOB_STATE_RUNNING], 2 * EACH);
    assert_int_equal(fault_count(store), 0);
    await_end(&other);
}

static void a_limit_and_a_pause_hold_for_all(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    assert_int_equal(ask(&other, "submit", 1, 3), 0);
    struct ij_queue_set set = { .name = "default", .what = IJ_QUEUE_LIMIT, .limit = 1 };
    expect_code(0, store->jobs->ops->queue_set(store->jobs, &set, &test_err));
    assert_int_equal(ask(&other, "claim", 0, 0), 0);
    assert_int_equal(ask(&other, "claim", 0, 0), 1);
    (void)claim_nothing(store);
    assert_int_equal(ask(&other, "finish", 0, IJ_FINISH_SUCCEEDED), 0);
    set.what = IJ_QUEUE_PAUSED;
    set.is_paused = true;
    expect_code(0, store->jobs->ops->queue_set(store->jobs, &set, &test_err));
    assert_int_equal(ask(&other, "claim", 0, 0), 1);
    await_end(&other);
}

/* ---- those who die, and those who only seem to ---- */

static void jobs_of_a_dead_process_are_ready_at_the_next_sweep(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    assert_int_equal(ask(&other, "submit", 1, 4), 0);
    (void)claim_number(store, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&other, "claim", 0, 0), 0);
    assert_int_equal(losses(store, true), 0); /* it lives */
    kill_it(&other);
    assert_int_equal(losses(store, false), 3); /* whatever the clock says */
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_RUNNING);
    for (uint32_t i = 2; i <= 4; i++) {
        assert_int_equal(job_of(store, i).state, IMGJOB_STATE_READY);
        assert_int_equal(job_of(store, i).losses, 1);
        assert_int_equal(job_of(store, i).attempt, 0);
    }
    assert_int_equal(fault_count(store), 0);
}

static void a_place_of_a_dead_process_is_taken_and_its_jobs_are_not(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    assert_int_equal(ask(&other, "submit", 1, 2), 0);
    assert_int_equal(ask(&other, "claim", 0, 0), 0);
    uint64_t dead = job_of(store, 1).owner;
    kill_it(&other);
    other = start(store); /* it holds the byte of the dead one */
    assert_int_equal(ask(&other, "claim", 0, 0), 0);
    assert_int_equal(job_of(store, 2).owner & 0xff, dead & 0xff);
    assert_int_equal(losses(store, false), 1);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_READY);
    assert_int_equal(job_of(store, 2).state, IMGJOB_STATE_RUNNING);
    await_end(&other);
}

static void who_opens_takes_back_only_from_the_dead(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    assert_int_equal(ask(&other, "submit", 1, 2), 0);
    (void)claim_number(store, 1);
    assert_int_equal(ask(&other, "claim", 0, 0), 0);
    store_reopen(store); /* as if we had died */
    uint64_t count = 0;
    expect_code(0, store->jobs->ops->reclaim_all(store->jobs, &count, &test_err));
    assert_int_equal(count, 1);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_READY);
    assert_int_equal(job_of(store, 2).state, IMGJOB_STATE_RUNNING);
    await_end(&other);

    store->config.is_shared = false; /* and from one who had it alone */
    store_reopen(store);
    (void)claim_number(store, 1);
    store->config.is_shared = true;
    store_reopen(store);
    expect_code(0, store->jobs->ops->reclaim_all(store->jobs, &count, &test_err));
    assert_int_equal(count, 2);
}

static void a_process_that_stood_still_past_its_lease_writes_nothing(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    expect_code(0, submit(store, 1));
    expect_code(0, submit(store, 2));
    assert_int_equal(ask(&other, "claim", 0, 0), 0);
    assert_int_equal(ask(&other, "claim", 0, 0), 0);
    stop(&other);
    store->now += LEASE_MS; /* not over yet */
    assert_int_equal(losses(store, true), 0);
    store->now += 1;
    assert_int_equal(losses(store, false), 0); /* not by a clock that jumped */
    assert_int_equal(losses(store, true), 2);
    struct ij_lease taken = claim_number(store, 1);
    assert_int_equal(kill(other.pid, SIGCONT), 0);

    assert_int_equal(ask(&other, "finish", 0, IJ_FINISH_SUCCEEDED), 1);
    assert_int_equal(ask(&other, "finish", 1, IJ_FINISH_FAILED), 1);
    assert_int_equal(ask(&other, "beat", 0, 0), 1);
    assert_int_equal(ask(&other, "stale", 0, 0), 3);
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_RUNNING);
    assert_int_equal(job_of(store, 2).state, IMGJOB_STATE_READY);
    expect_code(0, finish(store, taken, IJ_FINISH_SUCCEEDED));
    assert_int_equal(job_of(store, 1).state, IMGJOB_STATE_SUCCEEDED);
    assert_int_equal(ask(&other, "claim", 0, 0), 0); /* it goes on as any other */
    assert_int_equal(ask(&other, "finish", 2, IJ_FINISH_SUCCEEDED), 0);
    assert_int_equal(fault_count(store), 0);
    await_end(&other);
}

/* ---- what one notices of the others ---- */

static void the_work_of_another_is_noticed(void **state)
{
    struct store *store = *state;
    struct process other = start(store);
    for (uint32_t i = 1; i <= 3; i++) { /* the first may be that it opened the database */
        uint64_t before = await_stirs(0);
        assert_int_equal(ask(&other, "submit", i, 1), 0);
        (void)await_stirs(before + 1);
    }
    assert_int_equal(store->told, 0); /* what it was is told there */
    await_end(&other);
}

static void a_database_that_is_busy_says_so_and_works_again(void **state)
{
    struct store *store = *state;
    sqlite3 *handle = raw_open(store->path);
    raw_run(handle, "BEGIN IMMEDIATE");
    expect_code(IMGJOB_E_BUSY, submit(store, 1));
    expect_words("database is locked");
    raw_run(handle, "COMMIT");
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    expect_code(0, submit(store, 1));
    assert_int_equal(job_of(store, 1).seq, 1);
    assert_int_equal(store->told, 1);
    assert_int_equal(store->failures, 0);
}

#define SHARED(test) cmocka_unit_test_setup_teardown(test, setup, store_teardown)

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[0], "other") == 0)
        return be_other(argv[1]);
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        SHARED(a_shared_database_is_nobodys_alone),
        SHARED(each_process_is_an_owner_of_its_own),
        SHARED(submits_and_claims_of_both_are_one_sequence),
        SHARED(no_job_is_claimed_twice),
        SHARED(a_limit_and_a_pause_hold_for_all),
        SHARED(jobs_of_a_dead_process_are_ready_at_the_next_sweep),
        SHARED(a_place_of_a_dead_process_is_taken_and_its_jobs_are_not),
        SHARED(who_opens_takes_back_only_from_the_dead),
        SHARED(a_process_that_stood_still_past_its_lease_writes_nothing),
        SHARED(the_work_of_another_is_noticed),
        SHARED(a_database_that_is_busy_says_so_and_works_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
