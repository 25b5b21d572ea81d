/*
 * Owns how worker processes begin and end. A child sees nothing of this process but what
 * is listed in spawn(): the list is short and closed, so a new descriptor, variable or
 * signal setting elsewhere cannot leak into it. A pid can be a stranger's as soon as its
 * process was reaped, which a program that ignores SIGCHLD or waits for any child does
 * behind our back, so a worker is signalled and waited for by its pidfd where the system
 * has such.
 */
#include "pool/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "pool/worker.h"

enum {
    FIRST_FREE_FD = IJ_WORKER_SOCKET + 1, /* the child has all below, and no other */
    NUMBER_SIZE = 24
};

/* As calls, since the C library has these names only from 2.36 on. */
#define BY_PIDFD ((idtype_t)3) /* P_PIDFD */

static int signal_pidfd(int pidfd, int signal)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/* @return -1 with errno; ENOSYS or EPERM: there is no such thing here (Linux before 5.4,
 * old container filters, valgrind) */
static int open_pidfd(pid_t pid)
{
    IJ_AUTO(ij_close) int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec */
    if (fd >= 0 && signal_pidfd(fd, 0) < 0 && errno == ENOSYS)
        return -1;
    return ij_steal_fd(&fd);
}

/* What a child is started with: its ends of the socket and of the pipe. */
struct launch {
    const char *path;
    char *const *arguments;
    int socket_fd, stderr_fd;
};

/* A program may have closed its stdin, and then our descriptor has a number that the
 * child's own would overwrite before it is used. */
static int lift(int *fd)
{
    if (*fd >= FIRST_FREE_FD)
        return 0;
    int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    if (lifted < 0)
        return -1;
    ij_close(fd);
    *fd = lifted;
    return 0;
}

static int fill_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attributes, &all);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSIGDEF |
                                                      POSIX_SPAWN_SETSID);
    return rc;
}

static int fill_actions(posix_spawn_file_actions_t *actions, const struct launch *launch)
{
    int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, launch->stderr_fd, 2);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, launch->socket_fd,
                                              IJ_WORKER_SOCKET);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FREE_FD);
    return rc;
}

/* @return 0 or an errno */
static int spawn(const struct launch *launch, pid_t *out_pid)
{
    static char *const no_environment[] = { NULL };
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int rc = posix_spawnattr_init(&attributes);
    if (rc != 0)
        return rc;
    rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0) {
        rc = fill_attributes(&attributes);
        if (rc == 0)
            rc = fill_actions(&actions, launch);
        if (rc == 0)
            rc = posix_spawn(out_pid, launch->path, &actions, &attributes,
                             launch->arguments, no_environment);
        (void)posix_spawn_file_actions_destroy(&actions); /* both cannot fail */
    }
    (void)posix_spawnattr_destroy(&attributes);
    return rc;
}

static int open_statm(pid_t pid)
{
    char path[NUMBER_SIZE + sizeof("/proc//statm")];
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* waitid() on that process. @return 0, or -1 with errno */
static int wait_for(const struct ij_process *process, int flags, siginfo_t *out)
{
    bool has_pidfd = process->pidfd >= 0;
    int rc;
    out->si_pid = 0;
    do
        rc = waitid(has_pidfd ? BY_PIDFD : P_PID,
                    (id_t)(has_pidfd ? process->pidfd : process->pid), out, flags);
    while (rc < 0 && errno == EINTR);
    return rc;
}

/* Also when somebody else has reaped it. */
static bool has_ended(const struct ij_process *process)
{
    siginfo_t info;
    return wait_for(process, WEXITED | WNOHANG | WNOWAIT, &info) < 0 || info.si_pid != 0;
}

/* Hold on to the child that was just spawned, as long as its pid is certainly its own. */
static int watch(struct ij_process *process, const char *path, struct imgjob_error *err)
{
    process->pidfd = open_pidfd(process->pid);
    if (process->pidfd >= 0 || errno == ENOSYS || errno == EPERM)
        process->statm_fd = open_statm(process->pid);
    if (process->statm_fd >= 0)
        return 0;
    int cause = errno;
    bool is_gone = cause == ESRCH || has_ended(process);
    if (cause == ESRCH) /* reaped by this program: the pid may be anybody's */
        process->pid = 0;
    if (is_gone)
        return ij_fail(err, IMGJOB_E_CRASHED, "worker '%.60s' did not start: ended",
                       path);
    errno = cause;
    return ij_fail_errno(err, IMGJOB_E_CRASHED, "watch the worker '%.120s'", path);
}

static void close_pair(int (*pair)[2])
{
    ij_close(&(*pair)[0]);
    ij_close(&(*pair)[1]);
}

int ij_process_start(const char *path, uint64_t memory_limit, uint64_t output_limit,
                     struct ij_process *out, struct imgjob_error *err)
{
    IJ_AUTO(close_pair) int ends[2] = { -1, -1 };  /* ours, the worker's */
    IJ_AUTO(close_pair) int pipes[2] = { -1, -1 }; /* ours, the worker's */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ||
        pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0 || lift(&ends[1]) < 0 ||
        lift(&pipes[1]) < 0)
        return ij_fail_errno(err, IMGJOB_E_NOMEM, "make the channels of a worker");

    char pid[NUMBER_SIZE], memory[NUMBER_SIZE], output[NUMBER_SIZE];
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    (void)snprintf(memory, sizeof(memory), "%" PRIu64, memory_limit);
    (void)snprintf(output, sizeof(output), "%" PRIu64, output_limit);
    char mark[] = IJ_WORKER_MARK;
    char *arguments[] = { (char *)path, mark, pid, memory, output, NULL };
    struct launch launch = {
        .path = path,
        .arguments = arguments,
        .socket_fd = ends[1],
        .stderr_fd = pipes[1],
    };
    struct rlimit cpu;
    if (getrlimit(RLIMIT_CPU, &cpu) < 0)
        return ij_fail_errno(err, IMGJOB_E_CRASHED, "read the limit on CPU time");
    struct ij_process process = IJ_PROCESS_NONE;
    process.cpu_seconds_max = cpu.rlim_max;
    errno = spawn(&launch, &process.pid);
    if (errno != 0)
        return ij_fail_errno(err, IMGJOB_E_CRASHED, "start the worker '%.120s'", path);
    int rc = watch(&process, path, err);
    if (rc < 0) {
        ij_process_close(&process);
        return rc;
    }
    process.socket_fd = ij_steal_fd(&ends[0]);
    process.stderr_fd = ij_steal_fd(&pipes[0]);
    *out = process;
    return 0;
}

