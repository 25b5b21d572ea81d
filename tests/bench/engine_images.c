/*
 * The images of the engine's benchmark, the same on every machine. They are drawn pixel
 * by pixel: a sky of slow gradients, shapes with hard edges, and noise at all scales over
 * it, as much of each as the subject has. What compresses badly in photos does so here.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

enum { WIDTH = 2000, HEIGHT = 1500, SHAPES = 40, OCTAVES = 8 };
enum {
    RENDITIONS_WIDTH = 2725, /* wider than the widest rendition */
    RENDITIONS_HEIGHT = 2225
};
enum {
    LARGE_WIDTH = 8192,
    LARGE_HEIGHT = 6103 /* 50 million px, within a strip of it */
};
enum { FRAME_SIDE = 500, FRAMES = 200, FRAME_BORDER = 80 };

struct subject {
    int width, height; /* px */
    double noise;      /* levels, of the finest scale */
    double growth;     /* from a scale to the next coarser one */
    int shapes;
};

static const struct subject photo = { WIDTH, HEIGHT, 2.5, 1.45, SHAPES };
static const struct subject larger_photo = { RENDITIONS_WIDTH, RENDITIONS_HEIGHT, 2.5,
                                             1.45, SHAPES };
static const struct subject smooth = { WIDTH, HEIGHT, .4, 1.3, 6 };
static const struct subject drawing = { WIDTH, HEIGHT, 0, 1, SHAPES };

/* ---- drawing ---- */

/* -1 … 1, by place; the mixing of MurmurHash3. */
static double hash(uint32_t x, uint32_t y, uint32_t seed)
{
    uint32_t h = x * 0x9e3779b1u ^ y * 0x85ebca6bu ^ seed * 0xc2b2ae35u;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return (h ^ h >> 16) / 2147483648.0 - 1;
}

/* Noise of one scale: values on a grid, straight lines between them. */
static double grid_noise(int x, int y, int octave, uint32_t seed)
{
    uint32_t left = (uint32_t)x >> octave, top = (uint32_t)y >> octave;
    double side = 1 << octave;
    double fx = (x - (double)(left << octave)) / side;
    double fy = (y - (double)(top << octave)) / side;
    if (octave == 0)
        return hash(left, top, seed);
    double above = hash(left, top, seed) * (1 - fx) + hash(left + 1, top, seed) * fx;
    double below =
        hash(left, top + 1, seed) * (1 - fx) + hash(left + 1, top + 1, seed) * fx;
    return above * (1 - fy) + below * fy;
}

static double noise(const struct subject *subject, int x, int y, int finest,
                    uint32_t seed)
{
    double sum = 0, amplitude = subject->noise;
    for (int octave = 0; octave < OCTAVES; octave++) {
        if (octave >= finest)
            sum += amplitude * grid_noise(x, y, octave, seed + (uint32_t)octave);
        amplitude *= subject->growth;
    }
    return sum;
}

struct shape {
    double x, y, width, height; /* of the middle; px */
    int is_round;
    double levels[3];
};

static void place_shapes(const struct subject *subject, struct shape *shapes)
{
    for (int i = 0; i < subject->shapes; i++) {
        uint32_t seed = (uint32_t)i;
        shapes[i] = (struct shape){
            .x = (hash(seed, 1, 7) + 1) / 2 * subject->width,
            .y = (hash(seed, 2, 7) + 1) / 2 * subject->height,
            .width = 30 + (hash(seed, 3, 7) + 1) * 120,
            .height = 30 + (hash(seed, 4, 7) + 1) * 90,
            .is_round = i % 3 != 0,
        };
        for (int band = 0; band < 3; band++)
            shapes[i].levels[band] = 128 + 110 * hash(seed, 5 + (uint32_t)band, 7);
    }
}

static int is_inside(const struct shape *shape, int x, int y)
{
    double dx = (x - shape->x) / shape->width, dy = (y - shape->y) / shape->height;
    return shape->is_round ? dx * dx + dy * dy < 1 : fabs(dx) < 1 && fabs(dy) < 1;
}

static void draw_pixel(const struct subject *subject, const struct shape *shapes, int x,
                       int y, uint8_t *to)
{
    double down = (double)y / subject->height, across = (double)x / subject->width;
    double levels[3] = { 90 + 100 * down, 120 + 40 * sin(3 * across + 2 * down),
                         200 - 110 * down };
    for (int i = 0; i < subject->shapes; i++)
        if (is_inside(&shapes[i], x, y))
            memcpy(levels, shapes[i].levels, sizeof(levels));
    /* sensors tell brightness more finely than colour */
    double grey = subject->noise > 0 ? noise(subject, x, y, 0, 1) : 0;
    for (int band = 0; band < 3; band++) {
        double tinted = grey;
        if (subject->noise > 0 && band != 1)
            tinted += noise(subject, x, y, 4, 100u * (uint32_t)(band + 1));
        to[band] = (uint8_t)lround(fmin(fmax(levels[band] + tinted, 0), 255));
    }
}

