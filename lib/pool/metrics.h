/* What a pool counts. */
#pragma once

#include "base/metrics.h"
#include "image/image.h"
#include "spec/spec.h"

/* Why a worker process is no more. A closed list. */
enum ij_exit_cause {
    IJ_EXIT_RECYCLED = 0, /* worn out: by jobs, age, memory, or by what it has read */
    IJ_EXIT_RESIZED,      /* fewer workers are wanted */
    IJ_EXIT_CLOSED,       /* the pool ends */
    IJ_EXIT_CANCELED,     /* a client did not want its job any more */
    IJ_EXIT_LOST,         /* another process had its job by then */
    IJ_EXIT_TIMEOUT,      /* wall time of the job */
    IJ_EXIT_CPU,          /* CPU time of the job */
    IJ_EXIT_MEMORY,
    IJ_EXIT_CRASHED,
    IJ_EXIT_PROTOCOL,  /* it said what no worker says */
    IJ_EXIT_UNSTARTED, /* it never said hello */
    IJ_EXIT_INTERNAL,  /* this side could not go on with it */
    IJ_EXIT_COUNT
};

enum { IJ_EXIT_SIGNALS = 65 }; /* by number; 0 = none, or one of ours */

/* Of attempts that succeeded with specs that do the same. */
struct ij_op_metrics {
    const char *op; /* see ij_pool_metrics_done() */
    struct ij_histogram decode, steps, encode;
    struct ij_op_metrics *next;
};

/* Shared; zeroed = nothing counted. An entry stays where it is once it is there. */
struct ij_pool_metrics {
    _Atomic(struct ij_op_metrics *) ops;
    struct ij_counter exits[IJ_EXIT_COUNT][IJ_EXIT_SIGNALS];
    struct ij_counter leases_lost;
    struct ij_counter canceled; /* attempts */
};

/* An attempt succeeded. It counts for the operation that is its spec's only one; since
 * libvips does all steps in one pass, those of a longer one cannot be told apart, and
 * count as "pipeline"; a spec without any as "convert", or "info" where it has no output
 * either. Where there is no memory it is not counted. */
void ij_pool_metrics_done(struct ij_pool_metrics *metrics, const struct imgjob_spec *spec,
                          const struct ij_timings *timings);
/* No thread counts any more. */
void ij_pool_metrics_free(struct ij_pool_metrics *metrics);

/* A worker process ended. @param metrics NULL = nobody counts
 * @param signal that it died of by itself; 0 = none */
void ij_pool_metrics_exit(struct ij_pool_metrics *metrics, enum ij_exit_cause cause,
                          int signal);
