/* The spec room over operations of its own: both written forms, the sentences for what is
 * wrong, the one canonical text, its description, and formats told by their bytes. */
#include "test.h"

#include "spec/spec.h"

/* ---- operations, one of which has a parameter of every type ---- */

enum { WIDTH, HEIGHT, FIT, ENLARGE, KERNEL };

static const char *const fits[] = { "fill", "inside", "cover", NULL };
static const char *const kernels[] = { "lanczos3", "nearest", NULL };

static const struct ij_param resize_params[] = {
    [WIDTH] = { .name = "width",
                .type = IJ_PARAM_INT,
                .min = 1,
                .max = 16384,
                .unit = "px",
                .doc = "The width" },
    [HEIGHT] = { .name = "height",
                 .type = IJ_PARAM_INT,
                 .min = 1,
                 .max = 16384,
                 .unit = "px",
                 .doc = "The height" },
    [FIT] = { .name = "fit",
              .type = IJ_PARAM_CHOICE,
              .choices = fits,
              .fallback = IJ_DEFAULT_INT(0) },
    [ENLARGE] = { .name = "enlarge",
                  .type = IJ_PARAM_BOOL,
                  .fallback = IJ_DEFAULT_INT(1) },
    [KERNEL] = { .name = "kernel",
                 .type = IJ_PARAM_CHOICE,
                 .choices = kernels,
                 .fallback = IJ_DEFAULT_INT(0) },
};

static int check_resize(const struct ij_step *step, const char *at,
                        struct imgjob_error *err)
{
    if (step->values[WIDTH].is_given || step->values[HEIGHT].is_given)
        return 0;
    return ij_fail(err, IMGJOB_E_SPEC, "%s: needs a width or a height", at);
}

static const struct ij_op resize_op = {
    .name = "resize",
    .group = "geometry",
    .doc = "Change the size",
    .params = resize_params,
    .param_count = IJ_ARRAY_LEN(resize_params),
    .check = check_resize,
};

enum { WHOLE, REAL, FLAG, CHOICE, COLOR, TEXT, ROW, BOXES };

static const struct ij_param every_params[] = {
    [WHOLE] = { .name = "whole",
                .type = IJ_PARAM_INT,
                .is_required = true,
                .min = -5,
                .max = 5 },
    [REAL] = { .name = "real",
               .type = IJ_PARAM_REAL,
               .min = -0.5,
               .max = 1e9,
               .fallback = IJ_DEFAULT_REAL(0.1),
               .unit = "degrees" },
    [FLAG] = { .name = "flag", .type = IJ_PARAM_BOOL },
    [CHOICE] = { .name = "choice", .type = IJ_PARAM_CHOICE, .choices = kernels },
    [COLOR] = { .name = "color",
                .type = IJ_PARAM_COLOR,
                .fallback = IJ_DEFAULT_COLOR(0x000000ff),
                .doc = "Light | dark" },
    [TEXT] = { .name = "text",
               .type = IJ_PARAM_TEXT,
               .min = 1,
               .max = 8,
               .fallback = IJ_DEFAULT_TEXT("a") },
    [ROW] = { .name = "row",
              .type = IJ_PARAM_NUMBERS,
              .min = -9,
              .max = 9,
              .count_min = 1,
              .count_max = 3 },
    [BOXES] = { .name = "boxes",
                .type = IJ_PARAM_NUMBERS,
                .min = 0,
                .max = 99,
                .group = 4,
                .count_min = 0,
                .count_max = 1000 },
};

static const struct ij_op every_op = {
    .name = "every",
    .group = "filter",
    .params = every_params,
    .param_count = IJ_ARRAY_LEN(every_params),
};

static const struct ij_param input_params[] = {
    { .name = "input", .type = IJ_PARAM_INT, .is_required = true, .min = 0, .max = 99 },
    { .name = "note", .type = IJ_PARAM_TEXT, .max = 64 },
};

static uint32_t input_of(const struct ij_step *step)
{
    return (uint32_t)step->values[0].integer;
}

static const struct ij_op composite_op = {
    .name = "composite",
    .group = "compositing",
    .params = input_params,
    .param_count = IJ_ARRAY_LEN(input_params),
    .input = input_of,
};

static const struct ij_op flip_op = { .name = "flip", .group = "geometry" };

static const struct ij_op *const op_list[] = { &resize_op, &every_op, &composite_op,
                                               &flip_op };
static const struct ij_ops ops = { op_list, IJ_ARRAY_LEN(op_list) };

/* ---- helpers ---- */

static struct imgjob_spec *parse(const char *json)
{
    struct imgjob_spec *spec = NULL;
    expect_code(0, ij_spec_parse(json, strlen(json), &ops, &spec, &test_err));
    assert_non_null(spec);
    return spec;
}

/* The canonical text is this, and parses to itself. */
static void expect_text(const char *json, const char *canonical)
{
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = parse(json);
    assert_string_equal(imgjob_spec_text(spec), canonical);
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *again = parse(canonical);
    assert_string_equal(imgjob_spec_text(again), canonical);
}

/* The whole sentence, and nothing made. */
static void expect_refusal(const char *json, const char *sentence)
{
    struct imgjob_spec *spec = NULL;
    expect_code(IMGJOB_E_SPEC, ij_spec_parse(json, strlen(json), &ops, &spec, &test_err));
    assert_null(spec);
    assert_int_equal(test_err.code, IMGJOB_E_SPEC);
    assert_string_equal(test_err.text, sentence);
}

/* The same for what stands in one output, or in a step of `every`. */
static void expect_output_refusal(const char *members, const char *sentence)
{
    char json[512];
    (void)snprintf(json, sizeof(json), "{\"outputs\":[{%s}]}", members);
    expect_refusal(json, sentence);
}

static void expect_output(const char *members, const char *canonical)
{
    char json[512], text[512];
    (void)snprintf(json, sizeof(json), "{\"outputs\":[{%s}]}", members);
    (void)snprintf(text, sizeof(text),
                   "{\"steps\":[],\"outputs\":[{\"name\":\"image\"%s}]}", canonical);
    expect_text(json, text);
}

static void expect_step_refusal(const char *members, const char *sentence)
{
    char json[4096];
    (void)snprintf(json, sizeof(json), "{\"steps\":[{\"op\":\"every\",\"whole\":1,%s}]}",
                   members);
    expect_refusal(json, sentence);
}

/* ---- the short form ---- */

#define KERNEL_TEXT ",\"kernel\":\"lanczos3\""

