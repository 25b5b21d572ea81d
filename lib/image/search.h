/* The search for the setting that meets a size or a likeness, with few encodes. Pure: it
 * sees sizes and likenesses only. */
#pragma once

#include "image/save.h"

enum {
    IJ_SEARCH_BYTES_ENCODES = 6, /* at most */
    IJ_SEARCH_STEPS_ENCODES = 7  /* at most, of up to 127 steps */
};

/* What a search asks for. */
struct ij_search {
    /* Encode with a setting; a higher one makes more bytes. `out` is not filled before.
     * @return 0, or -1 with libvips' error text */
    int (*encode)(void *data, uint32_t setting, struct ij_encoded *out);

    /* How alike an encoded image is to what it was made of, 0..1; NULL where not asked.
     * @return 0, or -1 with libvips' error text */
    int (*likeness)(void *data, const struct ij_encoded *encoded, double *ssim);

    void *data; /* handed to both */
};

/* Settings, all included; the first to be tried. */
struct ij_search_range {
    uint32_t floor, start, ceiling;
};

/*
 * The largest result of at most `max_bytes`: settings from `floor` to `ceiling`, of which
 * `start` is the first to be tried. Stops within a tenth of the budget.
 *
 * @param out with about.encodes and, where even the floor is larger, about.is_over_budget
 * @return 0, or -1 with libvips' error text
 */
int ij_search_bytes(const struct ij_search *search, struct ij_search_range range,
                    uint64_t max_bytes, struct ij_encoded *out);

/* The first of the settings, in an order of fewer and fewer bytes, that makes at most
 * `max_bytes`; else the last. */
int ij_search_steps(const struct ij_search *search, const uint32_t *settings,
                    size_t count, uint64_t max_bytes, struct ij_encoded *out);

/* The smallest setting from `floor` to `ceiling` whose result is at least `target` alike;
 * else the ceiling, is_over_budget. Fills about.ssim_millis. */
int ij_search_likeness(const struct ij_search *search, struct ij_search_range range,
                       double target, struct ij_encoded *out);
