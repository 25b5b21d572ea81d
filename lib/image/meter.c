/*
 * Owns how the passes of libvips become one number that never falls. libvips tells of
 * each pass over pixels, and of passes within passes, though not always of the last
 * tiles; how many passes there will be nobody knows. So a pass moves the number towards
 * the end of its phase and never beyond, and the next phase begins there, unless no
 * pixel moved: then the work was left to the next one.
 */
#include "image/meter.h"

enum { TELL_MS = 100 /* a job that is over by then tells nothing */ };

void ij_meter_init(struct ij_meter *meter)
{
    if (!meter->tell)
        return;
    (void)pthread_mutex_init(&meter->lock, NULL); /* cannot fail on Linux */
    meter->told_mono_ms = ij_mono_ms(meter->clock);
}

void ij_meter_done(struct ij_meter *meter)
{
    if (meter->tell)
        (void)pthread_mutex_destroy(&meter->lock);
    meter->tell = NULL;
}

/* Holds the lock. */
static void tell(struct ij_meter *meter, bool is_urgent)
{
    const struct ij_progress now = {
        .percent = (uint32_t)meter->at,
        .stage = meter->phase.stage,
        .output = meter->phase.output,
    };
    bool is_same = now.percent == meter->told.percent && now.stage == meter->told.stage &&
                   now.output == meter->told.output;
    if (is_same)
        return;
    int64_t mono_ms = ij_mono_ms(meter->clock);
    if (!is_urgent && mono_ms - meter->told_mono_ms < TELL_MS)
        return;
    meter->told = now;
    meter->told_mono_ms = mono_ms;
    meter->tell(meter->data, &now);
}

/* Holds the lock. */
static void begin_pass(struct ij_meter *meter)
{
    double left = meter->phase.end > meter->at ? meter->phase.end - meter->at : 0;
    meter->from = meter->at;
    meter->to = meter->at + (meter->phase.has_one_pass ? left : left / 2);
}

static void on_pass(VipsImage *image, VipsProgress *progress, void *data)
{
    (void)image;
    (void)progress;
    struct ij_meter *meter = data;
    (void)pthread_mutex_lock(&meter->lock);
    begin_pass(meter);
    meter->has_begun = true;
    (void)pthread_mutex_unlock(&meter->lock);
}

static void on_tile(VipsImage *image, VipsProgress *progress, void *data)
{
    (void)image;
    struct ij_meter *meter = data;
    int percent = progress->percent < 0     ? 0
                  : progress->percent > 100 ? 100
                                            : progress->percent;
    (void)pthread_mutex_lock(&meter->lock);
    double at = meter->from + (meter->to - meter->from) * percent / 100;
    meter->at = at > meter->at ? at : meter->at;
    tell(meter, false);
    (void)pthread_mutex_unlock(&meter->lock);
}

void ij_meter_watch(struct ij_meter *meter, VipsImage *image)
{
    if (!meter->tell)
        return;
    (void)g_signal_connect(image, "preeval", G_CALLBACK(on_pass), meter);
    (void)g_signal_connect(image, "eval", G_CALLBACK(on_tile), meter);
    vips_image_set_progress(image, TRUE);
}

void ij_meter_begin(struct ij_meter *meter, const struct ij_meter_phase *phase)
{
    if (!meter->tell)
        return;
    (void)pthread_mutex_lock(&meter->lock);
    /* libvips may be too quick to tell of its last tiles, or of any */
    if (meter->has_begun && meter->phase.end > meter->at)
        meter->at = meter->phase.end;
    meter->has_begun = false;
    meter->phase = *phase;
    begin_pass(meter);
    tell(meter, phase->is_slow);
    (void)pthread_mutex_unlock(&meter->lock);
}

void ij_meter_stage(struct ij_meter *meter, enum ij_stage stage)
{
    if (!meter->tell)
        return;
    (void)pthread_mutex_lock(&meter->lock);
    meter->phase.stage = stage;
    (void)pthread_mutex_unlock(&meter->lock);
}