static void the_short_form_is_sugar_for_one_step_and_one_output(void **state)
{
    (void)state;
    expect_text("{\"operation\":\"resize\",\"width\":800,\"height\":600}",
                "{\"steps\":[{\"op\":\"resize\",\"width\":800,\"height\":600,"
                "\"fit\":\"fill\",\"enlarge\":true" KERNEL_TEXT "}],"
                "\"outputs\":[{\"name\":\"image\"}]}");
    expect_text("{\"enlarge\":false,\"output_format\":\"webp\",\"height\":1,"
                "\"width\":4096,\"operation\":\"thumbnail\"}",
                "{\"steps\":[{\"op\":\"resize\",\"width\":4096,\"height\":1,"
                "\"fit\":\"inside\",\"enlarge\":false" KERNEL_TEXT "}],"
                "\"outputs\":[{\"name\":\"image\",\"format\":\"webp\"}]}");
}

static void specs_of_one_meaning_have_one_text(void **state)
{
    (void)state;
    static const char *const same[] = {
        "{\"operation\":\"resize\",\"width\":8,\"height\":6,\"output_format\":\"jpg\"}",
        "{\"output_format\":\"jpeg\",\"height\":6,\"operation\":\"resize\",\"width\":8,"
        "\"enlarge\":true}",
        "{\"outputs\":[{\"format\":\"jpeg\",\"name\":\"image\",\"metadata\":\"strip\","
        "\"progressive\":false,\"background\":\"white\",\"steps\":[]}],\"info\":false,"
        "\"load\":{\"pages\":1},\"steps\":[{\"height\":6,\"width\":8,\"op\":\"resize\"}]"
        "}",
        " { \"steps\" : [ { \"op\":\"resize\",\"width\":8,\"height\":6,\"fit\":\"fill\"} "
        "],\"outputs\":[{\"format\":\"jpg\"}]}\n",
    };
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *first = parse(same[0]);
    for (size_t i = 0; i < IJ_ARRAY_LEN(same); i++)
        expect_text(same[i], imgjob_spec_text(first));
}

static void a_short_form_with_a_fault_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "{}", "/operation: is missing, and so are steps and outputs, which stand "
                "instead of it" },
        { "{\"operation\":\"rotate\",\"width\":1,\"height\":1}",
          "/operation: must be one of resize, thumbnail, not 'rotate'" },
        { "{\"operation\":7,\"width\":1,\"height\":1}",
          "/operation: must be a string, not a whole number" },
        { "{\"operation\":\"resize\",\"height\":1}", "/width: is missing" },
        { "{\"operation\":\"resize\",\"width\":1}", "/height: is missing" },
        { "{\"operation\":\"resize\",\"width\":0,\"height\":1}",
          "/width: must be 1..4096, not 0" },
        { "{\"operation\":\"resize\",\"width\":-1,\"height\":1}",
          "/width: must be 1..4096, not -1" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":4097}",
          "/height: must be 1..4096, not 4097" },
        { "{\"operation\":\"resize\",\"width\":1000000000,\"height\":1}",
          "/width: must be 1..4096, not 1000000000" },
        { "{\"operation\":\"resize\",\"width\":\"800\",\"height\":1}",
          "/width: must be a whole number, not a string" },
        { "{\"operation\":\"resize\",\"width\":800.0,\"height\":1}",
          "/width: must be a whole number, without point or exponent" },
        { "{\"operation\":\"resize\",\"width\":null,\"height\":1}",
          "/width: must be a whole number, not null" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,\"enlarge\":1}",
          "/enlarge: must be true or false, not a whole number" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,\"output_format\":\"bmp\"}",
          "/output_format: must be one of jpeg, png, webp, avif, gif, tiff, jxl, not "
          "'bmp'" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,\"output_format\":\"\"}",
          "/output_format: must be one of jpeg, png, webp, avif, gif, tiff, jxl, not "
          "''" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,"
          "\"output_format\":\"auto\"}",
          "/output_format: must be one of jpeg, png, webp, avif, gif, tiff, jxl, not "
          "'auto'" },
        { "{\"operation\":\"resize\",\"width\":1,\"height\":1,\"fit\":\"fill\"}",
          "/fit: is unknown; the members here are operation, width, height, "
          "output_format, enlarge" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        expect_refusal(cases[i][0], cases[i][1]);
}

/* ---- the long form ---- */

