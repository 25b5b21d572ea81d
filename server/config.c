/*
 * Owns the settings: the table, and that no value out of its range ever gets into the
 * configuration. Every name, range, default and line of help comes from the table.
 */
#include "server/config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/store.h>

#include "base/auto.h"
#include "server/setting.h"

#define AT(field)     .name = #field, .offset = offsetof(struct ij_config, field)
#define NUMBER(field) AT(field), .type = IJ_SETTING_NUMBER
#define TEXT(field)   AT(field), .type = IJ_SETTING_TEXT, .unit = ""
#define CHOICE(field) AT(field), .type = IJ_SETTING_CHOICE, .unit = ""
#define SET(field)    AT(field), .type = IJ_SETTING_SET, .unit = "", .fallback = ""
#define GIB           (UINT64_C(1) << 30)
#define TEN_YEARS_S   UINT64_C(315360000)

const struct ij_setting ij_settings[IJ_SETTING_COUNT] = {
    { NUMBER(port), .fallback = "8080", .max = 65535, .unit = "",
      .help = "TCP port; 0 = any free one, named in the log", .group = "Network" },
    { TEXT(bind), .fallback = "127.0.0.1",
      .help = "IPv4 address to listen on; others than 127.x ask for allow_open" },
    { CHOICE(allow_open), .fallback = "0", .choices = { "0", "1" },
      .help = "1 = whoever reaches the port may use it" },
    { NUMBER(http_threads), .fallback = "256", .min = 4, .max = 4096, .unit = "",
      .help = "requests served at the same time" },
    { NUMBER(max_waiters), .fallback = "0", .max = 4096, .unit = "",
      .help = "requests that may wait for a job's end; 0 = half of http_threads" },
    { TEXT(cors_origins), .fallback = "",
      .help = "origins whose pages may call this server, such as https://example.org, "
              "with a comma between; * = all" },
    { TEXT(public_url), .fallback = "",
      .help =
          "where clients reach this server, such as https://images.example.org: makes "
          "the links in answers and webhooks absolute" },

    { TEXT(db_path), .fallback = "./data/jobs.db", .help = "SQLite database of the jobs",
      .group = "Store" },
    { TEXT(upload_dir), .fallback = "./uploads", .help = "directory of the inputs" },
    { TEXT(output_dir), .fallback = "./outputs", .help = "directory of the outputs" },
    { CHOICE(durability), .fallback = "full", .choices = { "full", "normal" },
      .help = "what 202 survives: full = power loss, normal = kill -9" },
    { NUMBER(max_queued_jobs), .fallback = "10000", .min = 1, .max = 100000000,
      .unit = "jobs", .help = "jobs not yet ended; more are answered 503" },
    { NUMBER(min_free_bytes), .fallback = "0", .max = UINT64_C(1) << 50, .unit = "bytes",
      .help = "free disk space below which submits are answered 507; 0 = the smaller of "
              "5 % and 1 GiB, 1 = no floor" },
    { NUMBER(result_ttl_s), .fallback = "604800", .min = 1, .max = TEN_YEARS_S,
      .unit = "s", .help = "how long the images of an ended job can be fetched" },
    { NUMBER(job_ttl_s), .fallback = "2592000", .min = 1, .max = TEN_YEARS_S, .unit = "s",
      .help = "how long an ended job can be asked about" },
    { NUMBER(max_stored_bytes), .fallback = "0", .max = UINT64_C(1) << 50,
      .unit = "bytes",
      .help =
          "all images of all jobs; beyond them the oldest results expire early; 0 = no "
          "bound" },
    { NUMBER(idempotency_ttl_s), .fallback = "86400", .min = 1, .max = TEN_YEARS_S,
      .unit = "s", .help = "how long an Idempotency-Key is remembered" },
    { CHOICE(multi_process), .fallback = "0", .choices = { "0", "1" },
      .help = "1 = several imgjobd on this machine share db_path, upload_dir and "
              "output_dir" },

    { NUMBER(worker_pool_size), .fallback = "0", .max = 256, .unit = "workers",
      .help = "images processed at the same time; 0 = one per available CPU",
      .group = "Workers" },
    { CHOICE(isolation), .fallback = "process", .choices = { "process", "inline" },
      .help = "where images are decoded; inline = in this process, trusted images only" },
    { TEXT(worker_path), .fallback = "",
      .help = "the imgjob-worker program; empty = the one that came with the library" },
    { CHOICE(paused), .fallback = "0", .choices = { "0", "1" },
      .help = "1 = accept jobs but run none" },
    { CHOICE(jpeg_shrink), .fallback = "fast", .choices = { "fast", "safe" },
      .help = "how far a JPEG is shrunk while it is decoded; safe is slower, a little "
              "sharper" },
    { NUMBER(job_timeout_ms), .fallback = "30000", .min = 10, .max = 3600000,
      .unit = "ms", .help = "wall time of one attempt, then its worker is killed" },
    { NUMBER(job_cpu_ms), .fallback = "20000", .min = 1000, .max = 3600000, .unit = "ms",
      .help = "CPU time of one attempt" },
    { NUMBER(lease_ms), .fallback = "30000", .min = 10000, .max = 3600000, .unit = "ms",
      .help = "a process that is silent for so long loses its jobs to others" },
    { NUMBER(worker_memory_limit), .fallback = "2147483648", .min = 256 << 20,
      .max = UINT64_C(1) << 50, .unit = "bytes", .help = "address space of one worker" },

    { NUMBER(max_upload_size), .fallback = "10485760", .min = 1, .max = GIB,
      .unit = "bytes", .help = "all images of a job as they arrive", .group = "Limits" },
    { NUMBER(max_output_size), .fallback = "67108864", .min = 1, .max = GIB,
      .unit = "bytes", .help = "all images that one job makes" },
    { NUMBER(max_pixels), .fallback = "50000000", .min = 1, .max = UINT64_C(10000000000),
      .unit = "px", .help = "width x height x pages of an image" },
    { NUMBER(max_progressive_pixels), .fallback = "20000000", .min = 1,
      .max = UINT64_C(10000000000), .unit = "px",
      .help = "the same for progressive or interlaced images" },
    { NUMBER(max_side), .fallback = "16384", .min = 1, .max = 1000000, .unit = "px",
      .help = "width and height of an image" },
    { NUMBER(max_pages), .fallback = "256", .min = 1, .max = 256, .unit = "pages",
      .help = "frames or pages that a job may ask of an image" },
    { SET(extra_formats), .choices = { "svg", "pdf", "jxl", "jp2" },
      .help =
          "formats read beside jpeg, png, webp, gif, tiff, avif and heic, with a comma "
          "between; their readers have more faults" },

    { TEXT(presets_file), .fallback = "",
      .help = "JSON object of named specs that jobs may ask for with preset=NAME",
      .group = "Jobs" },
    { CHOICE(presets_only), .fallback = "0", .choices = { "0", "1" },
      .help = "1 = jobs may ask for presets and nothing else" },
    { NUMBER(batch_max), .fallback = "100", .min = 1, .max = IMGJOB_SUBMIT_MAX,
      .unit = "jobs", .help = "jobs of one POST /batches" },
    { TEXT(webhook_secrets_file), .fallback = "",
      .help = "file of whsec_… secrets, one a line, that sign webhooks; empty = "
              "callback_url is refused" },
    { NUMBER(webhook_timeout_ms), .fallback = "15000", .min = 100, .max = 60000,
      .unit = "ms", .help = "for the answer to a webhook" },
    { CHOICE(webhook_allow_private), .fallback = "0", .choices = { "0", "1" },
      .help =
          "1 = webhooks may go to addresses of this machine and of private networks" },

    { NUMBER(grace_ms), .fallback = "10000", .max = 600000, .unit = "ms",
      .help = "how long running jobs may go on after SIGTERM", .group = "Operation" },
    { CHOICE(log_format), .fallback = "text", .choices = { "text", "json" },
      .help = "lines on standard error" },
    { CHOICE(log_level), .fallback = "info",
      .choices = { "error", "warn", "info", "debug" }, .help = "the least that is told" },
};

