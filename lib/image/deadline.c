/*
 * Owns the time limit, and the end from outside, in libvips: its progress signal, which
 * every tile of a pass gives, kills the image that the pass reads from. A decoder that is
 * busy within one call is not reached; only the end of its process does that.
 */
#include "image/deadline.h"

#include "base/clock.h"

static bool has_passed(const struct ij_deadline *deadline)
{
    if (deadline->stop && atomic_load_explicit(deadline->stop, memory_order_relaxed))
        return true;
    return deadline->until_mono_ms != 0 &&
           ij_mono_ms(&ij_clock_system) >= deadline->until_mono_ms;
}

static void on_tile(VipsImage *image, VipsProgress *progress, void *data)
{
    (void)progress;
    struct ij_deadline *deadline = data;
    if (!has_passed(deadline))
        return;
    __atomic_store_n(&deadline->is_over, true, __ATOMIC_RELEASE);
    vips_image_set_kill(image, TRUE);
}

void ij_deadline_watch(struct ij_deadline *deadline, VipsImage *image)
{
    if (deadline->until_mono_ms == 0 && !deadline->stop)
        return;
    (void)g_signal_connect(image, "eval", G_CALLBACK(on_tile), deadline);
    vips_image_set_progress(image, TRUE);
}

bool ij_deadline_is_over(struct ij_deadline *deadline)
{
    return __atomic_load_n(&deadline->is_over, __ATOMIC_ACQUIRE) || has_passed(deadline);
}
