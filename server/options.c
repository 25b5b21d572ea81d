/*
 * Owns the names, types and ranges of a submit's options. What they mean together is the
 * library's business, but for what its words could not tell a client.
 */
#include "server/options.h"

#include <inttypes.h>
#include <string.h>

#include "base/auto.h"
#include "base/id.h"
#include "server/moment.h"

enum option_type {
    OPTION_NUMBER,
    OPTION_MOMENT,
    OPTION_SWITCH,
    OPTION_TEXT,
    OPTION_NAME,
    OPTION_ID,
    OPTION_TAGS
};

#define DAYS_MAX INT64_C(36500)
#define DAY_S    INT64_C(86400)

/* Where a text goes. */
#define ROOM(member)                             \
    .room = offsetof(struct ij_options, member), \
    .size = sizeof(((struct ij_options *)NULL)->member)

static const struct option {
    const char *name;
    enum option_type type;
    int64_t min, max;  /* of a number */
    size_t room, size; /* of a text */
} table[IJ_OPTION_COUNT] = {
    [IJ_OPTION_PRIORITY] = { "priority", OPTION_NUMBER, .min = 0, .max = 9 },
    [IJ_OPTION_RUN_AT] = { "run_at", OPTION_MOMENT },
    [IJ_OPTION_DELAY_MS] = { "delay_ms", OPTION_NUMBER, .min = 0,
                             .max = DAYS_MAX * DAY_S * 1000 },
    [IJ_OPTION_MAX_ATTEMPTS] = { "max_attempts", OPTION_NUMBER, .min = 1, .max = 20 },
    [IJ_OPTION_TIMEOUT_MS] = { "timeout_ms", OPTION_NUMBER, .min = 10, .max = 3600000 },
    [IJ_OPTION_DEADLINE] = { "deadline", OPTION_MOMENT },
    [IJ_OPTION_RESULT_EXPIRES_IN] = { "result_expires_in", OPTION_NUMBER, .min = 1,
                                      .max = DAYS_MAX * DAY_S },
    [IJ_OPTION_EXPIRES_IN] = { "expires_in", OPTION_NUMBER, .min = 1,
                               .max = DAYS_MAX * DAY_S },
    [IJ_OPTION_CALLBACK_URL] = { "callback_url", OPTION_TEXT, ROOM(callback_url) },
    [IJ_OPTION_TAGS] = { "tags", OPTION_TAGS },
    [IJ_OPTION_QUEUE] = { "queue", OPTION_NAME, ROOM(queue) },
    [IJ_OPTION_DEDUP] = { "dedup", OPTION_SWITCH },
    [IJ_OPTION_PRESET] = { "preset", OPTION_NAME, ROOM(preset) },
    [IJ_OPTION_BATCH] = { "batch", OPTION_ID, ROOM(batch) },
    [IJ_OPTION_SOURCE_JOB] = { "source_job", OPTION_ID, ROOM(source_job) },
};

int ij_option_named(const char *name)
{
    for (int i = 0; i < IJ_OPTION_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return i;
    return -1;
}

const char *ij_option_name(enum ij_option option)
{
    return table[option].name;
}

/* ---- values ---- */

static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789_.:-";

static int set_number(struct ij_options *options, enum ij_option option, int64_t value,
                      struct imgjob_error *err)
{
    const struct option *entry = &table[option];
    if (value < entry->min || value > entry->max)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%s: must be %" PRId64 "..%" PRId64 ", not %" PRId64, entry->name,
                       entry->min, entry->max, value);
    options->number[option] = value;
    return 0;
}

static int set_moment(struct ij_options *options, enum ij_option option, const char *text,
                      struct imgjob_error *err)
{
    if (ij_moment_parse(text, &options->number[option]) && options->number[option] > 0)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s: must be a time of RFC 3339 such as 2026-03-01T12:00:00Z, not "
                   "'%.60s'",
                   table[option].name, text);
}

int ij_option_check_name(const char *field, const char *text, struct imgjob_error *err)
{
    size_t len = strlen(text);
    if (len >= 1 && len < IMGJOB_NAME_SIZE && strspn(text, name_bytes) == len)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s: must be 1..%d of the characters A-Z a-z 0-9 _ . : -, not '%.80s'",
                   field, IMGJOB_NAME_SIZE - 1, text);
}

