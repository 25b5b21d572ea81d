/* Owns the reading of the machine's clocks. */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_ms(clockid_t which)
{
    struct timespec now;
    (void)clock_gettime(which, &now); /* cannot fail for these two on Linux */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *data)
{
    (void)data;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *data)
{
    (void)data;
    return read_ms(CLOCK_MONOTONIC);
}

const struct ij_clock ij_clock_system = { system_wall_ms, system_mono_ms, NULL };
