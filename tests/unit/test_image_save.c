/* Encoding: what each format keeps, and what the searches find. */
#include "test.h"

#include <math.h>

#include <vips/vips.h>

#include <imgjob/spec.h>

#include "image/metadata.h"
#include "image/save.h"
#include "image/search.h"
#include "image/source.h"
#include "image/ssim.h"

enum { SIDE = 192 };

static const uint32_t all_formats[] = { IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_PNG,
                                        IMGJOB_FORMAT_WEBP, IMGJOB_FORMAT_GIF,
                                        IMGJOB_FORMAT_TIFF, IMGJOB_FORMAT_AVIF };
static const uint32_t lossy_formats[] = { IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_WEBP,
                                          IMGJOB_FORMAT_AVIF };

/* ---- images ---- */

/* Waves and some noise, as an image of a camera has; clear at the left with alpha. */
static VipsImage *photo(int bands)
{
    static uint8_t bytes[SIDE * SIDE * 4];
    uint32_t seed = 1;
    uint8_t *to = bytes;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int i = 0; i < bands; i++) {
                seed = seed * 1664525 + 1013904223;
                double level = 128 + 60 * sin((x + 20 * i) / 9.0) * cos(y / 13.0) +
                               40 * sin(x * y / 900.0) + (seed >> 27);
                bool is_alpha = i == bands - 1 && bands % 2 == 0;
                *to++ = is_alpha ? (x < SIDE / 4 ? 0 : 255) : (uint8_t)fmin(level, 255);
            }
    IJ_AUTO(ij_image_unref)
    VipsImage *plain = vips_image_new_from_memory_copy(bytes, (size_t)(to - bytes), SIDE,
                                                       SIDE, bands, VIPS_FORMAT_UCHAR);
    VipsImage *made;
    assert_int_equal(
        vips_copy(plain, &made, "interpretation",
                  bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL),
        0);
    return made;
}

static struct ij_output_spec output_of(void)
{
    return (struct ij_output_spec){ .name = "image" };
}

static void set_int(struct ij_output_spec *output, enum ij_output_param param, int64_t n)
{
    output->values[param] = (struct ij_value)IJ_DEFAULT_INT(n);
}

static void set_real(struct ij_output_spec *output, enum ij_output_param param, double x)
{
    output->values[param] = (struct ij_value)IJ_DEFAULT_REAL(x);
}

static void encode(VipsImage *image, const struct ij_output_spec *output, uint32_t format,
                   struct ij_encoded *out)
{
    *out = (struct ij_encoded){ 0 };
    if (ij_encode(image, output, format, out) != 0)
        fail_msg("format %u: %s", format, vips_error_buffer());
    assert_int_equal(out->len, out->about.len);
    assert_true(out->about.pages >= 1);
}

static VipsImage *decode(const struct ij_encoded *encoded, const char *options)
{
    VipsImage *image =
        vips_image_new_from_buffer(encoded->bytes, encoded->len, options, NULL);
    if (!image)
        fail_msg("decode: %s", vips_error_buffer());
    return image;
}

static size_t encoded_len(VipsImage *image, const struct ij_output_spec *output,
                          uint32_t format)
{
    IJ_AUTO(ij_encoded_done) struct ij_encoded made;
    encode(image, output, format, &made);
    return made.len;
}

static double level_at(VipsImage *image, int x, int y, int band)
{
    double *levels = NULL;
    int count = 0;
    assert_int_equal(vips_getpoint(image, &levels, &count, x, y, NULL), 0);
    double level = band < count ? levels[band] : -1;
    g_free(levels);
    return level;
}

static double ssim_of(VipsImage *a, VipsImage *b)
{
    IJ_AUTO(ij_luma_done) struct ij_luma one = { 0 };
    IJ_AUTO(ij_luma_done) struct ij_luma other = { 0 };
    double ssim;
    assert_int_equal(ij_luma_read(a, &one), 0);
    assert_int_equal(ij_luma_read(b, &other), 0);
    assert_int_equal(ij_ssim(&one, &other, &ssim), 0);
    return ssim;
}

