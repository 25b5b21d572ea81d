/* Operations of a program's own: described, run here, run isolated. This program is also
 * its own worker: that is what is tested. */
#include <imgjob/operation.h>

#include <math.h>

#include <vips/vips.h>

#include "place.h"

enum { WIDTH = 40, HEIGHT = 300 };

/* ---- the operations ---- */

static int plan_border(void *data, const struct imgjob_step *step,
                       struct imgjob_extent in, struct imgjob_extent *out,
                       struct imgjob_error *err)
{
    uint32_t most = *(uint32_t *)data,
             both = 2 * (uint32_t)imgjob_step_int(step, "width");
    if (in.width > most) {
        (void)snprintf(err->text, sizeof(err->text), "an image of %u px is too wide",
                       in.width);
        return IMGJOB_E_SPEC;
    }
    *out = (struct imgjob_extent){ in.width + both, in.height + both };
    return 0;
}

static int apply_border(void *data, const struct imgjob_step *step, VipsImage *image,
                        VipsImage **out, struct imgjob_error *err)
{
    (void)data;
    (void)err;
    int width = (int)imgjob_step_int(step, "width");
    uint32_t color = imgjob_step_color(step, "color");
    const double levels[] = { color >> 24, color >> 16 & 0xff, color >> 8 & 0xff };
    VipsArrayDouble *background = vips_array_double_new(levels, 3);
    int rc = vips_embed(image, out, width, width, vips_image_get_width(image) + 2 * width,
                        vips_image_get_height(image) + 2 * width, "extend",
                        VIPS_EXTEND_BACKGROUND, "background", background, NULL);
    vips_area_unref(VIPS_AREA(background));
    return rc;
}

static uint32_t widest = 4096;
static const struct imgjob_param border_params[] = {
    { .size = sizeof(struct imgjob_param),
      .name = "width",
      .type = IMGJOB_PARAM_INT,
      .min = 1,
      .max = 100,
      .default_json = "2",
      .unit = "px",
      .doc = "How wide it is" },
    { .size = sizeof(struct imgjob_param),
      .name = "color",
      .type = IMGJOB_PARAM_COLOR,
      .default_json = "\"#ff0000\"" },
};
static const struct imgjob_operation border = {
    .size = sizeof(border),
    .name = "test.border",
    .doc = "Put a border around the image",
    .params = border_params,
    .param_count = IJ_ARRAY_LEN(border_params),
    .plan = plan_border,
    .apply = apply_border,
    .data = &widest,
};

static int apply_turn(void *data, const struct imgjob_step *step, VipsImage *image,
                      VipsImage **out, struct imgjob_error *err)
{
    (void)data;
    (void)step;
    if (!image->data) {
        (void)snprintf(err->text, sizeof(err->text), "the image is a stream");
        return IMGJOB_E_INTERNAL;
    }
    return vips_rot(image, out, VIPS_ANGLE_D180, NULL);
}

static const struct imgjob_operation turn = {
    .size = sizeof(turn), .name = "test.turn", .needs_pixels = true, .apply = apply_turn
};

/* In the order of mistakes[]. */
enum {
    NO_IMAGE,
    WRONG_SIZE,
    FLOATS,
    MANY_BANDS,
    POSITIVE,
    REFUSES,
    UNTIDY_WORDS,
    NO_WORDS,
    MISSPELLS,
    MISTYPES,
    MISSPELLS_IN_PLAN,
    PLANS_NOTHING,
    PLANS_WITHOUT_WORDS
};
static const char *const mistakes[] = { "no_image",
                                        "wrong_size",
                                        "floats",
                                        "many_bands",
                                        "positive",
                                        "refuses",
                                        "untidy_words",
                                        "no_words",
                                        "misspells",
                                        "mistypes",
                                        "misspells_in_plan",
                                        "plans_nothing",
                                        "plans_without_words",
                                        NULL };

static int plan_mistake(void *data, const struct imgjob_step *step,
                        struct imgjob_extent in, struct imgjob_extent *out,
                        struct imgjob_error *err)
{
    (void)data;
    (void)in;
    (void)err;
    int64_t mistake = imgjob_step_int(step, "mistake");
    if (mistake == MISSPELLS_IN_PLAN)
        (void)imgjob_step_is_given(step, "misteak");
    if (mistake == PLANS_NOTHING)
        out->height = 0;
    return mistake == PLANS_WITHOUT_WORDS ? IMGJOB_E_SPEC : 0;
}

static int apply_mistake(void *data, const struct imgjob_step *step, VipsImage *image,
                         VipsImage **out, struct imgjob_error *err)
{
    VipsImage *five[] = { image, image, image, image, image };
    (void)data;
    switch (imgjob_step_int(step, "mistake")) {
    case NO_IMAGE:
        return 0;
    case WRONG_SIZE:
        return vips_crop(image, out, 0, 0, 3, 5, NULL);
    case FLOATS:
        return vips_linear1(image, out, .5, 0, NULL);
    case MANY_BANDS:
        return vips_bandjoin(five, out, 5, NULL);
    case POSITIVE:
        return 7;
    case REFUSES:
        (void)snprintf(err->text, sizeof(err->text), "no image of a cat");
        return IMGJOB_E_IMAGE;
    case UNTIDY_WORDS:
        memset(err->text, 'x', sizeof(err->text)); /* not even terminated */
        err->text[1] = '\n';
        return IMGJOB_E_LIMIT;
    case NO_WORDS:
        return vips_crop(image, out, 0, 0, 9999, 5, NULL) ? IMGJOB_E_INTERNAL : 0;
    case MISSPELLS:
        (void)imgjob_step_real(step, "misteak");
        break;
    case MISTYPES:
        (void)imgjob_step_real(step, "mistake");
        break;
    default:
        break;
    }
    *out = g_object_ref(image);
    return 0;
}