static void a_long_form_with_a_fault_is_refused_with_its_place(void **state)
{
    (void)state;
#define STEP   "{\"op\":\"resize\",\"width\":1,\"height\":1}"
#define OUTPUT "\"outputs\":[{\"name\":\"image\"}]"
    static const char *const cases[][2] = {
        { "[]", "spec: must be an object, not an array" },
        { "{\"steps\":[]," OUTPUT ",\"operation\":\"resize\"}",
          "/operation: is unknown; the members here are steps, outputs, load, info" },
        { "{\"steps\":{}," OUTPUT "}", "/steps: must be an array, not an object" },
        { "{\"steps\":null}", "/steps: must be an array, not null" },
        { "{\"steps\":[3]," OUTPUT "}",
          "/steps/0: must be an object, not a whole number" },
        { "{\"steps\":[{}]}", "/steps/0/op: is missing" },
        { "{\"steps\":[{\"op\":\"crop\"}]}", "/steps/0/op: there is no operation 'crop'; "
                                             "imgjobd --operations lists them all" },
        { "{\"steps\":[" STEP ",{\"op\":\"resize\",\"width\":16385}]}",
          "/steps/1/width: must be 1..16384, not 16385" },
        { "{\"steps\":[{\"op\":\"resize\",\"width\":1,\"fit\":\"squash\"}]}",
          "/steps/0/fit: must be one of fill, inside, cover, not 'squash'" },
        { "{\"steps\":[{\"op\":\"resize\",\"width\":1,\"a/b~\":1}]}",
          "/steps/0/a~1b~0: is unknown; the members here are op, width, height, fit, "
          "enlarge, kernel" },
        { "{\"steps\":[{\"op\":\"resize\"}]}", "/steps/0: needs a width or a height" },
        { "{\"outputs\":[{\"name\":\"a\",\"steps\":[{\"op\":\"flip\"},"
          "{\"op\":\"resize\"}]}]}",
          "/outputs/0/steps/1: needs a width or a height" },
        { "{\"outputs\":[]}", "/outputs: may be empty only with info" },
        { "{\"outputs\":[],\"info\":false}", "/outputs: may be empty only with info" },
        { "{\"outputs\":[7]}", "/outputs/0: must be an object, not a whole number" },
        { "{\"outputs\":[{\"name\":\"a\"},{}]}", "/outputs/1/name: is missing" },
        { "{\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"a\"}]}",
          "/outputs/2/name: 'a' is the name of another output" },
        { "{\"outputs\":[{\"name\":\"../a\"}]}",
          "/outputs/0/name: must be 1 to 64 of a-z 0-9 _ - and begin with a letter or "
          "digit" },
        { "{\"info\":1}", "/info: must be true or false, not a whole number" },
        { "{\"load\":[]}", "/load: must be an object, not an array" },
        { "{\"load\":{\"x\":1}}",
          "/load/x: is unknown; the members here are page, pages, upright, profile" },
        { "{\"load\":{\"page\":10000}}", "/load/page: must be 0..9999, not 10000" },
        { "{\"load\":{\"pages\":0}}", "/load/pages: must be 1..256, not 0" },
        { "{\"load\":{\"pages\":\"each\"}}", "/load/pages: must be 1..256 or \"all\"" },
        { "{\"load\":{\"upright\":0}}",
          "/load/upright: must be true or false, not a whole number" },
        { "{\"load\":{\"profile\":\"p3\"}}",
          "/load/profile: must be one of srgb, keep, not 'p3'" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        expect_refusal(cases[i][0], cases[i][1]);
}

static void every_member_of_the_long_form_may_be_absent(void **state)
{
    (void)state;
    expect_text("{\"steps\":[]}", "{\"steps\":[],\"outputs\":[{\"name\":\"image\"}]}");
    expect_text("{\"load\":{}}", "{\"steps\":[],\"outputs\":[{\"name\":\"image\"}]}");
    expect_text("{\"outputs\":[{}]}",
                "{\"steps\":[],\"outputs\":[{\"name\":\"image\"}]}");
    expect_text("{\"info\":true}",
                "{\"steps\":[],\"outputs\":[{\"name\":\"image\"}],\"info\":true}");
    expect_text("{\"info\":true,\"outputs\":[]}",
                "{\"steps\":[],\"outputs\":[],\"info\":true}");
    IJ_AUTO(ij_spec_freep)
    struct imgjob_spec *spec = parse("{\"info\":true,\"outputs\":[]}");
    assert_int_equal(spec->output_count, 0);
    assert_int_equal(spec->inputs, 1);
    assert_true(spec->wants_info);
    assert_true(spec->load.is_upright);
    assert_int_equal(spec->load.pages, 1);
}

static void how_the_input_is_opened_is_written_only_if_it_says_something(void **state)
{
    (void)state;
    expect_text("{\"load\":{\"pages\":\"all\",\"profile\":\"keep\"}}",
                "{\"load\":{\"page\":0,\"pages\":\"all\",\"upright\":true,"
                "\"profile\":\"keep\"},\"steps\":[],\"outputs\":[{\"name\":\"image\"}]}");
    expect_text("{\"load\":{\"page\":7,\"pages\":256,\"upright\":false}}",
                "{\"load\":{\"page\":7,\"pages\":256,\"upright\":false,"
                "\"profile\":\"srgb\"},\"steps\":[],\"outputs\":[{\"name\":\"image\"}]}");
    IJ_AUTO(ij_spec_freep)
    struct imgjob_spec *spec = parse("{\"load\":{\"pages\":\"all\",\"upright\":false}}");
    assert_int_equal(spec->load.pages, 0);
    assert_false(spec->load.is_upright);
    assert_false(spec->load.keeps_profile);
}

/* `count` times `element`, with commas, between `head` and `tail`. */
static char *repeat(const char *head, const char *element, size_t count, const char *tail)
{
    struct ij_buf buf = { 0 };
    ij_buf_add_str(&buf, head);
    for (size_t i = 0; i < count; i++)
        ij_buf_printf(&buf, "%s%s", i ? "," : "", element);
    ij_buf_add_str(&buf, tail);
    char *text = ij_buf_take(&buf);
    assert_non_null(text);
    return text;
}

static void steps_and_outputs_are_sixteen_at_most(void **state)
{
    (void)state;
    static const char flip[] = "{\"op\":\"flip\"}";
    IJ_AUTO(ij_free) char *most = repeat("{\"steps\":[", flip, 16, "]}");
    IJ_AUTO(ij_free) char *more = repeat("{\"steps\":[", flip, 17, "]}");
    IJ_AUTO(ij_free) char *inner = repeat("{\"outputs\":[{\"steps\":[", flip, 17, "]}]}");
    IJ_AUTO(ij_free) char *outputs = repeat("{\"outputs\":[", "{}", 17, "]}");
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = parse(most);
    assert_int_equal(spec->step_count, 16);
    expect_refusal(more, "/steps: may have 16, not 17");
    expect_refusal(inner, "/outputs/0/steps: may have 16, not 17");
    expect_refusal(outputs, "/outputs: may have 16, not 17");
}

static void inputs_are_counted_over_all_steps(void **state)
{
    (void)state;
#define COMPOSITE(n) "{\"op\":\"composite\",\"input\":" #n "}"
    IJ_AUTO(ij_spec_freep)
    struct imgjob_spec *spec = parse("{\"steps\":[" COMPOSITE(2) "," COMPOSITE(
        0) "],\"outputs\":[{\"name\":"
           "\"a\",\"steps\":[" COMPOSITE(8) "]},{\"name\":\"b\",\"steps\":[" COMPOSITE(
               1) "]}]}");
    assert_int_equal(spec->inputs, 9);
    expect_refusal("{\"steps\":[" COMPOSITE(9) "]}",
                   "/steps/0: takes further input 9, there may be 8");
}

static void the_inputs_must_be_those_that_the_steps_take(void **state)
{
    (void)state;
    enum { IMAGE = 1, FIRST = 2, SECOND = 4, EIGHTH = 256 };
    static const struct {
        const char *json;
        uint32_t given;
        const char *words; /* NULL = they are */
    } cases[] = {
        { "{\"steps\":[{\"op\":\"flip\"}]}", IMAGE, NULL },
        { "{\"steps\":[]}", IMAGE | FIRST, "/steps: no step takes input 1" },
        { "{\"steps\":[]}", IMAGE | EIGHTH, "/steps: no step takes input 8" },
        { "{\"steps\":[" COMPOSITE(1) "]}", IMAGE | FIRST, NULL },
        { "{\"steps\":[" COMPOSITE(1) "," COMPOSITE(1) "]}", IMAGE | FIRST, NULL },
        { "{\"steps\":[{\"op\":\"flip\"}," COMPOSITE(1) "," COMPOSITE(1) "]}", IMAGE,
          "/steps/1/input: takes input 1, which was not given" },
        { "{\"steps\":[" COMPOSITE(1) "]}", IMAGE | FIRST | SECOND,
          "/steps: no step takes input 2" },
        { "{\"steps\":[" COMPOSITE(2) "," COMPOSITE(1) "]}", IMAGE | FIRST,
          "/steps/0/input: takes input 2, which was not given" },
        { "{\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\",\"steps\":[" COMPOSITE(
              1) "]}]}",
          IMAGE, "/outputs/1/steps/0/input: takes input 1, which was not given" },
        /* a gap is the spec's own fault, whatever there is */
        { "{\"steps\":[" COMPOSITE(2) "]}", IMAGE | FIRST | SECOND,
          "/steps/0/input: takes input 2, and no step takes input 1" },
        { "{\"steps\":[" COMPOSITE(2) "]}", IMAGE | SECOND,
          "/steps/0/input: takes input 2, and no step takes input 1" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = parse(cases[i].json);
        expect_code(cases[i].words ? IMGJOB_E_SPEC : 0,
                    ij_spec_check_inputs(spec, cases[i].given, &test_err));
        assert_string_equal(test_err.text, cases[i].words ? cases[i].words : "");
    }
}

static void steps_of_stored_jobs_still_parse(void **state)
{
    (void)state;
    expect_text("{\"steps\":[{\"op\":\"resize\",\"width\":800,\"height\":600,"
                "\"fit\":\"fill\",\"enlarge\":true}],\"outputs\":[{\"name\":\"image\","
                "\"format\":\"png\"}]}",
                "{\"steps\":[{\"op\":\"resize\",\"width\":800,\"height\":600,"
                "\"fit\":\"fill\",\"enlarge\":true" KERNEL_TEXT "}],"
                "\"outputs\":[{\"name\":\"image\",\"format\":\"png\"}]}");
}

/* ---- values ---- */

static void values_of_every_type_have_one_text(void **state)
{
    (void)state;
    expect_text("{\"steps\":[{\"op\":\"every\",\"whole\":-5}]}",
                "{\"steps\":[{\"op\":\"every\",\"whole\":-5,\"real\":0.1,"
                "\"color\":\"#000000ff\",\"text\":\"a\"}],"
                "\"outputs\":[{\"name\":\"image\"}]}");
    expect_text("{\"steps\":[{\"boxes\":[[0,1,2.50,3],[4,5,6,70e0]],\"row\":[-9,0.1,-0],"
                "\"text\":\"\\u00e9\\n\",\"color\":\"#AbC\",\"choice\":\"nearest\","
                "\"flag\":false,\"real\":-0.0,\"whole\":0,\"op\":\"every\"}]}",
                "{\"steps\":[{\"op\":\"every\",\"whole\":0,\"real\":0,\"flag\":false,"
                "\"choice\":\"nearest\",\"color\":\"#aabbccff\","
                "\"text\":\"é\\n\",\"row\":[-9,0.1,0],"
                "\"boxes\":[[0,1,2.5,3],[4,5,6,70]]}],"
                "\"outputs\":[{\"name\":\"image\"}]}");
    IJ_AUTO(ij_spec_freep)
    struct imgjob_spec *spec =
        parse("{\"steps\":[{\"op\":\"every\",\"whole\":1,\"boxes\":[[1,2,3,4]],"
              "\"text\":\"b\"}]}");
    const struct ij_value *values = spec->steps[0].values;
    assert_int_equal(values[BOXES].numbers.count, 4);
    assert_true(values[BOXES].numbers.at[2] == 3);
    assert_string_equal(values[TEXT].text, "b");
    assert_false(values[FLAG].is_given);
    assert_true(values[REAL].is_given);
}

static void a_value_with_a_fault_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "\"real\":\"1\"", "/steps/0/real: must be a number, not a string" },
        { "\"real\":null", "/steps/0/real: must be a number, not null" },
        { "\"real\":-0.6", "/steps/0/real: must be -0.5..1000000000, not -0.6" },
        { "\"real\":1e300", "/steps/0/real: must be -0.5..1000000000, not 1e+300" },
        { "\"real\":1000000001",
          "/steps/0/real: must be -0.5..1000000000, not 1000000001" },
        { "\"flag\":\"true\"", "/steps/0/flag: must be true or false, not a string" },
        { "\"choice\":0", "/steps/0/choice: must be a string, not a whole number" },
        { "\"color\":7", "/steps/0/color: must be a string, not a whole number" },
        { "\"color\":\"#12345\"",
          "/steps/0/color: must be a colour such as #rgb, #rgba, #rrggbb, #rrggbbaa or a "
          "CSS name, not '#12345'" },
        { "\"color\":\"Red\"",
          "/steps/0/color: must be a colour such as #rgb, #rgba, #rrggbb, #rrggbbaa or a "
          "CSS name, not 'Red'" },
        { "\"text\":\"\"", "/steps/0/text: must have 1..8 bytes, not 0" },
        { "\"text\":\"ééééé\"", "/steps/0/text: must have 1..8 bytes, not 10" },
        { "\"text\":[]", "/steps/0/text: must be a string, not an array" },
        { "\"row\":1", "/steps/0/row: must be an array, not a whole number" },
        { "\"row\":[]", "/steps/0/row: must have 1..3 numbers, not 0" },
        { "\"row\":[1,2,3,4]", "/steps/0/row: must have 1..3 numbers, not 4" },
        { "\"row\":[1,10]", "/steps/0/row/1: must be -9..9, not 10" },
        { "\"row\":[1,\"2\"]", "/steps/0/row/1: must be a number, not a string" },
        { "\"boxes\":[1]", "/steps/0/boxes/0: must be an array, not a whole number" },
        { "\"boxes\":[[1,2,3,4],[1,2,3]]",
          "/steps/0/boxes/1: must have 4 numbers, not 3" },
        { "\"boxes\":[[1,2,3,4],[1,2,3.5,-4]]",
          "/steps/0/boxes/1/3: must be 0..99, not -4" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        expect_step_refusal(cases[i][0], cases[i][1]);
}

/* Whatever a table allows, no parameter has more than IJ_NUMBERS_MAX. */
static void numbers_are_256_at_most(void **state)
{
    (void)state;
    IJ_AUTO(ij_free) char *most = repeat("\"boxes\":[", "[1,2,3,4]", 64, "]");
    IJ_AUTO(ij_free) char *more = repeat("\"boxes\":[", "[1,2,3,4]", 65, "]");
    char json[1024];
    (void)snprintf(json, sizeof(json), "{\"steps\":[{\"op\":\"every\",\"whole\":1,%s}]}",
                   most);
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = parse(json);
    assert_int_equal(spec->steps[0].values[BOXES].numbers.count, IJ_NUMBERS_MAX);
    expect_step_refusal(more,
                        "/steps/0/boxes: must have 0..64 arrays of 4 numbers, not 65");
}

static void colours_are_read_as_css_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t color;
    } cases[] = {
        { "#123", 0x112233ff },
        { "#1234", 0x11223344 },
        { "#a1B2c3", 0xa1b2c3ff },
        { "#A1b2C3d4", 0xa1b2c3d4 },
        { "red", 0xff0000ff },
        { "aliceblue", 0xf0f8ffff },
        { "transparent", 0 },
        { "yellowgreen", 0x9acd32ff },
        { "rebeccapurple", 0x663399ff },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        char json[128];
        (void)snprintf(json, sizeof(json),
                       "{\"steps\":[{\"op\":\"every\",\"whole\":1,\"color\":\"%s\"}]}",
                       cases[i].text);
        IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = parse(json);
        assert_int_equal(spec->steps[0].values[COLOR].color, cases[i].color);
    }
    static const char *const bad[] = { "",           "#",      "#12",
                                       "#12g",       "123456", "#1234567",
                                       "#123456789", " red",   "currentcolor" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        char members[64];
        (void)snprintf(members, sizeof(members), "\"color\":\"%s\"", bad[i]);
        char sentence[256];
        (void)snprintf(sentence, sizeof(sentence),
                       "/steps/0/color: must be a colour such as #rgb, #rgba, #rrggbb, "
                       "#rrggbbaa or a CSS name, not '%s'",
                       bad[i]);
        expect_step_refusal(members, sentence);
    }
}

