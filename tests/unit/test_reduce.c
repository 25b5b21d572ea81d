/*
 * The horizontal reduction: against its definition in double precision, against libvips,
 * and against itself by other ways. Images are noise, of which every pixel matters.
 */
#include "image_step.h"

#include <math.h>

#include "image/image.h"
#include "image/reduce.h"

extern const struct ij_image_op ij_resize_op;

static const VipsKernel kernels[] = { VIPS_KERNEL_LINEAR, VIPS_KERNEL_CUBIC,
                                      VIPS_KERNEL_MITCHELL, VIPS_KERNEL_LANCZOS2,
                                      VIPS_KERNEL_LANCZOS3 };

/* ---- images ---- */

static void unref(VipsImage **image)
{
    g_clear_object(image);
}

static uint32_t next_random(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u; /* Numerical Recipes */
    return state >> 8;
}

static uint32_t random_within(uint32_t least, uint32_t most)
{
    return least + next_random() % (most - least + 1);
}

static VipsImage *of_bytes(uint8_t *bytes, int width, int height, int bands)
{
    size_t len = (size_t)width * (size_t)height * (size_t)bands;
    VipsImage *image = vips_image_new_from_memory_copy(bytes, len, width, height, bands,
                                                       VIPS_FORMAT_UCHAR);
    assert_non_null(image);
    free(bytes);
    return image;
}

/* Half of the levels are at an end of the range, where sums must be clipped. */
static VipsImage *noise(int width, int height, int bands)
{
    size_t len = (size_t)width * (size_t)height * (size_t)bands;
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        uint32_t level = next_random() % 512;
        bytes[i] = (uint8_t)(level < 256 ? level : level < 384 ? 0 : 255);
    }
    return of_bytes(bytes, width, height, bands);
}

static VipsImage *plain(int width, int height, int bands, int level)
{
    size_t len = (size_t)width * (size_t)height * (size_t)bands;
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    memset(bytes, level, len);
    return of_bytes(bytes, width, height, bands);
}

/* All pixels, computed now; takes the image. */
static VipsImage *computed(VipsImage *image)
{
    VipsImage *made = vips_image_copy_memory(image);
    if (!made)
        fail_msg("%s", vips_error_buffer());
    g_object_unref(image);
    return made;
}

static VipsImage *reduced(VipsImage *image, int width, VipsKernel kernel)
{
    VipsImage *made;
    if (ij_reduce_h(image, (uint32_t)width, kernel, &made) != 0)
        fail_msg("%s", vips_error_buffer());
    return computed(made);
}

static void assert_equal_images(VipsImage *a, VipsImage *b)
{
    assert_int_equal(a->Xsize, b->Xsize);
    assert_int_equal(a->Ysize, b->Ysize);
    assert_int_equal(a->Bands, b->Bands);
    assert_memory_equal(VIPS_IMAGE_ADDR(a, 0, 0), VIPS_IMAGE_ADDR(b, 0, 0),
                        VIPS_IMAGE_SIZEOF_IMAGE(a));
}

/* ---- the definition ---- */

static double definition(VipsKernel kernel, double x)
{
    x = fabs(x);
    int lobes = kernel == VIPS_KERNEL_LANCZOS3 ? 3 : 2;
    if (kernel == VIPS_KERNEL_LINEAR)
        return x < 1 ? 1 - x : 0;
    if (x >= lobes)
        return 0;
    if (kernel == VIPS_KERNEL_CUBIC) /* Keys 1981, a = -1/2 */
        return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-.5 * x + 2.5) * x - 4) * x + 2;
    if (kernel == VIPS_KERNEL_MITCHELL)
        return x < 1 ? ((21 * x - 36) * x * x + 16) / 18
                     : (((-7 * x + 36) * x - 60) * x + 32) / 18;
    return x == 0 ? 1
                  : lobes * sin(M_PI * x) * sin(M_PI * x / lobes) / (M_PI * M_PI * x * x);
}

