/* Owns how threads of this library are started. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

int ij_cond_init(pthread_cond_t *cond, struct imgjob_error *err)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return ij_fail_nomem(err, "making a condition");
    (void)pthread_condattr_setclock(&attr,
                                    CLOCK_MONOTONIC); /* fails for bad clocks only */
    int rc = pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    return rc == 0 ? 0 : ij_fail_nomem(err, "making a condition");
}

bool ij_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t mono_ms)
{
    struct timespec until = {
        .tv_sec = mono_ms / 1000,
        .tv_nsec = mono_ms % 1000 * 1000000,
    };
    return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}

int ij_thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *data,
                    struct imgjob_error *err)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the new thread */
    int rc = pthread_create(out, NULL, run, data);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        errno = rc == EAGAIN ? ENOMEM : rc;
        return ij_fail_errno(err, IMGJOB_E_NOMEM, "start thread '%s'", name);
    }
    (void)pthread_setname_np(*out, name); /* a name is a convenience */
    return 0;
}