/* ---- outputs ---- */

static void settings_of_an_output_are_written_where_they_say_something(void **state)
{
    (void)state;
    expect_output("\"quality\":80,\"format\":\"avif\",\"chroma\":\"444\",\"effort\":0",
                  ",\"format\":\"avif\",\"quality\":80,\"effort\":0,\"chroma\":\"444\"");
    expect_output("\"format\":\"png\",\"palette\":true,\"colors\":16,\"dither\":0.5",
                  ",\"format\":\"png\",\"palette\":true,\"colors\":16,\"dither\":0.5");
    expect_output("\"format\":\"png\",\"palette\":true,\"colors\":256,\"dither\":1.0",
                  ",\"format\":\"png\",\"palette\":true");
    expect_output("\"format\":\"tiff\",\"compression\":\"jpeg\",\"quality\":7",
                  ",\"format\":\"tiff\",\"quality\":7,\"compression\":\"jpeg\"");
    expect_output("\"format\":\"gif\",\"loop\":0,\"delay\":40,\"colors\":2",
                  ",\"format\":\"gif\",\"colors\":2,\"loop\":0,\"delay\":40");
    expect_output("\"background\":\"#123\",\"metadata\":\"all\",\"lossless\":true",
                  ",\"lossless\":true,\"background\":\"#112233ff\",\"metadata\":\"all\"");
    expect_output("\"max_bytes\":5000,\"min_quality\":10", ",\"max_bytes\":5000");
    expect_output("\"format\":\"webp\",\"target_ssim\":0.98,\"min_quality\":30",
                  ",\"format\":\"webp\",\"target_ssim\":0.98,\"min_quality\":30");
    expect_output("\"format\":\"auto\"",
                  ",\"format\":\"auto\",\"candidates\":[\"webp\",\"avif\",\"jpeg\"]");
    expect_output("\"format\":\"auto\",\"candidates\":[\"jpg\",\"png\"],"
                  "\"target_ssim\":0.9",
                  ",\"format\":\"auto\",\"candidates\":[\"jpeg\",\"png\"],"
                  "\"target_ssim\":0.9");
    expect_output("\"steps\":[{\"op\":\"flip\"}]", ",\"steps\":[{\"op\":\"flip\"}]");
}