static const struct imgjob_param mistake_params[] = {
    { .size = sizeof(struct imgjob_param),
      .name = "mistake",
      .type = IMGJOB_PARAM_CHOICE,
      .choices = mistakes,
      .is_required = true },
};
static const struct imgjob_operation mistake = {
    .size = sizeof(mistake),
    .name = "test.mistake",
    .params = mistake_params,
    .param_count = 1,
    .plan = plan_mistake,
    .apply = apply_mistake,
};

/* ---- what tests share ---- */

static void add_to(struct imgjob_registry *registry,
                   const struct imgjob_operation *operation)
{
    expect_code(0, imgjob_registry_add(registry, operation, &test_err));
}

static struct imgjob_registry *registry_of(const struct imgjob_operation *operation)
{
    struct imgjob_registry *registry = NULL;
    expect_code(0, imgjob_registry_new(&registry, &test_err));
    add_to(registry, operation);
    return registry;
}

/* What this program has, as itself and as a worker. */
static struct imgjob_registry *all;

static void free_bytes(void **bytes)
{
    g_free(*bytes);
}

/* A PNG whose lines get brighter from top to bottom. The caller's, for g_free(). */
static void *gradient(size_t *out_len)
{
    VipsImage *places, *lines, *grey, *image;
    VipsImage *three[3];
    void *bytes = NULL;
    assert_int_equal(vips_xyz(&places, WIDTH, HEIGHT, NULL), 0);
    assert_int_equal(vips_extract_band(places, &lines, 1, NULL), 0);
    assert_int_equal(vips_linear1(lines, &grey, 255.0 / HEIGHT, 0, "uchar", TRUE, NULL),
                     0);
    three[0] = three[1] = three[2] = grey;
    assert_int_equal(vips_bandjoin(three, &image, 3, NULL), 0);
    assert_int_equal(vips_pngsave_buffer(image, &bytes, out_len, NULL), 0);
    g_object_unref(image);
    g_object_unref(grey);
    g_object_unref(lines);
    g_object_unref(places);
    return bytes;
}

static struct imgjob_spec *parse(const char *json)
{
    struct imgjob_spec *spec = NULL;
    expect_code(0, imgjob_spec_parse_with(all, json, strlen(json), &spec, &test_err));
    return spec;
}

static void free_spec(struct imgjob_spec **spec)
{
    imgjob_spec_free(*spec);
}

static void free_result(struct imgjob_result **result)
{
    imgjob_result_free(*result);
}

/* Run the gradient in this process. */
static int run_here(const char *json, struct imgjob_result **out)
{
    size_t len;
    IJ_AUTO(free_bytes) void *bytes = gradient(&len);
    IJ_AUTO(free_spec) struct imgjob_spec *spec = parse(json);
    return imgjob_run(bytes, len, spec, NULL, out, &test_err);
}

/* A level of a decoded output. */
static int level(const void *data, size_t len, int x, int y, int band)
{
    VipsImage *image = vips_image_new_from_buffer(data, len, "", NULL);
    double *levels = NULL;
    int count = 0;
    assert_non_null(image);
    assert_int_equal(vips_getpoint(image, &levels, &count, x, y, NULL), 0);
    assert_true(band < count);
    int found = (int)levels[band];
    g_free(levels);
    g_object_unref(image);
    return found;
}

static void expect_border(const void *data, size_t len)
{
    assert_int_equal(level(data, len, 0, 0, 0), 0x12);
    assert_int_equal(level(data, len, WIDTH + 9, HEIGHT + 9, 1), 0x34);
    assert_int_equal(level(data, len, 5, HEIGHT + 4, 0), 254);
}

#define BORDER                                                                 \
    "{\"steps\":[{\"op\":\"test.border\",\"width\":5,\"color\":\"#123456\"}]," \
    "\"outputs\""                                                              \
    ":[{\"format\":\"png\"}]}"

/* ---- tests ---- */

static void an_operation_of_a_program_runs_in_its_process(void **state)
{
    (void)state;
    IJ_AUTO(free_result) struct imgjob_result *result = NULL;
    expect_code(0, run_here(BORDER, &result));
    const struct imgjob_output *output = imgjob_result_output(result, 0);
    assert_int_equal(output->width, WIDTH + 10);
    assert_int_equal(output->height, HEIGHT + 10);
    expect_border(output->data, output->len);
}

