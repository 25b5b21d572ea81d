/* The groups of cases, and the words that their specs are made of. */
#pragma once

#include "by_hand.h"

struct hand_group {
    const struct hand_case *cases;
    size_t count;
};

extern const struct hand_group hand_geometry;    /* where pixels go */
extern const struct hand_group hand_filters;     /* what they have of their neighbours */
extern const struct hand_group hand_colour;      /* what becomes of levels */
extern const struct hand_group hand_compositing; /* what is laid on or under the image */
extern const struct hand_group hand_formats;     /* one small image in every format */

#define PHOTO       \
    {               \
        "photo.jpg" \
    }
#define STEP(step) "{\"steps\": [" step "], \"outputs\": [{\"format\": \"jpeg\"}]}"
#define RESIZE     "{\"op\": \"resize\", \"width\": 800, \"height\": 600}"
#define FORMAT(format) \
    "{\"steps\": [" RESIZE "], \"outputs\": [{\"format\": \"" format "\"}]}"