/* ---- formats ---- */

static void every_format_keeps_the_image(void **state)
{
    (void)state;
    static const char *const loaders[] = { "jpegload", "pngload",  "webpload",
                                           "gifload",  "tiffload", "heifload" };
    const struct ij_output_spec output = output_of();
    for (size_t i = 0; i < IJ_ARRAY_LEN(all_formats); i++)
        for (int bands = 1; bands <= 4; bands++) {
            IJ_AUTO(ij_image_unref) VipsImage *image = photo(bands);
            IJ_AUTO(ij_encoded_done) struct ij_encoded made;
            encode(image, &output, all_formats[i], &made);
            assert_int_equal(made.about.format, all_formats[i]);
            assert_int_equal(made.about.pages, 1);
            assert_int_equal(made.about.encodes, 0);
            IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
            const char *loader;
            assert_int_equal(vips_image_get_string(read, "vips-loader", &loader), 0);
            assert_non_null(strstr(loader, loaders[i]));
            assert_int_equal(vips_image_get_width(read), SIDE);
            assert_int_equal(vips_image_get_height(read), SIDE);
            bool has_alpha = bands % 2 == 0 && all_formats[i] != IMGJOB_FORMAT_JPEG;
            /* a GIF's reader may find it where there is none */
            if (all_formats[i] != IMGJOB_FORMAT_GIF &&
                vips_image_hasalpha(read) != has_alpha)
                fail_msg("format %u of %d bands: alpha", all_formats[i], bands);
            if (ssim_of(image, read) < .8)
                fail_msg("format %u of %d bands: ssim %g", all_formats[i], bands,
                         ssim_of(image, read));
        }
}

static void what_cannot_be_clear_stands_on_the_background(void **state)
{
    (void)state;
    struct ij_output_spec output = output_of();
    IJ_AUTO(ij_image_unref) VipsImage *colors = photo(4);
    IJ_AUTO(ij_image_unref) VipsImage *grey = photo(2);
    for (int has_color = 0; has_color < 2; has_color++)
        for (int is_grey = 0; is_grey < 2; is_grey++) {
            if (has_color)
                output.values[IJ_OUT_BACKGROUND] =
                    (struct ij_value)IJ_DEFAULT_COLOR(0x2040c0ff);
            IJ_AUTO(ij_encoded_done) struct ij_encoded made;
            encode(is_grey ? grey : colors, &output, IMGJOB_FORMAT_JPEG, &made);
            IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
            int last = vips_image_get_bands(read) - 1;
            assert_int_equal(last, is_grey && !has_color ? 0 : 2);
            assert_true(fabs(level_at(read, 16, 80, 0) - (has_color ? 0x20 : 255)) < 6);
            assert_true(fabs(level_at(read, 16, 80, last) - (has_color ? 0xc0 : 255)) <
                        6);
            output.values[IJ_OUT_BACKGROUND] = (struct ij_value){ 0 };
        }
}

