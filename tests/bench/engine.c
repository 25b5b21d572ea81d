/*
 * The engine in this process, against the same work by hand. Both do the work in turn, so
 * that what the machine does besides falls on both; the ratio of each pair counts.
 *
 *     bench-engine list                            the cases and their operations
 *     bench-engine operations                      JSON Schema of what the engine can
 *     bench-engine compare DIRECTORY CASE PAIRS    one line of JSON
 *     bench-engine renditions DIRECTORY FORMAT PAIRS
 *     bench-engine loop DIRECTORY CASE ours|hand SECONDS    for a profiler; also of
 *                                                           renditions/FORMAT: hand = six
 * jobs
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <imgjob/imgjob.h>

#include "by_hand.h"
#include "likeness.h"

enum { PAIRS_MAX = 1000, RENDITIONS = 6, INPUT_MAX = 64 << 20, TIMEOUT_MS = 600000 };

static void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* User and system time of all threads. */
static double cpu_ms(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        die("getrusage", "no CPU time");
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static int is_less(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Sorts the values. */
static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), is_less);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static struct hand_bytes read_file(const char *dir, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "rbe");
    if (!file)
        die(path, "cannot be opened");
    struct hand_bytes bytes = { malloc(INPUT_MAX), 0 };
    if (!bytes.data)
        die(path, "out of memory");
    bytes.len = fread(bytes.data, 1, INPUT_MAX, file);
    if (!feof(file) || ferror(file) || bytes.len == 0)
        die(path, "cannot be read, is empty, or has 64 MiB or more");
    (void)fclose(file); /* only read from */
    return bytes;
}

static int pairs_of(const char *text)
{
    char *end;
    long pairs = strtol(text, &end, 10);
    if (*end || pairs < 1 || pairs > PAIRS_MAX)
        die(text, "must be 1..1000");
    return (int)pairs;
}

/* ---- one way of doing it ---- */

/* Work for the engine. */
struct order {
    struct imgjob_spec *spec;
    struct hand_bytes inputs[HAND_INPUTS_MAX]; /* borrowed */
    size_t input_count;
};

static struct order order_of(const char *spec, const struct hand_bytes *inputs,
                             size_t count)
{
    struct imgjob_error err;
    struct order order = { .input_count = count };
    memcpy(order.inputs, inputs, count * sizeof(*inputs));
    if (imgjob_spec_parse(spec, strlen(spec), &order.spec, &err) < 0)
        die(spec, err.text);
    return order;
}

static struct imgjob_result *run_ours(const struct order *order)
{
    struct imgjob_limits limits = { .size = sizeof(limits),
                                    .max_upload_size = INPUT_MAX };
    struct imgjob_image_bytes further[HAND_INPUTS_MAX];
    struct imgjob_run_options options = { .size = sizeof(options),
                                          .limits = &limits,
                                          .timeout_ms = TIMEOUT_MS,
                                          .inputs = further,
                                          .input_count = order->input_count - 1 };
    struct imgjob_result *result = NULL;
    struct imgjob_error err;
    for (size_t i = 1; i < order->input_count; i++)
        further[i - 1] =
            (struct imgjob_image_bytes){ order->inputs[i].data, order->inputs[i].len };
    if (imgjob_run(order->inputs[0].data, order->inputs[0].len, order->spec, &options,
                   &result, &err) < 0)
        die(imgjob_spec_text(order->spec), err.text);
    return result;
}

static struct hand_bytes run_hand(const struct hand_case *which,
                                  const struct hand_bytes *inputs)
{
    struct hand_bytes made = { NULL, 0 };
    if (hand_run(which, inputs, &made) < 0)
        die(which->name, vips_error_buffer());
    return made;
}

static double time_ours(const struct order *order)
{
    double begun = cpu_ms();
    imgjob_result_free(run_ours(order));
    return cpu_ms() - begun;
}

static double time_hand(const struct hand_case *which, const struct hand_bytes *inputs)
{
    double begun = cpu_ms();
    struct hand_bytes made = run_hand(which, inputs);
    g_free(made.data);
    return cpu_ms() - begun;
}

/* ---- a case ---- */

static const struct hand_case *case_of(const char *name)
{
    for (size_t i = 0; i < hand_case_count; i++)
        if (strcmp(hand_cases[i].name, name) == 0)
            return &hand_cases[i];
    die(name, "no such case; see list");
    return NULL;
}