enum { CHOICES_TEXT_SIZE = 80 };

static uint64_t *number_at(const struct ij_config *config,
                           const struct ij_setting *setting)
{
    return (uint64_t *)((char *)config + setting->offset);
}

static char **text_at(const struct ij_config *config, const struct ij_setting *setting)
{
    return (char **)((char *)config + setting->offset);
}

static int set_number(struct ij_config *config, const struct ij_setting *setting,
                      const char *value, const char *source, struct imgjob_error *err)
{
    uint64_t number = 0;
    size_t digits = strspn(value, "0123456789");
    bool is_number = digits > 0 && digits < 19 && value[digits] == '\0';
    for (size_t i = 0; is_number && i < digits; i++)
        number = number * 10 + (uint64_t)(value[i] - '0');
    if (!is_number || number < setting->min || number > setting->max)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%s = '%.60s' (%s): must be a whole number, %" PRIu64
                       " to %" PRIu64 "%s%s",
                       setting->name, value, source, setting->min, setting->max,
                       setting->unit[0] ? " " : "", setting->unit);
    *number_at(config, setting) = number;
    return 0;
}

static void list_choices(const struct ij_setting *setting, char out[CHOICES_TEXT_SIZE])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; setting->choices[i] && used < CHOICES_TEXT_SIZE; i++)
        used += (size_t)snprintf(out + used, CHOICES_TEXT_SIZE - used, "%s%s",
                                 i > 0 ? ", " : "", setting->choices[i]);
}

