/*
 * Owns the lines of the log. Texts may hold words of strangers, so control bytes never
 * get through: a line is a line, and a terminal stays as it was.
 */
#include "server/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"

enum { LINE_MAX_BYTES = 8192, WORDS_SIZE = 768 };

static const char *level_name(uint32_t level)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };
    return level < IJ_ARRAY_LEN(names) ? names[level] : "debug";
}

/* RFC 3339 with milliseconds. */
static void format_time(char *out, size_t size)
{
    int64_t now_ms = ij_wall_ms(&ij_clock_system);
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char date[32] = "";
    if (gmtime_r(&seconds, &utc))
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(out, size, "%s.%03dZ", date, (int)(now_ms % 1000));
}

static void write_line(const struct ij_log_writer *writer, struct ij_buf *line)
{
    ij_buf_add(line, "\n", 1);
    if (!line->failed) /* a log that cannot be written has nobody left to tell */
        (void)ij_write_all(writer->fd, line->data, line->len);
}

/* Cut, and with control bytes as spaces. */
static const char *plain(const char *text, char out[WORDS_SIZE])
{
    size_t len = strnlen(text, WORDS_SIZE - 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        out[i] = c < 0x20 || c == 0x7f ? ' ' : text[i];
    }
    out[len] = '\0';
    return out;
}

static struct ij_json_out begin_json(struct ij_buf *line, uint32_t level,
                                     const char *room)
{
    char when[40];
    format_time(when, sizeof(when));
    struct ij_json_out out = { .buf = line };
    ij_json_open(&out, NULL, '{');
    ij_json_put_str(&out, "time", when);
    ij_json_put_str(&out, "level", level_name(level));
    ij_json_put_str(&out, "room", room);
    return out;
}

static void begin_text(struct ij_buf *line, uint32_t level, const char *room)
{
    char when[40];
    format_time(when, sizeof(when));
    ij_buf_printf(line, "%s %-5s %-6s ", when, level_name(level), room);
}

void ij_log_writer_event(void *data, const struct imgjob_log_event *event)
{
    const struct ij_log_writer *writer = data;
    if (event->level > writer->level)
        return;
    IJ_AUTO(ij_buf_done) struct ij_buf line = { .max = LINE_MAX_BYTES };
    char words[WORDS_SIZE];
    if (writer->json) {
        struct ij_json_out out = begin_json(&line, event->level, event->room);
        if (event->job_id)
            ij_json_put_str(&out, "job_id", event->job_id);
        ij_json_put_str(&out, "text", plain(event->text, words));
        ij_json_close(&out, '}');
    } else {
        begin_text(&line, event->level, event->room);
        ij_buf_add_str(&line, plain(event->text, words));
        if (event->job_id)
            ij_buf_printf(&line, " job=%s", event->job_id);
    }
    write_line(writer, &line);
}

void ij_log_writer_request(const struct ij_log_writer *writer,
                           const struct ij_request *request, int status, uint64_t bytes)
{
    uint32_t level = status >= 500 ? IMGJOB_LOG_WARN : IMGJOB_LOG_INFO;
    if (level > writer->level)
        return;
    IJ_AUTO(ij_buf_done) struct ij_buf line = { .max = LINE_MAX_BYTES };
    int64_t ms = ij_mono_ms(&ij_clock_system) - request->began_ms;
    char path[WORDS_SIZE], method[WORDS_SIZE];
    (void)plain(request->path[0] ? request->path : "-", path);
    (void)plain(request->method[0] ? request->method : "-", method);
    if (writer->json) {
        struct ij_json_out out = begin_json(&line, level, "http");
        ij_json_put_str(&out, "request_id", request->id);
        ij_json_put_str(&out, "remote", request->remote);
        ij_json_put_str(&out, "method", method);
        ij_json_put_str(&out, "path", path);
        ij_json_put_int(&out, "status", status);
        ij_json_put_int(&out, "bytes", (int64_t)bytes);
        ij_json_put_int(&out, "ms", ms);
        ij_json_close(&out, '}');
    } else {
        begin_text(&line, level, "http");
        ij_buf_printf(&line, "%s %s %d, %" PRIu64 " bytes, %" PRId64 " ms request=%s",
                      method, path, status, bytes, ms, request->id);
    }
    write_line(writer, &line);
}
