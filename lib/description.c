/*
 * Owns what the description of an operation may say. Whatever the readers and writers of
 * specs take for granted about their tables is made sure of here, and a default is read
 * as a spec would be.
 */
#include "description.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/utf8.h"
#include "spec/param.h"

enum {
    OP_NAME_MAX = 48, /* bytes */
    WORD_MAX = 32,    /* bytes of the name of a parameter or choice */
    DOC_MAX = 512,
    UNIT_MAX = 16,
    CHOICES_MAX = 32,
    GROUP_MAX = 16,
    DEFAULT_MAX = 256, /* bytes: every step of a canonical text repeats it */
    DEFAULT_DEPTH = 2, /* numbers in arrays */
    AT_SIZE = IJ_POINTER_SIZE
};
static const double whole_max = 9007199254740992.0; /* 2^53 */

_Static_assert((int)IMGJOB_PARAM_INT == IJ_PARAM_INT + 1 &&
                   (int)IMGJOB_PARAM_REAL == IJ_PARAM_REAL + 1 &&
                   (int)IMGJOB_PARAM_BOOL == IJ_PARAM_BOOL + 1 &&
                   (int)IMGJOB_PARAM_CHOICE == IJ_PARAM_CHOICE + 1 &&
                   (int)IMGJOB_PARAM_COLOR == IJ_PARAM_COLOR + 1 &&
                   (int)IMGJOB_PARAM_TEXT == IJ_PARAM_TEXT + 1 &&
                   (int)IMGJOB_PARAM_NUMBERS == IJ_PARAM_NUMBERS + 1,
               "the types of both sides are in one order");

/* What is the same for all that is read of one operation or parameter. Borrowed. */
struct copying {
    struct imgjob_spec *memory; /* owns the copies */
    const char *at;             /* "acme.vignette/strength": where a sentence begins */
    struct imgjob_error *err;
};

static int fail_nomem(const struct copying *copying)
{
    return ij_fail_nomem(copying->err, "copying an operation");
}

/* ---- texts ---- */

/* How many words, joined by dots, a name has; 0 = it is malformed. */
static size_t word_count(const char *name, size_t max)
{
    size_t words = 0;
    bool begins = true;
    if (strlen(name) > max)
        return 0;
    for (const char *at = name; *at; at++) {
        bool is_letter = *at >= 'a' && *at <= 'z';
        bool is_inner = (*at >= '0' && *at <= '9') || *at == '_' || *at == '.';
        if (!is_letter && (begins || !is_inner))
            return 0;
        words += begins;
        begins = *at == '.';
    }
    return begins ? 0 : words;
}

static bool is_choice(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= WORD_MAX &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789_-.") == len;
}

/* Whether it can stand in a sentence and in a cell of a table. */
static bool is_line(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);
    if (len > max)
        return false;
    for (size_t at = 0; at < len;) {
        size_t step = ij_utf8_length(text + at, len - at);
        if (step == 0 || (unsigned char)text[at] < ' ' || text[at] == 0x7f)
            return false;
        at += step;
    }
    return true;
}

/* @param text NULL = none */
static int copy_line(const struct copying *copying, const char *text, size_t max,
                     const char **out)
{
    if (!text)
        return 0;
    if (!is_line(text, max))
        return ij_fail(copying->err, IMGJOB_E_INVALID,
                       "%s: must be one line of UTF-8 of at most %zu bytes", copying->at,
                       max);
    *out = ij_spec_keep(copying->memory, strdup(text));
    return *out ? 0 : fail_nomem(copying);
}

/* ---- parameters ---- */

static bool is_whole(double number)
{
    return fabs(number) <= whole_max && number == floor(number); /* no NaN either */
}

static int check_range(const struct copying *copying, const struct imgjob_param *given)
{
    double min = given->min, max = given->max;
    switch (given->type) {
    case IMGJOB_PARAM_INT:
        if (!is_whole(min) || !is_whole(max) || min >= max)
            return ij_fail(
                copying->err, IMGJOB_E_INVALID,
                "%s: min, max: must be whole numbers within 2^53, min the less",
                copying->at);
        return 0;
    case IMGJOB_PARAM_REAL:
    case IMGJOB_PARAM_NUMBERS:
        if (!isfinite(min) || !isfinite(max) || min >= max)
            return ij_fail(copying->err, IMGJOB_E_INVALID,
                           "%s: min, max: must be finite numbers, min the less",
                           copying->at);
        return 0;
    case IMGJOB_PARAM_TEXT:
        if (!is_whole(min) || !is_whole(max) || min < 0 || max < 0 || max > IJ_TEXT_MAX ||
            min > (max > 0 ? max : IJ_TEXT_MAX))
            return ij_fail(copying->err, IMGJOB_E_INVALID,
                           "%s: min, max: must be numbers of bytes, 0..%d, min not the "
                           "greater",
                           copying->at, IJ_TEXT_MAX);
        return 0;
    default:
        return 0;
    }
}

