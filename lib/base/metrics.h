/* Counters and histograms that any thread may raise and read: no lock, nothing freed. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

/* Zeroed = nothing counted. */
struct ij_counter {
    _Atomic uint64_t value;
};

enum { IJ_HISTOGRAM_BUCKETS = 16 }; /* the last one is +Inf */

/* Upper bounds, rising; those of the first member that is 0 on are not there. */
struct ij_bounds {
    double le[IJ_HISTOGRAM_BUCKETS - 1];
};
extern const struct ij_bounds ij_bounds_seconds; /* .005 … 900 */
extern const struct ij_bounds ij_bounds_counts;  /* 1 2 4 … 256 */
extern const struct ij_bounds ij_bounds_bytes;   /* 1 KiB … 1 GiB, by fours */

/* Zeroed = empty, and by seconds. */
struct ij_histogram {
    const struct ij_bounds *bounds; /* set before first use; NULL = seconds */
    _Atomic uint64_t buckets[IJ_HISTOGRAM_BUCKETS]; /* each its own, not summed up */
    _Atomic double sum;
};

static inline void ij_count(struct ij_counter *counter)
{
    (void)atomic_fetch_add_explicit(&counter->value, 1, memory_order_relaxed);
}
uint64_t ij_counter_read(const struct ij_counter *counter);
void ij_observe(struct ij_histogram *histogram, double value); /* below 0 counts as 0 */
static inline void ij_observe_ms(struct ij_histogram *histogram, int64_t ms)
{
    ij_observe(histogram, (double)ms / 1000);
}

/*
 * In the text format of Prometheus, version 0.0.4. `labels` stands between the braces,
 * `name="value"` with a comma between two, escaped already; "" = none.
 */
void ij_metric_head(struct ij_buf *out, const char *name, const char *type,
                    const char *help);
void ij_metric_put(struct ij_buf *out, const char *name, const char *labels,
                   double value);
void ij_metric_put_histogram(struct ij_buf *out, const char *name, const char *labels,
                             const struct ij_histogram *histogram);

/* Add a label to `out`, with a comma where one stands before it. */
void ij_metric_label(struct ij_buf *out, const char *name, const char *value);
