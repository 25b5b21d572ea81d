/*
 * The engine in this process, against the same work by hand. Both do the work in turn, so
 * that what the machine does besides falls on both; the ratio of each pair counts.
 *
 *     bench-engine list                               the cases
 *     bench-engine operations                         JSON Schema of what the engine can
 *     bench-engine compare DIRECTORY CASE PAIRS       one line of JSON
 *     bench-engine renditions DIRECTORY FORMAT PAIRS  the same
 *     bench-engine loop DIRECTORY CASE ours|hand SECONDS
 *
 * The last is for a profiler, and has a further case, renditions/FORMAT: one job is ours,
 * six jobs are by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>

#include "by_hand.h"
#include "likeness.h"
#include "program.h"

enum { PAIRS_MAX = 1000, SECONDS_MAX = 1000, RENDITIONS = 6, TIMEOUT_MS = 600000 };

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

static struct bench_bytes read_image(const char *dir, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return bench_read_file(path);
}

/* ---- one way of doing it ---- */

/* Work for the engine. */
struct order {
    struct imgjob_spec *spec;
    struct bench_bytes inputs[HAND_INPUTS_MAX]; /* borrowed */
    size_t input_count;
};

static struct order order_of(const char *spec, const struct bench_bytes *inputs,
                             size_t count)
{
    struct imgjob_error err;
    struct order order = { .input_count = count };
    memcpy(order.inputs, inputs, count * sizeof(*inputs));
    if (imgjob_spec_parse(spec, strlen(spec), &order.spec, &err) < 0)
        bench_die(spec, err.text);
    return order;
}

static struct imgjob_result *run_ours(const struct order *order)
{
    struct imgjob_limits limits = { .size = sizeof(limits),
                                    .max_upload_size = BENCH_FILE_MAX };
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
        bench_die(imgjob_spec_text(order->spec), err.text);
    return result;
}

static struct bench_bytes run_hand(const struct hand_case *which,
                                   const struct bench_bytes *inputs)
{
    struct bench_bytes made = { NULL, 0 };
    if (hand_run(which, inputs, &made) < 0)
        bench_die(which->name, vips_error_buffer());
    return made;
}

static double time_ours(const struct order *order)
{
    double begun = bench_cpu_ms();
    imgjob_result_free(run_ours(order));
    return bench_cpu_ms() - begun;
}

static double time_hand(const struct hand_case *which, const struct bench_bytes *inputs)
{
    double begun = bench_cpu_ms();
    struct bench_bytes made = run_hand(which, inputs);
    g_free(made.data);
    return bench_cpu_ms() - begun;
}

/* ---- two ways in turn ---- */

/* Two ways to one end. Each does it once, and returns the CPU time it took, ms. */
struct ways {
    double (*ours)(const void *work), (*other)(const void *work);
    const void *work;
};

struct times {
    int pairs;
    double ours_ms, other_ms, ratio; /* medians */
    double low, high;                /* quartiles of the ratio */
};

static struct times time_in_turn(const struct ways *ways, int pairs)
{
    static double ours[PAIRS_MAX], other[PAIRS_MAX], ratios[PAIRS_MAX];
    for (int i = 0; i < pairs; i++) {
        /* neither always comes first */
        if (i % 2)
            other[i] = ways->other(ways->work);
        ours[i] = ways->ours(ways->work);
        if (i % 2 == 0)
            other[i] = ways->other(ways->work);
        ratios[i] = ours[i] / other[i];
    }
    struct times times = { pairs, median(ours, pairs), median(other, pairs),
                           median(ratios, pairs) };
    times.low = ratios[pairs / 4]; /* they are sorted now */
    times.high = ratios[pairs - 1 - pairs / 4];
    return times;
}

/* Members of an object. */
static void print_times(const struct times *times)
{
    printf("\"pairs\": %d, \"ours_ms\": %.3f, \"other_ms\": %.3f, \"ratio\": %.4f, "
           "\"ratio_quartiles\": [%.4f, %.4f]",
           times->pairs, times->ours_ms, times->other_ms, times->ratio, times->low,
           times->high);
}

/* For a profiler, which looks at it. */
static void loop(const struct ways *ways, int is_ours, int seconds)
{
    double until = bench_cpu_ms() + seconds * 1e3;
    while (bench_cpu_ms() < until)
        (void)(is_ours ? ways->ours : ways->other)(ways->work);
}