static int check_counts(const struct copying *copying, const struct imgjob_param *given)
{
    if (given->type != IMGJOB_PARAM_NUMBERS)
        return 0;
    if (given->group > GROUP_MAX)
        return ij_fail(copying->err, IMGJOB_E_INVALID,
                       "%s: group: must be 0..%d, not %zu", copying->at, GROUP_MAX,
                       given->group);
    size_t most = IJ_NUMBERS_MAX / (given->group ? given->group : 1);
    if (given->count_max < 1 || given->count_max > most ||
        given->count_min > given->count_max)
        return ij_fail(copying->err, IMGJOB_E_INVALID,
                       "%s: count_min, count_max: must be within 0..%zu, max at least 1, "
                       "min not the greater",
                       copying->at, most);
    return 0;
}

/* @return 0 also for a parameter that has no choices */
static int copy_choices(const struct copying *copying, const struct imgjob_param *given,
                        struct ij_param *out)
{
    if (given->type != IMGJOB_PARAM_CHOICE)
        return 0;
    size_t count = 0;
    while (given->choices && count <= CHOICES_MAX && given->choices[count])
        count++;
    if (count < 1 || count > CHOICES_MAX)
        return ij_fail(copying->err, IMGJOB_E_INVALID, "%s: choices: must be 1..%d",
                       copying->at, CHOICES_MAX);
    const char **choices =
        ij_spec_keep(copying->memory, calloc(count + 1, sizeof(*choices)));
    for (size_t i = 0; choices && i < count; i++) {
        int64_t same;
        if (!is_choice(given->choices[i]))
            return ij_fail(copying->err, IMGJOB_E_INVALID,
                           "%s: choices: must be 1..%d letters, digits, '_', '-' or '.', "
                           "not '%.40s'",
                           copying->at, WORD_MAX, given->choices[i]);
        out->choices = choices; /* those copied so far */
        if (ij_param_choice(out, given->choices[i], &same))
            return ij_fail(copying->err, IMGJOB_E_INVALID,
                           "%s: choices: '%s' stands twice", copying->at,
                           given->choices[i]);
        choices[i] = ij_spec_keep(copying->memory, strdup(given->choices[i]));
        if (!choices[i])
            return fail_nomem(copying);
    }
    return choices ? 0 : fail_nomem(copying);
}

/* Read a default as a spec would be read. */
static int read_default(const struct copying *copying, const char *json,
                        struct ij_param *param)
{
    static const char member[] = "default_json";
    if (!json)
        return 0;
    if (param->is_required)
        return ij_fail(copying->err, IMGJOB_E_INVALID,
                       "%s: %s: a parameter that is required has none", copying->at,
                       member);
    if (strnlen(json, DEFAULT_MAX + 1) > DEFAULT_MAX)
        return ij_fail(copying->err, IMGJOB_E_INVALID,
                       "%s: %s: must have at most %d bytes", copying->at, member,
                       DEFAULT_MAX);
    IJ_AUTO(ij_json_freep) struct ij_json *value = NULL;
    struct imgjob_error why;
    const struct ij_reading reading = { .spec = copying->memory, .err = &why };
    int rc = ij_json_parse(json, strlen(json), DEFAULT_DEPTH, &value, &why);
    if (rc == IMGJOB_E_SPEC)
        return ij_fail(copying->err, IMGJOB_E_INVALID, "%s: %s: %s", copying->at, member,
                       why.text);
    if (rc == 0)
        rc = ij_param_read(&reading, param, value, member, &param->fallback);
    if (rc == IMGJOB_E_SPEC)
        return ij_fail(copying->err, IMGJOB_E_INVALID, "%s: %s", copying->at, why.text);
    return rc < 0 ? ij_fail(copying->err, rc, "%s", why.text) : 0;
}