static void settings_reach_the_encoder(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = photo(3);
    const struct ij_output_spec plain = output_of();
    for (size_t i = 0; i < IJ_ARRAY_LEN(lossy_formats); i++) {
        struct ij_output_spec low = output_of();
        set_int(&low, IJ_OUT_QUALITY, 20);
        assert_true(encoded_len(image, &low, lossy_formats[i]) <
                    encoded_len(image, &plain, lossy_formats[i]));
    }
    struct ij_output_spec output = output_of();
    set_int(&output, IJ_OUT_LOSSLESS, 1);
    IJ_AUTO(ij_encoded_done) struct ij_encoded webp;
    encode(image, &output, IMGJOB_FORMAT_WEBP, &webp);
    IJ_AUTO(ij_image_unref) VipsImage *read = decode(&webp, "");
    for (int x = 0; x < SIDE; x += 17)
        assert_int_equal((int)level_at(read, x, 50, 1), (int)level_at(image, x, 50, 1));

    output = output_of();
    set_int(&output, IJ_OUT_PROGRESSIVE, 1);
    IJ_AUTO(ij_encoded_done) struct ij_encoded jpeg;
    encode(image, &output, IMGJOB_FORMAT_JPEG, &jpeg);
    assert_non_null(memmem(jpeg.bytes, jpeg.len, "\xff\xc2", 2));

    for (int effort = 0; effort <= 9; effort += 9) {
        output = output_of();
        set_int(&output, IJ_OUT_EFFORT, effort);
        for (size_t i = 0; i < IJ_ARRAY_LEN(all_formats); i++)
            assert_true(encoded_len(image, &output, all_formats[i]) > 0);
    }
    for (int kind = IJ_COMPRESSION_NONE; kind <= IJ_COMPRESSION_JPEG; kind++) {
        output = output_of();
        set_int(&output, IJ_OUT_COMPRESSION, kind);
        size_t len = encoded_len(image, &output, IMGJOB_FORMAT_TIFF);
        assert_true(kind == IJ_COMPRESSION_NONE ? len > SIDE * SIDE * 3
                                                : len < SIDE * SIDE * 3);
    }
}

static void chroma_is_halved_below_quality_90(void **state)
{
    (void)state;
    static const struct {
        int quality, chroma; /* -1 = absent */
        const char *wanted;
    } cases[] = { { -1, -1, "4:2:0" },
                  { 89, -1, "4:2:0" },
                  { 90, -1, "4:4:4" },
                  { 95, IJ_CHROMA_420, "4:2:0" },
                  { 50, IJ_CHROMA_444, "4:4:4" } };
    IJ_AUTO(ij_image_unref) VipsImage *image = photo(3);
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct ij_output_spec output = output_of();
        if (cases[i].quality > 0)
            set_int(&output, IJ_OUT_QUALITY, cases[i].quality);
        if (cases[i].chroma >= 0)
            set_int(&output, IJ_OUT_CHROMA, cases[i].chroma);
        IJ_AUTO(ij_encoded_done) struct ij_encoded made;
        encode(image, &output, IMGJOB_FORMAT_JPEG, &made);
        IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
        const char *found;
        assert_int_equal(vips_image_get_string(read, "jpeg-chroma-subsample", &found), 0);
        assert_string_equal(found, cases[i].wanted);
    }
}

static size_t colors_of(VipsImage *image)
{
    static uint32_t seen[SIDE * SIDE];
    size_t count = 0;
    IJ_AUTO(ij_image_unref) VipsImage *pixels = vips_image_copy_memory(image);
    assert_non_null(pixels);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const uint8_t *at = VIPS_IMAGE_ADDR(pixels, x, y);
            uint32_t color = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
            size_t i = 0;
            while (i < count && seen[i] != color)
                i++;
            if (i == count)
                seen[count++] = color;
        }
    return count;
}

static void palettes_have_no_more_colors_than_asked_for(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = photo(3);
    static const int asked[] = { 2, 5, 16, 100, 256 };
    for (size_t i = 0; i < IJ_ARRAY_LEN(asked); i++)
        for (int is_gif = 0; is_gif < 2; is_gif++) {
            struct ij_output_spec output = output_of();
            set_int(&output, IJ_OUT_PALETTE, 1);
            set_int(&output, IJ_OUT_COLORS, asked[i]);
            set_real(&output, IJ_OUT_DITHER, 0);
            IJ_AUTO(ij_encoded_done) struct ij_encoded made;
            encode(image, &output, is_gif ? IMGJOB_FORMAT_GIF : IMGJOB_FORMAT_PNG, &made);
            IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
            size_t found = colors_of(read);
            assert_in_range(found, 1, asked[i]);
        }
}

