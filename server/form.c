/*
 * Owns the plain fields of the simple form. Only their spelling is checked here: that a
 * number is one. What they may say is the library's business.
 */
#include "server/form.h"

#include <string.h>

#include "base/json.h"
#include "server/query.h"

enum field_type { FIELD_TEXT, FIELD_NUMBER, FIELD_BOOL };

enum { DIGITS_MAX = 10 };

static const struct {
    const char *name;
    enum field_type type;
} fields[IJ_FORM_FIELDS] = {
    { "operation", FIELD_TEXT }, { "width", FIELD_NUMBER },
    { "height", FIELD_NUMBER },  { "output_format", FIELD_TEXT },
    { "enlarge", FIELD_BOOL },
};

static int field_named(const char *name)
{
    for (int i = 0; i < IJ_FORM_FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0)
            return i;
    return -1;
}

bool ij_form_has(const char *name)
{
    return field_named(name) >= 0;
}

static int check_spelling(int field, const char *value, struct imgjob_error *err)
{
    size_t len = strlen(value);
    if (len >= IJ_FORM_VALUE_SIZE)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: is longer than %d bytes",
                       fields[field].name, IJ_FORM_VALUE_SIZE - 1);
    if (fields[field].type == FIELD_NUMBER &&
        (len == 0 || len > DIGITS_MAX || value[strspn(value, "0123456789")] != '\0'))
        return ij_fail(err, IMGJOB_E_INVALID, "%s: must be a whole number, not '%s'",
                       fields[field].name, value);
    if (fields[field].type == FIELD_BOOL && strcmp(value, "true") != 0 &&
        strcmp(value, "false") != 0)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: must be true or false, not '%s'",
                       fields[field].name, value);
    return 0;
}

int ij_form_add(struct ij_form *form, const char *name, const char *value,
                struct imgjob_error *err)
{
    int field = field_named(name);
    if (field < 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "%.60s: no such field; there are operation, width, height, "
                       "output_format, enlarge, preset, source_job and the options of "
                       "jobs such as priority",
                       name);
    if (form->given[field])
        return ij_fail(err, IMGJOB_E_INVALID, "%s: stands twice", name);
    int rc = check_spelling(field, value, err);
    if (rc < 0)
        return rc;
    memcpy(form->value[field], value, strlen(value) + 1);
    form->given[field] = true;
    form->count++;
    return 0;
}

int ij_form_add_query(struct ij_form *form, struct ij_options *options, const char *query,
                      struct imgjob_error *err)
{
    struct ij_query_pair pair;
    int rc;
    while ((rc = ij_query_next(&query, &pair, err)) == 0) {
        int option = ij_option_named(pair.name);
        rc = option >= 0
                 ? ij_options_add_text(options, (enum ij_option)option, pair.value, err)
                 : ij_form_add(form, pair.name, pair.value, err);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? rc : 0;
}

static int64_t number_of(const char *digits)
{
    int64_t number = 0;
    for (; *digits; digits++)
        number = number * 10 + (*digits - '0');
    return number;
}

void ij_form_write(const struct ij_form *form, struct ij_buf *out)
{
    struct ij_json_out json = { .buf = out };
    ij_json_open(&json, NULL, '{');
    for (int i = 0; i < IJ_FORM_FIELDS; i++) {
        if (!form->given[i])
            continue;
        if (fields[i].type == FIELD_TEXT)
            ij_json_put_str(&json, fields[i].name, form->value[i]);
        else if (fields[i].type == FIELD_NUMBER)
            ij_json_put_int(&json, fields[i].name, number_of(form->value[i]));
        else
            ij_json_put_bool(&json, fields[i].name, form->value[i][0] == 't');
    }
    ij_json_close(&json, '}');
}
