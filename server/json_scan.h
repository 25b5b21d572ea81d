/* A JSON body read as it arrives, its images taken out on the way. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/json.h"
#include "server/input.h"

enum {
    IJ_SCAN_PIECE = 65536, /* bytes decoded in one go */
    IJ_SCAN_KEY_SIZE = 64  /* longer than the name of any input */
};

/* Takes bytes of an input as they are decoded. @return 0, or negative: the scan then ends
 */
typedef int (*ij_bytes_sink)(void *data, unsigned input, const void *bytes, size_t len,
                             struct imgjob_error *err);

enum ij_scan_state { IJ_SCAN_START, IJ_SCAN_OUTSIDE, IJ_SCAN_STRING, IJ_SCAN_IMAGE };

/* What a backslash has begun. */
struct ij_escape {
    bool open;
    unsigned digits; /* of \uXXXX still to come */
    uint32_t value;
};

/* Owned by one thread; large, so it belongs on the heap. Begin with ij_scan_init(), end
 * with ij_scan_done(). */
struct ij_scan {
    ij_bytes_sink sink;
    void *data;

    enum ij_scan_state state;
    struct ij_escape escape;
    unsigned depth;             /* of brackets that are open */
    bool expects_key;           /* at depth 1: the next string is a key */
    bool in_key;                /* the string under way is a key of the body's object */
    char key[IJ_SCAN_KEY_SIZE]; /* the last key of the body's object, cut */
    size_t key_len;
    bool key_is_input; /* it names an input whose value has not been seen */
    bool wants_image;  /* and its colon has been seen */
    struct ij_input_names inputs;
    bool is_image_only; /* any key but that of the image is refused */

    unsigned input; /* the one under way */
    struct ij_base64 base64;
    char prefix[128]; /* of its value, while it may be that of a data URL */
    size_t prefix_len;
    bool prefix_read;
    uint64_t value_len; /* bytes of it handed to the sink */

    struct ij_buf rest; /* the body with empty texts for the images */
    uint8_t decoded[IJ_SCAN_PIECE / 4 * 3 + 3];
};

/* `is_image_only` may be set behind it. */
void ij_scan_init(struct ij_scan *scan, ij_bytes_sink sink, void *data);

/* The next bytes of the body. @return 0, or negative with `err` filled */
int ij_scan_feed(struct ij_scan *scan, const char *text, size_t len,
                 struct imgjob_error *err);

/*
 * The body is whole. `scan->inputs` tells which inputs it gave.
 *
 * @param out_root its JSON object, where empty texts stand for the images; the caller's,
 * to end with ij_json_free()
 */
int ij_scan_end(struct ij_scan *scan, struct ij_json **out_root,
                struct imgjob_error *err);

void ij_scan_done(struct ij_scan *scan);
