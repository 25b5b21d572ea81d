/*
 * Owns how an output becomes bytes: what of the image a format takes (frames, alpha,
 * metadata), which setting a search tries, and which candidate wins.
 */
#include "image/save.h"

#include <imgjob/spec.h>

#include "base/auto.h"
#include "image/encoder.h"
#include "image/search.h"
#include "image/source.h"
#include "image/ssim.h"

enum {
    MIN_QUALITY = 10,       /* floor of a search that names none */
    BYTES_QUALITY_MAX = 95, /* above it, bytes buy nothing that is seen */
    LIKENESS_QUALITY_MAX = 100,
    WHITE = -1 /* 0xffffffff */
};

void ij_encoded_done(struct ij_encoded *encoded)
{
    g_free(encoded->bytes);
    *encoded = (struct ij_encoded){ 0 };
}

/* An output in one format, ready to be encoded any number of times. */
struct candidate {
    struct ij_encoding how;
    VipsImage *image; /* with what the format takes; owned */
    uint32_t pages;
    struct ij_luma luma; /* of a search for a likeness */
    VipsImage *watched;  /* what a deadline kills; borrowed, NULL = none */
};

static void candidate_done(struct candidate *candidate)
{
    ij_image_unref(&candidate->image);
    ij_luma_done(&candidate->luma);
}

/* ---- what of the image a format takes ---- */

static int first_frame(VipsImage **image, int page_height)
{
    VipsImage *made;
    if (vips_crop(*image, &made, 0, 0, vips_image_get_width(*image), page_height, NULL) !=
        0)
        return -1;
    ij_image_replace(image, made);
    return 0;
}

static int flatten(VipsImage **image, uint32_t color)
{
    const double rgb[] = { color >> 24, color >> 16 & 0xff, color >> 8 & 0xff };
    bool is_grey = rgb[0] == rgb[1] && rgb[1] == rgb[2];
    VipsImage *made;
    if (vips_image_get_bands(*image) < 3 && !is_grey) {
        if (vips_colourspace(*image, &made, VIPS_INTERPRETATION_sRGB, NULL) != 0)
            return -1;
        ij_image_replace(image, made);
    }
    int bands = vips_image_get_bands(*image) < 3 ? 1 : 3;
    VipsArrayDouble *background = vips_array_double_new(rgb, bands);
    int rc = vips_flatten(*image, &made, "background", background, NULL);
    vips_area_unref(VIPS_AREA(background));
    if (rc == 0)
        ij_image_replace(image, made);
    return rc;
}

/* How it is played; the fields are the image's own, which is a copy. */
static int set_playing(VipsImage *image, const struct ij_output_spec *output,
                       uint32_t pages)
{
    const struct ij_value *loop = &output->values[IJ_OUT_LOOP];
    const struct ij_value *delay = &output->values[IJ_OUT_DELAY];
    if (loop->is_given)
        vips_image_set_int(image, "loop", (int)loop->integer);
    if (!delay->is_given)
        return 0;
    IJ_AUTO(ij_free) int *delays = calloc(pages, sizeof(*delays));
    if (!delays) {
        vips_error("imgsave", "%s", "out of memory");
        return -1;
    }
    for (uint32_t i = 0; i < pages; i++)
        delays[i] = (int)delay->integer;
    vips_image_set_array_int(image, "delay", delays, (int)pages);
    return 0;
}

static int candidate_init(struct candidate *candidate, VipsImage *image)
{
    const struct ij_output_spec *output = candidate->how.output;
    const struct ij_value *metadata = &output->values[IJ_OUT_METADATA];
    const struct ij_value *background = &output->values[IJ_OUT_BACKGROUND];
    int page_height = vips_image_get_page_height(image);
    candidate->pages = (uint32_t)(vips_image_get_height(image) / page_height);
    if (ij_metadata_select(image, metadata->is_given ? metadata->integer : 0,
                           candidate->how.format, &candidate->image,
                           &candidate->how.metadata) != 0)
        return -1;
    if (candidate->pages > 1 && !ij_encoder_has_frames(candidate->how.format)) {
        if (first_frame(&candidate->image, page_height) != 0)
            return -1;
        candidate->pages = 1;
    }
    if (ij_encoder_is_opaque(&candidate->how) && vips_image_hasalpha(candidate->image) &&
        flatten(&candidate->image,
                background->is_given ? background->color : (uint32_t)WHITE) != 0)
        return -1;
    if (candidate->pages > 1)
        return set_playing(candidate->image, output, candidate->pages);
    /* a frame alone is no animation; encoders would look for one */
    (void)vips_image_remove(candidate->image, VIPS_META_PAGE_HEIGHT);
    (void)vips_image_remove(candidate->image, VIPS_META_N_PAGES);
    (void)vips_image_remove(candidate->image, "delay");
    return 0;
}

/* ---- encoding, once or by search ---- */

