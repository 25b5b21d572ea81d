/*
 * The job store's backend contract: what a row is, and what may be done to it.
 *
 * Every change of a row is one transition of state.h, decided and written in one atomic
 * step; a success is answered only once it is durable. A write by a lease holder is legal
 * only while the row is running under that very lease.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/job.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/failure.h"
#include "base/id.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/progress.h"

enum {
    IJ_STATE_COUNT = IMGJOB_STATE_CANCELED + 1,
    IJ_PRIO_DEFAULT = 5,
    IJ_PRIO_MAX = 9, /* the last; the first is 0 */
    IJ_QUEUE_DEFAULT = 1,
    IJ_TENANT_DEFAULT = 1,
    IJ_ATTEMPTS_DEFAULT = 3,
    IJ_CRASHES_MAX = 3, /* the crash that makes a job `poison` */
    IJ_LOSSES_MAX = 20, /* nodes that may die under a job before it is failed as `lost` */
    IJ_RELEASES_MAX = 20, /* then a release waits, or, with a failure, is a retry */
    IJ_DOCUMENT_MAX =
        256 * 1024,         /* bytes of a spec, an input, a result, a list of keys */
    IJ_CLAIM_SIDE_MAX = 64, /* T3, and T13, that one claim does on its way, each */
    IJ_NAME_SIZE = 65,      /* of a queue's or tenant's name, terminator included */
    IJ_QUEUES_MAX = 256,    /* queues of one store */
    IJ_WEIGHT_DEFAULT = 1,
    IJ_TAGS_MAX = 16, /* tags of one job, of IJ_NAME_SIZE each */
    IJ_IDEMPOTENCY_KEY_MAX = 255,
    IJ_DIGEST_SIZE = 32,
    IJ_URL_MAX = 2048,
    IJ_LIST_MAX = 100,         /* rows that list(), changes() answer at most */
    IJ_LIST_SCAN_MAX = 2000,   /* and look at, so that a rare filter costs a short page */
    IJ_DELIVERY_LOG_MAX = 4096 /* bytes; the oldest attempts go first */
};
#define IJ_NAME_DEFAULT "default" /* of the queue and tenant that are always there */

/* A row, narrow and hot. Times are milliseconds since 1970 UTC by the store's clock; 0 is
 * "none" where a comment says so. A plain value. */
struct ij_job {
    uint64_t seq; /* order of submission */
    struct ij_id id;
    uint32_t tenant, queue;
    enum imgjob_state state;
    enum ij_reason reason; /* of a failed job, or of the last failed attempt */
    uint32_t prio;         /* 0 first .. 9 last */
    uint64_t fair;         /* order within a priority: the tenants' virtual time */
    int64_t run_at;        /* set iff scheduled: not before; 0 otherwise */
    int64_t deadline;      /* 0 = none */
    uint32_t attempt;      /* tries begun, the running one included */
    uint32_t max_attempts;
    uint32_t
        timeout_ms; /* of an attempt, where shorter than the pool's; 0 = the pool's */
    uint32_t crashes, losses, releases;
    uint64_t gen;        /* the fence: grows by one with every claim, never falls */
    uint64_t token;      /* of the last claim; 0 once that lease was lost by T12 */
    int64_t lease_until; /* set iff running; 0 otherwise */
    uint64_t owner;      /* the process that claimed it */
    bool cancel_asked;
    struct ij_progress progress;
    uint64_t ver;    /* grows with every transition but a heartbeat */
    uint64_t change; /* the store's number of that transition: grows over all jobs */
    int64_t created;
    int64_t updated;        /* last change of state */
    int64_t started;        /* last claim; 0 = never */
    int64_t finished;       /* set iff state >= 4; 0 otherwise */
    int64_t result_expires; /* of an ended job; 0 once its blobs were given to gc */
    int64_t expires;        /* of an ended job: when the row goes */
    uint64_t result_ttl_ms, job_ttl_ms; /* this job's own; 0 = the store's */
    uint64_t bytes;                     /* of its blobs; 0 once they were given to gc */
    struct ij_id batch;                 /* ij_id_none = of no batch */
    bool has_callback; /* its end is told to a URL: a row of the outbox */
    bool has_dedup;
    unsigned char dedup[IJ_DIGEST_SIZE]; /* what a submit may find it by */
};

