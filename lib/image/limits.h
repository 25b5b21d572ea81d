/* What one image may cost: the one place where a number is held against its limit, on
 * either side of the wire. */
#pragma once

#include "image/image.h"

/* How many of the pages in a file are asked for, at least 1. */
uint32_t ij_limits_pages(const struct ij_load_spec *load, uint32_t in_file);
/* How many of them are loaded: one where no output's format holds more. */
uint32_t ij_limits_pages_taken(const struct imgjob_spec *spec,
                               const struct ij_image_header *header);

/* @return 0, or IMGJOB_E_LIMIT with `failure` filled */
int ij_limits_check_input(const struct imgjob_limits *limits, uint64_t len,
                          struct ij_failure *failure);
/* `pages` is how many of them are loaded. */
int ij_limits_check_header(const struct imgjob_limits *limits,
                           const struct ij_image_header *header, uint32_t pages,
                           struct ij_failure *failure);
int ij_limits_check_step(const struct imgjob_limits *limits, struct ij_extent made,
                         uint32_t pages, struct ij_failure *failure);
int ij_limits_check_output(const struct imgjob_limits *limits, uint64_t len,
                           struct ij_failure *failure);
