/* The two clocks, replaceable in tests. */
#pragma once

#include <stdint.h>

/* Both functions may be called from any thread. */
struct ij_clock {
    int64_t (*wall_ms)(void *data); /* milliseconds since 1970 UTC; may jump */
    int64_t (*mono_ms)(void *data); /* never goes back, unrelated to any date */
    void *data;
};

/* The machine's own clocks. */
extern const struct ij_clock ij_clock_system;

static inline int64_t ij_wall_ms(const struct ij_clock *clock)
{
    return clock->wall_ms(clock->data);
}

static inline int64_t ij_mono_ms(const struct ij_clock *clock)
{
    return clock->mono_ms(clock->data);
}