static inline bool ij_job_is_ended(const struct ij_job *job)
{
    return job->state >= IMGJOB_STATE_SUCCEEDED;
}

/* A row with its documents; owned, end with ij_record_done(). JSON texts are terminated;
 * NULL = none. */
struct ij_record {
    struct ij_job job;
    char *spec;    /* canonical spec */
    char *input;   /* JSON: what submit knew of the input */
    char *result;  /* JSON, of a succeeded job */
    char *failure; /* JSON by ij_failure_write(), of the last failed attempt */
    char *options; /* JSON: what submit said beside the spec, for the view */
    char *keys;    /* of its blobs, each ended by '\n' */
    char queue[IJ_NAME_SIZE], tenant[IJ_NAME_SIZE]; /* names */
};
void ij_record_done(struct ij_record *record); /* frees; the record is then zeroed */

/* Who may write to a running job. */
struct ij_lease {
    struct ij_id id;
    uint64_t gen;
    uint64_t token;
};
static inline struct ij_lease ij_lease_of(const struct ij_job *job)
{
    return (struct ij_lease){ job->id, job->gen, job->token };
}

enum ij_submit_outcome {
    IJ_SUBMIT_NEW = 0,
    IJ_SUBMIT_REPLAYED,    /* by its idempotency key */
    IJ_SUBMIT_DEDUPLICATED /* by its digest; the found job's expiry was extended */
};

/* T1. Texts are borrowed; zeroed = default, or none. */
struct ij_submit {
    struct ij_id id;
    const char *tenant, *queue; /* names by ij_name_check(); NULL = IJ_NAME_DEFAULT */
    const char *spec;
    const char *input;
    const char *options; /* JSON; NULL = "{}" */
    const char *keys;    /* of the input blobs, durable, each ended by '\n' */
    uint64_t bytes;      /* of the input blobs */
    bool has_prio;
    uint32_t prio;
    uint32_t max_attempts, timeout_ms;
    int64_t run_at;    /* not before, or … */
    uint64_t delay_ms; /* … from the store's now on; not both */
    int64_t deadline;
    uint64_t result_ttl_ms, job_ttl_ms;
    struct ij_id batch;
    const char *const *tags;
    size_t tag_count;
    const char *callback_url;    /* at most IJ_URL_MAX */
    const char *idempotency_key; /* NULL = none; at most IJ_IDEMPOTENCY_KEY_MAX */
    unsigned char fingerprint[IJ_DIGEST_SIZE]; /* of an idempotency_key */
    bool has_dedup;
    unsigned char dedup[IJ_DIGEST_SIZE];

    /* out */
    enum ij_submit_outcome outcome;
    struct ij_id job; /* the new one, or the one that stands in its place */
};

struct ij_claim { /* T4 */
    uint32_t lease_ms;
};

enum ij_finish_kind {
    IJ_FINISH_SUCCEEDED, /* T6 */
    IJ_FINISH_FAILED,    /* T7: permanent */
    IJ_FINISH_RETRY,     /* T8, or T7 when no attempt is left */
    IJ_FINISH_RELEASED, /* T9: we stop; or, with a failure, this node cannot run it now */
    IJ_FINISH_CANCELED, /* T10 */
    IJ_FINISH_CRASHED   /* T16: its worker process died by itself */
};

struct ij_finish {
    struct ij_lease lease;
    enum ij_finish_kind kind;
    const char *result; /* borrowed; JSON, of SUCCEEDED */
    const char *keys;   /* borrowed; keys of the output blobs, each ended by '\n' */
    uint64_t bytes;     /* of the output blobs */
    const struct ij_failure
        *failure;    /* borrowed; of FAILED, RETRY, CRASHED; of RELEASED it may be */
    uint64_t random; /* any random number: the jitter of a delay */
};

struct ij_beat { /* T5 */
    struct ij_lease lease;
    struct ij_progress
        progress;      /* as it stands; an older percent is never written back */
    bool lost;         /* out: the lease is not ours any more */
    bool cancel_asked; /* out */
};

/* A blob that may be nobody's: its key, and what the key says. */
struct ij_suspect {
    const char *key; /* borrowed */
    struct ij_id id;
    bool is_input;
    uint64_t gen, token; /* of an output */
    bool is_condemned;   /* out: it now stands in gc, by this call or an earlier one */
};