int ij_option_check_id(const char *field, const char *text, struct imgjob_error *err)
{
    struct ij_id id;
    if (ij_id_of(text, &id) && !ij_id_equal(&id, &ij_id_none))
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "%s: must be an id, a UUID in lower case, not '%.60s'", field, text);
}

static int set_text(struct ij_options *options, enum ij_option option, const char *text,
                    struct imgjob_error *err)
{
    const struct option *entry = &table[option];
    int rc = entry->type == OPTION_NAME ? ij_option_check_name(entry->name, text, err)
             : entry->type == OPTION_ID ? ij_option_check_id(entry->name, text, err)
                                        : 0;
    if (rc < 0)
        return rc;
    size_t len = strlen(text);
    if (len == 0 || len >= entry->size)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: must have 1..%zu bytes, not %zu",
                       entry->name, entry->size - 1, len);
    memcpy((char *)options + entry->room, text, len + 1);
    return 0;
}

/* `text` need not be terminated. */
static int add_tag(struct ij_options *options, const char *text, size_t len,
                   struct imgjob_error *err)
{
    if (options->tag_count == IJ_TAGS_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "tags: must be 0..%d of them", IJ_TAGS_MAX);
    char tag[IMGJOB_NAME_SIZE + 1]; /* one that is cut is too long still */
    if (len > IMGJOB_NAME_SIZE)
        len = IMGJOB_NAME_SIZE;
    memcpy(tag, text, len);
    tag[len] = '\0';
    int rc = ij_option_check_name("tags", tag, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < options->tag_count; i++)
        if (strcmp(options->tags[i], tag) == 0)
            return ij_fail(err, IMGJOB_E_INVALID, "tags: '%s' stands twice", tag);
    memcpy(options->tags[options->tag_count++], tag, len + 1);
    return 0;
}

static int take(struct ij_options *options, enum ij_option option,
                struct imgjob_error *err)
{
    if (options->given[option])
        return ij_fail(err, IMGJOB_E_INVALID, "%s: stands twice", table[option].name);
    options->given[option] = true;
    if (options->given[IJ_OPTION_RUN_AT] && options->given[IJ_OPTION_DELAY_MS])
        return ij_fail(err, IMGJOB_E_INVALID,
                       "run_at: stands beside delay_ms; either is enough");
    return 0;
}

/* ---- plain text ---- */

static int add_number_text(struct ij_options *options, enum ij_option option,
                           const char *text, struct imgjob_error *err)
{
    enum { DIGITS_MAX = 18 }; /* any such number fits */
    const struct option *entry = &table[option];
    size_t len = strlen(text);
    if (len == 0 || len > DIGITS_MAX || text[strspn(text, "0123456789")] != '\0')
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%s: must be a whole number, %" PRId64 "..%" PRId64
                       ", not '%.40s'",
                       entry->name, entry->min, entry->max, text);
    int64_t value = 0;
    for (const char *at = text; *at; at++)
        value = value * 10 + (*at - '0');
    return set_number(options, option, value, err);
}

static int add_tags_text(struct ij_options *options, const char *text,
                         struct imgjob_error *err)
{
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");
        int rc = add_tag(options, at, len, err);
        if (rc < 0)
            return rc;
        at += len;
        if (*at == ',' && *++at == '\0')
            return ij_fail(err, IMGJOB_E_INVALID, "tags: ends with a comma");
    }
    return 0;
}

static int add_switch_text(struct ij_options *options, enum ij_option option,
                           const char *text, struct imgjob_error *err)
{
    bool is_on = strcmp(text, "true") == 0;
    if (!is_on && strcmp(text, "false") != 0)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: must be true or false, not '%.40s'",
                       table[option].name, text);
    options->number[option] = is_on;
    return 0;
}

int ij_options_add_text(struct ij_options *options, enum ij_option option,
                        const char *value, struct imgjob_error *err)
{
    int rc = take(options, option, err);
    if (rc < 0)
        return rc;
    switch (table[option].type) {
    case OPTION_NUMBER:
        return add_number_text(options, option, value, err);
    case OPTION_MOMENT:
        return set_moment(options, option, value, err);
    case OPTION_SWITCH:
        return add_switch_text(options, option, value, err);
    case OPTION_TAGS:
        return add_tags_text(options, value, err);
    default:
        return set_text(options, option, value, err);
    }
}

