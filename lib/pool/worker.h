/* The worker process: what runs behind the socket that the pool gave it. */
#pragma once

#include "image/image.h"

/* ij_image_run(), or a test's stand-in around it. */
typedef int (*ij_worker_run_fn)(const struct ij_image_job *job,
                                struct ij_image_output *outputs,
                                struct ij_timings *timings, struct ij_failure *failure);

enum {
    IJ_WORKER_SOCKET = 3, /* the descriptor of the socket in the worker process */
    IJ_WORKER_ARGUMENTS = 4
};

/*
 * Run jobs from the socket, one at a time, until the pool closes it.
 *
 * @return 0 when it did, or a negative code: the pool broke the protocol or memory is out
 */
int ij_worker_serve(int fd, ij_worker_run_fn run, struct imgjob_error *err);

/*
 * All of a worker's main(): tie its life to the pool's, take on the limits, prove that
 * images can be run, say hello, serve. Arguments: the program, the pool's pid, bytes of
 * address space, bytes of an output. Never returns.
 */
_Noreturn void ij_worker_main(int argc, char **argv, ij_worker_run_fn run);