struct ij_sweep {
    uint32_t budget;       /* rows at most, of each kind */
    bool is_clock_trusted; /* false: leases are left alone (the clock jumped) */
};
struct ij_swept {
    uint32_t promoted, losses, overdue, purged, forgotten; /* T3 T12 T13 T15a T15b */
    uint32_t dropped; /* idempotency keys and deliveries whose time is over: two kinds */
    bool can_shrink;  /* the file has many more pages to give back */
};

struct ij_jobs_stats {
    uint64_t by_state[IJ_STATE_COUNT]; /* enum imgjob_state; over all queues */
    uint64_t bytes;                    /* of all blobs that rows name */
    uint64_t change;                   /* of the last transition */
    uint64_t deliveries;               /* webhooks that wait */
};

struct ij_queue_stats {
    char name[IJ_NAME_SIZE];
    bool is_paused;
    uint32_t limit;  /* running at a time; 0 = no limit */
    uint32_t weight; /* its share against other queues, 1..100 */
    uint64_t by_state[IJ_STATE_COUNT];
    int64_t oldest_ready; /* since when the longest waiting job is ready; 0 = none is */
};

enum ij_queue_change {
    IJ_QUEUE_PAUSED = 1, /* bits: which members of a ij_queue_set are meant */
    IJ_QUEUE_LIMIT = 2,
    IJ_QUEUE_WEIGHT = 4
};
struct ij_queue_set {
    const char *name;
    uint32_t what; /* enum ij_queue_change */
    bool is_paused;
    uint32_t limit, weight;
};

/* Which rows list() answers, newest first. Zeroed = all. */
struct ij_list {
    const char *tenant; /* NULL = of all */
    const char *queue;  /* NULL = of all */
    const char *tag;    /* NULL = with and without */
    uint32_t states;    /* bits 1 << enum imgjob_state; 0 = all */
    struct ij_id batch; /* ij_id_none = of any and none */
    uint64_t before;    /* seq; 0 = from the newest */
    uint32_t limit;     /* 1..IJ_LIST_MAX */
};

/* A page; end with ij_page_done(). */
struct ij_page {
    struct ij_record records[IJ_LIST_MAX];
    size_t count;
    uint64_t next; /* of list(): `before` of the next page, 0 = no more;
                      of changes(): `after` of the next call */
};
void ij_page_done(struct ij_page *page); /* frees its records; it is then empty */

enum ij_delivery_state {
    IJ_DELIVERY_WAITING = 0,
    IJ_DELIVERY_DELIVERED,
    IJ_DELIVERY_FAILED /* given up */
};

/* A row of the outbox: the end of a job, to be told to a URL. Owned; end with
 * ij_delivery_done(). */
struct ij_delivery {
    struct ij_id id; /* the webhook-id: the same for every attempt */
    struct ij_id job;
    char tenant[IJ_NAME_SIZE];
    char type[32]; /* "job.completed", "job.failed", "job.cancelled" */
    char *url;
    char *body; /* JSON, as it was when the job ended; "" = it could not be read */
    enum ij_delivery_state state;
    uint32_t attempt;  /* tries begun */
    uint32_t replayed; /* of them, those before the last replay: a backoff counts on from
                          here */
    uint64_t token;    /* of the last claim: the fence of its finish; 0 = it has ended */
    int64_t created, updated;
    int64_t due; /* of a waiting one: when it is tried (again), or its claim ends */
    char *log;   /* a JSON object a line: what each attempt met, oldest first */
};
void ij_delivery_done(struct ij_delivery *delivery);

struct ij_delivery_finish {
    struct ij_id id;
    uint64_t token;
    enum ij_delivery_state state; /* WAITING = again after delay_ms */
    uint64_t delay_ms;
    bool is_url_gone; /* all that waits for this tenant's URL fails with it */
    const char *line; /* borrowed: one line for the log, without its end */
};

/* Which deliveries to claim. */
struct ij_delivery_claim {
    uint32_t lease_ms;
    size_t max;
    const char *const *under_way; /* URLs that are being sent to */
    size_t under_way_count;
    /* So many at a time to one receiver, those under way counted: what is beyond it is
     * passed over, and no try of it has begun; 0 = no bound. Behind many of those, others
     * may not be seen. */
    size_t receiver_max;
    /* No try has begun or ended for a while: a receiver that answers would soon have room
     * for what is passed over, but this one may keep others waiting behind a long row of
     * its own. What is passed over may be put off, without a change to its tries. */
    bool is_stuck;
};

