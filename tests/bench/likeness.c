/*
 * Owns the measures of likeness. They are taken by libvips' own arithmetic from the
 * decoded files, so nothing that the engine does to measure itself counts here.
 */
#include "likeness.h"

#include <math.h>
#include <string.h>

#include <vips/vips.h>

enum { WINDOW = 8, IMAGES_MAX = 32 };

/* What is made on the way, in the order in which it was made. */
struct work {
    VipsImage *images[IMAGES_MAX];
    int count;
};

static VipsImage **next(struct work *work)
{
    return &work->images[work->count++];
}

static void work_done(struct work *work)
{
    while (work->count > 0)
        g_clear_object(&work->images[--work->count]);
}

/* An encoded image as colours on white, in memory. */
static VipsImage *image_read(struct work *work, const void *bytes, size_t len)
{
    VipsImage **loaded = next(work), **flat = next(work), **held = next(work);
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    *loaded = vips_image_new_from_buffer(bytes, len, "", NULL);
    int failed = !*loaded;
    if (!failed && vips_image_hasalpha(*loaded))
        failed = vips_flatten(*loaded, flat, "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    if (!failed)
        *held = vips_image_copy_memory(*flat ? *flat : *loaded);
    return failed ? NULL : *held;
}

static VipsImage *cut(struct work *work, VipsImage *image, int width, int height)
{
    VipsImage **made = next(work);
    return vips_crop(image, made, 0, 0, width, height, NULL) ? NULL : *made;
}

static int measure_levels(struct work *work, VipsImage *a, VipsImage *b,
                          struct likeness *out)
{
    VipsImage **difference = next(work), **square = next(work);
    double mean, most;
    if (vips_subtract(a, b, difference, NULL) ||
        vips_multiply(*difference, *difference, square, NULL) ||
        vips_avg(*square, &mean, NULL) || vips_max(*square, &most, NULL))
        return -1;
    out->psnr = mean > 0 ? fmin(10 * log10(255 * 255 / mean), 100) : 100;
    out->levels_apart = (int)lround(sqrt(most));
    return 0;
}

/* Mean over windows of the product of two images. */
static VipsImage *product_means(struct work *work, VipsImage *a, VipsImage *b)
{
    VipsImage **product = next(work), **means = next(work);
    if (vips_multiply(a, b, product, NULL) ||
        vips_shrink(*product, means, WINDOW, WINDOW, NULL))
        return NULL;
    return *means;
}

static double window_ssim(double a, double b, double squares, double product)
{
    const double c1 = 6.5025, c2 = 58.5225; /* (.01 * 255)^2 and (.03 * 255)^2 */
    return (2 * a * b + c1) * (2 * (product - a * b) + c2) /
           ((a * a + b * b + c1) * (squares - a * a - b * b + c2));
}

static VipsImage *brightness(struct work *work, VipsImage *image)
{
    VipsImage **grey = next(work), **real = next(work);
    if (vips_colourspace(image, grey, VIPS_INTERPRETATION_B_W, NULL) ||
        vips_cast(*grey, real, VIPS_FORMAT_DOUBLE, NULL))
        return NULL;
    return *real;
}

/* The five images of means, each in memory: a, b, a², b², ab. */
static int means_of(struct work *work, VipsImage *a, VipsImage *b, VipsImage *out[5])
{
    VipsImage *ones[2] = { a, b };
    for (int i = 0; i < 2; i++) {
        VipsImage **means = next(work);
        if (vips_shrink(ones[i], means, WINDOW, WINDOW, NULL))
            return -1;
        out[i] = *means;
        out[2 + i] = product_means(work, ones[i], ones[i]);
    }
    out[4] = product_means(work, a, b);
    for (int i = 0; i < 5; i++) {
        VipsImage **held = next(work);
        if (!out[i] || !(*held = vips_image_copy_memory(out[i])))
            return -1;
        out[i] = *held;
    }
    return 0;
}

static int measure_structure(struct work *work, VipsImage *a, VipsImage *b,
                             struct likeness *out)
{
    VipsImage *means[5];
    VipsImage *grey_a = brightness(work, a), *grey_b = brightness(work, b);
    if (!grey_a || !grey_b || means_of(work, grey_a, grey_b, means) < 0)
        return -1;
    size_t count = VIPS_IMAGE_N_PELS(means[0]);
    const double *at[5];
    for (int i = 0; i < 5; i++)
        at[i] = (const double *)VIPS_IMAGE_ADDR(means[i], 0, 0);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += window_ssim(at[0][i], at[1][i], at[2][i] + at[3][i], at[4][i]);
    out->ssim = sum / (double)count;
    return 0;
}

static int measure(struct work *work, VipsImage *a, VipsImage *b, struct likeness *out)
{
    int width = VIPS_MIN(a->Xsize, b->Xsize), height = VIPS_MIN(a->Ysize, b->Ysize);
    out->width = a->Xsize;
    out->height = a->Ysize;
    out->is_same_size = a->Xsize == b->Xsize && a->Ysize == b->Ysize;
    a = cut(work, a, width, height);
    b = cut(work, b, width, height);
    if (!a || !b || measure_levels(work, a, b, out) < 0)
        return -1;
    return measure_structure(work, a, b, out);
}

/* The whole image at the size of another one. */
static VipsImage *ideal(struct work *work, VipsImage *whole, VipsImage *like)
{
    VipsImage **resized = next(work), **held = next(work);
    if (vips_resize(whole, resized, (double)like->Xsize / whole->Xsize, "vscale",
                    (double)like->Ysize / whole->Ysize, NULL))
        return NULL;
    *held = vips_image_copy_memory(*resized);
    return *held;
}

/* Two encoded images; `is_whole` = the second is to be what the first was made of. */
static int measure_encoded(const void *const bytes[2], const size_t lens[2], int is_whole,
                           struct likeness *out)
{
    struct work work = { { NULL }, 0 };
    struct likeness found = { 0 };
    VipsImage *a = image_read(&work, bytes[0], lens[0]);
    VipsImage *b = image_read(&work, bytes[1], lens[1]);
    if (a && b && is_whole)
        b = ideal(&work, b, a);
    int failed = !a || !b || measure(&work, a, b, &found) < 0;
    work_done(&work);
    if (failed)
        return -1;
    *out = found;
    return 0;
}

int likeness_measure(const void *a, size_t a_len, const void *b, size_t b_len,
                     struct likeness *out)
{
    return measure_encoded((const void *[]){ a, b }, (size_t[]){ a_len, b_len }, 0, out);
}

int likeness_to_ideal(const void *made, size_t made_len, const void *whole,
                      size_t whole_len, struct likeness *out)
{
    return measure_encoded((const void *[]){ made, whole },
                           (size_t[]){ made_len, whole_len }, 1, out);
}