static int set_choice(struct ij_config *config, const struct ij_setting *setting,
                      const char *value, const char *source, struct imgjob_error *err)
{
    for (size_t i = 0; setting->choices[i]; i++)
        if (strcmp(setting->choices[i], value) == 0) {
            *number_at(config, setting) = i;
            return 0;
        }
    char names[CHOICES_TEXT_SIZE];
    list_choices(setting, names);
    return ij_fail(err, IMGJOB_E_INVALID, "%s = '%.60s' (%s): must be one of %s",
                   setting->name, value, source, names);
}

/* The index of the choice that these bytes name; -1 = none. */
static int choice_named(const struct ij_setting *setting, const char *name, size_t len)
{
    for (int i = 0; setting->choices[i]; i++)
        if (strlen(setting->choices[i]) == len &&
            memcmp(setting->choices[i], name, len) == 0)
            return i;
    return -1;
}

/* Nothing, or names with a comma between and spaces around it. */
static int set_set(struct ij_config *config, const struct ij_setting *setting,
                   const char *value, const char *source, struct imgjob_error *err)
{
    uint64_t bits = 0;
    bool is_right = true;
    for (const char *at = value; is_right && *at;) {
        at += strspn(at, " ");
        size_t len = strcspn(at, " ,");
        int choice = choice_named(setting, at, len);
        at += len;
        at += strspn(at, " ");
        bool is_last = *at == '\0';
        is_right = choice >= 0 && (is_last || (*at == ',' && at[1] != '\0'));
        if (is_right)
            bits |= UINT64_C(1) << choice;
        at += !is_last;
    }
    if (is_right) {
        *number_at(config, setting) = bits;
        return 0;
    }
    char names[CHOICES_TEXT_SIZE];
    list_choices(setting, names);
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s = '%.60s' (%s): must be any of %s, with a comma between",
                   setting->name, value, source, names);
}

static int set_text(struct ij_config *config, const struct ij_setting *setting,
                    const char *value, const char *source, struct imgjob_error *err)
{
    if (value[0] == '\0' && setting->fallback[0] != '\0')
        return ij_fail(err, IMGJOB_E_INVALID, "%s = '' (%s): must not be empty",
                       setting->name, source);
    char *copy = strdup(value);
    if (!copy)
        return ij_fail_nomem(err, "reading the configuration");
    free(*text_at(config, setting));
    *text_at(config, setting) = copy;
    return 0;
}

int ij_setting_set(struct ij_config *config, const struct ij_setting *setting,
                   const char *value, const char *source, struct imgjob_error *err)
{
    IJ_AUTO(ij_free) char *where = strdup(source);
    if (!where)
        return ij_fail_nomem(err, "reading the configuration");
    int rc;
    if (setting->type == IJ_SETTING_NUMBER)
        rc = set_number(config, setting, value, source, err);
    else if (setting->type == IJ_SETTING_CHOICE)
        rc = set_choice(config, setting, value, source, err);
    else if (setting->type == IJ_SETTING_SET)
        rc = set_set(config, setting, value, source, err);
    else
        rc = set_text(config, setting, value, source, err);
    if (rc < 0)
        return rc;
    char **kept = &config->source[setting - ij_settings];
    free(*kept);
    *kept = ij_steal(&where);
    return 0;
}

static const char *set_written(const struct ij_setting *setting, uint64_t bits,
                               char room[IJ_SETTING_ROOM_SIZE])
{
    size_t used = 0;
    room[0] = '\0';
    for (size_t i = 0; setting->choices[i] && used < IJ_SETTING_ROOM_SIZE; i++)
        if (bits >> i & 1)
            used += (size_t)snprintf(room + used, IJ_SETTING_ROOM_SIZE - used, "%s%s",
                                     used ? "," : "", setting->choices[i]);
    return room;
}

const char *ij_setting_text(const struct ij_config *config,
                            const struct ij_setting *setting,
                            char room[IJ_SETTING_ROOM_SIZE])
{
    if (setting->type == IJ_SETTING_TEXT)
        return *text_at(config, setting);
    uint64_t number = *number_at(config, setting);
    if (setting->type == IJ_SETTING_CHOICE)
        return setting->choices[number];
    if (setting->type == IJ_SETTING_SET)
        return set_written(setting, number, room);
    (void)snprintf(room, IJ_SETTING_ROOM_SIZE, "%" PRIu64, number);
    return room;
}

int ij_config_init(struct ij_config *config, struct imgjob_error *err)
{
    *config = (struct ij_config){ 0 };
    for (size_t i = 0; i < IJ_SETTING_COUNT; i++) {
        int rc = ij_setting_set(config, &ij_settings[i], ij_settings[i].fallback,
                                "default", err);
        if (rc < 0) {
            ij_config_done(config);
            return rc;
        }
    }
    return 0;
}

void ij_config_done(struct ij_config *config)
{
    for (size_t i = 0; i < IJ_SETTING_COUNT; i++) {
        if (ij_settings[i].type == IJ_SETTING_TEXT)
            free(*text_at(config, &ij_settings[i]));
        free(config->source[i]);
    }
    *config = (struct ij_config){ 0 };
}
