/* Owns the process's own limits: heaps and descriptors. */
#include "server/process.h"

#include <inttypes.h>
#include <malloc.h>
#include <sys/resource.h>

void ij_process_limit_memory(void)
{
    /* glibc would give each of hundreds of threads a heap of its own */
    (void)mallopt(M_ARENA_MAX, 2);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

int ij_process_raise_descriptors(uint64_t threads, uint64_t workers,
                                 struct imgjob_error *err)
{
    enum {
        OF_WORKER = 24,   /* its socket and pipes, and of a job input and 16 outputs */
        OF_BATCHES = 400, /* images of those that arrive: see handle_batches.c */
        OF_ALL_ELSE = 256
    };
    /* each connection and each download holds one, and without any accept() spins */
    uint64_t wanted = 2 * threads + OF_WORKER * workers + OF_BATCHES + OF_ALL_ELSE;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return ij_fail_errno(err, IMGJOB_E_INTERNAL, "ask for the limit of descriptors");
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < wanted)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%" PRIu64 " descriptors may be open (ulimit -n), %" PRIu64
                       " are needed with http_threads = %" PRIu64 " and %" PRIu64
                       " workers",
                       (uint64_t)limit.rlim_max, wanted, threads, workers);
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return ij_fail_errno(err, IMGJOB_E_INTERNAL, "raise the limit of descriptors");
    return 0;
}
