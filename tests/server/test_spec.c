/* What the server knows of specs by itself, held against the library. */
#include "../unit/test.h"

#include "server/spec.h"
#include "spec/spec.h"

static void bounds_are_those_of_the_library(void **state)
{
    (void)state;
    assert_int_equal(IJ_SENT_SPEC_MAX, IJ_SPEC_TEXT_MAX);
    assert_int_equal(IJ_SENT_SPEC_DEPTH_MAX, IJ_SPEC_DEPTH_MAX);
}

struct form {
    bool is_long;
    int members;
};

static int expect_form(void *data, const char *key, const struct ij_json *value)
{
    (void)value;
    struct form *form = data;
    char text[64];
    struct ij_json *spec = NULL;
    (void)snprintf(text, sizeof(text), "{\"%s\":null}", key);
    expect_code(0, ij_json_parse(text, strlen(text), 2, &spec, &test_err));
    if (ij_sent_spec_is_long(spec) != form->is_long)
        print_error("'%s' makes the wrong form of a spec\n", key);
    assert_int_equal(ij_sent_spec_is_long(spec), form->is_long);
    ij_json_free(spec);
    form->members++;
    return 0;
}

static void members_of_the_schema_tell_its_forms(void **state)
{
    (void)state;
    char *text = NULL;
    struct ij_json *schema = NULL;
    expect_code(0, imgjob_spec_schema(&text, &test_err));
    expect_code(0, ij_json_parse(text, strlen(text), 64, &schema, &test_err));
    const struct ij_json *forms = ij_json_member(schema, "$defs");
    static const char *const names[] = { "short", "long" };
    for (int i = 0; i < 2; i++) {
        struct form form = { .is_long = i == 1 };
        const struct ij_json *members =
            ij_json_member(ij_json_member(forms, names[i]), "properties");
        assert_int_equal(ij_json_each(members, expect_form, &form), 0);
        assert_true(form.members > 0);
    }
    ij_json_free(schema);
    imgjob_text_free(text);
}

static void what_has_no_member_is_short(void **state)
{
    (void)state;
    static const char *const texts[] = { "{}", "[\"steps\"]", "null" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(texts); i++) {
        struct ij_json *spec = NULL;
        expect_code(0, ij_json_parse(texts[i], strlen(texts[i]), 2, &spec, &test_err));
        assert_false(ij_sent_spec_is_long(spec));
        ij_json_free(spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_those_of_the_library),
        cmocka_unit_test(members_of_the_schema_tell_its_forms),
        cmocka_unit_test(what_has_no_member_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