/* 20 colours in squares. */
static VipsImage *squares(int bands)
{
    static uint8_t bytes[SIDE * SIDE * 4];
    uint8_t *to = bytes;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int color = (x / 32 + y / 32 * 6) % 20;
            for (int i = 0; i < bands; i++)
                *to++ = i == 3 ? 255 : (uint8_t)(color * (i + 3) * 23 + 10 * i);
        }
    IJ_AUTO(ij_image_unref)
    VipsImage *plain = vips_image_new_from_memory_copy(bytes, (size_t)(to - bytes), SIDE,
                                                       SIDE, bands, VIPS_FORMAT_UCHAR);
    VipsImage *made;
    assert_int_equal(
        vips_copy(plain, &made, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), 0);
    return made;
}

/* 16 would be the next smaller palette. */
static void an_image_of_few_colors_keeps_them(void **state)
{
    (void)state;
    for (int bands = 3; bands <= 4; bands++)
        for (int is_gif = 0; is_gif < 2; is_gif++) {
            IJ_AUTO(ij_image_unref) VipsImage *image = squares(bands);
            assert_int_equal(colors_of(image), 20);
            struct ij_output_spec output = output_of();
            set_int(&output, IJ_OUT_PALETTE, 1);
            set_int(&output, IJ_OUT_COLORS, 20);
            set_real(&output, IJ_OUT_DITHER, 1);
            IJ_AUTO(ij_encoded_done) struct ij_encoded made;
            encode(image, &output, is_gif ? IMGJOB_FORMAT_GIF : IMGJOB_FORMAT_PNG, &made);
            IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
            for (int y = 16; y < SIDE; y += 32)
                for (int x = 16; x < SIDE; x += 32)
                    for (int i = 0; i < 3; i++)
                        assert_int_equal((int)level_at(read, x, y, i),
                                         (int)level_at(image, x, y, i));
            assert_int_equal(colors_of(read), 20);

            IJ_AUTO(ij_encoded_done) struct ij_encoded fewer;
            set_int(&output, IJ_OUT_COLORS, 19);
            encode(image, &output, is_gif ? IMGJOB_FORMAT_GIF : IMGJOB_FORMAT_PNG,
                   &fewer);
            IJ_AUTO(ij_image_unref) VipsImage *coarse = decode(&fewer, "");
            assert_in_range(colors_of(coarse), 2, 16);
        }
}

/* ---- frames ---- */

static VipsImage *three_frames(void)
{
    static const int delays[] = { 50, 100, 200 };
    IJ_AUTO(ij_image_unref) VipsImage *tall = photo(3);
    VipsImage *made;
    assert_int_equal(vips_copy(tall, &made, NULL), 0);
    vips_image_set_int(made, VIPS_META_PAGE_HEIGHT, SIDE / 3);
    vips_image_set_int(made, VIPS_META_N_PAGES, 3);
    vips_image_set_array_int(made, "delay", delays, 3);
    vips_image_set_int(made, "loop", 2);
    return made;
}

static void animations_keep_frames_loop_and_delay(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = three_frames();
    static const uint32_t formats[] = { IMGJOB_FORMAT_GIF, IMGJOB_FORMAT_WEBP };
    for (size_t i = 0; i < IJ_ARRAY_LEN(formats); i++)
        for (int is_set = 0; is_set < 2; is_set++) {
            struct ij_output_spec output = output_of();
            if (is_set) {
                set_int(&output, IJ_OUT_LOOP, 5);
                set_int(&output, IJ_OUT_DELAY, 70);
            }
            IJ_AUTO(ij_encoded_done) struct ij_encoded made;
            encode(image, &output, formats[i], &made);
            assert_int_equal(made.about.pages, 3);
            IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "[n=-1]");
            assert_int_equal(vips_image_get_n_pages(read), 3);
            assert_int_equal(vips_image_get_height(read), SIDE);
            int loop, count, *delay;
            assert_int_equal(vips_image_get_int(read, "loop", &loop), 0);
            assert_int_equal(loop, is_set ? 5 : 2);
            assert_int_equal(vips_image_get_array_int(read, "delay", &delay, &count), 0);
            assert_int_equal(count, 3);
            assert_int_equal(delay[1], is_set ? 70 : 100);
        }
}