static void an_output_with_a_fault_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "\"format\":\"heic\"", "/outputs/0/format: must be one of jpeg, png, webp, "
                                 "avif, gif, tiff, jxl, auto, not 'heic'" },
        { "\"format\":1", "/outputs/0/format: must be a string, not a whole number" },
        { "\"candidates\":[\"png\"]", "/outputs/0/candidates: needs the format auto" },
        { "\"format\":\"auto\",\"candidates\":[]",
          "/outputs/0/candidates: must have at least 1" },
        { "\"format\":\"auto\",\"candidates\":[\"png\",\"auto\"]",
          "/outputs/0/candidates/1: must be one of jpeg, png, webp, avif, gif, tiff, "
          "jxl, "
          "not 'auto'" },
        { "\"format\":\"auto\",\"candidates\":[\"jpeg\",\"jpg\"]",
          "/outputs/0/candidates/1: jpeg is there already" },
        { "\"format\":\"auto\",\"compression\":\"lzw\"",
          "/outputs/0/compression: no candidate has such a setting" },
        { "\"quality\":0", "/outputs/0/quality: must be 1..100, not 0" },
        { "\"quality\":101", "/outputs/0/quality: must be 1..100, not 101" },
        { "\"quality\":null", "/outputs/0/quality: must be a whole number, not null" },
        { "\"format\":\"gif\",\"quality\":50",
          "/outputs/0/quality: gif has no such setting" },
        { "\"format\":\"jpeg\",\"effort\":1",
          "/outputs/0/effort: jpeg has no such setting" },
        { "\"compression\":\"lzw\"",
          "/outputs/0/compression: needs a format that has it" },
        { "\"format\":\"png\",\"colors\":5", "/outputs/0/colors: needs palette" },
        { "\"format\":\"tiff\",\"quality\":5",
          "/outputs/0/quality: needs compression jpeg" },
        { "\"min_quality\":20",
          "/outputs/0/min_quality: needs max_bytes or target_ssim" },
        { "\"max_bytes\":9,\"quality\":20,\"min_quality\":21",
          "/outputs/0/min_quality: must be at most the quality, 20, not 21" },
        { "\"format\":\"jpeg\",\"max_bytes\":9,\"target_ssim\":0.9",
          "/outputs/0/target_ssim: excludes max_bytes" },
        { "\"target_ssim\":0.9",
          "/outputs/0/target_ssim: needs the format jpeg, webp, avif, jxl or auto" },
        { "\"format\":\"png\",\"target_ssim\":0.9",
          "/outputs/0/target_ssim: png has no such setting" },
        { "\"format\":\"jpeg\",\"target_ssim\":1",
          "/outputs/0/target_ssim: must be 0.5..0.9999, not 1" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        expect_output_refusal(cases[i][0], cases[i][1]);
}

