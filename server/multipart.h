/* multipart/form-data (RFC 7578, RFC 2046 §5.1) read as it arrives. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    IJ_BOUNDARY_MAX = 70, /* RFC 2046 §5.1.1 */
    IJ_PART_NAME_SIZE = 64,
    IJ_PART_HEADERS_MAX = 4096,
    IJ_PARTS_MAX = 40 /* all inputs, fields and options there are */
};

/* Where the parts go. Each returns 0, or negative: the reading then ends. */
struct ij_part_sink {
    int (*begin)(void *data, const char *name, struct imgjob_error *err);
    int (*bytes)(void *data, const void *bytes, size_t len, struct imgjob_error *err);
    int (*end)(void *data, struct imgjob_error *err);
    void *data;
};

enum ij_multipart_state {
    IJ_MULTIPART_PREAMBLE,
    IJ_MULTIPART_DELIMITER, /* what follows a boundary */
    IJ_MULTIPART_HEADERS,
    IJ_MULTIPART_BODY,
    IJ_MULTIPART_EPILOGUE
};

/* Owned; holds no memory. */
struct ij_multipart {
    struct ij_part_sink sink;
    enum ij_multipart_state state;
    char delimiter[IJ_BOUNDARY_MAX + 5]; /* CRLF, two dashes, the boundary */
    size_t delimiter_len;
    unsigned parts;
    unsigned parts_max; /* IJ_PARTS_MAX, unless it is set behind ij_multipart_init() */
    bool begun;         /* something has been consumed */
};

/* Begin. `content_type` is the whole header value. @return 0 or IMGJOB_E_INVALID when its
 * boundary is missing or malformed */
int ij_multipart_init(struct ij_multipart *multipart, const char *content_type,
                      const struct ij_part_sink *sink, struct imgjob_error *err);

/*
 * Read as much of the `len` bytes as can be understood so far. The rest, never more than
 * IJ_PART_HEADERS_MAX bytes, must be given again with more behind it.
 *
 * @param out_used how many bytes are done with
 * @return 0, or negative with `err` filled
 */
int ij_multipart_feed(struct ij_multipart *multipart, const char *data, size_t len,
                      size_t *out_used, struct imgjob_error *err);

/* The body has ended. @return 0, or IMGJOB_E_INVALID without the closing boundary */
int ij_multipart_end(const struct ij_multipart *multipart, struct imgjob_error *err);