struct ij_delivery_list {
    const char *tenant; /* NULL = of all */
    struct ij_id job;   /* ij_id_none = of all */
    uint32_t states;    /* bits 1 << enum ij_delivery_state; 0 = all */
    uint64_t before;    /* 0 = from the newest */
    uint32_t limit;     /* 1..IJ_LIST_MAX */
};

/* What audit() found wrong with one thing, in a sentence; `data` is the caller's. */
typedef void ij_audit_report(void *data, const char *sentence);
struct ij_audit {
    bool is_repair;
    ij_audit_report *report;
    void *data;
    uint64_t rows, faults, repaired; /* out */
};

/* What a transition was, for those who are told. */
struct ij_change {
    struct ij_job job;      /* as it left it */
    enum imgjob_state from; /* BLOCKED = it is new; equal to job.state = a cancel was
                               asked, progress was told, its blobs went, or its expiry
                               was extended */
    int64_t since;          /* when it had got into `from` */
    uint64_t bytes_before;  /* of its blobs */
    char queue[IJ_NAME_SIZE];
};

/* Told by a backend as they happen; any thread. */
struct ij_jobs_metrics {
    struct ij_histogram commit_seconds;
    struct ij_histogram batch_size; /* requests of one commit */
    struct ij_counter stale_writes; /* finishes and beats refused for their lease */
};

struct ij_jobs;

struct ij_jobs_config {
    const char *path;          /* of the database; backends without one ignore it */
    bool is_durability_normal; /* SQLite: synchronous=NORMAL */
    bool is_shared;            /* SQLite: other processes may have it open as well */
    bool is_read_only;         /* SQLite: no lock, no writing; for audit() and backup() */
    uint64_t max_queued;       /* jobs not ended, at most; submit answers BUSY beyond */
    uint64_t max_bytes; /* of all blobs; beyond it the ended job that would expire next
                           gives up its own early; 0 = no bound */
    uint64_t result_ttl_ms, job_ttl_ms;
    uint64_t idempotency_ttl_ms;
    struct ij_jobs_metrics *metrics; /* NULL = nobody counts */
    struct ij_clock clock;           /* the store's clock: it decides leases */
    struct ij_log log;

    /* Called once for each transition but T15b, and for a T5 that told of progress; those
     * of one step in order, after it is durable and before the call that made it answers;
     * on any thread, no lock held. Must be quick and must not call back into the backend.
     * May be NULL. */
    void (*changed)(void *data, const struct ij_change *change);

    /* Another process changed the store: whoever waits shall look. As `changed` is; only
     * of a shared store. */
    void (*stirred)(void *data);

    /* The body of a webhook, for a job with a callback as it has just ended: JSON, to be
     * freed; "" = the job cannot be read; NULL = no memory. Called inside the step; as
     * `changed` is otherwise. */
    char *(*describe)(void *data, const struct ij_record *record);

    /* Called once, when the backend begins to refuse all work; as `changed` is. May be
     * NULL. */
    void (*failed)(void *data);
    void *changed_data; /* handed to all of them */
};

struct ij_jobs_ops {
    const char *name;

    /*
     * All slots are thread-safe and none may be NULL. Codes: STORE when the backend
     * failed (sticky: it refuses work until reopened; logged once, with its cause), BUSY
     * when nothing happened and it is worth trying again, NOMEM. A call whose answer was
     * lost may be repeated.
     */
    void (*close)(struct ij_jobs *jobs);

    /* A round trip that proves the backend works. */
    int (*ping)(struct ij_jobs *jobs, struct imgjob_error *err);

    /* The random id of this store, made at creation. Borrowed until close. */
    const char *(*store_id)(struct ij_jobs *jobs);

    /* This process, as the owner of what it claims. */
    uint64_t (*owner)(struct ij_jobs *jobs);

    /* T1 for all of them or for none, in their order. Fills the out members, which mean
     * nothing after a failure. Also BUSY: max_queued reached, or an id's old blobs are
     * being collected. The same id and spec again is success. CONFLICT: the id is another
     * job's, or the idempotency key was used with another fingerprint. INVALID: a text is
     * longer than allowed, a name is none, or there would be too many queues. */
    int (*submit)(struct ij_jobs *jobs, struct ij_submit *submits, size_t count,
                  struct imgjob_error *err);

