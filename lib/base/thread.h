/* Threads, and conditions that wait by the monotonic clock. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* A condition whose waits are measured on CLOCK_MONOTONIC. @return 0 or IMGJOB_E_NOMEM */
int ij_cond_init(pthread_cond_t *cond, struct imgjob_error *err);

/* Wait until signalled or until `mono_ms` of the machine's monotonic clock; may wake
 * early.
 * @return false once that time is over */
bool ij_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t mono_ms);

/* Start a named thread (at most 15 characters) with all signals blocked: signals belong
 * to the program. @return 0 or IMGJOB_E_NOMEM */
int ij_thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *data,
                    struct imgjob_error *err);
