/* The worker process: what runs behind the socket that the pool gave it. */
#pragma once

#include "image/image.h"

/* ij_image_run(), or a test's stand-in around it. */
typedef int (*ij_worker_run_fn)(const struct ij_image_job *job,
                                struct ij_image_output *outputs,
                                struct ij_timings *timings, struct ij_failure *failure);

enum {
    IJ_WORKER_SOCKET = 3, /* the descriptor of the socket in the worker process */
    IJ_WORKER_ARGUMENTS = 5
};

/* The first argument of a program that is started as a worker. */
#define IJ_WORKER_MARK "--imgjob-worker"

/* What a worker can do. Borrowed for its life. */
struct ij_worker_trade {
    const struct ij_ops *ops;
    ij_worker_run_fn run;
};

/*
 * Run jobs from the socket, one at a time, until the pool closes it.
 *
 * @return 0 when it did, or a negative code: the pool broke the protocol or memory is out
 */
int ij_worker_serve(int fd, const struct ij_worker_trade *trade,
                    struct imgjob_error *err);

/* Whether the arguments are those of a worker. */
bool ij_worker_is_meant(int argc, char **argv);

/*
 * All of a worker's main(): tie its life to the pool's, take on the limits, prove that
 * images can be run, say hello, serve. Arguments: the program, IJ_WORKER_MARK, the pool's
 * pid, bytes of address space, bytes of an output. Never returns.
 */
_Noreturn void ij_worker_main(int argc, char **argv, const struct ij_worker_trade *trade);