static VipsImage *draw(const struct subject *subject)
{
    struct shape shapes[SHAPES];
    place_shapes(subject, shapes);
    VipsImage *image = vips_image_new_memory();
    vips_image_init_fields(image, subject->width, subject->height, 3, VIPS_FORMAT_UCHAR,
                           VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
    if (vips_image_write_prepare(image)) {
        g_object_unref(image);
        return NULL;
    }
    for (int y = 0; y < subject->height; y++)
        for (int x = 0; x < subject->width; x++)
            draw_pixel(subject, shapes, x, y, VIPS_IMAGE_ADDR(image, x, y));
    return image;
}

/* ---- files ---- */

static const char *directory;

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

/* Whole blocks on a white frame, so that JPEG leaves it white. */
static int write_framed(VipsImage *image)
{
    VipsImage *blocks = NULL, *framed = NULL;
    int failed =
        vips_crop(image, &blocks, 0, 0, WIDTH / 16 * 16, HEIGHT / 16 * 16, NULL) ||
        vips_embed(blocks, &framed, FRAME_BORDER, FRAME_BORDER, WIDTH + 2 * FRAME_BORDER,
                   HEIGHT + 2 * FRAME_BORDER, "extend", VIPS_EXTEND_WHITE, NULL) ||
        vips_jpegsave(framed, path_of("framed.jpg"), "Q", 90, NULL);
    g_clear_object(&framed);
    g_clear_object(&blocks);
    return failed;
}

/* Alpha by brightness: all levels of it. */
static int write_alpha(VipsImage *image)
{
    VipsImage *alpha = NULL, *joined = NULL;
    int failed = vips_extract_band(image, &alpha, 1, NULL) ||
                 vips_bandjoin2(image, alpha, &joined, NULL) ||
                 vips_pngsave(joined, path_of("alpha.png"), "compression", 1, NULL);
    g_clear_object(&joined);
    g_clear_object(&alpha);
    return failed;
}

/* What is laid over the photo: a picture with alpha, and a grey one as a mask. */
static int write_overlays(VipsImage *image)
{
    VipsImage *alpha = NULL, *joined = NULL, *logo = NULL, *mask = NULL;
    int failed = vips_extract_band(image, &alpha, 1, NULL) ||
                 vips_bandjoin2(image, alpha, &joined, NULL) ||
                 vips_crop(joined, &logo, 700, 500, 400, 300, NULL) ||
                 vips_pngsave(logo, path_of("logo.png"), NULL) ||
                 vips_crop(alpha, &mask, 0, 0, 800, 600, NULL) ||
                 vips_pngsave(mask, path_of("mask.png"), "strip", TRUE, NULL);
    g_clear_object(&mask);
    g_clear_object(&logo);
    g_clear_object(&joined);
    g_clear_object(&alpha);
    return failed;
}

static int write_turned(VipsImage *image)
{
    VipsImage *copy = NULL;
    if (vips_copy(image, &copy, NULL))
        return -1;
    vips_image_set_int(copy, VIPS_META_ORIENTATION, 6);
    int failed = vips_jpegsave(copy, path_of("turned.jpg"), "Q", 85, NULL);
    g_object_unref(copy);
    return failed;
}

static int write_large(VipsImage *image)
{
    VipsImage *tiled = NULL, *large = NULL;
    int failed = vips_replicate(image, &tiled, 5, 5, NULL) ||
                 vips_crop(tiled, &large, 0, 0, LARGE_WIDTH, LARGE_HEIGHT, NULL) ||
                 vips_jpegsave(large, path_of("large.jpg"), "Q", 80, NULL);
    g_clear_object(&large);
    g_clear_object(&tiled);
    return failed;
}

/* A window that wanders over the image. */
static int write_frames(VipsImage *image)
{
    VipsImage *frames[FRAMES] = { NULL }, *joined = NULL, *copy = NULL;
    int failed = 0;
    for (int i = 0; i < FRAMES && !failed; i++)
        failed = vips_crop(image, &frames[i], 7 * i, 4 * i, FRAME_SIDE, FRAME_SIDE, NULL);
    failed = failed || vips_arrayjoin(frames, &joined, FRAMES, "across", 1, NULL) ||
             vips_copy(joined, &copy, NULL);
    if (!failed) {
        vips_image_set_int(copy, VIPS_META_PAGE_HEIGHT, FRAME_SIDE);
        failed = vips_gifsave(copy, path_of("frames.gif"), "effort", 1, NULL);
    }
    g_clear_object(&copy);
    g_clear_object(&joined);
    for (int i = 0; i < FRAMES; i++)
        g_clear_object(&frames[i]);
    return failed;
}

static int write_photo(VipsImage *image)
{
    return vips_jpegsave(image, path_of("photo.jpg"), "Q", 85, NULL) ||
           vips_jpegsave(image, path_of("profile.jpg"), "Q", 85, "profile", "p3", NULL) ||
           write_framed(image) || write_alpha(image) || write_turned(image) ||
           write_overlays(image) || write_large(image);
}

static int write_all(void)
{
    VipsImage *of_photo = draw(&photo), *of_smooth = draw(&smooth);
    VipsImage *of_drawing = draw(&drawing), *of_larger = draw(&larger_photo);
    int failed = !of_photo || !of_smooth || !of_drawing || !of_larger ||
                 write_photo(of_photo) ||
                 vips_jpegsave(of_larger, path_of("renditions.jpg"), "Q", 85, NULL) ||
                 vips_jpegsave(of_smooth, path_of("smooth.jpg"), "Q", 95, NULL) ||
                 vips_jpegsave(of_drawing, path_of("drawing.jpg"), "Q", 95, NULL) ||
                 write_frames(of_drawing);
    g_clear_object(&of_larger);
    g_clear_object(&of_drawing);
    g_clear_object(&of_smooth);
    g_clear_object(&of_photo);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    if (VIPS_INIT(argv[0])) {
        fprintf(stderr, "cannot start libvips: %s\n", vips_error_buffer());
        return 1;
    }
    directory = argv[1];
    if (!write_all())
        return 0;
    fprintf(stderr, "cannot make the images: %s\n", vips_error_buffer());
    return 1;
}
