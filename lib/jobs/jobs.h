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

enum {
    IJ_STATE_COUNT = IMGJOB_STATE_CANCELED + 1,
    IJ_PRIO_DEFAULT = 5,
    IJ_QUEUE_DEFAULT = 1,
    IJ_TENANT_DEFAULT = 1,
    IJ_ATTEMPTS_DEFAULT = 3,
    IJ_CRASHES_MAX = 3, /* the crash that makes a job `poison` */
    IJ_LOSSES_MAX = 20, /* nodes that may die under a job before it is failed as `lost` */
    IJ_RELEASES_MAX = 20, /* then a release waits, or, with a failure, is a retry */
    IJ_DOCUMENT_MAX =
        256 * 1024,        /* bytes of a spec, an input, a result, a list of keys */
    IJ_CLAIM_SIDE_MAX = 64 /* T3, and T13, that one claim does on its way, each */
};

/* A row, narrow and hot. Times are milliseconds since 1970 UTC by the store's clock; 0 is
 * "none" where a comment says so. A plain value. */
struct ij_job {
    uint64_t seq; /* order of submission */
    struct ij_id id;
    uint32_t tenant, queue;
    enum imgjob_state state;
    enum ij_reason reason; /* of a failed job, or of the last failed attempt */
    uint32_t prio;         /* 0 first .. 9 last */
    uint64_t fair;         /* order within a priority: seq until there are tenants */
    int64_t run_at;        /* set iff scheduled: not before; 0 otherwise */
    int64_t deadline;      /* 0 = none */
    uint32_t attempt;      /* tries begun, the running one included */
    uint32_t max_attempts;
    uint32_t crashes, losses, releases;
    uint64_t gen;        /* the fence: grows by one with every claim, never falls */
    uint64_t token;      /* of the last claim; 0 once that lease was lost by T12 */
    int64_t lease_until; /* set iff running; 0 otherwise */
    uint64_t owner;      /* the process that claimed it */
    bool cancel_asked;
    uint32_t progress; /* per cent: 100 once it succeeded; nothing tells more yet */
    uint64_t ver;      /* grows with every transition but a heartbeat */
    int64_t created;
    int64_t updated;        /* last change of state */
    int64_t started;        /* last claim; 0 = never */
    int64_t finished;       /* set iff state >= 4; 0 otherwise */
    int64_t result_expires; /* of an ended job; 0 once its blobs were given to gc */
    int64_t expires;        /* of an ended job: when the row goes */
};

/* A row with its documents; owned, end with ij_record_done(). JSON texts are terminated;
 * NULL = none. */
struct ij_record {
    struct ij_job job;
    char *spec;    /* canonical spec */
    char *input;   /* JSON: what submit knew of the input */
    char *result;  /* JSON, of a succeeded job */
    char *failure; /* JSON by ij_failure_write(), of the last failed attempt */
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

struct ij_submit { /* T1 */
    struct ij_id id;
    const char *spec;  /* borrowed */
    const char *input; /* borrowed */
    const char *keys;  /* borrowed: of the input blobs, durable, each ended by '\n' */
    uint32_t max_attempts;
};

struct ij_claim { /* T4 */
    uint64_t owner;
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
    const struct ij_failure
        *failure;    /* borrowed; of FAILED, RETRY, CRASHED; of RELEASED it may be */
    uint64_t random; /* any random number: the jitter of a delay */
};

struct ij_beat { /* T5 */
    struct ij_lease lease;
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
};

struct ij_jobs_stats {
    uint64_t by_state[IJ_STATE_COUNT]; /* enum imgjob_state */
};

struct ij_jobs;

struct ij_jobs_config {
    const char *path;          /* of the database; backends without one ignore it */
    bool is_durability_normal; /* SQLite: synchronous=NORMAL */
    uint64_t max_queued;       /* jobs not ended, at most; submit answers BUSY beyond */
    uint64_t result_ttl_ms, job_ttl_ms;
    struct ij_clock clock; /* the store's clock: it decides leases */
    struct ij_log log;

    /* Called once for each transition but T5 and T15b, those of one step in order, after
     * it is durable and before the call that made it answers; on any thread, no lock
     * held. Must be quick and must not call back into the backend. May be NULL. */
    void (*changed)(void *data, const struct ij_job *job);

    /* Called once, when the backend begins to refuse all work; as `changed` is. May be
     * NULL. */
    void (*failed)(void *data);
    void *changed_data; /* handed to both */
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

    /* T1. Also BUSY: max_queued reached, or the id's old blobs are being collected. The
     * same id and spec again is success. CONFLICT: the id is another job's. INVALID: a
     * document is longer than IJ_DOCUMENT_MAX. */
    int (*submit)(struct ij_jobs *jobs, const struct ij_submit *submit,
                  struct imgjob_error *err);

    /* T3 + T4, T13: the first of the ready jobs by prio, fair. Never blocks for work.
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

    /* T12 for every running job: called once by the one process that has just opened the
     * store alone, so that all their owners are dead. @param out_count how many */
    int (*reclaim_all)(struct ij_jobs *jobs, uint64_t *out_count,
                       struct imgjob_error *err);

    /* T3 T12 T13 T15a T15b, bounded; any process may call it at any time. T15a moves the
     * job's blob keys into gc. */
    int (*sweep)(struct ij_jobs *jobs, const struct ij_sweep *sweep, struct ij_swept *out,
                 struct imgjob_error *err);

    /* 0, or NOTFOUND. Sees everything that was answered before the call. */
    int (*get)(struct ij_jobs *jobs, const struct ij_id *id, struct ij_record *out,
               struct imgjob_error *err);

    /* From counters: the same cost at any size. */
    int (*stats)(struct ij_jobs *jobs, struct ij_jobs_stats *out,
                 struct imgjob_error *err);

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

/* Open a database, created if absent, for this process alone. Symbolic links are other
 * names of the same database.
 * @return 0, or BUSY (another process has it; the text names the file), INVALID (not
 * ours, made by a newer version, or a file with hard links), STORE, FULL, NOMEM */
int ij_sqlite_open(const struct ij_jobs_config *config, struct ij_jobs **out,
                   struct imgjob_error *err);

/* The reference: no durability, every transition plain to see. */
int ij_memory_open(const struct ij_jobs_config *config, struct ij_jobs **out,
                   struct imgjob_error *err);

static inline void ij_jobs_close(struct ij_jobs *jobs) /* NULL is fine */
{
    if (jobs)
        jobs->ops->close(jobs);
}