static void defaults_stand_where_a_spec_says_nothing(void **state)
{
    (void)state;
    IJ_AUTO(free_result) struct imgjob_result *result = NULL;
    expect_code(0, run_here("{\"steps\":[{\"op\":\"test.border\"}],\"outputs\":[{"
                            "\"format\":\"png\"}]}",
                            &result));
    const struct imgjob_output *output = imgjob_result_output(result, 0);
    assert_int_equal(output->width, WIDTH + 4);
    assert_int_equal(level(output->data, output->len, 0, 0, 0), 255);
    assert_int_equal(level(output->data, output->len, 0, 0, 1), 0);
}

static void it_stands_between_steps_of_the_library_and_in_outputs(void **state)
{
    (void)state;
    IJ_AUTO(free_result) struct imgjob_result *result = NULL;
    expect_code(0, run_here("{\"steps\":[{\"op\":\"test.border\"},{\"op\":\"resize\","
                            "\"width\":22}],\"outputs\":[{\"name\":\"a\",\"steps\":[{"
                            "\"op\":\"test.border\",\"width\":10}]},{\"name\":\"b\"}]}",
                            &result));
    assert_int_equal(imgjob_result_output(result, 0)->width, 42);
    assert_int_equal(imgjob_result_output(result, 1)->width, 22);
    assert_int_equal(imgjob_result_output(result, 1)->height, 152);
}

static void one_that_needs_pixels_reads_them_in_any_order(void **state)
{
    (void)state;
    IJ_AUTO(free_result) struct imgjob_result *result = NULL;
    expect_code(0, run_here("{\"steps\":[{\"op\":\"test.turn\"}]}", &result));
    const struct imgjob_output *output = imgjob_result_output(result, 0);
    assert_int_equal(level(output->data, output->len, 0, 0, 0), 254);
    assert_int_equal(level(output->data, output->len, 0, HEIGHT - 1, 0), 0);
}

static void it_is_done_to_each_page(void **state)
{
    (void)state;
    char bytes[65536], path[512];
    IJ_AUTO(free_result) struct imgjob_result *result = NULL;
    const char *directory = getenv("IJ_FIXTURES");
    assert_non_null(directory);
    (void)snprintf(path, sizeof(path), "%s/animated.gif", directory);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    struct imgjob_image_info info = { .size = sizeof(info) };
    expect_code(0, imgjob_info(bytes, len, NULL, &info, &test_err));
    assert_true(info.pages > 1);

    const struct imgjob_limits limits = { .size = sizeof(limits), .max_pages = 256 };
    const struct imgjob_run_options options = { .size = sizeof(options),
                                                .limits = &limits };
    IJ_AUTO(free_spec)
    struct imgjob_spec *spec =
        parse("{\"load\":{\"pages\":\"all\"},\"steps\":[{\"op\":"
              "\"test.border\"}],\"outputs\":[{\"format\":\"gif\"}]}");
    expect_code(0, imgjob_run(bytes, len, spec, &options, &result, &test_err));
    const struct imgjob_output *output = imgjob_result_output(result, 0);
    struct imgjob_image_info made = { .size = sizeof(made) };
    expect_code(0, imgjob_info(output->data, output->len, NULL, &made, &test_err));
    assert_int_equal(made.pages, info.pages);
    assert_int_equal(made.height, info.height + 4);
    assert_int_equal(output->height, info.height + 4);
}

static void a_plan_may_refuse_before_pixels_move(void **state)
{
    (void)state;
    struct imgjob_result *result = NULL;
    widest = 10;
    expect_code(IMGJOB_E_SPEC, run_here(BORDER, &result));
    assert_string_equal(test_err.text,
                        "/steps/0: test.border: an image of 40 px is too wide");
    widest = 4096;
}

static void what_it_plans_is_held_against_the_limits(void **state)
{
    (void)state;
    size_t len;
    struct imgjob_result *result = NULL;
    IJ_AUTO(free_bytes) void *bytes = gradient(&len);
    IJ_AUTO(free_spec) struct imgjob_spec *spec = parse(BORDER);
    const struct imgjob_limits limits = { .size = sizeof(limits),
                                          .max_pixels = WIDTH * HEIGHT };
    const struct imgjob_run_options options = { .size = sizeof(options),
                                                .limits = &limits };
    expect_code(IMGJOB_E_LIMIT,
                imgjob_run(bytes, len, spec, &options, &result, &test_err));
    expect_words("pixels: 15500 is over the limit of 12000 (max_pixels)");
}

static const struct {
    int code;
    const char *text;
} faults[] = {
    [NO_IMAGE] = { IMGJOB_E_INTERNAL, "made no image" },
    [WRONG_SIZE] = { IMGJOB_E_INTERNAL,
                     "made an image of 3 x 5 px where 40 x 300 are planned" },
    [FLOATS] = { IMGJOB_E_INTERNAL,
                 "made pixels of float (coding none) where 8 bits (uchar) are due" },
    [MANY_BANDS] = { IMGJOB_E_INTERNAL, "made an image of 15 bands where 1..4 are due" },
    [POSITIVE] = { IMGJOB_E_INTERNAL, "failed on this image" },
    [REFUSES] = { IMGJOB_E_IMAGE, "no image of a cat" },
    [UNTIDY_WORDS] = { IMGJOB_E_LIMIT, "x xxxxxxxxxxxxxxxx" },
    [NO_WORDS] = { IMGJOB_E_INTERNAL, "failed on this image" },
    [MISSPELLS] = { IMGJOB_E_INTERNAL,
                    "the operation asks for 'misteak', and has no such parameter" },
    [MISTYPES] = { IMGJOB_E_INTERNAL,
                   "the operation takes its parameter 'mistake' for another type than a "
                   "CHOICE" },
    [MISSPELLS_IN_PLAN] = { IMGJOB_E_INTERNAL, "the operation asks for 'misteak', and "
                                               "has no such parameter" },
    [PLANS_NOTHING] = { IMGJOB_E_INTERNAL,
                        "plans an image of 40 x 0 px, and sides are 1..10000000" },
    [PLANS_WITHOUT_WORDS] = { IMGJOB_E_SPEC,
                              "cannot be done to an image of 40 x 300 px" },
};