/* What has no pidfd form goes by the pid of a process that was alive just now. */
static int limit_cpu(const struct ij_process *process, uint32_t cpu_ms)
{
    clockid_t clock;
    struct timespec used;
    errno = clock_getcpuclockid(process->pid, &clock);
    if (errno != 0 || clock_gettime(clock, &used) < 0)
        return -1;
    uint64_t used_ms = (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
    rlim_t seconds = (used_ms + cpu_ms + 999) / 1000;
    struct rlimit limit = { .rlim_max = process->cpu_seconds_max };
    limit.rlim_cur = seconds < limit.rlim_max ? seconds : limit.rlim_max;
    return prlimit(process->pid, RLIMIT_CPU, &limit, NULL);
}

int ij_process_limit_cpu(const struct ij_process *process, uint32_t cpu_ms,
                         struct imgjob_error *err)
{
    if (has_ended(process))
        return 1;
    if (limit_cpu(process, cpu_ms) == 0)
        return 0;
    int rc = ij_fail_errno(err, IMGJOB_E_INTERNAL, "limit the CPU time of worker %d",
                           (int)process->pid);
    return has_ended(process) ? 1 : rc; /* between the two: ESRCH or EINVAL */
}

uint64_t ij_process_rss(const struct ij_process *process)
{
    char text[128];
    ssize_t len = pread(process->statm_fd, text, sizeof(text) - 1, 0);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    char *resident = strchr(text, ' '); /* "size resident shared …", in pages */
    return resident ? strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* @return as ij_process_end() */
static int kill_and_reap(const struct ij_process *process)
{
    siginfo_t info;
    /* neither fails but with ESRCH: reaped already. The exit status of a process that is
     * ending does not change by this. */
    if (process->pidfd >= 0)
        (void)signal_pidfd(process->pidfd, SIGKILL);
    else
        (void)kill(process->pid, SIGKILL);
    if (wait_for(process, WEXITED, &info) < 0)
        return -1; /* ECHILD: somebody else was first */
    return info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0)
                                      : W_EXITCODE(0, info.si_status);
}

int ij_process_end(struct ij_process *process)
{
    int status = process->pid != 0 ? kill_and_reap(process) : -1;
    ij_close(&process->pidfd);
    process->pidfd = -1;
    process->pid = 0;
    return status;
}

void ij_process_describe(int status, char *out, size_t size)
{
    if (status >= 0 && WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        (void)snprintf(out, size, "died of SIG%s", name ? name : "???");
    } else if (status >= 0) {
        (void)snprintf(out, size, "exited with status %d", WEXITSTATUS(status));
    } else {
        (void)snprintf(out, size, "ended");
    }
}

void ij_process_close(struct ij_process *process)
{
    (void)ij_process_end(process); /* nobody asks how it ended */
    ij_close(&process->socket_fd);
    ij_close(&process->stderr_fd);
    ij_close(&process->statm_fd);
    *process = IJ_PROCESS_NONE;
}
