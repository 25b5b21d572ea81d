/* The server's log: lines on standard error, as text for people or JSON for programs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <imgjob/log.h>

#include "server/request.h"

/* Constant once threads run; each line is one write(2), so lines never mix. */
struct ij_log_writer {
    int fd;
    bool json;
    uint32_t level; /* enum imgjob_log_level: the least that is told */
};

/* An imgjob_log_fn; `data` is the writer. */
void ij_log_writer_event(void *data, const struct imgjob_log_event *event);

/* One line for a request that has been answered. */
void ij_log_writer_request(const struct ij_log_writer *writer,
                           const struct ij_request *request, int status, uint64_t bytes);