static void defaults_stand_only_where_the_format_has_them(void **state)
{
    (void)state;
    IJ_AUTO(ij_spec_freep)
    struct imgjob_spec *spec = parse("{\"outputs\":[{\"name\":\"a\",\"format\":\"gif\"},"
                                     "{\"name\":\"b\",\"format\":\"jpeg\","
                                     "\"max_bytes\":100}]}");
    const struct ij_value *gif = spec->outputs[0].values, *jpeg = spec->outputs[1].values;
    assert_int_equal(gif[IJ_OUT_COLORS].integer, 256);
    assert_false(gif[IJ_OUT_PROGRESSIVE].is_given);
    assert_false(gif[IJ_OUT_BACKGROUND].is_given);
    assert_true(jpeg[IJ_OUT_PROGRESSIVE].is_given);
    assert_int_equal(jpeg[IJ_OUT_BACKGROUND].color, 0xffffffff);
    assert_int_equal(jpeg[IJ_OUT_MIN_QUALITY].integer, 10);
    assert_false(jpeg[IJ_OUT_QUALITY].is_given);
    assert_false(jpeg[IJ_OUT_COLORS].is_given);
}

static void names_that_do_not_fit_into_a_sentence_are_cut(void **state)
{
    (void)state;
    expect_output_refusal(
        "\"a_word_that_is_too_long_for_a_good_sentence\":1",
        "/outputs/0/a_word_that_is_too_long_for_a_good_sente…: is unknown; the members "
        "here are name, steps, format, candidates, quality, effort, progressive, chroma, "
        "lossless, palette, colors, dither, compression, loop, delay, "
        "background, metadata, …");
}

/* ---- whole texts ---- */

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "", "{", "{\"operation\":\"resize\",}", "{\"width\":1,\"width\":1}", "{}{}",
    };
    struct imgjob_spec *spec = NULL;
    for (size_t i = 0; i < IJ_ARRAY_LEN(broken); i++) {
        expect_code(IMGJOB_E_SPEC,
                    ij_spec_parse(broken[i], strlen(broken[i]), &ops, &spec, &test_err));
        expect_words("JSON: ");
    }
    assert_null(spec);
}

static void a_text_over_64_kib_is_refused_unread(void **state)
{
    (void)state;
    static char text[IJ_SPEC_TEXT_MAX + 1];
    memset(text, ' ', sizeof(text));
    struct imgjob_spec *spec = NULL;
    expect_code(IMGJOB_E_SPEC, ij_spec_parse(text, sizeof(text), &ops, &spec, &test_err));
    assert_string_equal(test_err.text, "spec: 65537 bytes are over the limit of 65536");
}

/* What could not be read again is not made: one byte of a text may be written as six. */
static void a_canonical_text_over_64_kib_is_refused(void **state)
{
    (void)state;
#define DELS "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"
    IJ_AUTO(ij_free)
    char *steps = repeat(
        "\"steps\":[",
        "{\"op\":\"composite\",\"input\":0,\"note\":\"" DELS DELS DELS DELS DELS "\"}",
        16, "]");
    char output[4096];
    struct ij_buf json = { 0 };
    ij_buf_printf(&json, "{%s,\"outputs\":[", steps);
    for (int i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++) {
        (void)snprintf(output, sizeof(output), "{\"name\":\"n%d\",%s}", i, steps);
        ij_buf_printf(&json, "%s%s", i ? "," : "", output);
    }
    ij_buf_add_str(&json, "]}");
    IJ_AUTO(ij_free) char *text = ij_buf_take(&json);
    assert_non_null(text);
    expect_refusal(text,
                   "spec: its canonical text has 76301 bytes, over the limit of 65536");
}

static void a_long_unknown_word_is_cut_between_characters(void **state)
{
    (void)state;
    expect_refusal("{\"operation\":\"ééééééééééééééééééééé\"}",
                   "/operation: must be one of resize, thumbnail, not "
                   "'éééééééééééééééééééé…'");
    expect_refusal("{\"operation\":\"xéééééééééééééééééééé\"}",
                   "/operation: must be one of resize, thumbnail, not "
                   "'xééééééééééééééééééé…'");
}

static void a_spec_shows_its_short_form_if_it_has_one(void **state)
{
    (void)state;
    struct ij_spec_short found;
    IJ_AUTO(ij_spec_freep)
    struct imgjob_spec *spec =
        parse("{\"steps\":[{\"op\":\"resize\",\"width\":8,\"height\":6,"
              "\"fit\":\"inside\",\"enlarge\":false}],\"outputs\":[{\"name\":\"image\","
              "\"format\":\"avif\",\"metadata\":\"strip\"}]}");
    assert_true(ij_spec_short(spec, &found));
    assert_string_equal(found.operation, "thumbnail");
    assert_int_equal(found.width, 8);
    assert_int_equal(found.height, 6);
#define RESIZE(more) "{\"op\":\"resize\",\"width\":8,\"height\":6" more "}"
    static const char *const others[] = {
        "{\"steps\":[" STEP "],\"outputs\":[{\"name\":\"small\"}]}",
        "{\"steps\":[" STEP "],\"info\":true}",
        "{\"steps\":[" STEP "],\"load\":{\"page\":1}}",
        "{\"steps\":[" STEP "],\"outputs\":[{\"quality\":80}]}",
        "{\"steps\":[" STEP "],\"outputs\":[{\"format\":\"auto\"}]}",
        "{\"steps\":[" STEP "],\"outputs\":[{\"steps\":[{\"op\":\"flip\"}]}]}",
        "{\"steps\":[" STEP "],\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
        "{\"steps\":[" STEP "],\"outputs\":[],\"info\":true}",
        "{\"steps\":[" STEP ",{\"op\":\"flip\"}]}",
        "{\"steps\":[{\"op\":\"flip\"}]}",
        "{\"steps\":[]}",
        "{\"steps\":[{\"op\":\"resize\",\"width\":8}]}",
        "{\"steps\":[{\"op\":\"resize\",\"width\":8,\"height\":4097}]}",
        "{\"steps\":[" RESIZE(",\"fit\":\"cover\"") "]}",
        "{\"steps\":[" RESIZE(",\"kernel\":\"nearest\"") "]}",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(others); i++) {
        IJ_AUTO(ij_spec_freep) struct imgjob_spec *other = parse(others[i]);
        assert_false(ij_spec_short(other, &found));
    }
}