/* ---- a case ---- */

static const struct hand_case *case_of(const char *name)
{
    const struct hand_case *which;
    for (size_t i = 0; (which = hand_case_at(i)); i++)
        if (strcmp(which->name, name) == 0)
            return which;
    bench_die(name, "no such case; see list");
}

/* A case, and the same as an order. */
struct duel {
    const struct hand_case *which;
    struct order order;
};

static struct duel open_case(const char *dir, const char *name)
{
    const struct hand_case *which = case_of(name);
    struct bench_bytes inputs[HAND_INPUTS_MAX];
    size_t count = 0;
    for (; count < HAND_INPUTS_MAX && which->images[count]; count++)
        inputs[count] = read_image(dir, which->images[count]);
    return (struct duel){ which, order_of(which->spec, inputs, count) };
}

static double case_ours(const void *work)
{
    return time_ours(&((const struct duel *)work)->order);
}

static double case_hand(const void *work)
{
    const struct duel *duel = work;
    return time_hand(duel->which, duel->order.inputs);
}

static struct ways ways_of_case(const struct duel *duel)
{
    return (struct ways){ case_ours, case_hand, duel };
}

/* Members of an object. Also the warm-up of both. */
static void print_outputs(const struct duel *duel)
{
    struct imgjob_result *ours = run_ours(&duel->order);
    struct bench_bytes hand = run_hand(duel->which, duel->order.inputs);
    const struct imgjob_output *output = imgjob_result_output(ours, 0);
    struct likeness like;
    if (likeness_measure(output->data, output->len, hand.data, hand.len, &like) < 0)
        bench_die(duel->which->name, vips_error_buffer());
    printf("\"width\": %d, \"height\": %d, \"is_same_size\": %s, \"psnr\": %.2f, "
           "\"ssim\": %.5f, \"levels_apart\": %d, \"ours_bytes\": %zu, "
           "\"hand_bytes\": %zu",
           like.width, like.height, like.is_same_size ? "true" : "false", like.psnr,
           like.ssim, like.levels_apart, output->len, hand.len);
    g_free(hand.data);
    imgjob_result_free(ours);
}

static void compare(const char *dir, const char *name, int pairs)
{
    struct duel duel = open_case(dir, name);
    struct ways ways = ways_of_case(&duel);
    printf("{\"case\": \"%s\", \"is_apart\": %s, ", name,
           duel.which->is_apart ? "true" : "false");
    print_outputs(&duel);
    printf(", ");
    struct times times = time_in_turn(&ways, pairs);
    print_times(&times);
    printf("}\n");
}

/* ---- renditions ---- */

static const char renditions_photo[] = "renditions.jpg";
static const int rendition_widths[RENDITIONS] = { 2000, 1600, 1200, 800, 400, 200 };

/* The same renditions as one job and as a job for each. */
struct renditions {
    struct order all, singles[RENDITIONS];
};

static struct order order_single(const struct bench_bytes *photo, const char *format,
                                 int width)
{
    char spec[256];
    snprintf(spec, sizeof(spec),
             "{\"steps\": [{\"op\": \"resize\", \"width\": %d}], "
             "\"outputs\": [{\"format\": \"%s\"}]}",
             width, format);
    return order_of(spec, photo, 1);
}

static struct order order_all(const struct bench_bytes *photo, const char *format)
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

static struct renditions order_renditions(const struct bench_bytes *photo,
                                          const char *format)
{
    struct renditions made = { .all = order_all(photo, format) };
    for (int i = 0; i < RENDITIONS; i++)
        made.singles[i] = order_single(photo, format, rendition_widths[i]);
    return made;
}

static double ssim_to_ideal(const struct imgjob_output *made,
                            const struct bench_bytes *photo)
{
    struct likeness like;
    if (likeness_to_ideal(made->data, made->len, photo->data, photo->len, &like) < 0)
        bench_die("likeness", vips_error_buffer());
    return like.ssim;
}

/* A member of an object: how near the pixels, without what an encoder loses of them, come
 * to the ideal. */