    /* T3 + T4, T13: of the queues that are neither paused nor at their limit and have
     * ready jobs, the one that is furthest behind its weight; of its ready jobs the first
     * by prio, fair. Never blocks for work.
     * @param out      the caller's, filled when 0
     * @param next_due filled when 1: when the next scheduled job is due, 0 = none
     * @return 0 claimed, 1 nothing to claim, or a code */
    int (*claim)(struct ij_jobs *jobs, const struct ij_claim *claim,
                 struct ij_record *out, int64_t *next_due, struct imgjob_error *err);

    /* T5 for `count` jobs in one step: extends, never shortens. Fills the out members,
     * which mean nothing after a failure. */
    int (*heartbeat)(struct ij_jobs *jobs, struct ij_beat *beats, size_t count,
                     uint32_t lease_ms, struct imgjob_error *err);

    /* T6–T10, T16, and in the same commit T4 for the next job when `next` is not NULL.
     * Repeating a finish that was already applied under the same lease is success. The
     * third crash is told as `poison`, with the last crash's own words behind it. After
     * BUSY, FULL or NOMEM nothing happened: the lease stands, and the finish may be tried
     * again until it ends. A next job that cannot be claimed never fails the finish.
     * @param out_next filled as by claim(); out_next->spec stays NULL when nothing was
     * claimed
     * @return 0 done, 1 the lease is lost and nothing was changed by the finish (a next
     * job may have been claimed all the same), or a code; INVALID: a document is longer
     * than IJ_DOCUMENT_MAX */
    int (*finish)(struct ij_jobs *jobs, const struct ij_finish *finish,
                  const struct ij_claim *next, struct ij_record *out_next,
                  struct imgjob_error *err);

    /* T12 for every running job whose owner is proven dead: of a store that is not shared
     * all, when it has just been opened. @param out_count how many */
    int (*reclaim_all)(struct ij_jobs *jobs, uint64_t *out_count,
                       struct imgjob_error *err);

    /* T3 T12 T13 T15a T15b, bounded; any process may call it at any time. T15a moves the
     * job's blob keys into gc; with max_bytes exceeded also before its time. */
    int (*sweep)(struct ij_jobs *jobs, const struct ij_sweep *sweep, struct ij_swept *out,
                 struct imgjob_error *err);

    /* 0, or NOTFOUND. Sees everything that was answered before the call. */
    int (*get)(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
               struct imgjob_error *err);

    /* T11. @param out the row as it is then: running = the flag is set. CONFLICT: it has
     * ended. */
    int (*cancel)(struct ij_jobs *jobs, const struct ij_id *id, struct ij_job *out,
                  struct imgjob_error *err);

    /* T14. CONFLICT: it is not failed or canceled, or its input is gone. BUSY:
     * max_queued reached. */
    int (*retry)(struct ij_jobs *jobs, const struct ij_id *id, struct imgjob_error *err);

    /* T15a and T15b at once. CONFLICT: it has not ended. */
    int (*purge)(struct ij_jobs *jobs, const struct ij_id *id, struct imgjob_error *err);

    /* Rows by a filter, newest first, by a cursor: the cost is that of the page, at any
     * size of the store. A page may be short while `next` is set. @param out zeroed;
     * the caller's, to end with ij_page_done() when 0 */
    int (*list)(struct ij_jobs *jobs, const struct ij_list *list, struct ij_page *out,
                struct imgjob_error *err);

    /* Rows of a tenant (NULL = of all) whose last transition comes after number `after`,
     * in that order, at most `limit`: each job once, as it is now. `next` is then the
     * number of the last one, or `after`. */
    int (*changes)(struct ij_jobs *jobs, const char *tenant, uint64_t after,
                   uint32_t limit, struct ij_page *out, struct imgjob_error *err);

    /* How many jobs of a batch are in each state: an array of IJ_STATE_COUNT. */
    int (*batch)(struct ij_jobs *jobs, const struct ij_id *batch, uint64_t *out_by_state,
                 struct imgjob_error *err);

    /* From counters: the same cost at any size. */
    int (*stats)(struct ij_jobs *jobs, struct ij_jobs_stats *out,
                 struct imgjob_error *err);

    /* All queues, by name. @param out room for IJ_QUEUES_MAX */
    int (*queues)(struct ij_jobs *jobs, struct ij_queue_stats *out, size_t *out_count,
                  struct imgjob_error *err);

