/* Images of several pages: animations, and the pages of a TIFF. */
#pragma once

#include "image/run.h"

/* Make all outputs of an image of several pages. */
int ij_run_frames(struct ij_run *run);
