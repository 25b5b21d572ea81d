/* The file of presets: read whole or not at all, and again at any time. */
#include "../unit/test.h"

#include <imgjob/spec.h>

#include "server/presets.h"

static char *directory, path[300];
static struct ij_presets *presets;

static int make(void **state)
{
    (void)state;
    directory = test_dir_make();
    (void)snprintf(path, sizeof(path), "%s/presets.json", directory);
    return ij_presets_new(&presets, &test_err);
}

static int unmake(void **state)
{
    (void)state;
    ij_presets_free(presets);
    test_dir_remove(directory);
    return 0;
}

static int load(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return ij_presets_load(presets, path, &test_err);
}

static void expect_spec(const char *name, const char *json)
{
    struct ij_buf text = { .len = 0 };
    struct imgjob_spec *spec = NULL, *same = NULL;
    expect_code(0, ij_presets_find(presets, name, &text, &test_err));
    expect_code(0, imgjob_spec_parse(text.data, text.len, &spec, &test_err));
    expect_code(0, imgjob_spec_parse(json, strlen(json), &same, &test_err));
    assert_string_equal(imgjob_spec_text(spec), imgjob_spec_text(same));
    imgjob_spec_free(spec);
    imgjob_spec_free(same);
    ij_buf_done(&text);
}

#define SHORT "{\"operation\": \"thumbnail\", \"width\": 4, \"height\": 3}"
#define LONG  "{\"steps\": [{\"op\": \"flip\"}], \"outputs\": [{\"name\": \"a\"}]}"

static void expect_refusal(const char *text, const char *words)
{
    expect_code(IMGJOB_E_INVALID, load(text, strlen(text)));
    expect_words("presets_file '");
    expect_words(words);
    expect_spec("kept", SHORT);
}

static void both_forms_of_spec_can_be_presets(void **state)
{
    (void)state;
    static const char text[] = "{\"short\": " SHORT ", \"long.1\": " LONG "}";
    expect_code(0, load(text, strlen(text)));
    expect_spec("short", SHORT);
    expect_spec("long.1", LONG);
    struct ij_buf out = { .len = 0 };
    expect_code(IMGJOB_E_INVALID, ij_presets_find(presets, "shor", &out, &test_err));
    expect_words("preset: there is no 'shor'");
    ij_buf_done(&out);
}

static void what_is_wrong_is_named_and_the_old_ones_stay(void **state)
{
    (void)state;
    static const char text[] = "{\"kept\": " SHORT "}";
    expect_code(0, load(text, strlen(text)));
    expect_refusal("{\"a\": " SHORT ", \"b\": {\"steps\": [{\"op\": \"explode\"}]}}",
                   "preset 'b': /steps/0/op: ");
    expect_refusal("{\"a\": {}}", "preset 'a': ");
    expect_refusal("{\"a b\": " SHORT "}", "not 'a b'");
    expect_refusal("[]", "must be an object, a name for each spec");
    expect_refusal("", "JSON");
    expect_refusal("{\"a\": " SHORT ", \"a\": " SHORT "}", "a");
    expect_code(IMGJOB_E_INVALID, ij_presets_load(presets, "no/such/file", &test_err));
    expect_words("presets_file: open 'no/such/file': No such file or directory");
    expect_spec("kept", SHORT);
}

static void file_over_a_mebibyte_is_refused(void **state)
{
    (void)state;
    size_t len = (1 << 20) + 1;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, ' ', len);
    expect_code(IMGJOB_E_INVALID, load(text, len));
    expect_words("has more than 1048576 bytes");
    memcpy(text, "{}", 2);
    expect_code(0, load(text, len - 1));
    free(text);
}

static void a_reload_takes_the_place_of_all(void **state)
{
    (void)state;
    struct ij_buf out = { .len = 0 };
    static const char before[] = "{\"a\": " SHORT "}", after[] = "{\"b\": " LONG "}";
    expect_code(0, load(before, strlen(before)));
    expect_code(0, load(after, strlen(after)));
    expect_code(IMGJOB_E_INVALID, ij_presets_find(presets, "a", &out, &test_err));
    expect_spec("b", LONG);
    expect_code(0, ij_presets_load(presets, "", &test_err));
    expect_code(IMGJOB_E_INVALID, ij_presets_find(presets, "b", &out, &test_err));
    ij_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_spec_can_be_presets),
        cmocka_unit_test(what_is_wrong_is_named_and_the_old_ones_stay),
        cmocka_unit_test(file_over_a_mebibyte_is_refused),
        cmocka_unit_test(a_reload_takes_the_place_of_all),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