/* @param given read by ij_options_read(), its name known to be good */
static int copy_param(const struct copying *copying, const struct imgjob_param *given,
                      struct ij_param *out)
{
    if (given->type < IMGJOB_PARAM_INT || given->type > IMGJOB_PARAM_NUMBERS)
        return ij_fail(copying->err, IMGJOB_E_INVALID,
                       "%s: type: must be one of enum imgjob_param_type, not %u",
                       copying->at, given->type);
    *out = (struct ij_param){
        .type = (enum ij_param_type)(given->type - IMGJOB_PARAM_INT),
        .is_required = given->is_required,
        .min = given->min,
        .max = given->max,
        .group = given->group,
        .count_min = given->count_min,
        .count_max = given->count_max,
    };
    int rc = copy_line(copying, given->name, WORD_MAX, &out->name);
    if (rc == 0)
        rc = check_range(copying, given);
    if (rc == 0)
        rc = check_counts(copying, given);
    if (rc == 0)
        rc = copy_choices(copying, given, out);
    if (rc == 0)
        rc = read_default(copying, given->default_json, out);
    if (rc == 0)
        rc = copy_line(copying, given->unit, UNIT_MAX, &out->unit);
    return rc < 0 ? rc : copy_line(copying, given->doc, DOC_MAX, &out->doc);
}

/* No two parameters have one name, and none that of the member that names the step. */
static int check_param_name(const struct copying *copying, const struct ij_param *params,
                            size_t index, const char *name)
{
    if (!name || word_count(name, WORD_MAX) != 1 || strcmp(name, "op") == 0)
        return ij_fail(
            copying->err, IMGJOB_E_INVALID,
            "%s: params[%zu].name: must be 1..%d of a-z, 0-9 and '_', a letter "
            "first, and not 'op'; it is '%.40s'",
            copying->at, index, WORD_MAX, name ? name : "");
    for (size_t i = 0; i < index; i++)
        if (strcmp(params[i].name, name) == 0)
            return ij_fail(copying->err, IMGJOB_E_INVALID,
                           "%s/%s: there are two of that name", copying->at, name);
    return 0;
}

/* The parameter at `index`, of which those before it are copied. */
static int read_param(const struct copying *copying, const void *from, size_t index,
                      struct ij_param *params)
{
    struct imgjob_param given;
    int rc = ij_options_read(&given, sizeof(given), IJ_END_OF(struct imgjob_param, doc),
                             from, "imgjob_param", copying->err);
    if (rc == 0)
        rc = check_param_name(copying, params, index, given.name);
    if (rc < 0)
        return rc;
    char at[AT_SIZE];
    (void)snprintf(at, sizeof(at), "%s/%s", copying->at, given.name);
    const struct copying inner = { copying->memory, at, copying->err };
    return copy_param(&inner, &given, &params[index]);
}

static int copy_params(const struct copying *copying,
                       const struct imgjob_operation *operation, struct ij_op *op)
{
    size_t count = operation->param_count;
    if (count > IJ_OP_PARAMS_MAX || (count > 0 && !operation->params))
        return ij_fail(copying->err, IMGJOB_E_INVALID,
                       "%s: param_count: must be 0..%d, the length of params, not %zu",
                       copying->at, IJ_OP_PARAMS_MAX, count);
    struct ij_param *params =
        ij_spec_keep(copying->memory, calloc(count + 1, sizeof(*params)));
    if (!params)
        return fail_nomem(copying);
    /* a program built against another version has elements of another size */
    const char *from = (const char *)operation->params;
    size_t stride = count > 0 ? operation->params[0].size : 0;
    for (size_t i = 0; i < count; i++) {
        int rc = read_param(copying, from + i * stride, i, params);
        if (rc < 0)
            return rc;
    }
    op->params = params;
    op->param_count = count;
    return 0;
}

int ij_description_read(const struct imgjob_operation *operation,
                        struct ij_description *out, struct imgjob_error *err)
{
    const char *name = operation->name ? operation->name : "";
    if (word_count(name, OP_NAME_MAX) < 2)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "name: must be words of a-z, 0-9 and '_', joined by at least one "
                       "dot, such as acme.vignette, %d bytes at most, not '%.60s'",
                       OP_NAME_MAX, name);
    out->memory = calloc(1, sizeof(*out->memory));
    if (!out->memory)
        return ij_fail_nomem(err, "copying an operation");
    out->op.group = "own";
    const struct copying copying = { out->memory, name, err };
    int rc = copy_line(&copying, name, OP_NAME_MAX, &out->op.name);
    if (rc == 0)
        rc = copy_line(&copying, operation->doc, DOC_MAX, &out->op.doc);
    return rc < 0 ? rc : copy_params(&copying, operation, &out->op);
}

void ij_description_done(struct ij_description *description)
{
    imgjob_spec_free(description->memory);
    *description = (struct ij_description){ .memory = NULL };
}