static void its_mistakes_fail_the_step_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_ARRAY_LEN(faults); i++) {
        char json[128], text[300];
        struct imgjob_result *result = NULL;
        (void)snprintf(json, sizeof(json),
                       "{\"steps\":[{\"op\":\"test.mistake\",\"mistake\":\"%s\"}]}",
                       mistakes[i]);
        (void)snprintf(text, sizeof(text), "/steps/0: test.mistake: %s", faults[i].text);
        expect_code(faults[i].code, run_here(json, &result));
        expect_words(text);
        assert_null(strchr(test_err.text, '\n'));
    }
}

static void a_spec_is_checked_by_its_description(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        { "{\"steps\":[{\"op\":\"test.border\",\"width\":0}]}",
          "/steps/0/width: must be 1..100, not 0" },
        { "{\"steps\":[{\"op\":\"test.border\",\"size\":1}]}",
          "/steps/0/size: is unknown; the members here are op, width, color" },
        { "{\"steps\":[{\"op\":\"test.mistake\"}]}", "/steps/0/mistake: is missing" },
        { "{\"steps\":[{\"op\":\"test.mistake\",\"mistake\":\"none\"}]}",
          "/steps/0/mistake: must be one of no_image, wrong_size" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(refused); i++) {
        struct imgjob_spec *spec = NULL;
        expect_code(IMGJOB_E_SPEC,
                    imgjob_spec_parse_with(all, refused[i][0], strlen(refused[i][0]),
                                           &spec, &test_err));
        expect_words(refused[i][1]);
    }
    struct imgjob_spec *spec = NULL;
    expect_code(IMGJOB_E_SPEC,
                imgjob_spec_parse(BORDER, strlen(BORDER), &spec, &test_err));
    expect_words("/steps/0/op: there is no operation 'test.border'");
}

static void the_canonical_text_says_its_defaults_and_reads_back(void **state)
{
    (void)state;
    IJ_AUTO(free_spec)
    struct imgjob_spec *spec = parse("{\"steps\":[{\"op\":\"test.border\"}]}");
    const char *text = imgjob_spec_text(spec);
    assert_non_null(
        strstr(text, "{\"op\":\"test.border\",\"width\":2,\"color\":\"#ff0000ff\"}"));
    IJ_AUTO(free_spec) struct imgjob_spec *again = parse(text);
    assert_string_equal(imgjob_spec_text(again), text);
}

static void the_references_list_it(void **state)
{
    (void)state;
    char *text = NULL;
    expect_code(0, imgjob_spec_schema_with(all, &text, &test_err));
    assert_non_null(strstr(text, "\"title\":\"test.border\",\"description\":\"Put a "
                                 "border around the image.\",\"x-group\":\"own\""));
    assert_non_null(strstr(text, "\"width\":{\"type\":\"integer\",\"minimum\":1,"
                                 "\"maximum\":100,\"default\":2,\"description\":\"How "
                                 "wide it is.\",\"x-unit\":\"px\"}"));
    imgjob_text_free(text);
    expect_code(0, imgjob_spec_markdown_with(all, &text, &test_err));
    assert_non_null(strstr(text, "### Own\n"));
    assert_non_null(strstr(text, "| **`test.border`** | | | Put a border"));
    imgjob_text_free(text);
    expect_code(0, imgjob_spec_schema_with(NULL, &text, &test_err));
    assert_null(strstr(text, "test.border"));
    imgjob_text_free(text);
}

/* ---- values of every type ---- */

static const char *const sides[] = { "left", "right", NULL };
#define PARAM(label, kind) \
    .size = sizeof(struct imgjob_param), .name = label, .type = kind
static const struct imgjob_param every_param[] = {
    { PARAM("int", IMGJOB_PARAM_INT), .min = -9007199254740992.0, .max = 0 },
    { PARAM("real", IMGJOB_PARAM_REAL), .min = -1, .max = 1, .default_json = "1e-2" },
    { PARAM("bool", IMGJOB_PARAM_BOOL), .default_json = "true" },
    { PARAM("choice", IMGJOB_PARAM_CHOICE), .choices = sides },
    { PARAM("color", IMGJOB_PARAM_COLOR), .default_json = "\"teal\"" },
    { PARAM("text", IMGJOB_PARAM_TEXT), .min = 1, .default_json = "\"na\\u00efve\"" },
    { PARAM("numbers", IMGJOB_PARAM_NUMBERS), .max = 9, .count_min = 1, .count_max = 256,
      .default_json = "[1, 2.5]" },
    { PARAM("pairs", IMGJOB_PARAM_NUMBERS), .max = 9, .group = 2, .count_max = 128,
      .default_json = "[[1, 2], [3, 4]]" },
};