static void formats_without_frames_take_the_first(void **state)
{
    (void)state;
    static const uint32_t formats[] = { IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_PNG,
                                        IMGJOB_FORMAT_AVIF };
    IJ_AUTO(ij_image_unref) VipsImage *image = three_frames();
    const struct ij_output_spec output = output_of();
    for (size_t i = 0; i < IJ_ARRAY_LEN(formats); i++) {
        IJ_AUTO(ij_encoded_done) struct ij_encoded made;
        encode(image, &output, formats[i], &made);
        assert_int_equal(made.about.pages, 1);
        IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
        assert_int_equal(vips_image_get_height(read), SIDE / 3);
        assert_int_equal(vips_image_get_n_pages(read), 1);
    }
}

/* A still would be smaller, but is not what it was. */
static void of_candidates_one_with_frames_wins(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = three_frames();
    struct ij_output_spec output = output_of();
    output.candidates[0] = IMGJOB_FORMAT_JPEG;
    output.candidates[1] = IMGJOB_FORMAT_WEBP;
    output.candidate_count = 2;
    IJ_AUTO(ij_encoded_done) struct ij_encoded made;
    encode(image, &output, 0, &made);
    assert_int_equal(made.about.format, IMGJOB_FORMAT_WEBP);
    assert_int_equal(made.about.pages, 3);
}

/* ---- metadata ---- */

/* What an input may say: who made it, where, and how it looked before. */
static VipsImage *telltale(void)
{
    VipsImage *image = photo(3);
    void *profile;
    size_t len;
    VipsBlob *blob = NULL;
    assert_int_equal(vips_profile_load("srgb", &blob, NULL), 0);
    profile = VIPS_AREA(blob)->data;
    len = VIPS_AREA(blob)->length;
    vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, profile, len);
    vips_area_unref(VIPS_AREA(blob));
    vips_image_set_string(image, "exif-ifd0-Copyright",
                          "Ann Owner (Ann Owner, ASCII, 10 components, 10 bytes)");
    vips_image_set_string(image, "exif-ifd0-Make",
                          "SpyCam (SpyCam, ASCII, 7 components, 7 bytes)");
    vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, "<x>Secret</x>", 13);
    vips_image_set_blob_copy(image, VIPS_META_IPTC_NAME, "Secret", 6);
    vips_image_set_blob_copy(image, "jpeg-thumbnail-data", "Preview", 7);
    return image;
}

static bool holds(const struct ij_encoded *made, const char *words)
{
    return memmem(made->bytes, made->len, words, strlen(words)) != NULL;
}

static void only_what_is_asked_for_is_kept(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = telltale();
    for (int keeps = 0; keeps < 2; keeps++) {
        if (keeps)
            vips_image_set_int(image, IJ_META_KEEP_PROFILE, 1);
        for (size_t i = 0; i < IJ_ARRAY_LEN(all_formats); i++)
            for (int kind = IJ_METADATA_STRIP; kind <= IJ_METADATA_ALL; kind++) {
                struct ij_output_spec output = output_of();
                set_int(&output, IJ_OUT_METADATA, kind);
                IJ_AUTO(ij_encoded_done) struct ij_encoded made;
                encode(image, &output, all_formats[i], &made);
                bool is_gif = all_formats[i] == IMGJOB_FORMAT_GIF; /* has room for none */
                bool is_png = all_formats[i] == IMGJOB_FORMAT_PNG; /* only a whole EXIF */
                bool is_tiff = all_formats[i] == IMGJOB_FORMAT_TIFF; /* no EXIF there */
                IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
                if (!is_gif &&
                    (vips_image_get_typeof(read, VIPS_META_ICC_NAME) != 0) != keeps)
                    fail_msg("format %u, metadata %d: profile", all_formats[i], kind);
                if (!is_gif && !is_tiff && !(is_png && kind == IJ_METADATA_ALL) &&
                    (vips_image_get_typeof(read, "exif-ifd0-Copyright") != 0) !=
                        (kind >= IJ_METADATA_COPYRIGHT))
                    fail_msg("format %u, metadata %d: copyright", all_formats[i], kind);
                if (kind != IJ_METADATA_ALL &&
                    (holds(&made, "SpyCam") || holds(&made, "Secret")))
                    fail_msg("format %u, metadata %d: secrets", all_formats[i], kind);
                assert_false(holds(&made, "Preview"));
            }
    }
}