/* ---- JSON ---- */

static int refuse_type(enum ij_option option, const char *expected,
                       const struct ij_json *value, struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_INVALID, "%s: must be %s, not %s", table[option].name,
                   expected, ij_json_type_name(ij_json_type(value)));
}

static int add_tags_json(struct ij_options *options, const struct ij_json *array,
                         struct imgjob_error *err)
{
    for (size_t i = 0; i < ij_json_count(array); i++) {
        const struct ij_json *value = ij_json_at(array, i);
        if (ij_json_type(value) != IJ_JSON_STRING)
            return refuse_type(IJ_OPTION_TAGS, "an array of strings", value, err);
        const char *tag = ij_json_string(value);
        int rc = add_tag(options, tag, strlen(tag), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int ij_options_add_json(struct ij_options *options, enum ij_option option,
                        const struct ij_json *value, struct imgjob_error *err)
{
    enum ij_json_type type = ij_json_type(value);
    int rc = take(options, option, err);
    if (rc < 0)
        return rc;
    switch (table[option].type) {
    case OPTION_NUMBER:
        return type == IJ_JSON_INT ? set_number(options, option, ij_json_int(value), err)
                                   : refuse_type(option, "a whole number", value, err);
    case OPTION_SWITCH:
        options->number[option] = ij_json_bool(value);
        return type == IJ_JSON_BOOL ? 0
                                    : refuse_type(option, "true or false", value, err);
    case OPTION_TAGS:
        return type == IJ_JSON_ARRAY
                   ? add_tags_json(options, value, err)
                   : refuse_type(option, "an array of strings", value, err);
    case OPTION_MOMENT:
        return type == IJ_JSON_STRING
                   ? set_moment(options, option, ij_json_string(value), err)
                   : refuse_type(option, "a string", value, err);
    default:
        return type == IJ_JSON_STRING
                   ? set_text(options, option, ij_json_string(value), err)
                   : refuse_type(option, "a string", value, err);
    }
}

/* ---- all of them ---- */

int ij_options_allow(const struct ij_options *options, uint32_t allowed, const char *why,
                     struct imgjob_error *err)
{
    for (unsigned i = 0; i < IJ_OPTION_COUNT; i++)
        if (options->given[i] && !(allowed >> i & 1))
            return ij_fail(err, IMGJOB_E_INVALID, "%s: %s", table[i].name, why);
    return 0;
}

void ij_options_write(const struct ij_options *options, const char *tag_list[IJ_TAGS_MAX],
                      struct imgjob_submit_options *out)
{
    const bool *given = options->given;
    const int64_t *number = options->number;
    for (size_t i = 0; i < options->tag_count; i++)
        tag_list[i] = options->tags[i];
    out->has_priority = given[IJ_OPTION_PRIORITY];
    out->priority = (uint32_t)number[IJ_OPTION_PRIORITY];
    out->run_at_ms = number[IJ_OPTION_RUN_AT];
    out->delay_ms = (uint64_t)number[IJ_OPTION_DELAY_MS];
    out->max_attempts = (uint32_t)number[IJ_OPTION_MAX_ATTEMPTS];
    out->timeout_ms = (uint32_t)number[IJ_OPTION_TIMEOUT_MS];
    out->deadline_ms = number[IJ_OPTION_DEADLINE];
    out->result_ttl_ms = (uint64_t)number[IJ_OPTION_RESULT_EXPIRES_IN] * 1000;
    out->job_ttl_ms = (uint64_t)number[IJ_OPTION_EXPIRES_IN] * 1000;
    out->callback_url = given[IJ_OPTION_CALLBACK_URL] ? options->callback_url : NULL;
    out->tags = tag_list;
    out->tag_count = options->tag_count;
    out->queue = given[IJ_OPTION_QUEUE] ? options->queue : NULL;
    out->dedup = number[IJ_OPTION_DEDUP] != 0;
    out->batch = given[IJ_OPTION_BATCH] ? options->batch : NULL;
}
