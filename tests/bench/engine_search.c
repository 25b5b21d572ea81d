/*
 * What a search for a size or a likeness comes to: one line of JSON for each.
 *
 *     bench-engine-search IMAGE FORMAT WIDTH
 *
 * Budgets lie between the sizes at quality 10 and 85, closer where sizes are small.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "program.h"

enum { BUDGETS = 8, FLOOR_QUALITY = 10, TOP_QUALITY = 85, WIDTH_MAX = 16384 };

static const double targets[] = { .9, .95, .98, .99 };

struct subject {
    const char *path, *format;
    int width; /* px it is scaled to before it is encoded */
    struct bench_bytes bytes;
};

static int drop(void *data, size_t index, const void *bytes, size_t len,
                struct imgjob_error *err)
{
    (void)data;
    (void)index;
    (void)bytes;
    (void)len;
    (void)err;
    return 0;
}

/* @param setting members of the output, JSON; @return the CPU time it took, ms */
static double run(const struct subject *subject, const char *setting,
                  struct ij_image_output *out)
{
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "{\"steps\": [{\"op\": \"resize\", \"width\": %d}], \"outputs\": "
                       "[{\"format\": \"%s\", %s}]}",
                       subject->width, subject->format, setting);
    struct imgjob_spec *spec;
    struct imgjob_limits limits;
    struct imgjob_error err;
    struct ij_timings timings;
    struct ij_failure failure;
    if (ij_spec_parse(text, (size_t)len, &ij_image_ops, &spec, &err) < 0 ||
        ij_limits_read(NULL, &limits, &err) < 0)
        bench_die(text, err.text);
    const struct ij_image_job job = { .inputs = { { subject->bytes.data,
                                                    subject->bytes.len } },
                                      .input_count = 1,
                                      .spec = spec,
                                      .limits = &limits,
                                      .on_output = drop };
    double begun = bench_cpu_ms();
    if (ij_image_run(&job, out, &timings, &failure) < 0)
        bench_die(text, failure.error.text);
    double took = bench_cpu_ms() - begun;
    imgjob_spec_free(spec);
    return took;
}

static double size_at(const struct subject *subject, int quality, double *out_ms)
{
    char setting[128];
    struct ij_image_output output;
    snprintf(setting, sizeof(setting),
             "\"max_bytes\": 60000000, \"min_quality\": %d, \"quality\": %d", quality,
             quality);
    *out_ms = run(subject, setting, &output);
    return (double)output.len;
}

static void print(const struct subject *subject, const struct ij_image_output *output,
                  double ms, double single_ms)
{
    printf("{\"image\": \"%s\", \"format\": \"%s\", \"encodes\": %u, \"quality\": %u, "
           "\"bytes\": %llu, \"ssim\": %.3f, \"is_over\": %s, \"ms\": %.1f, "
           "\"one_encode_ms\": %.1f, ",
           subject->path, subject->format, output->encodes, output->quality,
           (unsigned long long)output->len, output->ssim_millis / 1000.0,
           output->is_over_budget ? "true" : "false", ms, single_ms);
}

static void search_bytes(const struct subject *subject)
{
    double ms, least = size_at(subject, FLOOR_QUALITY, &ms);
    double most = size_at(subject, TOP_QUALITY, &ms);
    for (int i = 0; i < BUDGETS; i++) {
        char setting[64];
        struct ij_image_output output;
        int budget = (int)(least * pow(most / least, (i + .5) / BUDGETS));
        snprintf(setting, sizeof(setting), "\"max_bytes\": %d", budget);
        double took = run(subject, setting, &output);
        print(subject, &output, took, ms);
        printf("\"budget\": %d}\n", budget);
    }
}

static void search_likeness(const struct subject *subject)
{
    double ms;
    (void)size_at(subject, TOP_QUALITY, &ms); /* for its time alone */
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char setting[64];
        struct ij_image_output output;
        snprintf(setting, sizeof(setting), "\"target_ssim\": %g", targets[i]);
        double took = run(subject, setting, &output);
        print(subject, &output, took, ms);
        printf("\"target\": %g}\n", targets[i]);
    }
}

int main(int argc, char **argv)
{
    struct imgjob_error err;
    if (argc != 4)
        bench_die(argv[0], "IMAGE FORMAT WIDTH");
    if (ij_image_start(&err) < 0)
        bench_die("libvips", err.text);
    struct subject subject = { argv[1], argv[2], bench_number(argv[3], WIDTH_MAX),
                               bench_read_file(argv[1]) };
    search_bytes(&subject);
    search_likeness(&subject);
    free(subject.bytes.data);
    return 0;
}
