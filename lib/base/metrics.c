/* Owns how values are counted and how they are written. */
#include "base/metrics.h"

#include <stddef.h>
#include <stdio.h>

#include "base/json.h"

const struct ij_bounds ij_bounds_seconds = { { .005, .01, .025, .05, .1, .25, .5, 1, 2.5,
                                               5, 10, 30, 60, 300, 900 } };
const struct ij_bounds ij_bounds_counts = { { 1, 2, 4, 8, 16, 32, 64, 128, 256 } };
const struct ij_bounds ij_bounds_bytes = { { 0x1p10, 0x1p12, 0x1p14, 0x1p16, 0x1p18,
                                             0x1p20, 0x1p22, 0x1p24, 0x1p26, 0x1p28,
                                             0x1p30 } };

uint64_t ij_counter_read(const struct ij_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

static const struct ij_bounds *bounds_of(const struct ij_histogram *histogram)
{
    return histogram->bounds ? histogram->bounds : &ij_bounds_seconds;
}

/* How many upper bounds there are. */
static size_t count_bounds(const struct ij_bounds *bounds)
{
    size_t count = 0;
    while (count < IJ_HISTOGRAM_BUCKETS - 1 && bounds->le[count] > 0)
        count++;
    return count;
}

void ij_observe(struct ij_histogram *histogram, double value)
{
    const struct ij_bounds *bounds = bounds_of(histogram);
    size_t count = count_bounds(bounds), at = 0;
    if (!(value > 0)) /* also what is no number */
        value = 0;
    while (at < count && value > bounds->le[at])
        at++;
    double sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(
        &histogram->sum, &sum, sum + value, memory_order_relaxed, memory_order_relaxed))
        continue;
    (void)atomic_fetch_add_explicit(&histogram->buckets[at], 1, memory_order_relaxed);
}

void ij_metric_head(struct ij_buf *out, const char *name, const char *type,
                    const char *help)
{
    ij_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* What stands before a value. @param bound a label beside `labels`, or "" */
static void put_series(struct ij_buf *out, const char *name, const char *suffix,
                       const char *labels, const char *bound)
{
    const char *comma = labels[0] && bound[0] ? "," : "";
    ij_buf_printf(out, "%s%s", name, suffix);
    if (labels[0] || bound[0])
        ij_buf_printf(out, "{%s%s%s}", labels, comma, bound);
}

static void put_value(struct ij_buf *out, double value)
{
    char text[IJ_REAL_TEXT_SIZE];
    ij_real_text(text, value); /* as exact as it is, in any locale */
    ij_buf_printf(out, " %s\n", text);
}

void ij_metric_put(struct ij_buf *out, const char *name, const char *labels, double value)
{
    put_series(out, name, "", labels, "");
    put_value(out, value);
}

void ij_metric_put_histogram(struct ij_buf *out, const char *name, const char *labels,
                             const struct ij_histogram *histogram)
{
    const struct ij_bounds *bounds = bounds_of(histogram);
    size_t count = count_bounds(bounds);
    uint64_t total = 0;
    char bound[IJ_REAL_TEXT_SIZE], le[IJ_REAL_TEXT_SIZE + 8];
    for (size_t i = 0; i < count; i++) {
        total += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        ij_real_text(bound, bounds->le[i]);
        (void)snprintf(le, sizeof(le), "le=\"%s\"", bound);
        put_series(out, name, "_bucket", labels, le);
        put_value(out, (double)total);
    }
    total += atomic_load_explicit(&histogram->buckets[count], memory_order_relaxed);
    put_series(out, name, "_bucket", labels, "le=\"+Inf\"");
    put_value(out, (double)total);
    double sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    put_series(out, name, "_sum", labels, "");
    put_value(out, sum);
    put_series(out, name, "_count", labels, "");
    put_value(out, (double)total);
}

void ij_metric_label(struct ij_buf *out, const char *name, const char *value)
{
    ij_buf_printf(out, "%s%s=\"", out->len > 0 ? "," : "", name);
    for (; *value; value++) {
        if (*value == '\n')
            ij_buf_add_str(out, "\\n");
        else if (*value == '"' || *value == '\\')
            ij_buf_printf(out, "\\%c", *value);
        else
            ij_buf_printf(out, "%c", *value);
    }
    ij_buf_add_str(out, "\"");
}
