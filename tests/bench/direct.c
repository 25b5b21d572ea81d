/*
 * The bound: the same pipeline by hand on libvips, with as many threads as the others
 * have workers, from memory to memory. No store, no process of its own, no check of
 * anything.
 *
 * It must do the same work as the library and no less, or the ratio to it would lie: the
 * measuring program compares the outputs.
 */
#include "load.h"

#include <stdio.h>
#include <string.h>

#include <vips/vips.h>

/* Put `made` in the place of what it was made from. */
static int advance(VipsImage **image, int failed, VipsImage *made)
{
    if (failed)
        return -1;
    g_object_unref(*image);
    *image = made;
    return 0;
}

/* The largest shrink-on-load that keeps the decoded image at or above the target. */
static int jpeg_shrink(const struct bench_options *options,
                       const struct bench_image *image)
{
    uint32_t width = 0, height = 0;
    uint32_t shrink = 8;
    if (!bench_picture_size(image->data, image->len, &width, &height))
        return 1;
    while (shrink > 1 &&
           (width / shrink < options->width || height / shrink < options->height))
        shrink /= 2;
    return (int)shrink;
}

static int load(const struct bench_options *options, VipsImage **out)
{
    const struct bench_image *image = &options->images[0];
    if (image->data[0] == 0xff)
        return vips_jpegload_buffer(image->data, image->len, out, "shrink",
                                    jpeg_shrink(options, image), "access",
                                    VIPS_ACCESS_SEQUENTIAL, NULL);
    return vips_pngload_buffer(image->data, image->len, out, "access",
                               VIPS_ACCESS_SEQUENTIAL, NULL);
}

static int resize(const struct bench_options *options, VipsImage **image)
{
    VipsImage *made = NULL;
    double across = (double)options->width / vips_image_get_width(*image);
    double down = (double)options->height / vips_image_get_height(*image);
    int failed = vips_resize(*image, &made, across, "vscale", down, NULL);
    return advance(image, failed, made);
}

/* Transparent pixels must not bleed into the others. */
static int resize_with_alpha(const struct bench_options *options, VipsImage **image)
{
    VipsImage *made = NULL;
    int failed = vips_premultiply(*image, &made, NULL);
    if (advance(image, failed, made) < 0)
        return -1;
    failed = vips_cast_uchar(*image, &made, NULL);
    if (advance(image, failed, made) < 0 || resize(options, image) < 0)
        return -1;
    failed = vips_unpremultiply(*image, &made, NULL);
    if (advance(image, failed, made) < 0)
        return -1;
    failed = vips_cast_uchar(*image, &made, NULL);
    return advance(image, failed, made);
}

static int save(const struct bench_options *options, VipsImage *image, void **out,
                size_t *out_len)
{
    if (strcmp(options->format, "png") == 0)
        return vips_pngsave_buffer(image, out, out_len, "compression", 6, "strip", TRUE,
                                   NULL);
    return vips_jpegsave_buffer(image, out, out_len, "Q", 80, "strip", TRUE, NULL);
}

static int process(const struct bench_options *options, struct bench_sample *out)
{
    VipsImage *image = NULL;
    void *output = NULL;
    size_t len = 0;
    if (load(options, &image))
        return -1;
    int failed = vips_image_hasalpha(image) ? resize_with_alpha(options, &image)
                                            : resize(options, &image);
    if (!failed)
        failed = save(options, image, &output, &len);
    g_object_unref(image);
    if (failed)
        return -1;
    out->output_len = len;
    (void)bench_picture_size(output, len, &out->width,
                             &out->height); /* else it stays 0 */
    g_free(output);
    return 0;
}

static int run(void *data, uint32_t client, uint32_t number, struct bench_sample *out)
{
    (void)client;
    int64_t begun = bench_now_ns();
    if (process(data, out) < 0) {
        fprintf(stderr, "job %u: %s\n", number, vips_error_buffer());
        return -1;
    }
    out->done_ns = bench_now_ns() - begun;
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench_options options;
    bench_options_read(&options, argc, argv);
    if (VIPS_INIT(argv[0])) {
        fprintf(stderr, "cannot start libvips: %s\n", vips_error_buffer());
        return 1;
    }
    vips_cache_set_max(0);
    vips_concurrency_set(1);
    options.clients = options.workers;

    struct bench_load work = { .options = &options,
                               .data = &options,
                               .run = run,
                               .thread_end = vips_thread_shutdown };
    int failed = bench_load_run(&work);
    bench_options_done(&options);
    return failed ? 1 : 0;
}
