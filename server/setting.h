/* One row of the table of settings. Of config.c, config_read.c and config_print.c alone.
 */
#pragma once

#include <stddef.h>

#include "server/config.h"

enum ij_setting_type {
    IJ_SETTING_NUMBER,
    IJ_SETTING_TEXT,
    IJ_SETTING_CHOICE, /* one of the choices, held as its index */
    IJ_SETTING_SET     /* any of them, comma between; held as a bit for each */
};

enum {
    IJ_SETTING_CHOICES_MAX = 4,
    IJ_SETTING_ROOM_SIZE = 24 /* a number, or all of the longest set */
};

struct ij_setting {
    const char *name; /* in the file; upper case in the environment; dashed as a flag */
    enum ij_setting_type type;
    size_t offset;        /* of the value in struct ij_config */
    const char *fallback; /* the default, as it would be written */
    uint64_t min, max;    /* of a number */
    const char *choices[IJ_SETTING_CHOICES_MAX + 1]; /* of a choice or a set */
    const char *unit;                                /* "" where there is none */
    const char *help;
    const char *group; /* the heading it begins in --help; NULL = as the one before */
};

extern const struct ij_setting ij_settings[IJ_SETTING_COUNT];

/* Set one value from text. `source` says where it stands, for people. */
int ij_setting_set(struct ij_config *config, const struct ij_setting *setting,
                   const char *value, const char *source, struct imgjob_error *err);

/* Check what no single value can tell. @return 0 or IMGJOB_E_INVALID */
int ij_config_check(const struct ij_config *config, struct imgjob_error *err);

/* The value as it would be written; `room` is used for numbers and sets. */
const char *ij_setting_text(const struct ij_config *config,
                            const struct ij_setting *setting,
                            char room[IJ_SETTING_ROOM_SIZE]);
