/*
 * Owns signals. They are waited for, never handled: the first SIGTERM or SIGINT asks for
 * an orderly end, and then the kernel's own action is put back, so that the second always
 * works.
 */
#include "server/signals.h"

#include <signal.h>
#include <pthread.h>
#include <time.h>

static sigset_t awaited_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set); /* cannot fail with constants */
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

int ij_signals_hold(struct imgjob_error *err)
{
    sigset_t set = awaited_signals();
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
        sigaction(SIGPIPE, &ignore, NULL) < 0 ||
        sigaction(SIGXFSZ, &ignore, NULL) < 0) /* then a write says EFBIG */
        return ij_fail_errno(err, IMGJOB_E_INTERNAL, "hold back signals");
    return 0;
}

const char *ij_signals_wait(uint32_t ms)
{
    sigset_t set = awaited_signals();
    struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
    int number = sigtimedwait(&set, NULL, &time);
    switch (number) {
    case SIGINT:
        return "SIGINT";
    case SIGTERM:
        return "SIGTERM";
    case SIGHUP:
        return "SIGHUP";
    default:
        return NULL;
    }
}

void ij_signals_release(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM); /* SIGHUP stays held back: a closing terminal, or */
    (void)sigaddset(&set, SIGINT);  /* one more reload, must not end what is ending */
    struct sigaction normal = { .sa_handler = SIG_DFL };
    (void)sigaction(SIGTERM, &normal, NULL); /* cannot fail with constants */
    (void)sigaction(SIGINT, &normal, NULL);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
