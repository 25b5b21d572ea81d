/* Owns the shape of a log event on its way out. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void ij_log(const struct ij_log *log, enum imgjob_log_level level, const char *room,
            const char *job_id, const char *fmt, ...)
{
    if (!log->fn)
        return;
    char text[500];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(text, sizeof(text), fmt, args) < 0)
        text[0] = '\0';
    va_end(args);
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    struct imgjob_log_event event = {
        .size = sizeof(event),
        .level = level,
        .room = room,
        .job_id = job_id,
        .text = text,
    };
    log->fn(log->data, &event);
}
