/* Letters as a mask, drawn by Pango within libvips. */
#pragma once

#include "image/operation.h"

enum { IJ_FONT_MAX = 64 /* bytes of a family's name */ };

/* What is drawn, and how. A plain value; texts are borrowed. */
struct ij_letters {
    const char *text;   /* as it is; only \n begins a line */
    const char *family; /* ASCII letters, digits, spaces, - and _ */
    int size;           /* of the em square in px, at least 1 */
    bool is_bold, is_italic;
    VipsAlign align;
    bool is_justified;
    int wrap;    /* where lines are wrapped in px, at least 1 */
    int spacing; /* added between lines in px */
};

/* Refuse, by a guess, what has too many pixels to be drawn for an image of `in`; no font
 * is looked at. @return 0, or IMGJOB_E_SPEC */
int ij_letters_plan(const struct ij_letters *letters, struct ij_extent in,
                    struct imgjob_error *err);

/*
 * A band of 0..255 in memory, as large as what is drawn. Fails where no font is
 * installed, and where the letters have more pixels than are allowed with an image of
 * `in`.
 *
 * @param made the caller's
 * @return 0, or -1 with `err` filled or, where it stays empty, libvips' error text
 */
int ij_letters_draw(const struct ij_letters *letters, struct ij_extent in,
                    VipsImage **made, struct imgjob_error *err);