    /* Set what `what` names, making the queue if absent. INVALID: out of range. */
    int (*queue_set)(struct ij_jobs *jobs, const struct ij_queue_set *set,
                     struct imgjob_error *err);

    /* Up to `max` deliveries that are due, for this process until `lease_ms` is over:
     * attempt++, a new token. @param out each the caller's, to end with
     * ij_delivery_done() @param next_due when the next one is due, 0 = none waits but
     * those that were passed over: for them one asks again when a try has ended */
    int (*delivery_claim)(struct ij_jobs *jobs, const struct ij_delivery_claim *claim,
                          struct ij_delivery *out, size_t *out_count, int64_t *next_due,
                          struct imgjob_error *err);

    /* @return 0, 1 = the claim is lost and nothing was changed, or a code */
    int (*delivery_finish)(struct ij_jobs *jobs, const struct ij_delivery_finish *finish,
                           struct imgjob_error *err);

    /* Newest first. @param out room for `limit`, each the caller's @param out_next
     * `before` of the next page, 0 = no more */
    int (*delivery_list)(struct ij_jobs *jobs, const struct ij_delivery_list *list,
                         struct ij_delivery *out, size_t *out_count, uint64_t *out_next,
                         struct imgjob_error *err);

    /* Send it again, due at once, whatever became of it; `attempt` and the log go on,
     * replayed = attempt. NOTFOUND. */
    int (*delivery_replay)(struct ij_jobs *jobs, const struct ij_id *id,
                           struct imgjob_error *err);

    /* Check every row, document, index and counter, and, where asked, mend what can be
     * mended without losing an acknowledged job. @return 0 also when there are faults */
    int (*audit)(struct ij_jobs *jobs, struct ij_audit *audit, struct imgjob_error *err);

    /* Write all rows as of one moment to a new database file. INVALID: there is one, or
     * the backend has no file. */
    int (*backup)(struct ij_jobs *jobs, const char *path, struct imgjob_error *err);

    /* Put those of the blobs into gc that no job owns, in one step: an input whose job
     * has no row, an output whose job is not running or succeeded under the key's gen and
     * token, and either when the job's blobs were already given to gc. Fills the out
     * members, which mean nothing after a failure. */
    int (*condemn)(struct ij_jobs *jobs, struct ij_suspect *suspects, size_t count,
                   struct imgjob_error *err);

    /* Up to `max` keys in gc that come after `after` (NULL or "" = from the first), in
     * the order of their bytes, each a string to be freed. They stay until gc_drop():
     * unlink first, drop afterwards. */
    int (*gc_list)(struct ij_jobs *jobs, const char *after, char **out_keys, size_t max,
                   size_t *out_count, struct imgjob_error *err);
    int (*gc_drop)(struct ij_jobs *jobs, const char *const *keys, size_t count,
                   struct imgjob_error *err);

    /* Bytes, free and in all, of the file system that holds the database; UINT64_MAX for
     * both when there is none. STORE, when it cannot be asked, is not sticky here. */
    int (*space)(struct ij_jobs *jobs, uint64_t *out_free, uint64_t *out_total,
                 struct imgjob_error *err);
};

/* Shared. The first member of every backend. */
struct ij_jobs {
    const struct ij_jobs_ops *ops;
};

/* Open a database, created if absent, for this process alone unless it is shared or read
 * only; one of an older version is brought up to this one first. Symbolic links are other
 * names of the same database.
 * @return 0, or BUSY (another process has it; the text names the file), INVALID (not
 * ours, made by a newer version, a file with hard links; read only: absent or older),
 * STORE, FULL, NOMEM */
int ij_sqlite_open(const struct ij_jobs_config *config, struct ij_jobs **out,
                   struct imgjob_error *err);

/* The reference: no durability, every transition plain to see. */
int ij_memory_open(const struct ij_jobs_config *config, struct ij_jobs **out,
                   struct imgjob_error *err);

/* Whether a text is a name of a queue, a tenant or a tag: [A-Za-z0-9_.:-], 1 to 64 bytes.
 * @return 0 or IMGJOB_E_INVALID */
int ij_name_check(const char *text, const char *what, struct imgjob_error *err);

static inline void ij_jobs_close(struct ij_jobs *jobs) /* NULL is fine */
{
    if (jobs)
        jobs->ops->close(jobs);
}
