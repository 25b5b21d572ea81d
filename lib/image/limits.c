/*
 * Owns what one image may cost: the defaults, and the checks. All products are computed
 * in 64 bits from 32-bit sides, so none can wrap.
 */
#include "image/limits.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/check.h"
#include "image/encoder.h"

enum {
    PAGES_MAX = 256,
    BANDS_MAX = 5,       /* CMYK and alpha */
    BITS_MAX = 16,       /* per band */
    SIDE_MAX = 10000000, /* VIPS_MAX_COORD */
};

/* The size of the struct in the first release. */
#define LIMITS_OLDEST IJ_END_OF(struct imgjob_limits, reserved)

static void fill_defaults(struct imgjob_limits *limits)
{
    if (!limits->max_upload_size)
        limits->max_upload_size = UINT64_C(10485760);
    if (!limits->max_output_size)
        limits->max_output_size = UINT64_C(67108864);
    if (!limits->max_pixels)
        limits->max_pixels = UINT64_C(50000000);
    if (!limits->max_progressive_pixels)
        limits->max_progressive_pixels = UINT64_C(20000000);
    if (!limits->max_side)
        limits->max_side = 16384;
    if (!limits->max_pages)
        limits->max_pages = PAGES_MAX;
}

int ij_limits_read(const struct imgjob_limits *limits, struct imgjob_limits *out,
                   struct imgjob_error *err)
{
    struct imgjob_limits read;
    int rc =
        ij_options_read(&read, sizeof(read), LIMITS_OLDEST, limits, "imgjob_limits", err);
    if (rc < 0)
        return rc;
    fill_defaults(&read);
    if (read.reserved != 0)
        return ij_fail(err, IMGJOB_E_ABI, "reserved: must be 0, not %" PRIu32,
                       read.reserved);
    rc = ij_extra_formats_check(read.extra_formats, err);
    if (rc < 0)
        return rc;
    if (read.max_pages > PAGES_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "max_pages: must be 1..%d, not %" PRIu32,
                       PAGES_MAX, read.max_pages);
    if (read.max_side > SIDE_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "max_side: must be 1..%d, not %" PRIu32,
                       SIDE_MAX, read.max_side);
    const struct {
        const char *name;
        uint64_t value;
    } wide[] = { { "max_upload_size", read.max_upload_size },
                 { "max_output_size", read.max_output_size },
                 { "max_pixels", read.max_pixels },
                 { "max_progressive_pixels", read.max_progressive_pixels } };
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        if (wide[i].value > INT64_MAX) /* failures carry limits as int64_t */
            return ij_fail(err, IMGJOB_E_INVALID,
                           "%s: must be at most %" PRId64 ", not %" PRIu64, wide[i].name,
                           INT64_MAX, wide[i].value);
    read.size = sizeof(read);
    *out = read;
    return 0;
}

/* A limit that a setting moves, and where it is met. */
struct rule {
    enum ij_stage stage;
    const char *limit, *setting;
};
static const struct rule upload_rule = { IJ_STAGE_LOAD, "input bytes",
                                         "max_upload_size" };
static const struct rule side_rule = { IJ_STAGE_LOAD, "side", "max_side" };
static const struct rule pixel_rule = { IJ_STAGE_LOAD, "pixels", "max_pixels" };
static const struct rule progressive_rule = { IJ_STAGE_LOAD, "pixels",
                                              "max_progressive_pixels" };
static const struct rule pages_rule = { IJ_STAGE_LOAD, "pages", "max_pages" };
static const struct rule step_rule = { IJ_STAGE_STEPS, "pixels", "max_pixels" };
static const struct rule output_rule = { IJ_STAGE_ENCODE, "output bytes",
                                         "max_output_size" };

static int check(struct ij_failure *failure, const struct rule *rule, uint64_t value,
                 uint64_t limit_value)
{
    if (value <= limit_value)
        return 0;
    int64_t shown = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    return ij_failure_set_limit(failure, rule->stage, rule->limit, shown,
                                (int64_t)limit_value, rule->setting);
}

/* A limit of the code itself, which no setting moves. */
static int check_fixed(struct ij_failure *failure, const char *limit, uint32_t value,
                       uint32_t limit_value)
{
    if (value <= limit_value)
        return 0;
    (void)ij_failure_set_limit(failure, IJ_STAGE_LOAD, limit, value, limit_value, "");
    return ij_failure_set(failure, IJ_STAGE_LOAD, IJ_REASON_TOO_LARGE, IMGJOB_E_LIMIT,
                          "%s: %" PRIu32 " is over the limit of %" PRIu32, limit, value,
                          limit_value);
}

uint32_t ij_limits_pages(const struct ij_load_spec *load, uint32_t in_file)
{
    uint32_t left = in_file > load->page ? in_file - load->page : 1;
    return load->pages && load->pages < left ? load->pages : left;
}

uint32_t ij_limits_pages_taken(const struct imgjob_spec *spec,
                               const struct ij_image_header *header)
{
    for (size_t i = 0; i < spec->output_count; i++)
        if (ij_encoder_keeps_frames(&spec->outputs[i], header->format))
            return ij_limits_pages(&spec->load, header->pages);
    return 1;
}

int ij_limits_check_input(const struct imgjob_limits *limits, uint64_t len,
                          struct ij_failure *failure)
{
    return check(failure, &upload_rule, len, limits->max_upload_size);
}

int ij_limits_check_header(const struct imgjob_limits *limits,
                           const struct ij_image_header *header, uint32_t pages,
                           struct ij_failure *failure)
{
    uint64_t side = header->width > header->height ? header->width : header->height;
    uint64_t pixels = (uint64_t)header->width * header->height;
    uint64_t most = UINT64_MAX / pages; /* sides of 32 bits and 2^32 pages could wrap */
    pixels = pixels > most ? UINT64_MAX : pixels * pages;
    int rc = check(failure, &side_rule, side, limits->max_side);
    if (rc == 0)
        rc = check(failure, &pages_rule, pages, limits->max_pages);
    if (rc == 0)
        rc = check(failure, &pixel_rule, pixels, limits->max_pixels);
    if (rc == 0 && header->progressive)
        rc = check(failure, &progressive_rule, pixels, limits->max_progressive_pixels);
    if (rc == 0)
        rc = check_fixed(failure, "bands", header->bands, BANDS_MAX);
    if (rc == 0)
        rc = check_fixed(failure, "bits", header->bits, BITS_MAX);
    return rc;
}

int ij_limits_check_step(const struct imgjob_limits *limits, struct ij_extent made,
                         uint32_t pages, struct ij_failure *failure)
{
    uint64_t pixels = (uint64_t)made.width * made.height;
    uint64_t most = UINT64_MAX / pages;
    return check(failure, &step_rule, pixels > most ? UINT64_MAX : pixels * pages,
                 limits->max_pixels);
}

int ij_limits_check_output(const struct imgjob_limits *limits, uint64_t len,
                           struct ij_failure *failure)
{
    return check(failure, &output_rule, len, limits->max_output_size);
}
