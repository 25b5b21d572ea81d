/* What every C test needs: cmocka, one error to look at, and a directory of its own. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <imgjob/error.h>

#include "base/auto.h"

static struct imgjob_error test_err __attribute__((unused));

/* The call must return `code`; a failure shows what the error says instead. */
#define expect_code(code, call)                                                   \
    do {                                                                          \
        test_err = (struct imgjob_error){ 0 };                                    \
        int got_ = (call);                                                        \
        if (got_ != (code)) {                                                     \
            print_error("%s: %s (%d): %s\n", #call, imgjob_code_name(got_), got_, \
                        test_err.text);                                           \
            assert_int_equal(got_, code);                                         \
        }                                                                         \
    } while (0)

/* The last error's text must hold these words. */
#define expect_words(words)                                             \
    do {                                                                \
        if (!strstr(test_err.text, words)) {                            \
            print_error("'%s' is not in '%s'\n", words, test_err.text); \
            assert_true(0);                                             \
        }                                                               \
    } while (0)

/* A new empty directory; removed with all it holds by test_dir_remove(). */
static inline char *test_dir_make(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    assert_true(asprintf(&path, "%s/imgjob-test-XXXXXX", base ? base : "/tmp") > 0);
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void test_dir_remove(char *path)
{
    char command[512];
    assert_true(snprintf(command, sizeof(command), "rm -rf '%s'", path) <
                (int)sizeof(command));
    assert_int_equal(system(command), 0);
    free(path);
}