static void print_pixels(const struct renditions *lossless,
                         const struct bench_bytes *photo)
{
    struct imgjob_result *at_once = run_ours(&lossless->all);
    printf("\"pixels\": [");
    for (size_t i = 0; i < RENDITIONS; i++) {
        struct imgjob_result *single = run_ours(&lossless->singles[i]);
        printf("%s{\"width\": %d, \"ssim\": %.5f, \"single_ssim\": %.5f}", i ? ", " : "",
               rendition_widths[i],
               ssim_to_ideal(imgjob_result_output(at_once, i), photo),
               ssim_to_ideal(imgjob_result_output(single, 0), photo));
        imgjob_result_free(single);
    }
    printf("]");
    imgjob_result_free(at_once);
}

/* A member of an object: what the encoders made of them. */
static void print_bytes(const struct renditions *orders)
{
    struct imgjob_result *at_once = run_ours(&orders->all);
    printf("\"encoded\": [");
    for (size_t i = 0; i < RENDITIONS; i++) {
        struct imgjob_result *single = run_ours(&orders->singles[i]);
        printf("%s{\"bytes\": %zu, \"single_bytes\": %zu}", i ? ", " : "",
               imgjob_result_output(at_once, i)->len,
               imgjob_result_output(single, 0)->len);
        imgjob_result_free(single);
    }
    printf("]");
    imgjob_result_free(at_once);
}

static double renditions_at_once(const void *work)
{
    return time_ours(&((const struct renditions *)work)->all);
}

static double renditions_one_by_one(const void *work)
{
    const struct renditions *orders = work;
    double sum = 0;
    for (int i = 0; i < RENDITIONS; i++)
        sum += time_ours(&orders->singles[i]);
    return sum;
}

static struct ways ways_of_renditions(const struct renditions *orders)
{
    return (struct ways){ renditions_at_once, renditions_one_by_one, orders };
}

static void renditions(const char *dir, const char *format, int pairs)
{
    struct bench_bytes photo = read_image(dir, renditions_photo);
    struct renditions orders = order_renditions(&photo, format);
    struct renditions lossless = order_renditions(&photo, "png");
    struct ways ways = ways_of_renditions(&orders);
    printf("{\"format\": \"%s\", ", format);
    print_bytes(&orders);
    printf(", ");
    print_pixels(&lossless, &photo);
    printf(", ");
    struct times times = time_in_turn(&ways, pairs);
    print_times(&times);
    printf("}\n");
}

/* ---- the program ---- */

static void list_cases(void)
{
    const struct hand_case *which;
    for (size_t i = 0; (which = hand_case_at(i)); i++)
        puts(which->name);
}

static void print_schema(void)
{
    char *text;
    struct imgjob_error err;
    if (imgjob_spec_schema(&text, &err) < 0)
        bench_die("schema", err.text);
    puts(text);
    imgjob_text_free(text);
}

static void profile(const char *dir, const char *name, const char *side, int seconds)
{
    static const char of_renditions[] = "renditions/";
    size_t prefix_len = sizeof(of_renditions) - 1;
    int is_ours = strcmp(side, "ours") == 0;
    if (strncmp(name, of_renditions, prefix_len) == 0) {
        struct bench_bytes photo = read_image(dir, renditions_photo);
        struct renditions orders = order_renditions(&photo, name + prefix_len);
        struct ways ways = ways_of_renditions(&orders);
        loop(&ways, is_ours, seconds);
    } else {
        struct duel duel = open_case(dir, name);
        struct ways ways = ways_of_case(&duel);
        loop(&ways, is_ours, seconds);
    }
}

/* The engine starts libvips as it wants it; by hand it is used as it is then. */
static void start(const char *dir)
{
    struct imgjob_image_info info = { .size = sizeof(info) };
    struct imgjob_error err;
    struct bench_bytes photo = read_image(dir, "photo.jpg");
    if (imgjob_info(photo.data, photo.len, NULL, &info, &err) < 0)
        bench_die("photo.jpg", err.text);
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
        compare(argv[2], argv[3], bench_number(argv[4], PAIRS_MAX));
    else if (strcmp(mode, "renditions") == 0 && argc == 5)
        renditions(argv[2], argv[3], bench_number(argv[4], PAIRS_MAX));
    else if (strcmp(mode, "loop") == 0 && argc == 6)
        profile(argv[2], argv[3], argv[4], bench_number(argv[5], SECONDS_MAX));
    else
        bench_die(argv[0], "list, operations, compare, renditions or loop; see engine.c");
    return 0;
}