static int encode_as(const struct candidate *candidate, const struct ij_encoding *how,
                     struct ij_encoded *out)
{
    /* pixels in memory have no pipeline through which they would hear of it */
    if (candidate->watched && vips_image_iskilled(candidate->watched))
        return -1;
    struct ij_encoded made = { 0 };
    if (ij_encoder_run(how, candidate->image, &made.bytes, &made.len) != 0)
        return -1;
    made.about.format = how->format;
    made.about.pages = candidate->pages;
    made.about.len = made.len;
    *out = made;
    return 0;
}

static int encode_quality(void *data, uint32_t quality, struct ij_encoded *out)
{
    const struct candidate *candidate = data;
    struct ij_encoding how = candidate->how;
    how.quality = quality;
    how.is_searched = true;
    if (encode_as(candidate, &how, out) != 0)
        return -1;
    out->about.quality = quality;
    return 0;
}

/* @param colors 0 = all there are, of a PNG */
static int encode_colors(void *data, uint32_t colors, struct ij_encoded *out)
{
    const struct candidate *candidate = data;
    struct ij_encoding how = candidate->how;
    how.colors = colors;
    how.is_searched = true;
    if (encode_as(candidate, &how, out) != 0)
        return -1;
    out->about.colors = colors;
    return 0;
}

static int likeness(void *data, const struct ij_encoded *encoded, double *ssim)
{
    const struct candidate *candidate = data;
    const char *options = candidate->pages > 1 ? "[n=-1]" : "";
    ij_image_allow(candidate->how.format); /* what was written here may be read here */
    IJ_AUTO(ij_image_unref)
    VipsImage *image =
        vips_image_new_from_buffer(encoded->bytes, encoded->len, options, NULL);
    if (!image)
        return -1;
    IJ_AUTO(ij_luma_done) struct ij_luma luma = { 0 };
    if (ij_luma_read(image, &luma) != 0)
        return -1;
    /* an encoder makes one of frames that became equal: then the first stands for all */
    struct ij_luma whole = candidate->luma;
    uint32_t page_height = whole.height / candidate->pages;
    if (luma.height != whole.height && luma.height >= page_height)
        luma.height = whole.height = page_height;
    if (luma.width != whole.width || luma.height != whole.height) {
        vips_error("imgsave", "%s", "an encoder changed the size");
        return -1;
    }
    if (ij_ssim(&whole, &luma, ssim) != 0) {
        vips_error("imgsave", "%s", "out of memory");
        return -1;
    }
    return 0;
}

static struct ij_search_range quality_range(const struct candidate *candidate,
                                            uint32_t ceiling)
{
    const struct ij_value *given = candidate->how.output->values;
    struct ij_search_range range = { .floor = MIN_QUALITY,
                                     .start = ij_encoder_quality(&candidate->how),
                                     .ceiling = ceiling };
    if (given[IJ_OUT_QUALITY].is_given)
        range.ceiling = (uint32_t)given[IJ_OUT_QUALITY].integer;
    if (given[IJ_OUT_MIN_QUALITY].is_given)
        range.floor = (uint32_t)given[IJ_OUT_MIN_QUALITY].integer;
    if (range.floor > range.ceiling)
        range.floor = range.ceiling;
    return range;
}

/* From all colours to two; a palette that the output asks for is where it starts. */
static int search_colors(const struct ij_search *search, const struct candidate *from,
                         uint64_t max_bytes, struct ij_encoded *out)
{
    static const uint32_t of_png[] = { 0, 256, 16, 4, 2 };
    static const uint32_t of_gif[] = { 256, 128, 64, 32, 16, 8, 4, 2 };
    const struct ij_value *given = from->how.output->values;
    bool is_png = from->how.format == IMGJOB_FORMAT_PNG;
    const uint32_t *steps = is_png ? of_png : of_gif;
    size_t count = is_png ? IJ_ARRAY_LEN(of_png) : IJ_ARRAY_LEN(of_gif);
    bool has_palette = !is_png || given[IJ_OUT_PALETTE].integer;
    uint32_t most =
        given[IJ_OUT_COLORS].is_given ? (uint32_t)given[IJ_OUT_COLORS].integer : 256;
    while (has_palette && count > 1 && (steps[0] == 0 || steps[0] > most)) {
        steps++;
        count--;
    }
    return ij_search_steps(search, steps, count, max_bytes, out);
}

static int encode_within(struct candidate *candidate, uint64_t max_bytes,
                         struct ij_encoded *out)
{
    struct ij_search search = { .encode = encode_quality, .data = candidate };
    if (ij_encoder_is_lossy(&candidate->how))
        return ij_search_bytes(&search, quality_range(candidate, BYTES_QUALITY_MAX),
                               max_bytes, out);
    if (candidate->how.format == IMGJOB_FORMAT_PNG ||
        candidate->how.format == IMGJOB_FORMAT_GIF) {
        search.encode = encode_colors;
        return search_colors(&search, candidate, max_bytes, out);
    }
    if (encode_as(candidate, &candidate->how, out) != 0)
        return -1;
    out->about.encodes = 1; /* there is nothing to search */
    out->about.is_over_budget = out->len > max_bytes;
    return 0;
}

