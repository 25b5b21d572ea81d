/*
 * What an operation is, apart from pixels: its name, its parameters, and how it changes
 * the size. The image room adds how it is done; this room knows only what may be asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    IJ_OP_PARAMS_MAX = 24,
    IJ_NUMBERS_MAX = 256, /* numbers of one parameter */
    IJ_TEXT_MAX = 4096,   /* bytes of one text */
    IJ_DRAWN_TEXT_MAX = 1024
};

enum ij_param_type {
    IJ_PARAM_INT,
    IJ_PARAM_REAL,   /* finite; whole numbers are welcome */
    IJ_PARAM_BOOL,   /* 0 or 1 */
    IJ_PARAM_CHOICE, /* the index into `choices` */
    IJ_PARAM_COLOR,  /* "#rgb", "#rgba", "#rrggbb", "#rrggbbaa" or a name */
    IJ_PARAM_TEXT,   /* UTF-8 */
    IJ_PARAM_NUMBERS /* [1, 2, 3], or with `group` 4 [[0, 0, 10, 10], …] */
};

/* One checked value. A plain value: texts and numbers are the spec's. */
struct ij_value {
    bool is_given; /* it was written, or has a default that stands here */
    union {
        int64_t integer; /* of an INT, BOOL or CHOICE */
        double real;
        uint32_t color; /* 0xRRGGBBAA */
        const char *text;
        struct {
            const double *at;
            size_t count; /* of all groups together */
        } numbers;
    };
};

#define IJ_DEFAULT_INT(n)                \
    {                                    \
        .is_given = true, .integer = (n) \
    }
#define IJ_DEFAULT_REAL(x)            \
    {                                 \
        .is_given = true, .real = (x) \
    }
#define IJ_DEFAULT_COLOR(rgba)            \
    {                                     \
        .is_given = true, .color = (rgba) \
    }
#define IJ_DEFAULT_TEXT(string)            \
    {                                      \
        .is_given = true, .text = (string) \
    }

struct ij_param {
    const char *name;
    enum ij_param_type type;
    bool is_required;
    double min, max; /* both included: of an INT or REAL, of each of the NUMBERS, of the
                      * bytes of a TEXT */
    size_t group;    /* of NUMBERS: 0 = one array, else arrays of so many */
    size_t count_min, count_max; /* of NUMBERS: how many, or how many groups */
    struct ij_value fallback;    /* when absent; is_given false = stays absent */
    const char *const *choices;  /* of a CHOICE: names, ended by NULL */
    const char *unit;            /* "px", "degrees"; NULL = none */
    const char *doc;             /* one sentence without its full stop */
};

struct ij_op;

/* One operation with its checked values, in the order of op->params. */
struct ij_step {
    const struct ij_op *op;
    struct ij_value values[IJ_OP_PARAMS_MAX];
};

struct ij_extent {
    uint32_t width, height; /* px, at least 1 */
};

struct ij_op {
    const char *name;
    const char *group; /* "geometry", "colour", "filter", "compositing"; "own": of the
                        * program that links us */
    const char *doc;   /* one sentence without its full stop */
    const struct ij_param *params;
    size_t param_count; /* at most IJ_OP_PARAMS_MAX */

    /* The size found is known only when the pixels are; plan() gives the largest. */
    bool finds_size;

    /* What the single parameters cannot say, such as "one of width and height". The text
     * of a failure begins with a JSON pointer, made from `at`, the step's. NULL =
     * nothing.
     * @return 0, or IMGJOB_E_SPEC */
    int (*check)(const struct ij_step *step, const char *at, struct imgjob_error *err);

    /* What size the step makes of an image of `in`, computed in 64 bits and without
     * touching a pixel; sides at least 1. NULL = the same. Says why when it cannot be
     * done to an image of that size, such as a crop beyond its edge.
     * @return 0, or a negative code that also stands in `err`: IMGJOB_E_SPEC; of an own
     * operation any */
    int (*plan)(const struct ij_step *step, struct ij_extent in, struct ij_extent *out,
                struct imgjob_error *err);

    /* Which further input it takes, counted from 1; 0 = none. NULL = none. */
    uint32_t (*input)(const struct ij_step *step);
};

/* The operations that exist, in the order in which they are listed. */
struct ij_ops {
    const struct ij_op *const *ops;
    size_t count;
};

/* The names of the gravities, the same in every operation that has one. */
extern const char *const ij_gravities[]; /* in the order of enum ij_gravity */
extern const char *const ij_compass[];   /* those of them that are places */
enum ij_gravity {
    IJ_GRAVITY_CENTER,
    IJ_GRAVITY_NORTH,
    IJ_GRAVITY_NORTHEAST,
    IJ_GRAVITY_EAST,
    IJ_GRAVITY_SOUTHEAST,
    IJ_GRAVITY_SOUTH,
    IJ_GRAVITY_SOUTHWEST,
    IJ_GRAVITY_WEST,
    IJ_GRAVITY_NORTHWEST,
    IJ_GRAVITY_COMPASS_END, /* those above are places; below is found from pixels */
    IJ_GRAVITY_ATTENTION = IJ_GRAVITY_COMPASS_END,
    IJ_GRAVITY_ENTROPY
};

/* Where a box of `inner` lies within `outer` by a compass gravity; negative where it is
 * larger. Halves go down. */
struct ij_offset {
    int64_t x, y; /* px */
};
struct ij_offset ij_gravity_place(enum ij_gravity gravity, struct ij_extent outer,
                                  struct ij_extent inner);
