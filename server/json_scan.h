/* A JSON body read as it arrives, its image taken out on the way. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/json.h"

enum {
    IJ_SCAN_PIECE = 65536,   /* bytes decoded in one go */
    IJ_SCAN_REST_MAX = 65536 /* bytes of everything but the image */
};

/* Takes image bytes as they are decoded. @return 0, or negative: the scan then ends */
typedef int (*ij_bytes_sink)(void *data, const void *bytes, size_t len,
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
    unsigned depth;    /* of brackets that are open */
    bool expects_key;  /* at depth 1: the next string is a key */
    bool in_key;       /* the string under way is a key of the body's object */
    bool key_is_image; /* the last key of the body's object was "image_data" */
    bool wants_image;  /* its colon has been seen, its value has not */
    bool has_image;    /* its value has been seen */
    size_t key_len;    /* characters of the key under way that agree with it */
    bool key_agrees;
    size_t member_from; /* where the member with the image stands in `rest` */
    size_t member_end;
    struct ij_base64 base64;
    char prefix[128]; /* of the value, while it may be that of a data URL */
    size_t prefix_len;
    bool prefix_read;
    uint64_t image_len; /* bytes handed to the sink */

    struct ij_buf rest; /* the body with an empty text for the image; see ij_scan_end() */
    uint8_t decoded[IJ_SCAN_PIECE / 4 * 3 + 3];
};

void ij_scan_init(struct ij_scan *scan, ij_bytes_sink sink, void *data);

/* The next bytes of the body. @return 0, or negative with `err` filled */
int ij_scan_feed(struct ij_scan *scan, const char *text, size_t len,
                 struct imgjob_error *err);

/* Whether a spec is of the long form: any of its members makes it one. */
bool ij_scan_is_long(const struct ij_json *spec);

/*
 * The body is whole. On success `rest` is its JSON object without the image, checked by
 * ij_json_parse(), and `out_is_long` is ij_scan_is_long() of it.
 */
int ij_scan_end(struct ij_scan *scan, bool *out_is_long, struct imgjob_error *err);

void ij_scan_done(struct ij_scan *scan);