struct seen {
    int64_t integer, flag, choice;
    double real;
    uint32_t color;
    char text[16], chosen[16];
    double numbers[8];
    size_t number_count, pair_count;
    bool has_int, has_choice;
};

static int apply_every(void *data, const struct imgjob_step *step, VipsImage *image,
                       VipsImage **out, struct imgjob_error *err)
{
    (void)err;
    struct seen *seen = data;
    size_t pair_count, number_count;
    const double *numbers = imgjob_step_numbers(step, "numbers", &number_count);
    const double *pairs = imgjob_step_numbers(step, "pairs", &pair_count);
    *seen = (struct seen){
        .integer = imgjob_step_int(step, "int"),
        .flag = imgjob_step_int(step, "bool"),
        .choice = imgjob_step_int(step, "choice"),
        .real = imgjob_step_real(step, "real"),
        .color = imgjob_step_color(step, "color"),
        .number_count = number_count,
        .pair_count = pair_count,
        .has_int = imgjob_step_is_given(step, "int"),
        .has_choice = imgjob_step_is_given(step, "choice"),
    };
    (void)snprintf(seen->text, sizeof(seen->text), "%s", imgjob_step_text(step, "text"));
    (void)snprintf(seen->chosen, sizeof(seen->chosen), "%s",
                   imgjob_step_text(step, "choice"));
    memcpy(seen->numbers, numbers, number_count * sizeof(*numbers));
    memcpy(seen->numbers + number_count, pairs, pair_count * sizeof(*pairs));
    *out = g_object_ref(image);
    return 0;
}

static struct seen see(const char *step)
{
    struct seen seen = { 0 };
    const struct imgjob_operation every = {
        .size = sizeof(every),
        .name = "test.every",
        .params = every_param,
        .param_count = IJ_ARRAY_LEN(every_param),
        .apply = apply_every,
        .data = &seen,
    };
    char json[512];
    struct imgjob_registry *others = all;
    IJ_AUTO(free_result) struct imgjob_result *result = NULL;
    all = registry_of(&every);
    (void)snprintf(json, sizeof(json), "{\"steps\":[{\"op\":\"test.every\"%s}]}", step);
    expect_code(0, run_here(json, &result));
    imgjob_registry_free(all);
    all = others;
    return seen;
}

static void values_arrive_as_they_were_written(void **state)
{
    (void)state;
    struct seen seen = see(",\"int\":-9007199254740992,\"real\":1,\"bool\":false,"
                           "\"choice\":\"right\",\"color\":\"#1234\",\"text\":\"a\","
                           "\"numbers\":[7],\"pairs\":[[8,9]]");
    assert_true(seen.has_int && seen.has_choice);
    assert_true(seen.integer == -9007199254740992);
    assert_true(seen.real == 1);
    assert_int_equal(seen.flag, 0);
    assert_int_equal(seen.choice, 1);
    assert_string_equal(seen.chosen, "right");
    assert_int_equal(seen.color, 0x11223344);
    assert_string_equal(seen.text, "a");
    assert_int_equal(seen.number_count, 1);
    assert_int_equal(seen.pair_count, 2);
    static const double numbers[] = { 7, 8, 9 };
    assert_memory_equal(seen.numbers, numbers, sizeof(numbers));
}

static void values_that_are_not_written_are_defaults_or_not_given(void **state)
{
    (void)state;
    struct seen seen = see("");
    assert_false(seen.has_int || seen.has_choice);
    assert_int_equal(seen.integer, 0);
    assert_string_equal(seen.chosen, "");
    assert_true(seen.real == .01);
    assert_int_equal(seen.flag, 1);
    assert_int_equal(seen.color, 0x008080ff);
    assert_string_equal(seen.text, "na\xc3\xafve");
    static const double numbers[] = { 1, 2.5, 1, 2, 3, 4 };
    assert_int_equal(seen.number_count, 2);
    assert_int_equal(seen.pair_count, 4);
    assert_memory_equal(seen.numbers, numbers, sizeof(numbers));
}

/* ---- descriptions ---- */