static void a_missing_output_format_follows_the_input(void **state)
{
    (void)state;
    const struct ij_output_spec open = { .name = "image" };
    const struct ij_output_spec fixed = { .name = "image", .format = IMGJOB_FORMAT_WEBP };
    for (uint32_t format = IMGJOB_FORMAT_JPEG; format <= IMGJOB_FORMAT_WEBP; format++)
        assert_int_equal(ij_spec_output_format(&open, format, true), format);
    for (uint32_t format = IMGJOB_FORMAT_GIF; format <= IMGJOB_FORMAT_JP2; format++) {
        assert_int_equal(ij_spec_output_format(&open, format, true), IMGJOB_FORMAT_PNG);
        assert_int_equal(ij_spec_output_format(&open, format, false), IMGJOB_FORMAT_JPEG);
    }
    assert_int_equal(ij_spec_output_format(&fixed, IMGJOB_FORMAT_PNG, true),
                     IMGJOB_FORMAT_WEBP);
}

static void formats_are_written_and_know_their_settings(void **state)
{
    (void)state;
    for (uint32_t format = IMGJOB_FORMAT_JPEG; format <= IMGJOB_FORMAT_AVIF; format++) {
        assert_true(ij_format_is_written(format));
        assert_true(ij_format_has_param(format, IJ_OUT_METADATA));
    }
    assert_false(ij_format_is_written(IMGJOB_FORMAT_NONE));
    assert_true(ij_format_is_written(IMGJOB_FORMAT_JXL));
    assert_true(ij_format_has_param(IMGJOB_FORMAT_JXL, IJ_OUT_TARGET_SSIM));
    assert_false(ij_format_has_param(IMGJOB_FORMAT_JXL, IJ_OUT_METADATA));
    assert_false(ij_format_is_written(IMGJOB_FORMAT_HEIC));
    assert_false(ij_format_is_written(IMGJOB_FORMAT_SVG));
    assert_false(ij_format_is_written(99));
    assert_false(ij_format_has_param(99, IJ_OUT_METADATA));
    assert_false(ij_format_has_param(IMGJOB_FORMAT_PNG, IJ_OUT_QUALITY));
    assert_true(ij_format_has_param(IMGJOB_FORMAT_TIFF, IJ_OUT_COMPRESSION));
}

static void a_gravity_places_a_box(void **state)
{
    (void)state;
    static const struct {
        enum ij_gravity gravity;
        struct ij_extent outer, inner;
        struct ij_offset at;
    } cases[] = {
        { IJ_GRAVITY_CENTER, { 10, 9 }, { 3, 4 }, { 3, 2 } },
        { IJ_GRAVITY_CENTER, { 3, 4 }, { 10, 9 }, { -4, -3 } },
        { IJ_GRAVITY_CENTER, { 4, 4 }, { 4, 6 }, { 0, -1 } },
        { IJ_GRAVITY_NORTH, { 10, 10 }, { 4, 4 }, { 3, 0 } },
        { IJ_GRAVITY_NORTHEAST, { 10, 10 }, { 4, 4 }, { 6, 0 } },
        { IJ_GRAVITY_EAST, { 10, 10 }, { 4, 4 }, { 6, 3 } },
        { IJ_GRAVITY_SOUTHEAST, { 10, 10 }, { 4, 4 }, { 6, 6 } },
        { IJ_GRAVITY_SOUTHEAST, { 4, 4 }, { 9, 9 }, { -5, -5 } },
        { IJ_GRAVITY_SOUTH, { 10, 10 }, { 4, 4 }, { 3, 6 } },
        { IJ_GRAVITY_SOUTHWEST, { 10, 10 }, { 4, 4 }, { 0, 6 } },
        { IJ_GRAVITY_WEST, { 10, 10 }, { 4, 4 }, { 0, 3 } },
        { IJ_GRAVITY_NORTHWEST, { UINT32_MAX, 1 }, { 1, UINT32_MAX }, { 0, 0 } },
        { IJ_GRAVITY_SOUTHEAST,
          { UINT32_MAX, 1 },
          { 1, UINT32_MAX },
          { (int64_t)UINT32_MAX - 1, 1 - (int64_t)UINT32_MAX } },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct ij_offset at =
            ij_gravity_place(cases[i].gravity, cases[i].outer, cases[i].inner);
        assert_int_equal(at.x, cases[i].at.x);
        assert_int_equal(at.y, cases[i].at.y);
    }
    assert_string_equal(ij_gravities[IJ_GRAVITY_NORTHWEST], "northwest");
    assert_string_equal(ij_gravities[IJ_GRAVITY_ENTROPY], "entropy");
    assert_null(ij_gravities[IJ_GRAVITY_ENTROPY + 1]);
}

/* ---- the description ---- */

static const struct ij_json *follow(const struct ij_json *from, const char *const *keys)
{
    for (; *keys && from; keys++)
        from = ij_json_member(from, *keys);
    return from;
}

static void the_schema_describes_every_operation_and_setting(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    ij_spec_schema(&ops, &buf);
    assert_false(buf.failed);
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    expect_code(0, ij_json_parse(buf.data, buf.len, 16, &root, &test_err));
    const struct ij_json *steps =
        follow(root, (const char *const[]){ "$defs", "step", "oneOf", NULL });
    assert_int_equal(ij_json_count(steps), ops.count);
    const struct ij_json *width = follow(
        ij_json_at(steps, 0), (const char *const[]){ "properties", "width", NULL });
    assert_int_equal(ij_json_int(ij_json_member(width, "maximum")), 16384);
    assert_string_equal(ij_json_string(ij_json_member(width, "x-unit")), "px");
    assert_string_equal(ij_json_string(ij_json_member(width, "description")),
                        "The width.");
    assert_null(ij_json_member(width, "default"));
    const struct ij_json *boxes =
        follow(ij_json_at(steps, 1),
               (const char *const[]){ "properties", "boxes", "items", NULL });
    assert_int_equal(ij_json_int(ij_json_member(boxes, "minItems")), 4);
    const struct ij_json *settings =
        follow(root, (const char *const[]){ "$defs", "output", "properties", NULL });
    assert_int_equal(ij_json_count(settings), IJ_OUT_PARAM_COUNT + 4);
    assert_int_equal(
        ij_json_count(
            follow(root, (const char *const[]){ "$defs", "load", "properties", NULL })),
        4);
}

