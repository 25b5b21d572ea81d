/* Where an attempt stands, as far as its worker told. */
#pragma once

#include <stdint.h>

#include "base/failure.h"

/* A plain value; zeroed = nothing told. */
struct ij_progress {
    uint32_t percent;    /* 0..100, of the whole attempt; 100 once it succeeded */
    enum ij_stage stage; /* NONE = not told */
    uint32_t output;     /* index of the output that is encoded */
};