static struct order open_case(const char *dir, const struct hand_case *which)
{
    struct hand_bytes inputs[HAND_INPUTS_MAX];
    size_t count = 0;
    for (; count < HAND_INPUTS_MAX && which->images[count]; count++)
        inputs[count] = read_file(dir, which->images[count]);
    return order_of(which->spec, inputs, count);
}

/* Also the warm-up of both. */
static void compare_outputs(const struct hand_case *which, const struct order *order)
{
    struct imgjob_result *ours = run_ours(order);
    struct hand_bytes hand = run_hand(which, order->inputs);
    const struct imgjob_output *output = imgjob_result_output(ours, 0);
    struct likeness like;
    if (likeness_measure(output->data, output->len, hand.data, hand.len, &like) < 0)
        die(which->name, vips_error_buffer());
    printf("{\"case\": \"%s\", \"width\": %d, \"height\": %d, \"is_same_size\": %s, "
           "\"psnr\": %.2f, \"ssim\": %.5f, \"levels_apart\": %d, \"ours_bytes\": %zu, "
           "\"hand_bytes\": %zu, \"is_apart\": %s",
           which->name, like.width, like.height, like.is_same_size ? "true" : "false",
           like.psnr, like.ssim, like.levels_apart, output->len, hand.len,
           which->is_apart ? "true" : "false");
    g_free(hand.data);
    imgjob_result_free(ours);
}

static void print_medians(double *ours, double *theirs, double *ratios, int pairs)
{
    double low, high, ratio = median(ratios, pairs);
    low = ratios[pairs / 4];
    high = ratios[pairs - 1 - pairs / 4];
    printf("\"pairs\": %d, \"ours_ms\": %.3f, \"other_ms\": %.3f, \"ratio\": %.4f, "
           "\"ratio_quartiles\": [%.4f, %.4f]}\n",
           pairs, median(ours, pairs), median(theirs, pairs), ratio, low, high);
}

static void compare(const char *dir, const char *name, int pairs)
{
    static double ours[PAIRS_MAX], hand[PAIRS_MAX], ratios[PAIRS_MAX];
    const struct hand_case *which = case_of(name);
    struct order order = open_case(dir, which);
    compare_outputs(which, &order);
    for (int i = 0; i < pairs; i++) {
        /* neither always comes first */
        if (i % 2)
            hand[i] = time_hand(which, order.inputs);
        ours[i] = time_ours(&order);
        if (i % 2 == 0)
            hand[i] = time_hand(which, order.inputs);
        ratios[i] = ours[i] / hand[i];
    }
    printf(", ");
    print_medians(ours, hand, ratios, pairs);
}

/* ---- renditions ---- */

static const int rendition_widths[RENDITIONS] = { 2000, 1600, 1200, 800, 400, 200 };

/* The same renditions as one job and as a job for each. */
struct renditions {
    struct order all, singles[RENDITIONS];
};

static struct order order_single(const struct hand_bytes *photo, const char *format,
                                 int width)
{
    char spec[256];
    snprintf(spec, sizeof(spec),
             "{\"steps\": [{\"op\": \"resize\", \"width\": %d}], "
             "\"outputs\": [{\"format\": \"%s\"}]}",
             width, format);
    return order_of(spec, photo, 1);
}

static struct order order_all(const struct hand_bytes *photo, const char *format)
{
    char spec[2048] = "{\"outputs\": [", one[256];
    for (int i = 0; i < RENDITIONS; i++) {
        snprintf(one, sizeof(one),
                 "%s{\"name\": \"w%d\", \"format\": \"%s\", "
                 "\"steps\": [{\"op\": \"resize\", \"width\": %d}]}",
                 i ? ", " : "", rendition_widths[i], format, rendition_widths[i]);
        strncat(spec, one, sizeof(spec) - strlen(spec) - 1);
    }
    strncat(spec, "]}", sizeof(spec) - strlen(spec) - 1);
    return order_of(spec, photo, 1);
}

static struct renditions order_renditions(const struct hand_bytes *photo,
                                          const char *format)
{
    struct renditions made = { .all = order_all(photo, format) };
    for (int i = 0; i < RENDITIONS; i++)
        made.singles[i] = order_single(photo, format, rendition_widths[i]);
    return made;
}