static void the_markdown_has_a_table_for_each_group(void **state)
{
    (void)state;
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { 0 };
    ij_spec_markdown(&ops, &buf);
    assert_false(buf.failed);
    static const char *const parts[] = {
        "### Geometry\n\n| operation |",
        "### Filter\n",
        "### Compositing\n",
        "### Outputs\n",
        "### Load\n",
        "| **`resize`** | | | Change the size. |\n",
        "| `width` | whole number 1…16384 px |  | The width. |\n",
        "| `whole` | whole number -5…5 | required |  |\n",
        "| `real` | number -0.5…1000000000 degrees | `0.1` |  |\n",
        "| `color` | colour | `\"#000000ff\"` | Light \\| dark. |\n",
        "| `boxes` | 0…1000 arrays of 4 numbers 0…99 |  |  |\n",
        "| `lossless` | `true`, `false` | `false` | webp avif jxl | ",
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(parts); i++)
        if (!strstr(buf.data, parts[i]))
            fail_msg("'%s' is not in\n%s", parts[i], buf.data);
    /* flip is of the first group, though it is listed last */
    assert_true(strstr(buf.data, "`flip`") < strstr(buf.data, "### Filter"));
}

static void output_names_are_safe_in_a_path(void **state)
{
    (void)state;
    static const char *const good[] = { "image", "a", "0", "a-b_c9" };
    static const char *const bad[] = {
        "", ".", "..", "-a", "_a", "A", "a/b", "a.b", "ä"
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(good); i++)
        assert_true(ij_output_name_valid(good[i]));
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++)
        assert_false(ij_output_name_valid(bad[i]));
    char name[66] = { 0 };
    memset(name, 'a', 64);
    assert_true(ij_output_name_valid(name));
    name[64] = 'a';
    assert_false(ij_output_name_valid(name));
}

static void formats_are_told_by_their_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        uint32_t format;
    } cases[] = {
        { "\xff\xd8\xff\xe0", 4, IMGJOB_FORMAT_JPEG },
        { "\xff\xd8", 2, IMGJOB_FORMAT_NONE },
        { "\x89PNG\r\n\x1a\n", 8, IMGJOB_FORMAT_PNG },
        { "\x89PNG\n\n\x1a\n", 8, IMGJOB_FORMAT_NONE },
        { "GIF89a", 6, IMGJOB_FORMAT_GIF },
        { "RIFF\x10\0\0\0WEBPVP8 ", 16, IMGJOB_FORMAT_WEBP },
        { "RIFF\x10\0\0\0WAVE", 12, IMGJOB_FORMAT_NONE },
        { "II*\0", 4, IMGJOB_FORMAT_TIFF },
        { "MM\0+", 4, IMGJOB_FORMAT_TIFF },
        { "\0\0\0\x1c"
          "ftypavif\0\0\0\0",
          16, IMGJOB_FORMAT_AVIF },
        { "\0\0\0\x18"
          "ftypheic\0\0\0\0",
          16, IMGJOB_FORMAT_HEIC },
        { "\0\0\0\x18"
          "ftypmif1\0\0\0\0miafavif",
          24, IMGJOB_FORMAT_AVIF },
        { "\0\0\0\x14" /* the box ends before that brand */
          "ftypmif1\0\0\0\0miafavif",
          24, IMGJOB_FORMAT_HEIC },
        { "\0\0\0\x18"
          "ftypmp42\0\0\0\0",
          16, IMGJOB_FORMAT_NONE },
        { "<html xmlns=", 12, IMGJOB_FORMAT_NONE },
        { "", 0, IMGJOB_FORMAT_NONE },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        assert_int_equal(ij_format_sniff(cases[i].bytes, cases[i].len), cases[i].format);
}

static void formats_have_names_types_and_extensions(void **state)
{
    (void)state;
    assert_string_equal(imgjob_format_name(IMGJOB_FORMAT_JPEG), "jpeg");
    assert_string_equal(imgjob_format_name(99), "");
    assert_string_equal(imgjob_format_media_type(IMGJOB_FORMAT_WEBP), "image/webp");
    assert_string_equal(imgjob_format_media_type(99), "application/octet-stream");
    assert_string_equal(ij_format_extension(IMGJOB_FORMAT_TIFF), "tif");
    assert_string_equal(ij_format_extension(IMGJOB_FORMAT_NONE), "bin");
    for (uint32_t format = IMGJOB_FORMAT_JPEG; format <= IMGJOB_FORMAT_JP2; format++)
        assert_int_equal(ij_format_by_name(imgjob_format_name(format)), format);
    assert_int_equal(ij_format_by_name("jpg"), IMGJOB_FORMAT_JPEG);
    assert_int_equal(ij_format_by_name(""), IMGJOB_FORMAT_NONE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_short_form_is_sugar_for_one_step_and_one_output),
        cmocka_unit_test(specs_of_one_meaning_have_one_text),
        cmocka_unit_test(a_short_form_with_a_fault_is_refused_with_its_place),
        cmocka_unit_test(a_long_form_with_a_fault_is_refused_with_its_place),
        cmocka_unit_test(every_member_of_the_long_form_may_be_absent),
        cmocka_unit_test(how_the_input_is_opened_is_written_only_if_it_says_something),
        cmocka_unit_test(steps_and_outputs_are_sixteen_at_most),
        cmocka_unit_test(inputs_are_counted_over_all_steps),
        cmocka_unit_test(the_inputs_must_be_those_that_the_steps_take),
        cmocka_unit_test(steps_of_stored_jobs_still_parse),
        cmocka_unit_test(values_of_every_type_have_one_text),
        cmocka_unit_test(a_value_with_a_fault_is_refused_with_its_place),
        cmocka_unit_test(numbers_are_256_at_most),
        cmocka_unit_test(colours_are_read_as_css_has_them),
        cmocka_unit_test(settings_of_an_output_are_written_where_they_say_something),
        cmocka_unit_test(an_output_with_a_fault_is_refused_with_its_place),
        cmocka_unit_test(defaults_stand_only_where_the_format_has_them),
        cmocka_unit_test(names_that_do_not_fit_into_a_sentence_are_cut),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_text_over_64_kib_is_refused_unread),
        cmocka_unit_test(a_canonical_text_over_64_kib_is_refused),
        cmocka_unit_test(a_long_unknown_word_is_cut_between_characters),
        cmocka_unit_test(a_spec_shows_its_short_form_if_it_has_one),
        cmocka_unit_test(a_missing_output_format_follows_the_input),
        cmocka_unit_test(formats_are_written_and_know_their_settings),
        cmocka_unit_test(a_gravity_places_a_box),
        cmocka_unit_test(the_schema_describes_every_operation_and_setting),
        cmocka_unit_test(the_markdown_has_a_table_for_each_group),
        cmocka_unit_test(output_names_are_safe_in_a_path),
        cmocka_unit_test(formats_are_told_by_their_first_bytes),
        cmocka_unit_test(formats_have_names_types_and_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