static void a_tiff_tells_by_xmp_who_made_it(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = telltale();
    vips_image_set_string(image, "exif-ifd0-Artist",
                          "A <b> & C (A <b> & C, ASCII, 10 components, 10 bytes)");
    struct ij_output_spec output = output_of();
    set_int(&output, IJ_OUT_METADATA, IJ_METADATA_COPYRIGHT);
    IJ_AUTO(ij_encoded_done) struct ij_encoded made;
    encode(image, &output, IMGJOB_FORMAT_TIFF, &made);
    IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
    assert_int_not_equal(vips_image_get_typeof(read, VIPS_META_XMP_NAME), 0);
    assert_true(holds(&made, "<dc:creator><rdf:Seq><rdf:li>A &lt;b&gt; &amp; C</rdf:li>"
                             "</rdf:Seq></dc:creator>"));
    assert_true(holds(&made, "<dc:rights><rdf:Alt><rdf:li xml:lang=\"x-default\">Ann "
                             "Owner</rdf:li></rdf:Alt></dc:rights>"));
    assert_false(holds(&made, "Secret"));
    vips_image_remove(image, "exif-ifd0-Artist");
    vips_image_remove(image, "exif-ifd0-Copyright");
    IJ_AUTO(ij_encoded_done) struct ij_encoded none;
    encode(image, &output, IMGJOB_FORMAT_TIFF, &none);
    assert_false(holds(&none, "xmpmeta"));
}

static void a_profile_of_colors_leaves_a_grey_image(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = telltale();
    IJ_AUTO(ij_image_unref) VipsImage *grey = NULL;
    vips_image_set_int(image, IJ_META_KEEP_PROFILE, 1);
    assert_int_equal(vips_extract_band(image, &grey, 1, NULL), 0);
    const struct ij_output_spec output = output_of();
    IJ_AUTO(ij_encoded_done) struct ij_encoded made;
    encode(grey, &output, IMGJOB_FORMAT_PNG, &made);
    IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
    assert_int_equal(vips_image_get_typeof(read, VIPS_META_ICC_NAME), 0);
}

/* ---- the search alone ---- */

/* An encoder of which the bytes are known: a × e^(b × setting). */
struct model {
    double a, b;
    uint32_t encodes;
};

static int encode_model(void *data, uint32_t setting, struct ij_encoded *out)
{
    struct model *model = data;
    model->encodes++;
    out->bytes = g_malloc(1);
    out->len = (size_t)(model->a * exp(model->b * setting + sin(setting) * .01));
    out->about.quality = setting;
    return 0;
}

static int model_likeness(void *data, const struct ij_encoded *encoded, double *ssim)
{
    (void)data;
    *ssim = encoded->about.quality / 100.0 * .99;
    return 0;
}

static void a_search_meets_any_budget_within_six_encodes(void **state)
{
    (void)state;
    const struct ij_search_range range = { 10, 80, 95 };
    for (double b = .01; b < .08; b += .005)
        for (uint32_t budget = 500; budget < 200000; budget = budget * 5 / 4) {
            struct model model = { .a = 800, .b = b };
            const struct ij_search search = { .encode = encode_model, .data = &model };
            IJ_AUTO(ij_encoded_done) struct ij_encoded made = { 0 };
            assert_int_equal(ij_search_bytes(&search, range, budget, &made), 0);
            assert_in_range(made.about.encodes, 1, IJ_SEARCH_BYTES_ENCODES);
            assert_int_equal(made.about.encodes, model.encodes);
            bool is_small = made.len < .9 * budget && made.about.quality < 95;
            if (made.about.is_over_budget)
                assert_int_equal(made.about.quality, 10);
            else if (made.len > budget || (is_small && b < .075))
                fail_msg("b %g, budget %u: %zu at %u", b, budget, made.len,
                         made.about.quality);
        }
}

