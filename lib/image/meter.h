/* How far a run is, by what libvips says of its passes over pixels. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <vips/vips.h>

#include "base/clock.h"
#include "base/progress.h"

enum { IJ_METER_MAX = 99 /* per cent: the last one is the end itself */ };

/* A part of a run. */
struct ij_meter_phase {
    enum ij_stage stage;
    uint32_t output;   /* that is made */
    double end;        /* per cent of the run when it is over */
    bool has_one_pass; /* else each pass counts for half of what is left of the phase */
    bool is_slow;      /* told at once: its passes may say nothing for long */
};

/* Shared: libvips' threads tell it. Must outlive the images it watches. */
struct ij_meter {
    void (*tell)(void *data, const struct ij_progress *progress); /* NULL = nobody asks */
    void *data;
    const struct ij_clock *clock; /* borrowed */
    pthread_mutex_t lock;         /* held while telling, so that it is told in order */
    /* guarded by lock */
    struct ij_meter_phase phase;
    double at;       /* per cent; never falls */
    double from, to; /* of the pass that runs */
    bool has_begun;  /* pixels were moved in this phase */
    struct ij_progress told;
    int64_t told_mono_ms;
};

/* The members that are not guarded are set. */
void ij_meter_init(struct ij_meter *meter);
void ij_meter_done(struct ij_meter *meter); /* zeroed is fine */

/* From now on passes over what is computed from the image count. */
void ij_meter_watch(struct ij_meter *meter, VipsImage *image);

void ij_meter_begin(struct ij_meter *meter, const struct ij_meter_phase *phase);

/* Within the phase something else is done now. */
void ij_meter_stage(struct ij_meter *meter, enum ij_stage stage);
