/* Owns the reference of a spec for people, made from the same tables as the reader. */
#include "spec/read.h"

#include <string.h>

/* Words of the tables; a bar would end the cell. */
static void add_words(struct ij_buf *buf, const char *words)
{
    for (; *words; words++) {
        if (*words == '|')
            ij_buf_add_str(buf, "\\");
        ij_buf_add(buf, words, 1);
    }
}

/* A sentence, which the tables keep without its full stop. */
static void add_doc(struct ij_buf *buf, const char *doc)
{
    if (!doc)
        return;
    add_words(buf, doc);
    ij_buf_add_str(buf, ".");
}

static void add_range(struct ij_buf *buf, double min, double max)
{
    char from[IJ_REAL_TEXT_SIZE], to[IJ_REAL_TEXT_SIZE];
    ij_real_text(from, min);
    ij_real_text(to, max);
    if (min == max)
        ij_buf_add_str(buf, from);
    else
        ij_buf_printf(buf, "%s…%s", from, to);
}

static void add_choices(struct ij_buf *buf, const struct ij_param *param)
{
    for (size_t i = 0; param->choices[i]; i++)
        ij_buf_printf(buf, "%s`%s`", i ? ", " : "", param->choices[i]);
}

static void add_numbers(struct ij_buf *buf, const struct ij_param *param)
{
    add_range(buf, (double)param->count_min, (double)param->count_max);
    if (param->group)
        ij_buf_printf(buf, " arrays of %zu", param->group);
    ij_buf_add_str(buf, " numbers ");
    add_range(buf, param->min, param->max);
}

static void add_values(struct ij_buf *buf, const struct ij_param *param)
{
    switch (param->type) {
    case IJ_PARAM_INT:
        ij_buf_add_str(buf, "whole number ");
        add_range(buf, param->min, param->max);
        break;
    case IJ_PARAM_REAL:
        ij_buf_add_str(buf, "number ");
        add_range(buf, param->min, param->max);
        break;
    case IJ_PARAM_BOOL:
        ij_buf_add_str(buf, "`true`, `false`");
        break;
    case IJ_PARAM_CHOICE:
        add_choices(buf, param);
        break;
    case IJ_PARAM_COLOR:
        ij_buf_add_str(buf, "colour");
        break;
    case IJ_PARAM_TEXT:
        ij_buf_add_str(buf, "text of ");
        add_range(buf, param->min, param->max > 0 ? param->max : IJ_TEXT_MAX);
        ij_buf_add_str(buf, " bytes");
        break;
    case IJ_PARAM_NUMBERS:
        add_numbers(buf, param);
        break;
    }
    if (param->unit && param->type != IJ_PARAM_TEXT)
        ij_buf_printf(buf, " %s", param->unit);
}

static void add_default(struct ij_buf *buf, const struct ij_param *param)
{
    if (param->is_required) {
        ij_buf_add_str(buf, "required");
        return;
    }
    if (!param->fallback.is_given)
        return;
    struct ij_param bare = *param;
    bare.name = NULL;
    struct ij_json_out out = { .buf = buf };
    ij_buf_add_str(buf, "`");
    ij_param_write(&out, &bare, &param->fallback);
    ij_buf_add_str(buf, "`");
}

/* "| `name` | values | default | ", open for the meaning. */
static void add_row(struct ij_buf *buf, const struct ij_param *param)
{
    ij_buf_printf(buf, "| `%s` | ", param->name);
    add_values(buf, param);
    ij_buf_add_str(buf, " | ");
    add_default(buf, param);
    ij_buf_add_str(buf, " | ");
}

static void add_op(struct ij_buf *buf, const struct ij_op *op)
{
    ij_buf_printf(buf, "| **`%s`** | | | ", op->name);
    add_doc(buf, op->doc);
    ij_buf_add_str(buf, " |\n");
    for (size_t i = 0; i < op->param_count; i++) {
        add_row(buf, &op->params[i]);
        add_doc(buf, op->params[i].doc);
        ij_buf_add_str(buf, " |\n");
    }
}

static const char *group_of(const struct ij_op *op)
{
    return op->group ? op->group : "other";
}

static bool is_first_of_group(const struct ij_ops *ops, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(group_of(ops->ops[i]), group_of(ops->ops[index])) == 0)
            return false;
    return true;
}

/* A heading, its first letter made a capital, and the head of a table. */
static void add_head(struct ij_buf *buf, const char *title, const char *columns)
{
    char first = title[0];
    if (first >= 'a' && first <= 'z')
        first = (char)(first - 'a' + 'A');
    ij_buf_printf(buf, "%s### %c%s\n\n|%s\n|", buf->len ? "\n" : "", first, title + 1,
                  columns);
    for (; *columns; columns++)
        if (*columns == '|')
            ij_buf_add_str(buf, "---|");
    ij_buf_add_str(buf, "\n");
}

static void add_group(struct ij_buf *buf, const struct ij_ops *ops, const char *group)
{
    add_head(buf, group, " operation | values | default | meaning |");
    for (size_t i = 0; i < ops->count; i++)
        if (strcmp(group_of(ops->ops[i]), group) == 0)
            add_op(buf, ops->ops[i]);
}

static void add_outputs(struct ij_buf *buf)
{
    add_head(buf, "outputs", " setting | values | default | formats | meaning |");
    for (size_t i = 0; i < IJ_OUT_PARAM_COUNT; i++) {
        add_row(buf, &ij_output_params[i]);
        const char *comma = "";
        for (size_t k = 0; ij_output_formats[k]; k++)
            if (ij_format_has_param(ij_format_by_name(ij_output_formats[k]), i)) {
                ij_buf_printf(buf, "%s%s", comma, ij_output_formats[k]);
                comma = " ";
            }
        ij_buf_add_str(buf, " | ");
        add_doc(buf, ij_output_params[i].doc);
        ij_buf_add_str(buf, " |\n");
    }
}

void ij_spec_markdown(const struct ij_ops *ops, struct ij_buf *out)
{
    for (size_t i = 0; i < ops->count; i++)
        if (is_first_of_group(ops, i))
            add_group(out, ops, group_of(ops->ops[i]));
    add_outputs(out);
    add_head(out, "load", " setting | values | default | meaning |");
    for (size_t i = 0; i < IJ_LOAD_COUNT; i++) {
        add_row(out, &ij_load_params[i]);
        add_doc(out, ij_load_params[i].doc);
        ij_buf_add_str(out, " |\n");
    }
}