static void a_search_finds_the_smallest_that_is_alike(void **state)
{
    (void)state;
    for (uint32_t wanted = 10; wanted <= 100; wanted++) {
        struct model model = { .a = 800, .b = .03 };
        const struct ij_search search = { .encode = encode_model,
                                          .likeness = model_likeness,
                                          .data = &model };
        IJ_AUTO(ij_encoded_done) struct ij_encoded made = { 0 };
        const struct ij_search_range range = { 10, 80, 100 };
        assert_int_equal(
            ij_search_likeness(&search, range, wanted / 100.0 * .99 - 1e-9, &made), 0);
        assert_int_equal(made.about.quality, wanted);
        assert_in_range(made.about.ssim_millis, wanted * 99 / 10 - 1, wanted * 99 / 10);
        assert_in_range(made.about.encodes, 1, IJ_SEARCH_STEPS_ENCODES);
        assert_false(made.about.is_over_budget);
    }
}

/* ---- the search with encoders ---- */

static void outputs_stay_within_their_bytes(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = photo(3);
    for (size_t i = 0; i < IJ_ARRAY_LEN(lossy_formats); i++) {
        struct ij_output_spec output = output_of();
        set_int(&output, IJ_OUT_QUALITY, 60);
        size_t budget = encoded_len(image, &output, lossy_formats[i]) * 3 / 4;
        output = output_of();
        set_int(&output, IJ_OUT_MAX_BYTES, (int64_t)budget);
        IJ_AUTO(ij_encoded_done) struct ij_encoded made;
        encode(image, &output, lossy_formats[i], &made);
        assert_in_range(made.len, budget * 85 / 100, budget);
        assert_in_range(made.about.encodes, 1, IJ_SEARCH_BYTES_ENCODES);
        assert_in_range(made.about.quality, 10, 95);
        assert_false(made.about.is_over_budget);

        IJ_AUTO(ij_encoded_done) struct ij_encoded floor_made;
        set_int(&output, IJ_OUT_MAX_BYTES, 100);
        set_int(&output, IJ_OUT_MIN_QUALITY, 30);
        encode(image, &output, lossy_formats[i], &floor_made);
        assert_true(floor_made.about.is_over_budget);
        assert_int_equal(floor_made.about.quality, 30);
    }
}

static void lossless_formats_give_up_colors(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = photo(3);
    static const uint32_t formats[] = { IMGJOB_FORMAT_PNG, IMGJOB_FORMAT_GIF };
    for (size_t i = 0; i < IJ_ARRAY_LEN(formats); i++) {
        struct ij_output_spec output = output_of();
        size_t whole = encoded_len(image, &output, formats[i]);
        set_int(&output, IJ_OUT_MAX_BYTES, (int64_t)(whole / 2));
        IJ_AUTO(ij_encoded_done) struct ij_encoded made;
        encode(image, &output, formats[i], &made);
        assert_in_range(made.len, 1, whole / 2);
        assert_in_range(made.about.colors, 2, 256);
        assert_in_range(made.about.encodes, 1, IJ_SEARCH_BYTES_ENCODES);

        IJ_AUTO(ij_encoded_done) struct ij_encoded enough;
        set_int(&output, IJ_OUT_MAX_BYTES, (int64_t)(whole + 1000));
        encode(image, &output, formats[i], &enough);
        assert_int_equal(enough.about.colors, formats[i] == IMGJOB_FORMAT_PNG ? 0 : 256);
    }
}

static void outputs_are_as_alike_as_asked_for(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = photo(3);
    for (size_t i = 0; i < IJ_ARRAY_LEN(lossy_formats); i++) {
        struct ij_output_spec output = output_of();
        set_real(&output, IJ_OUT_TARGET_SSIM, .93);
        IJ_AUTO(ij_encoded_done) struct ij_encoded made;
        encode(image, &output, lossy_formats[i], &made);
        IJ_AUTO(ij_image_unref) VipsImage *read = decode(&made, "");
        assert_true(ssim_of(image, read) >= .93);
        assert_in_range(made.about.ssim_millis, 930, 970);
        assert_in_range(made.about.encodes, 1, IJ_SEARCH_STEPS_ENCODES);
        assert_in_range(made.about.quality, 10, 100);
    }
}