static double pixel_at(VipsImage *image, int x, int band)
{
    int last = image->Xsize - 1;
    return VIPS_IMAGE_ADDR(image, x < 0 ? 0 : x > last ? last : x, 0)[band];
}

/* The mean of a block of pixels; blocks beyond the edge are like the one at the edge. */
static double mean_at(VipsImage *image, int block, int i, int band)
{
    int last = (image->Xsize - 1) / block;
    i = i < 0 ? 0 : i > last ? last : i;
    double sum = 0;
    for (int k = 0; k < block; k++)
        sum += pixel_at(image, i * block + k, band);
    return sum / block;
}

/* What a pixel of the first row must be, before it is rounded. */
static double expected(VipsImage *image, int width, VipsKernel kernel, int x, int band)
{
    int block = image->Xsize / (2 * width) > 1 ? image->Xsize / (2 * width) : 1;
    double factor = (double)image->Xsize / block / width;
    double middle = (x + .5) * factor, sum = 0, weights = 0;
    for (int i = (int)(middle - 4 * factor) - 1; i < middle + 4 * factor + 1; i++) {
        double weight = definition(kernel, (i + .5 - middle) / factor);
        sum += weight * mean_at(image, block, i, band);
        weights += weight;
    }
    return fmin(fmax(sum / weights, 0), 255);
}

static void expect_as_defined(VipsImage *image, int width, VipsKernel kernel)
{
    IJ_AUTO(unref) VipsImage *made = reduced(image, width, kernel);
    assert_int_equal(made->Xsize, width);
    assert_int_equal(made->Ysize, image->Ysize);
    for (int x = 0; x < width; x++)
        for (int band = 0; band < image->Bands; band++) {
            double level = VIPS_IMAGE_ADDR(made, x, 0)[band];
            double right = expected(image, width, kernel, x, band);
            if (fabs(level - right) >
                .6) /* half a level by rounding, the rest by weights */
                fail_msg("%d -> %d px, kernel %d, %d bands: [%d] is %.0f, not %.2f",
                         image->Xsize, width, (int)kernel, image->Bands, x, level, right);
        }
}

static void every_kernel_is_what_it_is_defined_as(void **state)
{
    (void)state;
    static const double factors[] = { 1.01, 1.3, 2, 2.7, 4, 17 };
    for (int bands = 1; bands <= 4; bands++) {
        IJ_AUTO(unref) VipsImage *image = noise(511, 2, bands);
        for (size_t k = 0; k < IJ_ARRAY_LEN(kernels); k++)
            for (size_t f = 0; f < IJ_ARRAY_LEN(factors); f++)
                expect_as_defined(image, (int)(511 / factors[f]), kernels[k]);
    }
}

static void every_width_is_as_defined(void **state)
{
    (void)state;
    for (int own = 1; own <= 40; own += 13) {
        IJ_AUTO(unref) VipsImage *image = noise(own, 1, 3);
        for (int width = 1; width <= own; width++)
            for (size_t k = 0; k < IJ_ARRAY_LEN(kernels); k++)
                expect_as_defined(image, width, kernels[k]);
    }
}

/* ---- what must hold of every image ---- */

static void one_colour_stays_that_colour(void **state)
{
    (void)state;
    static const int levels[] = { 0, 1, 127, 254, 255 };
    for (int bands = 1; bands <= 4; bands++)
        for (size_t i = 0; i < IJ_ARRAY_LEN(levels); i++) {
            IJ_AUTO(unref) VipsImage *image = plain(211, 2, bands, levels[i]);
            for (int width = 1; width <= 211; width += 7) {
                VipsKernel kernel = kernels[(size_t)width % IJ_ARRAY_LEN(kernels)];
                IJ_AUTO(unref) VipsImage *made = reduced(image, width, kernel);
                IJ_AUTO(unref) VipsImage *same = plain(width, 2, bands, levels[i]);
                assert_equal_images(made, same);
            }
        }
}