static const char *const none[] = { NULL };
static const char *const twice[] = { "a", "b", "a", NULL };
static const char *const spaced[] = { "a b", NULL };
static const struct {
    struct imgjob_param param;
    const char *text;
} wrong_params[] = {
    { { PARAM(NULL, IMGJOB_PARAM_BOOL) },
      "test.x: params[0].name: must be 1..32 of a-z" },
    { { PARAM("op", IMGJOB_PARAM_BOOL) }, "and not 'op'; it is 'op'" },
    { { PARAM("a.b", IMGJOB_PARAM_BOOL) }, "it is 'a.b'" },
    { { PARAM("A", IMGJOB_PARAM_BOOL) }, "it is 'A'" },
    { { PARAM("", IMGJOB_PARAM_BOOL) }, "it is ''" },
    { { PARAM("a23456789012345678901234567890123", IMGJOB_PARAM_BOOL) }, "it is 'a2345" },
    { { PARAM("p", 0) }, "test.x/p: type: must be one of enum imgjob_param_type, not 0" },
    { { PARAM("p", 8) }, "test.x/p: type: must be one of" },
    { { PARAM("p", IMGJOB_PARAM_INT) }, "test.x/p: min, max: must be whole numbers" },
    { { PARAM("p", IMGJOB_PARAM_INT), .max = .5 }, "test.x/p: min, max: must be whole" },
    { { PARAM("p", IMGJOB_PARAM_INT), .max = 1e300 },
      "test.x/p: min, max: must be whole" },
    { { PARAM("p", IMGJOB_PARAM_REAL), .min = 1 }, "test.x/p: min, max: must be finite" },
    { { PARAM("p", IMGJOB_PARAM_REAL), .max = NAN }, "min, max: must be finite" },
    { { PARAM("p", IMGJOB_PARAM_REAL), .max = INFINITY }, "min, max: must be finite" },
    { { PARAM("p", IMGJOB_PARAM_TEXT), .max = 4097 },
      "must be numbers of bytes, 0..4096" },
    { { PARAM("p", IMGJOB_PARAM_TEXT), .min = 3, .max = 2 }, "min not the greater" },
    { { PARAM("p", IMGJOB_PARAM_CHOICE) }, "test.x/p: choices: must be 1..32" },
    { { PARAM("p", IMGJOB_PARAM_CHOICE), .choices = none }, "choices: must be 1..32" },
    { { PARAM("p", IMGJOB_PARAM_CHOICE), .choices = twice }, "'a' stands twice" },
    { { PARAM("p", IMGJOB_PARAM_CHOICE), .choices = spaced }, "not 'a b'" },
    { { PARAM("p", IMGJOB_PARAM_NUMBERS), .max = 1 },
      "test.x/p: count_min, count_max: must be within 0..256, max at least 1" },
    { { PARAM("p", IMGJOB_PARAM_NUMBERS), .max = 1, .count_max = 129, .group = 2 },
      "must be within 0..128" },
    { { PARAM("p", IMGJOB_PARAM_NUMBERS), .max = 1, .count_max = 1, .group = 17 },
      "test.x/p: group: must be 0..16, not 17" },
    { { PARAM("p", IMGJOB_PARAM_BOOL), .is_required = true, .default_json = "true" },
      "test.x/p: default_json: a parameter that is required has none" },
    { { PARAM("p", IMGJOB_PARAM_BOOL), .default_json = "1" },
      "test.x/p: default_json: must be true or false, not" },
    { { PARAM("p", IMGJOB_PARAM_INT), .max = 9, .default_json = "10" },
      "test.x/p: default_json: must be 0..9, not 10" },
    { { PARAM("p", IMGJOB_PARAM_COLOR), .default_json = "#fff" },
      "test.x/p: default_json: " },
    { { PARAM("p", IMGJOB_PARAM_TEXT), .default_json = "null" },
      "test.x/p: default_json: must be a string, not null" },
    { { PARAM("p", IMGJOB_PARAM_BOOL), .doc = "two\nlines" },
      "test.x/p: must be one line of UTF-8 of at most 512 bytes" },
    { { PARAM("p", IMGJOB_PARAM_BOOL), .unit = "a unit that is too long" },
      "test.x/p: must be one line of UTF-8 of at most 16 bytes" },
};

static struct imgjob_operation described(const struct imgjob_param *params, size_t count)
{
    return (struct imgjob_operation){ .size = sizeof(struct imgjob_operation),
                                      .name = "test.x",
                                      .params = params,
                                      .param_count = count,
                                      .apply = apply_turn };
}

static void expect_refused(const struct imgjob_operation *operation, const char *text)
{
    struct imgjob_registry *registry = NULL;
    expect_code(0, imgjob_registry_new(&registry, &test_err));
    expect_code(IMGJOB_E_INVALID, imgjob_registry_add(registry, operation, &test_err));
    expect_words(text);
    add_to(registry, &border); /* nothing was left behind */
    imgjob_registry_free(registry);
}

static void a_parameter_that_cannot_be_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_ARRAY_LEN(wrong_params); i++) {
        const struct imgjob_operation one = described(&wrong_params[i].param, 1);
        expect_refused(&one, wrong_params[i].text);
    }
    const struct imgjob_param same[] = { border_params[0], border_params[0] };
    const struct imgjob_operation two = described(same, 2);
    expect_refused(&two, "test.x/width: there are two of that name");
}

static void an_operation_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        NULL,    "",
        "blur",  ".a",
        "a.",    "a..b",
        "a.B",   "a.1",
        "a b.c", "a.234567890123456789012345678901234567890123456789"
    };
    struct imgjob_operation one = described(NULL, 0);
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++) {
        one.name = names[i];
        expect_refused(&one, "joined by at least one dot, such as acme.vignette");
    }
    one = described(NULL, 0);
    one.apply = NULL;
    expect_refused(&one, "apply: must not be NULL");
    one = described(NULL, 1);
    expect_refused(&one,
                   "test.x: param_count: must be 0..24, the length of params, not 1");
    one = described(border_params, 25);
    expect_refused(&one, "not 25");
    one = described(NULL, 0);
    one.doc = "\xff";
    expect_refused(&one, "test.x: must be one line of UTF-8");
}

