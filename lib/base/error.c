/* Owns how a failure is put into words. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

const char *imgjob_code_name(int code)
{
    switch (code) {
    case IMGJOB_OK:
        return "ok";
    case IMGJOB_E_INVALID:
        return "invalid";
    case IMGJOB_E_SPEC:
        return "spec";
    case IMGJOB_E_IMAGE:
        return "image";
    case IMGJOB_E_LIMIT:
        return "limit";
    case IMGJOB_E_NOTFOUND:
        return "not_found";
    case IMGJOB_E_CONFLICT:
        return "conflict";
    case IMGJOB_E_BUSY:
        return "busy";
    case IMGJOB_E_TIMEOUT:
        return "timeout";
    case IMGJOB_E_CRASHED:
        return "crashed";
    case IMGJOB_E_STORE:
        return "store";
    case IMGJOB_E_BLOB:
        return "blob";
    case IMGJOB_E_NOMEM:
        return "no_memory";
    case IMGJOB_E_ABI:
        return "abi";
    case IMGJOB_E_INTERNAL:
        return "internal";
    case IMGJOB_E_FULL:
        return "full";
    default:
        return "unknown";
    }
}
