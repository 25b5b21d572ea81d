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

void ij_process_raise_descriptors(const struct ij_log *log, uint64_t threads)
{
    /* each connection and each download holds one, and without any accept() spins */
    uint64_t wanted = 2 * threads + 512;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
        ij_log(log, IMGJOB_LOG_WARN, "server", NULL,
               "%" PRIu64 " descriptors may be open, %" PRIu64 " are needed with %" PRIu64
               " threads (http_threads)",
               (uint64_t)limit.rlim_cur, wanted, threads);
}
