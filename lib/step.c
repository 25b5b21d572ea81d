/* Owns what the callbacks of an operation may ask of its step. */
#include <imgjob/operation.h>

#include <stdio.h>
#include <string.h>

#include "image/custom.h"

static const char *const types[] = {
    [IJ_PARAM_INT] = "an INT",     [IJ_PARAM_REAL] = "a REAL",
    [IJ_PARAM_BOOL] = "a BOOL",    [IJ_PARAM_CHOICE] = "a CHOICE",
    [IJ_PARAM_COLOR] = "a COLOR",  [IJ_PARAM_TEXT] = "a TEXT",
    [IJ_PARAM_NUMBERS] = "NUMBERS"
};

/* Which types a question is for: bits of enum ij_param_type. */
enum {
    INTEGERS = 1 << IJ_PARAM_INT | 1 << IJ_PARAM_BOOL | 1 << IJ_PARAM_CHOICE,
    REALS = 1 << IJ_PARAM_REAL,
    COLORS = 1 << IJ_PARAM_COLOR,
    TEXTS = 1 << IJ_PARAM_TEXT | 1 << IJ_PARAM_CHOICE,
    NUMBERS = 1 << IJ_PARAM_NUMBERS,
    ALL = INTEGERS | REALS | COLORS | TEXTS | NUMBERS
};

/* A parameter and its value. */
struct answer {
    const struct ij_param *param;
    struct ij_value value;
};

/* Remember the first mistake: a misspelled name must not quietly mean 0. The step is
 * constant for the callback alone, the image room made it. */
static void refuse(const struct imgjob_step *step, const char *name,
                   const struct ij_param *param)
{
    struct imgjob_step *ours = (struct imgjob_step *)step;
    if (ours->wrong[0])
        return;
    if (param)
        (void)snprintf(ours->wrong, sizeof(ours->wrong),
                       "the operation takes its parameter '%.40s' for another type than "
                       "%s",
                       name, types[param->type]);
    else
        (void)snprintf(ours->wrong, sizeof(ours->wrong),
                       "the operation asks for '%.40s', and has no such parameter", name);
}

/* @return what is asked for; nothing, not given, where the question is a mistake */
static struct answer ask(const struct imgjob_step *step, const char *name, int asked)
{
    const struct ij_op *op = step->step->op;
    const struct ij_param *param = NULL;
    name = name ? name : "";
    for (size_t i = 0; i < op->param_count; i++) {
        if (strcmp(op->params[i].name, name) != 0)
            continue;
        param = &op->params[i];
        if (asked >> param->type & 1)
            return (struct answer){ param, step->step->values[i] };
    }
    refuse(step, name, param);
    return (struct answer){ .param = NULL };
}

bool imgjob_step_is_given(const struct imgjob_step *step, const char *name)
{
    return ask(step, name, ALL).value.is_given;
}

int64_t imgjob_step_int(const struct imgjob_step *step, const char *name)
{
    struct answer answer = ask(step, name, INTEGERS);
    return answer.value.is_given ? answer.value.integer : 0;
}

double imgjob_step_real(const struct imgjob_step *step, const char *name)
{
    struct answer answer = ask(step, name, REALS);
    return answer.value.is_given ? answer.value.real : 0;
}

uint32_t imgjob_step_color(const struct imgjob_step *step, const char *name)
{
    struct answer answer = ask(step, name, COLORS);
    return answer.value.is_given ? answer.value.color : 0;
}

const char *imgjob_step_text(const struct imgjob_step *step, const char *name)
{
    struct answer answer = ask(step, name, TEXTS);
    if (!answer.value.is_given)
        return "";
    return answer.param->choices ? answer.param->choices[answer.value.integer]
                                 : answer.value.text;
}

const double *imgjob_step_numbers(const struct imgjob_step *step, const char *name,
                                  size_t *out_count)
{
    struct answer answer = ask(step, name, NUMBERS);
    *out_count = answer.value.is_given ? answer.value.numbers.count : 0;
    return answer.value.is_given ? answer.value.numbers.at : NULL;
}