static void the_same_width_keeps_every_pixel(void **state)
{
    (void)state;
    IJ_AUTO(unref) VipsImage *image = noise(97, 5, 3);
    for (size_t k = 0; k < IJ_ARRAY_LEN(kernels); k++) {
        if (kernels[k] == VIPS_KERNEL_MITCHELL)
            continue; /* always blurs */
        IJ_AUTO(unref) VipsImage *made = reduced(image, 97, kernels[k]);
        assert_equal_images(made, image);
    }
}

/* One band is summed without vectors, three and four with them. */
static void each_band_is_as_it_is_alone(void **state)
{
    (void)state;
    for (int bands = 2; bands <= 4; bands++) {
        IJ_AUTO(unref) VipsImage *image = noise(613, 3, bands);
        for (int width = 1; width <= 613; width += 51) {
            IJ_AUTO(unref) VipsImage *made = reduced(image, width, VIPS_KERNEL_LANCZOS3);
            for (int band = 0; band < bands; band++) {
                IJ_AUTO(unref) VipsImage *one = NULL, *kept = NULL;
                assert_int_equal(vips_extract_band(image, &one, band, NULL), 0);
                assert_int_equal(vips_extract_band(made, &kept, band, NULL), 0);
                kept = computed(kept);
                IJ_AUTO(unref)
                VipsImage *alone = reduced(one, width, VIPS_KERNEL_LANCZOS3);
                assert_equal_images(kept, alone);
            }
        }
    }
}

static void a_part_is_as_in_the_whole(void **state)
{
    (void)state;
    IJ_AUTO(unref) VipsImage *image = noise(400, 30, 3);
    IJ_AUTO(unref) VipsImage *whole = reduced(image, 300, VIPS_KERNEL_LANCZOS3);
    for (int left = 0; left < 290; left += 29) {
        IJ_AUTO(unref) VipsImage *lazy = NULL, *part = NULL, *same = NULL;
        assert_int_equal(ij_reduce_h(image, 300, VIPS_KERNEL_LANCZOS3, &lazy), 0);
        assert_int_equal(vips_crop(lazy, &part, left, 7, 10, 5, NULL), 0);
        assert_int_equal(vips_crop(whole, &same, left, 7, 10, 5, NULL), 0);
        part = computed(part);
        same = computed(same);
        assert_equal_images(part, same);
    }
}

static void threads_make_what_one_makes(void **state)
{
    (void)state;
    IJ_AUTO(unref) VipsImage *image = noise(500, 600, 3);
    int threads = vips_concurrency_get();
    vips_concurrency_set(1);
    IJ_AUTO(unref) VipsImage *by_one = reduced(image, 333, VIPS_KERNEL_CUBIC);
    vips_concurrency_set(4);
    IJ_AUTO(unref) VipsImage *by_four = reduced(image, 333, VIPS_KERNEL_CUBIC);
    vips_concurrency_set(threads);
    assert_equal_images(by_four, by_one);
}

/* ---- sources that are read once, from top to bottom ---- */

static void a_file_is_read_from_top_to_bottom(void **state)
{
    (void)state;
    static const char *const suffixes[] = { ".png", ".jpg" };
    IJ_AUTO(unref) VipsImage *image = noise(700, 900, 3);
    for (size_t i = 0; i < IJ_ARRAY_LEN(suffixes); i++) {
        void *bytes;
        size_t len;
        assert_int_equal(
            vips_image_write_to_buffer(image, suffixes[i], &bytes, &len, NULL), 0);
        IJ_AUTO(unref)
        VipsImage *once = vips_image_new_from_buffer(bytes, len, "", "access",
                                                     VIPS_ACCESS_SEQUENTIAL, NULL);
        IJ_AUTO(unref) VipsImage *any = vips_image_new_from_buffer(bytes, len, "", NULL);
        IJ_AUTO(unref) VipsImage *made = reduced(once, 450, VIPS_KERNEL_LANCZOS3);
        IJ_AUTO(unref) VipsImage *same = reduced(any, 450, VIPS_KERNEL_LANCZOS3);
        assert_equal_images(made, same);
        g_free(bytes);
    }
}

/* ---- libvips ---- */

