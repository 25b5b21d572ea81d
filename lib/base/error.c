/* Owns how a failure is put into words. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/utf8.h"

IJ_PRINTF(3, 0)
static void fill(struct imgjob_error *err, int code, const char *fmt, va_list args)
{
    if (!err)
        return;
    err->code = code;
    int len = vsnprintf(err->text, sizeof(err->text), fmt, args);
    if (len < 0)
        err->text[0] = '\0';
    else if ((size_t)len >= sizeof(err->text))
        err->text[ij_utf8_untorn(err->text, sizeof(err->text) - 1)] = '\0';
}

int ij_fail(struct imgjob_error *err, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(err, code, fmt, args);
    va_end(args);
    return code;
}

static int code_of_errno(int number, int otherwise)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return IMGJOB_E_FULL;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return IMGJOB_E_NOMEM;
    default:
        return otherwise;
    }
}

int ij_fail_errno(struct imgjob_error *err, int code, const char *fmt, ...)
{
    int number = errno;
    code = code_of_errno(number, code);
    va_list args;
    va_start(args, fmt);
    fill(err, code, fmt, args);
    va_end(args);
    if (err) {
        char words[96];
        const char *text = strerror_r(number, words, sizeof(words)); /* the GNU one */
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof(err->text) - used, ": %s", text);
    }
    return code;
}

int ij_fail_nomem(struct imgjob_error *err, const char *doing)
{
    return ij_fail(err, IMGJOB_E_NOMEM, "out of memory while %s", doing);
}

static const char *const code_names[] = {
    [-IMGJOB_OK] = "ok",
    [-IMGJOB_E_INVALID] = "invalid",
    [-IMGJOB_E_SPEC] = "spec",
    [-IMGJOB_E_IMAGE] = "image",
    [-IMGJOB_E_LIMIT] = "limit",
    [-IMGJOB_E_NOTFOUND] = "not_found",
    [-IMGJOB_E_CONFLICT] = "conflict",
    [-IMGJOB_E_BUSY] = "busy",
    [-IMGJOB_E_TIMEOUT] = "timeout",
    [-IMGJOB_E_CRASHED] = "crashed",
    [-IMGJOB_E_STORE] = "store",
    [-IMGJOB_E_BLOB] = "blob",
    [-IMGJOB_E_NOMEM] = "no_memory",
    [-IMGJOB_E_ABI] = "abi",
    [-IMGJOB_E_INTERNAL] = "internal",
    [-IMGJOB_E_FULL] = "full",
};

const char *imgjob_code_name(int code)
{
    return code == IMGJOB_OK || ij_code_valid(code) ? code_names[-code] : "unknown";
}

bool ij_code_valid(int code)
{
    return code < 0 && code > -(int)IJ_ARRAY_LEN(code_names);
}
