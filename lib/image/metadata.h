/* What an output keeps of what the input said beside its pixels. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vips/vips.h>

/* An INT field of an image whose colour profile is to be kept, set by who loads it. */
#define IJ_META_KEEP_PROFILE "imgjob-keep-profile"

/* What may be in a file beside the pixels. */
struct ij_metadata {
    bool has_profile; /* a colour profile */
    bool has_texts;   /* EXIF, XMP or IPTC */
};

/*
 * A copy of the image with only the fields that an output of that kind keeps; fields that
 * say how it is played stay. An embedded preview never does: it may show what an
 * operation has taken out.
 *
 * @param kind   IJ_METADATA_STRIP, _COPYRIGHT or _ALL
 * @param format of the output: who made it is told in TIFF by XMP, else by EXIF
 * @param made the caller's
 * @param left what of it is left
 * @return 0, or -1 with libvips' error text
 */
int ij_metadata_select(VipsImage *image, int64_t kind, uint32_t format, VipsImage **made,
                       struct ij_metadata *left);

/*
 * Take out of a WebP file what must not be left. Pure.
 *
 * @param len in and out
 */
void ij_metadata_clean_webp(uint8_t *webp, size_t *len, const struct ij_metadata *left);

enum { IJ_METADATA_TEXT_MAX = 1024 /* bytes of one text */ };

/* The text of an EXIF field of libvips ("exif-ifd0-Artist"), not terminated at its end.
 * @return its bytes, at most IJ_METADATA_TEXT_MAX; 0 = there is none */
size_t ij_metadata_text(VipsImage *image, const char *field, const char **text);