static int encode_candidate(struct candidate *candidate, struct ij_encoded *out)
{
    const struct ij_value *given = candidate->how.output->values;
    if (given[IJ_OUT_MAX_BYTES].is_given)
        return encode_within(candidate, (uint64_t)given[IJ_OUT_MAX_BYTES].integer, out);
    if (!given[IJ_OUT_TARGET_SSIM].is_given || !ij_encoder_is_lossy(&candidate->how))
        return encode_as(candidate, &candidate->how, out);
    if (ij_luma_read(candidate->image, &candidate->luma) != 0)
        return -1;
    const struct ij_search search = { .encode = encode_quality,
                                      .likeness = likeness,
                                      .data = candidate };
    return ij_search_likeness(&search, quality_range(candidate, LIKENESS_QUALITY_MAX),
                              given[IJ_OUT_TARGET_SSIM].real, out);
}

static int encode_format(VipsImage *image, const struct ij_output_spec *output,
                         uint32_t format, struct ij_encoded *out)
{
    IJ_AUTO(candidate_done)
    struct candidate candidate = { .how = { .format = format, .output = output },
                                   .watched = image->progress_signal };
    if (candidate_init(&candidate, image) != 0)
        return -1;
    return encode_candidate(&candidate, out);
}

/* ---- which candidate wins ---- */

static bool can_hold(VipsImage *image, uint32_t format)
{
    uint32_t side_max = ij_encoder_side_max(format);
    return ij_encoder_exists(format) &&
           (uint32_t)vips_image_get_width(image) <= side_max &&
           (uint32_t)vips_image_get_page_height(image) <= side_max;
}

/* Whether nothing of the image is lost but detail. */
static bool is_fit(VipsImage *image, uint32_t format)
{
    bool is_animated = vips_image_get_page_height(image) < vips_image_get_height(image);
    if (!can_hold(image, format))
        return false;
    if (format == IMGJOB_FORMAT_JPEG && vips_image_hasalpha(image))
        return false;
    /* a still would always be smaller than what moves */
    return !is_animated || ij_encoder_has_frames(format);
}

/* Within what was asked for before smaller. */
static bool is_better(const struct ij_encoded *made, const struct ij_encoded *than)
{
    if (!than->bytes || made->about.is_over_budget != than->about.is_over_budget)
        return !than->bytes || than->about.is_over_budget;
    return made->len < than->len;
}

/* The first candidate that can hold the image at all, though not as it is. */
static uint32_t least_unfit(VipsImage *image, const struct ij_output_spec *output)
{
    for (size_t i = 0; i < output->candidate_count; i++)
        if (can_hold(image, output->candidates[i]))
            return output->candidates[i];
    return output->candidates[0];
}

static int encode_smallest(VipsImage *image, const struct ij_output_spec *output,
                           struct ij_encoded *out)
{
    IJ_AUTO(ij_encoded_done) struct ij_encoded best = { 0 };
    uint32_t encodes = 0;
    for (size_t i = 0; i < output->candidate_count; i++) {
        if (!is_fit(image, output->candidates[i]))
            continue;
        IJ_AUTO(ij_encoded_done) struct ij_encoded made = { 0 };
        if (encode_format(image, output, output->candidates[i], &made) != 0)
            return -1;
        encodes += made.about.encodes;
        if (!is_better(&made, &best))
            continue;
        ij_encoded_done(&best);
        best = made;
        made = (struct ij_encoded){ 0 }; /* handed over */
    }
    if (!best.bytes)
        return encode_format(image, output, least_unfit(image, output), out);
    best.about.encodes = encodes;
    *out = best;
    best = (struct ij_encoded){ 0 }; /* handed over */
    return 0;
}

bool ij_encode_reads_twice(const struct ij_output_spec *output, uint32_t format)
{
    if (output->candidate_count > 1 || output->values[IJ_OUT_MAX_BYTES].is_given ||
        output->values[IJ_OUT_TARGET_SSIM].is_given)
        return true;
    const struct ij_encoding how = {
        .format = output->candidate_count ? output->candidates[0] : format,
        .output = output,
    };
    return ij_encoder_counts_colors(&how);
}

int ij_encode(VipsImage *image, const struct ij_output_spec *output, uint32_t format,
              struct ij_encoded *out)
{
    IJ_AUTO(ij_image_unref) VipsImage *pixels = NULL;
    if (ij_encode_reads_twice(output, format)) {
        pixels = vips_image_copy_memory(image);
        if (!pixels)
            return -1;
        pixels->progress_signal = image->progress_signal; /* as an operation does */
        image = pixels;
    }
    if (output->candidate_count)
        return encode_smallest(image, output, out);
    return encode_format(image, output, format, out);
}