static void compare_renditions(const struct renditions *orders, const char *name)
{
    struct imgjob_result *at_once = run_ours(&orders->all);
    printf("\"%s\": [", name);
    for (size_t i = 0; i < RENDITIONS; i++) {
        struct imgjob_result *single = run_ours(&orders->singles[i]);
        const struct imgjob_output *a = imgjob_result_output(at_once, i);
        const struct imgjob_output *b = imgjob_result_output(single, 0);
        struct likeness like;
        if (likeness_measure(a->data, a->len, b->data, b->len, &like) < 0)
            die(name, vips_error_buffer());
        printf("%s{\"width\": %d, \"height\": %d, \"is_same_size\": %s, \"psnr\": %.2f, "
               "\"ssim\": %.5f, \"bytes\": %zu, \"single_bytes\": %zu}",
               i ? ", " : "", like.width, like.height,
               like.is_same_size ? "true" : "false", like.psnr, like.ssim, a->len,
               b->len);
        imgjob_result_free(single);
    }
    printf("], ");
    imgjob_result_free(at_once);
}

static double time_singles(const struct renditions *orders)
{
    double sum = 0;
    for (int i = 0; i < RENDITIONS; i++)
        sum += time_ours(&orders->singles[i]);
    return sum;
}

static void renditions(const char *dir, const char *format, int pairs)
{
    static double once[PAIRS_MAX], each[PAIRS_MAX], ratios[PAIRS_MAX];
    struct hand_bytes photo = read_file(dir, "photo.jpg");
    struct renditions orders = order_renditions(&photo, format);
    struct renditions lossless = order_renditions(&photo, "png");
    printf("{\"format\": \"%s\", ", format);
    compare_renditions(&orders, "encoded");
    compare_renditions(&lossless, "pixels"); /* what the encoders are given */
    for (int i = 0; i < pairs; i++) {
        if (i % 2)
            each[i] = time_singles(&orders);
        once[i] = time_ours(&orders.all);
        if (i % 2 == 0)
            each[i] = time_singles(&orders);
        ratios[i] = once[i] / each[i];
    }
    print_medians(once, each, ratios, pairs);
}

/* ---- for a profiler ---- */

static void loop_case(const char *dir, const char *name, int is_ours, double until)
{
    const struct hand_case *which = case_of(name);
    struct order order = open_case(dir, which);
    while (cpu_ms() < until)
        if (is_ours)
            (void)time_ours(&order); /* the profiler looks at it */
        else
            (void)time_hand(which, order.inputs); /* the same */
}

static void loop_renditions(const char *dir, const char *format, int is_one, double until)
{
    struct hand_bytes photo = read_file(dir, "photo.jpg");
    struct renditions orders = order_renditions(&photo, format);
    while (cpu_ms() < until)
        if (is_one)
            (void)time_ours(&orders.all); /* the profiler looks at it */
        else
            (void)time_singles(&orders); /* the same */
}

static void loop(const char *dir, const char *name, const char *side, int seconds)
{
    static const char renditions[] = "renditions/";
    double until = cpu_ms() + seconds * 1e3;
    int is_ours = strcmp(side, "ours") == 0;
    if (strncmp(name, renditions, sizeof(renditions) - 1) == 0)
        loop_renditions(dir, name + sizeof(renditions) - 1, is_ours, until);
    else
        loop_case(dir, name, is_ours, until);
}

/* ---- the program ---- */

static void list_cases(void)
{
    for (size_t i = 0; i < hand_case_count; i++)
        printf("%s\n", hand_cases[i].name);
}

static void print_schema(void)
{
    char *text;
    struct imgjob_error err;
    if (imgjob_spec_schema(&text, &err) < 0)
        die("schema", err.text);
    puts(text);
    imgjob_text_free(text);
}

/* The engine starts libvips as it wants it; by hand it is used as it is then. */
static void start(const char *dir)
{
    struct imgjob_image_info info = { .size = sizeof(info) };
    struct imgjob_error err;
    struct hand_bytes photo = read_file(dir, "photo.jpg");
    if (imgjob_info(photo.data, photo.len, NULL, &info, &err) < 0)
        die("photo.jpg", err.text);
    free(photo.data);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (argc > 2)
        start(argv[2]);
    if (strcmp(mode, "list") == 0 && argc == 2)
        list_cases();
    else if (strcmp(mode, "operations") == 0 && argc == 2)
        print_schema();
    else if (strcmp(mode, "compare") == 0 && argc == 5)
        compare(argv[2], argv[3], pairs_of(argv[4]));
    else if (strcmp(mode, "renditions") == 0 && argc == 5)
        renditions(argv[2], argv[3], pairs_of(argv[4]));
    else if (strcmp(mode, "loop") == 0 && argc == 6)
        loop(argv[2], argv[3], argv[4], pairs_of(argv[5]));
    else
        die(argv[0], "list, operations, compare, renditions or loop; see engine.c");
    return 0;
}