static double psnr(VipsImage *a, VipsImage *b)
{
    assert_int_equal(a->Xsize, b->Xsize);
    assert_int_equal(a->Ysize, b->Ysize);
    IJ_AUTO(unref) VipsImage *difference = NULL, *square = NULL;
    double mean;
    assert_int_equal(vips_subtract(a, b, &difference, NULL), 0);
    assert_int_equal(vips_multiply(difference, difference, &square, NULL), 0);
    assert_int_equal(vips_avg(square, &mean, NULL), 0);
    return mean > 0 ? 10 * log10(255 * 255 / mean) : 100;
}

/* The whole of the operation, so both directions. */
static void resize_makes_what_vips_resize_makes(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        int width = (int)random_within(8, 400), height = (int)random_within(8, 400);
        IJ_AUTO(unref) VipsImage *image = noise(width, height, 3);
        image->Type = VIPS_INTERPRETATION_sRGB;
        struct ij_extent to = { random_within(1, (uint32_t)width),
                                random_within(1, (uint32_t)height) };
        struct set sets[SETS_MAX] = { { "width", INT(to.width) },
                                      { "height", INT(to.height) } };
        struct ij_step step = step_of(&ij_resize_op, sets);
        const struct ij_apply with = { .step = &step, .to = to };
        IJ_AUTO(unref) VipsImage *made = NULL, *by_vips = NULL;
        assert_int_equal(ij_resize_op.apply(&with, image, &made), 0);
        assert_int_equal(vips_resize(image, &by_vips, (double)to.width / width, "vscale",
                                     (double)to.height / height, NULL),
                         0);
        double found = psnr(made, by_vips);
        if (found < 50)
            fail_msg("%d x %d -> %u x %u px: %.1f dB", width, height, to.width, to.height,
                     found);
    }
}

/* ---- refusals ---- */

static void expect_refused(VipsImage *image, uint32_t width, VipsKernel kernel,
                           const char *words)
{
    VipsImage *made = NULL;
    assert_int_equal(ij_reduce_h(image, width, kernel, &made), -1);
    assert_null(made);
    if (!strstr(vips_error_buffer(), words))
        fail_msg("'%s' is not in '%s'", words, vips_error_buffer());
    vips_error_clear();
}

static void what_it_cannot_do_is_refused(void **state)
{
    (void)state;
    IJ_AUTO(unref) VipsImage *image = noise(20, 1, 3), *many = noise(20, 1, 5);
    IJ_AUTO(unref) VipsImage *deep = NULL;
    assert_int_equal(vips_cast_ushort(image, &deep, NULL), 0);
    expect_refused(image, 0, VIPS_KERNEL_LINEAR, "0 px; takes 1 to 20");
    expect_refused(image, 21, VIPS_KERNEL_LINEAR, "21 px; takes 1 to 20");
    expect_refused(many, 10, VIPS_KERNEL_LINEAR, "5 bands");
    expect_refused(deep, 10, VIPS_KERNEL_LINEAR, "takes 1 to 4 of 8 bits");
    expect_refused(image, 10, VIPS_KERNEL_NEAREST, "kernel 0");
    assert_false(ij_reduce_h_takes(image, VIPS_KERNEL_NEAREST));
    assert_false(ij_reduce_h_takes(many, VIPS_KERNEL_LINEAR));
    assert_true(ij_reduce_h_takes(image, VIPS_KERNEL_LINEAR));
}

static int start_image_room(void **state)
{
    (void)state;
    return ij_image_start(&test_err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_is_what_it_is_defined_as),
        cmocka_unit_test(every_width_is_as_defined),
        cmocka_unit_test(one_colour_stays_that_colour),
        cmocka_unit_test(the_same_width_keeps_every_pixel),
        cmocka_unit_test(each_band_is_as_it_is_alone),
        cmocka_unit_test(a_part_is_as_in_the_whole),
        cmocka_unit_test(threads_make_what_one_makes),
        cmocka_unit_test(a_file_is_read_from_top_to_bottom),
        cmocka_unit_test(resize_makes_what_vips_resize_makes),
        cmocka_unit_test(what_it_cannot_do_is_refused),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
