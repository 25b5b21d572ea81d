/* Owns the words for why a job failed. */
#include "base/failure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/auto.h"

const char *ij_stage_name(enum ij_stage stage)
{
    static const char *const names[IJ_STAGE_COUNT] = {
        [IJ_STAGE_NONE] = "",           [IJ_STAGE_SUBMIT] = "submit",
        [IJ_STAGE_LOAD] = "load",       [IJ_STAGE_DECODE] = "decode",
        [IJ_STAGE_STEPS] = "steps",     [IJ_STAGE_ENCODE] = "encode",
        [IJ_STAGE_PUBLISH] = "publish",
    };
    return (unsigned)stage < IJ_STAGE_COUNT ? names[stage] : "";
}

const char *ij_reason_name(enum ij_reason reason)
{
    static const char *const names[IJ_REASON_COUNT] = {
        [IJ_REASON_NONE] = "",
        [IJ_REASON_FORMAT] = "format",
        [IJ_REASON_TRUNCATED] = "truncated",
        [IJ_REASON_CORRUPT] = "corrupt",
        [IJ_REASON_TOO_LARGE] = "too_large",
        [IJ_REASON_SPEC] = "spec",
        [IJ_REASON_STEP] = "step",
        [IJ_REASON_ENCODE] = "encode",
        [IJ_REASON_OUTPUT_LIMIT] = "output_limit",
        [IJ_REASON_MEMORY] = "memory",
        [IJ_REASON_TIMEOUT] = "timeout",
        [IJ_REASON_CPU] = "cpu",
        [IJ_REASON_SANDBOX] = "sandbox",
        [IJ_REASON_INPUT_MISSING] = "input_missing",
        [IJ_REASON_DEADLINE] = "deadline",
        [IJ_REASON_POISON] = "poison",
        [IJ_REASON_LOST] = "lost",
        [IJ_REASON_STORE] = "store",
        [IJ_REASON_BLOB] = "blob",
        [IJ_REASON_INTERNAL] = "internal",
    };
    return (unsigned)reason < IJ_REASON_COUNT ? names[reason] : "";
}

bool ij_reason_is_permanent(enum ij_reason reason)
{
    return reason >= IJ_REASON_FORMAT && reason <= IJ_REASON_LOST;
}

bool ij_failure_is_of_node(const struct ij_failure *failure)
{
    if (ij_reason_is_permanent(failure->reason))
        return false;
    return failure->error.code == IMGJOB_E_FULL ||
           failure->error.code == IMGJOB_E_NOMEM ||
           (failure->error.code == IMGJOB_E_BLOB && failure->stage == IJ_STAGE_PUBLISH);
}

int ij_failure_set(struct ij_failure *failure, enum ij_stage stage, enum ij_reason reason,
                   int code, const char *fmt, ...)
{
    failure->stage = stage;
    failure->reason = reason;
    failure->error.code = code;
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(failure->error.text, sizeof(failure->error.text), fmt, args) < 0)
        failure->error.text[0] = '\0';
    va_end(args);
    return code;
}

int ij_failure_set_limit(struct ij_failure *failure, enum ij_stage stage,
                         const char *limit, int64_t value, int64_t limit_value,
                         const char *setting)
{
    failure->value = value;
    failure->limit_value = limit_value;
    (void)snprintf(failure->limit, sizeof(failure->limit), "%s", limit);
    (void)snprintf(failure->setting, sizeof(failure->setting), "%s", setting);
    return ij_failure_set(
        failure, stage,
        stage == IJ_STAGE_ENCODE ? IJ_REASON_OUTPUT_LIMIT : IJ_REASON_TOO_LARGE,
        IMGJOB_E_LIMIT, "%s: %" PRId64 " is over the limit of %" PRId64 " (%s)", limit,
        value, limit_value, setting);
}

void ij_failure_write(struct ij_json_out *out, const char *key,
                      const struct ij_failure *failure)
{
    ij_json_open(out, key, '{');
    ij_json_put_str(out, "error", failure->error.text);
    ij_json_put_str(out, "stage", ij_stage_name(failure->stage));
    ij_json_put_str(out, "reason", ij_reason_name(failure->reason));
    if (failure->loader[0])
        ij_json_put_str(out, "loader", failure->loader);
    if (failure->library_text[0])
        ij_json_put_str(out, "library_text", failure->library_text);
    if (failure->signal)
        ij_json_put_int(out, "signal", failure->signal);
    if (failure->limit[0]) {
        ij_json_put_str(out, "limit", failure->limit);
        ij_json_put_int(out, "value", failure->value);
        ij_json_put_int(out, "limit_value", failure->limit_value);
        ij_json_put_str(out, "setting", failure->setting);
    }
    ij_json_close(out, '}');
}