static void equal_images_are_wholly_alike(void **state)
{
    (void)state;
    IJ_AUTO(ij_image_unref) VipsImage *image = photo(3);
    IJ_AUTO(ij_image_unref) VipsImage *other = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *small = NULL;
    assert_true(fabs(ssim_of(image, image) - 1) < 1e-9);
    assert_int_equal(vips_invert(image, &other, NULL), 0);
    assert_true(ssim_of(image, other) < 0);
    assert_int_equal(vips_crop(image, &small, 0, 0, 5, 3, NULL), 0);
    assert_true(fabs(ssim_of(small, small) - 1) < 1e-9);
}

static void the_smallest_candidate_wins(void **state)
{
    (void)state;
    for (int bands = 3; bands <= 4; bands++) {
        IJ_AUTO(ij_image_unref) VipsImage *image = photo(bands);
        struct ij_output_spec output = output_of();
        output.candidates[0] = IMGJOB_FORMAT_PNG;
        output.candidates[1] = IMGJOB_FORMAT_JPEG;
        output.candidate_count = 2;
        IJ_AUTO(ij_encoded_done) struct ij_encoded made;
        encode(image, &output, 0, &made);
        assert_int_equal(made.about.format,
                         bands == 4 ? IMGJOB_FORMAT_PNG : IMGJOB_FORMAT_JPEG);
        output.candidates[2] = IMGJOB_FORMAT_WEBP;
        output.candidate_count = 3;
        set_int(&output, IJ_OUT_MAX_BYTES, 5000);
        IJ_AUTO(ij_encoded_done) struct ij_encoded searched;
        encode(image, &output, 0, &searched);
        assert_in_range(searched.len, 1, 5000);
        assert_true(searched.about.encodes >= 2);
        output.candidates[0] = IMGJOB_FORMAT_JPEG;
        output.candidate_count = 1;
        IJ_AUTO(ij_encoded_done) struct ij_encoded only;
        encode(image, &output, 0, &only); /* clear or not: there is no other */
        assert_int_equal(only.about.format, IMGJOB_FORMAT_JPEG);
    }
}

static int start_image_room(void **state)
{
    (void)state;
    return ij_image_start(&test_err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_keeps_the_image),
        cmocka_unit_test(what_cannot_be_clear_stands_on_the_background),
        cmocka_unit_test(settings_reach_the_encoder),
        cmocka_unit_test(chroma_is_halved_below_quality_90),
        cmocka_unit_test(palettes_have_no_more_colors_than_asked_for),
        cmocka_unit_test(an_image_of_few_colors_keeps_them),
        cmocka_unit_test(animations_keep_frames_loop_and_delay),
        cmocka_unit_test(formats_without_frames_take_the_first),
        cmocka_unit_test(of_candidates_one_with_frames_wins),
        cmocka_unit_test(only_what_is_asked_for_is_kept),
        cmocka_unit_test(a_tiff_tells_by_xmp_who_made_it),
        cmocka_unit_test(a_profile_of_colors_leaves_a_grey_image),
        cmocka_unit_test(a_search_meets_any_budget_within_six_encodes),
        cmocka_unit_test(a_search_finds_the_smallest_that_is_alike),
        cmocka_unit_test(outputs_stay_within_their_bytes),
        cmocka_unit_test(lossless_formats_give_up_colors),
        cmocka_unit_test(outputs_are_as_alike_as_asked_for),
        cmocka_unit_test(equal_images_are_wholly_alike),
        cmocka_unit_test(the_smallest_candidate_wins),
    };
    return cmocka_run_group_tests(tests, start_image_room, NULL);
}
