/* A worker process as the pool sees it: started, limited, measured, ended. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Owned by the thread that started it: the process dies with that thread. */
struct ij_process {
    pid_t pid;                /* 0 = none */
    int pidfd;                /* this process and no other, reaped or not; -1 = no such */
    int socket_fd;            /* SEQPACKET, to the worker's descriptor 3 */
    int stderr_fd;            /* what the worker says, non-blocking */
    int statm_fd;             /* /proc/<pid>/statm */
    uint64_t cpu_seconds_max; /* of its life: the hard limit that it inherited */
};

#define IJ_PROCESS_NONE \
    ((struct ij_process){ .pidfd = -1, .socket_fd = -1, .stderr_fd = -1, .statm_fd = -1 })

/*
 * Start a worker program: empty environment, no descriptor but /dev/null, the pipe and
 * the socket, no blocked signal, a session of its own.
 *
 * @param memory_limit bytes of address space
 * @param output_limit bytes of one output
 * @return 0, or IMGJOB_E_CRASHED (cannot be started), _NOMEM
 */
int ij_process_start(const char *path, uint64_t memory_limit, uint64_t output_limit,
                     struct ij_process *out, struct imgjob_error *err);

/* Let it use that much more CPU time; SIGXCPU ends it then. Rounded up to a second.
 * @return 0, 1 = it has ended, or IMGJOB_E_INTERNAL */
int ij_process_limit_cpu(const struct ij_process *process, uint32_t cpu_ms,
                         struct imgjob_error *err);

/* Resident bytes; 0 when they cannot be read. */
uint64_t ij_process_rss(const struct ij_process *process);

/*
 * Kill it if it still lives, and reap it; its stderr can still be read until
 * ij_process_close().
 *
 * @return its wait status: its own if it had ended by itself; -1 if it is not known,
 * since this program ignores SIGCHLD or reaped it elsewhere
 */
int ij_process_end(struct ij_process *process);

/* A wait status in words: "died of SIGSEGV", "exited with status 3", "ended". */
void ij_process_describe(int status, char *out, size_t size);

/* Close what is left; ends it before if need be. */
void ij_process_close(struct ij_process *process);