static void a_name_is_taken_once_and_room_is_limited(void **state)
{
    (void)state;
    struct imgjob_registry *registry = registry_of(&border);
    expect_code(IMGJOB_E_INVALID, imgjob_registry_add(registry, &border, &test_err));
    expect_words("test.border: is there already");
    struct imgjob_operation more = described(NULL, 0);
    for (int i = 1; i < 32; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "test.x%d", i);
        more.name = name;
        add_to(registry, &more);
    }
    more.name = "test.last";
    expect_code(IMGJOB_E_INVALID, imgjob_registry_add(registry, &more, &test_err));
    expect_words("a registry has at most 32 operations");
    imgjob_registry_free(registry);
}

static void a_registry_that_is_used_does_not_change(void **state)
{
    (void)state;
    struct imgjob_spec *spec = NULL;
    struct imgjob_registry *registry = registry_of(&border);
    expect_code(
        0, imgjob_spec_parse_with(registry, BORDER, strlen(BORDER), &spec, &test_err));
    expect_code(IMGJOB_E_INVALID, imgjob_registry_add(registry, &turn, &test_err));
    expect_words("the registry is used already");
    imgjob_spec_free(spec);
    imgjob_registry_free(registry);
}

static void programs_of_other_versions_are_told_apart(void **state)
{
    (void)state;
    struct newer {
        struct imgjob_param param;
        size_t further;
    } params[2] = { { border_params[0], 0 }, { border_params[1], 0 } };
    params[0].param.size = params[1].param.size = sizeof(struct newer);
    struct imgjob_operation one = described(&params[0].param, 2);
    imgjob_registry_free(registry_of(&one));

    struct imgjob_registry *registry = registry_of(&border);
    params[1].further = 1;
    expect_code(IMGJOB_E_ABI, imgjob_registry_add(registry, &one, &test_err));
    expect_words("imgjob_param: the program sets an option");
    one.size = 8;
    expect_code(IMGJOB_E_ABI, imgjob_registry_add(registry, &one, &test_err));
    expect_words("imgjob_operation: its size member is 8");
    imgjob_registry_free(registry);
    imgjob_registry_free(NULL);
}

/* ---- jobs ---- */

static int open_pool(struct place *place, const struct imgjob_registry *registry,
                     const char *worker, struct imgjob_pool **out)
{
    const struct imgjob_pool_options options = {
        .size = sizeof(options),
        .workers = 1,
        .isolation = worker ? IMGJOB_ISOLATION_PROCESS : IMGJOB_ISOLATION_INLINE,
        .worker_path = worker,
        .registry = registry,
    };
    return imgjob_pool_open(place->store, &options, out, &test_err);
}

/* With ThreadSanitizer it takes too long to start: the same program built without. */
static const char *this_program(void)
{
    const char *path = getenv("IJ_OWN_WORKER");
    return path ? path : "/proc/self/exe";
}

/* That knows nothing of this program's operations. */
static const char *library_worker(void)
{
    const char *path = getenv("IJ_WORKER");
    assert_non_null(path);
    return path;
}

/* Submit the gradient, and wait for its end. */
static struct imgjob_job *job_of(struct place *place, const char *json)
{
    size_t len;
    char id[IMGJOB_ID_SIZE];
    struct imgjob_job *job = NULL;
    struct imgjob_draft *draft = NULL;
    IJ_AUTO(free_bytes) void *bytes = gradient(&len);
    IJ_AUTO(free_spec) struct imgjob_spec *spec = parse(json);
    expect_code(0, imgjob_draft_open(place->store, &draft, &test_err));
    expect_code(0, imgjob_draft_write(draft, bytes, len, &test_err));
    memcpy(id, imgjob_draft_id(draft), IMGJOB_ID_SIZE);
    expect_code(0, imgjob_store_submit(place->store, draft, spec, NULL, NULL, &test_err));
    expect_code(0, imgjob_store_wait(place->store, id, 60000, &job, &test_err));
    return job;
}

static void expect_bordered(struct place *place)
{
    char bytes[65536];
    size_t len = 0;
    struct imgjob_download *download = NULL;
    struct imgjob_job *job = job_of(place, BORDER);
    assert_string_equal(imgjob_job_error(job), "");
    assert_string_equal(imgjob_job_status_name(job), "completed");
    expect_code(0, imgjob_store_open_output(place->store, imgjob_job_id(job), NULL,
                                            &download, &test_err));
    expect_code(0,
                imgjob_download_read(download, 0, bytes, sizeof(bytes), &len, &test_err));
    assert_true(len < sizeof(bytes));
    expect_border(bytes, len);
    imgjob_download_close(download);
    imgjob_job_free(job);
}

static void expect_failed(struct place *place, const char *json, const char *reason,
                          const char *text)
{
    struct imgjob_job *job = job_of(place, json);
    assert_string_equal(imgjob_job_status_name(job), "failed");
    assert_string_equal(imgjob_job_reason(job), reason);
    assert_non_null(strstr(imgjob_job_error(job), text));
    assert_non_null(strstr(imgjob_job_json(job), "\"attempt\":1"));
    imgjob_job_free(job);
}

