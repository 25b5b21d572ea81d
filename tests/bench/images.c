/*
 * The images of the benchmark where none are given, the same on every machine: a picture
 * with the statistics of a photo (noise at all scales over a gradient: what decoders and
 * encoders find hard), small ones in other formats, and broken ones.
 */
#include <stdio.h>
#include <string.h>

#include <vips/vips.h>

enum { WIDTH = 2725, HEIGHT = 2225, OCTAVES = 9, SMALL_WIDTH = 640, SMALL_HEIGHT = 480 };

/* Add `made` to *sum, which may be NULL; takes `made`. */
static int accumulate(VipsImage **sum, VipsImage *made)
{
    VipsImage *total = NULL;
    if (!*sum) {
        *sum = made;
        return 0;
    }
    int failed = vips_add(*sum, made, &total, NULL);
    g_object_unref(made);
    if (failed)
        return -1;
    g_object_unref(*sum);
    *sum = total;
    return 0;
}

/* Noise of one scale: `octave` 0 is as fine as the pixels, each further one twice as
 * coarse. */
static int octave_make(int octave, double sigma, int seed, VipsImage **out)
{
    VipsImage *noise = NULL, *grown = NULL;
    double scale = 1 << octave;
    int width = (WIDTH >> octave) + 2, height = (HEIGHT >> octave) + 2;
    if (vips_gaussnoise(&noise, width, height, "sigma", sigma, "mean", 0.0, "seed", seed,
                        NULL))
        return -1;
    int failed = vips_resize(noise, &grown, scale, NULL);
    g_object_unref(noise);
    if (failed)
        return -1;
    failed = vips_extract_area(grown, out, 0, 0, WIDTH, HEIGHT, NULL);
    g_object_unref(grown);
    return failed;
}

/* Noise whose power falls with frequency, as in photos: the amplitude grows by the same
 * factor from octave to octave. */
static int plane_make(int finest, double sigma, int seed, VipsImage **out)
{
    VipsImage *sum = NULL;
    for (int octave = finest; octave < OCTAVES; octave++) {
        VipsImage *made = NULL;
        if (octave_make(octave, sigma, seed + octave, &made) < 0 ||
            accumulate(&sum, made) < 0) {
            g_clear_object(&sum);
            return -1;
        }
        sigma *= 1.5;
    }
    *out = sum;
    return 0;
}

/* Red and blue are the luminance with a coarser noise of their own on top. */
static int photo_make(VipsImage **out)
{
    VipsImage *planes[3] = { NULL }, *joined = NULL, *shifted = NULL;
    int failed = plane_make(0, 2.3, 1, &planes[1]);
    for (int i = 0; i < 3 && !failed; i += 2) {
        failed = plane_make(4, 3.0, 100 * (i + 1), &planes[i]);
        if (!failed)
            failed = accumulate(&planes[i], g_object_ref(planes[1]));
    }
    if (!failed)
        failed =
            vips_bandjoin(planes, &joined, 3, NULL) ||
            vips_linear1(joined, &shifted, 1.0, 120.0, "uchar", TRUE, NULL) ||
            vips_copy(shifted, out, "interpretation", VIPS_INTERPRETATION_sRGB, NULL);
    for (int i = 0; i < 3; i++)
        g_clear_object(&planes[i]);
    g_clear_object(&joined);
    g_clear_object(&shifted);
    return failed ? -1 : 0;
}

static int write_bytes(const char *dir, const char *name, const void *data, size_t len)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "wbe");
    if (!file) {
        fprintf(stderr, "cannot write %s\n", path);
        return -1;
    }
    size_t written = fwrite(data, 1, len, file);
    return fclose(file) == 0 && written == len ? 0 : -1;
}

static int write_photo(const char *dir, VipsImage *photo)
{
    void *data = NULL;
    size_t len = 0;
    if (vips_jpegsave_buffer(photo, &data, &len, "Q", 80, NULL))
        return -1;
    int failed = write_bytes(dir, "photo.jpg", data, len) ||
                 write_bytes(dir, "truncated.jpg", data, len / 3);
    g_free(data);
    return failed;
}

static int write_small(const char *dir, VipsImage *photo)
{
    static const char *const names[] = { "small.jpg", "small.png", "small.webp",
                                         "small.gif" };
    VipsImage *small = NULL;
    if (vips_extract_area(photo, &small, 0, 0, SMALL_WIDTH, SMALL_HEIGHT, NULL))
        return -1;
    int failed = 0;
    for (int i = 0; i < 4 && !failed; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        failed = vips_image_write_to_file(small, path, NULL);
    }
    g_object_unref(small);
    return failed;
}

/* One opaque red pixel, RGBA, and the same with its end cut off. */
static int write_pixel(const char *dir)
{
    VipsImage *black = NULL, *pixel = NULL;
    void *data = NULL;
    size_t len = 0;
    double scale[] = { 1, 1, 1, 1 }, colour[] = { 200, 30, 30, 255 };
    int failed = vips_black(&black, 1, 1, "bands", 4, NULL) ||
                 vips_linear(black, &pixel, scale, colour, 4, "uchar", TRUE, NULL) ||
                 vips_pngsave_buffer(pixel, &data, &len, NULL) ||
                 write_bytes(dir, "pixel.png", data, len) ||
                 write_bytes(dir, "broken.png", data, len - 20);
    g_free(data);
    g_clear_object(&black);
    g_clear_object(&pixel);
    return failed;
}

int main(int argc, char **argv)
{
    static const char text[] = "not an image at all";
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    if (VIPS_INIT(argv[0])) {
        fprintf(stderr, "cannot start libvips: %s\n", vips_error_buffer());
        return 1;
    }
    VipsImage *sketch = NULL, *photo = NULL;
    int failed = photo_make(&sketch);
    if (!failed)
        photo = vips_image_copy_memory(sketch); /* it is written six times */
    failed = failed || !photo || write_photo(argv[1], photo) ||
             write_small(argv[1], photo) || write_pixel(argv[1]) ||
             write_bytes(argv[1], "text.txt", text, sizeof(text) - 1);
    g_clear_object(&photo);
    g_clear_object(&sketch);
    if (failed)
        fprintf(stderr, "cannot make the images: %s\n", vips_error_buffer());
    return failed ? 1 : 0;
}
