/*
 * Places in a store as a caller sees them: opaque words that are checked when they come
 * back, so that one of another store or of another list is not taken for a number.
 */
#pragma once

#include "store.h"

enum { IJ_CURSOR_SIZE = 40 };

enum ij_cursor_kind {
    IJ_CURSOR_LIST = 'l',
    IJ_CURSOR_FEED = 'f',
    IJ_CURSOR_DELIVERIES = 'd'
};

void ij_cursor_write(struct imgjob_store *store, enum ij_cursor_kind kind, uint64_t place,
                     char out[IJ_CURSOR_SIZE]);

/* @param what the name of the option, for words @return 0 or IMGJOB_E_INVALID */
int ij_cursor_read(struct imgjob_store *store, enum ij_cursor_kind kind, const char *text,
                   const char *what, uint64_t *out, struct imgjob_error *err);
