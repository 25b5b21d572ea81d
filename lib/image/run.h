/* One run of a job, as the files that make it see it. */
#pragma once

#include "image/chain.h"

struct ij_run {
    const struct ij_image_job *job;
    struct ij_workshop shop;
    struct ij_source source;
    struct ij_opening opening;
    struct ij_image_header header;
    struct ij_extent extent;        /* of one page, upright */
    struct ij_extent common_extent; /* after the common steps */
    struct ij_extent planned[IJ_SPEC_OUTPUTS_MAX];
    struct ij_image_output made[IJ_SPEC_OUTPUTS_MAX];
    struct ij_deadline deadline;
    struct ij_meter meter;
    VipsImage *image;                          /* owned; as opened */
    VipsImage *inputs[IJ_SPEC_INPUTS_MAX - 1]; /* owned */
    bool turns;     /* the EXIF orientation is to be applied, and is not upright */
    bool in_memory; /* pixels were held: what fails in encoding is no decoder's fault */
    uint64_t output_bytes;
    uint32_t encode_ms; /* spent on encoding what was held */
};

struct ij_chain ij_run_common(const struct ij_run *run);
struct ij_chain ij_run_chain(const struct ij_run *run, size_t output);

/* A size of the upright image as the image is stored, and the other way round. */
struct ij_extent ij_run_stored(const struct ij_run *run, struct ij_extent upright);

/* Open the image as far as its header, check it and what it will cost, and plan all
 * outputs. begin.c */
int ij_run_begin(struct ij_run *run);

/* Decode what steps take beside the image: upright, sRGB, in memory. begin.c */
int ij_run_load_inputs(struct ij_run *run);

/* Each format has a largest side; better told than found by its encoder. begin.c
 * @param format what the output will be; of an "auto" one its largest candidate counts */
int ij_run_check_side(const struct ij_run *run, size_t index, uint32_t format,
                      struct ij_extent made);

/* To 8-bit sRGB or grey, unless the spec keeps the profile. */
int ij_run_colour(struct ij_run *run, VipsImage **image);

/* Turn an image, or a frame, upright. */
int ij_run_turn(struct ij_run *run, VipsImage **image);

/* Open the image again at the size that the outputs need of it, where its reader can do
 * that, and begin the pipeline. outputs.c */
int ij_run_open_pixels(struct ij_run *run);

/* Pixels move that no encoder asks for: part `part` of `part_count`, before any output is
 * encoded. */
void ij_run_tell_pixels(struct ij_run *run, uint32_t part, uint32_t part_count);

/* Encode an output and hand it over. */
int ij_run_encode(struct ij_run *run, size_t index, VipsImage *image);

/* Make all outputs of an image of one page. outputs.c */
int ij_run_outputs(struct ij_run *run);