#define MISTAKE(name) "{\"steps\":[{\"op\":\"test.mistake\",\"mistake\":\"" name "\"}]}"

static void expect_jobs_run(struct place *place, struct imgjob_pool *pool)
{
    expect_bordered(place);
    expect_failed(place, MISTAKE("wrong_size"), "step",
                  "/steps/0: test.mistake: made an image of 3 x 5 px where");
    expect_failed(place, MISTAKE("refuses"), "step",
                  "/steps/0: test.mistake: no image of a cat");
    expect_bordered(place);
    imgjob_pool_close(pool);
}

static void jobs_run_isolated_in_workers_of_the_same_program(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool = NULL;
    expect_code(0, open_pool(place, all, this_program(), &pool));
    expect_jobs_run(place, pool);
}

static void jobs_run_inline(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool = NULL;
    expect_code(0, open_pool(place, all, NULL, &pool));
    expect_jobs_run(place, pool);
}

static void a_pool_that_does_not_know_the_operation_fails_its_job(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool = NULL;
    expect_code(0, open_pool(place, NULL, library_worker(), &pool));
    expect_failed(place, BORDER, "spec",
                  "/steps/0/op: there is no operation 'test.border'");
    imgjob_pool_close(pool);
}

static void a_worker_that_knows_other_operations_is_refused(void **state)
{
    struct place *place = *state;
    struct imgjob_pool *pool = NULL;
    expect_code(IMGJOB_E_CRASHED, open_pool(place, all, library_worker(), &pool));
    expect_words("did not start: it knows ");
    expect_words("worker_path must name a program that calls imgjob_worker_main()");
    expect_code(IMGJOB_E_CRASHED, open_pool(place, NULL, this_program(), &pool));
    expect_words("did not start: it knows ");

    struct imgjob_param params[] = { border_params[0], border_params[1] };
    params[0].max = 101;
    struct imgjob_operation other = border;
    other.params = params;
    struct imgjob_registry *registry = registry_of(&other);
    add_to(registry, &turn);
    add_to(registry, &mistake);
    expect_code(IMGJOB_E_CRASHED, open_pool(place, registry, this_program(), &pool));
    expect_words("describes its operations otherwise than the pool's registry");
    imgjob_registry_free(registry);
}

static void a_program_that_is_no_worker_goes_on(void **state)
{
    (void)state;
    char name[] = "program", other[] = "--port", number[] = "3";
    char *arguments[] = { name, other, number, number, number, NULL };
    assert_int_equal(imgjob_worker_main(5, arguments, all), 0);
    assert_int_equal(imgjob_worker_main(1, arguments, NULL), 0);
    assert_int_equal(imgjob_worker_main(0, arguments + 5, NULL), 0);
}

int main(int argc, char **argv)
{
    struct imgjob_error err = { 0 };
    if (imgjob_registry_new(&all, &err) < 0 ||
        imgjob_registry_add(all, &border, &err) < 0 ||
        imgjob_registry_add(all, &turn, &err) < 0 ||
        imgjob_registry_add(all, &mistake, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    (void)imgjob_worker_main(argc, argv, all);
    if (VIPS_INIT(argv[0]) != 0)
        return 1;
#define WITH_PLACE(name) \
    cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operation_of_a_program_runs_in_its_process),
        cmocka_unit_test(defaults_stand_where_a_spec_says_nothing),
        cmocka_unit_test(it_stands_between_steps_of_the_library_and_in_outputs),
        cmocka_unit_test(one_that_needs_pixels_reads_them_in_any_order),
        cmocka_unit_test(it_is_done_to_each_page),
        cmocka_unit_test(a_plan_may_refuse_before_pixels_move),
        cmocka_unit_test(what_it_plans_is_held_against_the_limits),
        cmocka_unit_test(its_mistakes_fail_the_step_in_words),
        cmocka_unit_test(a_spec_is_checked_by_its_description),
        cmocka_unit_test(the_canonical_text_says_its_defaults_and_reads_back),
        cmocka_unit_test(the_references_list_it),
        cmocka_unit_test(values_arrive_as_they_were_written),
        cmocka_unit_test(values_that_are_not_written_are_defaults_or_not_given),
        cmocka_unit_test(a_parameter_that_cannot_be_is_refused),
        cmocka_unit_test(an_operation_that_cannot_be_is_refused),
        cmocka_unit_test(a_name_is_taken_once_and_room_is_limited),
        cmocka_unit_test(a_registry_that_is_used_does_not_change),
        cmocka_unit_test(programs_of_other_versions_are_told_apart),
        WITH_PLACE(jobs_run_isolated_in_workers_of_the_same_program),
        WITH_PLACE(jobs_run_inline),
        WITH_PLACE(a_pool_that_does_not_know_the_operation_fails_its_job),
        WITH_PLACE(a_worker_that_knows_other_operations_is_refused),
        cmocka_unit_test(a_program_that_is_no_worker_goes_on),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    imgjob_registry_free(all);
    return failed;
}
