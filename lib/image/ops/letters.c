/*
 * Owns what is drawn with fonts. Pango, which libvips calls, reads markup and whole
 * descriptions of fonts; what it is given here is neither. How large letters come out is
 * known only when they are drawn: plan() guesses, and what is large is drawn small first.
 * Fonts stay loaded as long as the process lives, with the letters that were drawn of the
 * last 256 sizes: up to 2 GB of large ones. A worker ends by what it holds; nothing else
 * frees them.
 */
#include "image/ops/letters.h"

#include "base/auto.h"
#include "image/source.h"

/* ---- how much ---- */

/* How many pixels letters may have: those of the image, or what is no burden. libvips
 * needs 5 bytes for each. */
static int64_t pixels_max(struct ij_extent in)
{
    enum { NO_BURDEN = 16 << 20 };
    int64_t pixels = (int64_t)in.width * in.height;
    return pixels > NO_BURDEN ? pixels : NO_BURDEN;
}

static int64_t guess_lines(const char *text, int64_t per_line)
{
    int64_t lines = 0;
    for (const char *line = text;; line++) {
        size_t len = strcspn(line, "\n");
        int64_t count = g_utf8_strlen(line, (gssize)len);
        lines += count > per_line ? (count + per_line - 1) / per_line : 1;
        line += len;
        if (!*line)
            return lines;
    }
}

int ij_letters_plan(const struct ij_letters *letters, struct ij_extent in,
                    struct imgjob_error *err)
{
    int64_t size = letters->size;
    int64_t width = letters->wrap > size ? letters->wrap : size;
    /* as if each letter were as wide as high: most are half as wide, hence twice */
    int64_t lines = guess_lines(letters->text, width / size);
    int64_t height = lines * (size * 3 / 2 + letters->spacing);
    if (width * height <= 2 * pixels_max(in))
        return 0;
    return ij_fail(
        err, IMGJOB_E_SPEC,
        "%lld lines of size %lld may need %lld x %lld px, too much for an "
        "image of %u x %u px; lower size, line_spacing or width, or write less",
        (long long)lines, (long long)size, (long long)width, (long long)height, in.width,
        in.height);
}

/* ---- drawing ---- */

static int draw(const struct ij_letters *letters, VipsImage **made,
                struct imgjob_error *err)
{
    char font[IJ_FONT_MAX + sizeof(", Bold Italic 2147483647px")];
    /* up to the comma it is a family, whatever it is called */
    (void)snprintf(font, sizeof(font), "%.*s,%s%s %dpx", IJ_FONT_MAX, letters->family,
                   letters->is_bold ? " Bold" : "", letters->is_italic ? " Italic" : "",
                   letters->size);
    char *markup = g_markup_escape_text(letters->text, -1);
    int rc =
        vips_text(made, markup, "font", font, "width", letters->wrap, "wrap",
                  VIPS_TEXT_WRAP_WORD_CHAR, "align", letters->align, "justify",
                  (gboolean)letters->is_justified, "spacing", letters->spacing, NULL);
    g_free(markup);
    if (rc != 0 && strstr(vips_error_buffer(), "no text to render")) {
        vips_error_clear();
        (void)ij_fail(err, IMGJOB_E_SPEC, "no letter of the text leaves a mark");
    }
    return rc;
}

/* Where no font is found, or the one found cannot be read, Pango does not fail: it draws
 * boxes of one size for letters. A point is then as high as an M. */
static int check_fonts(const struct ij_letters *letters, struct imgjob_error *err)
{
    enum { SIZE_MIN = 8 /* below, both may be a pixel high */ };
    struct ij_letters probe = *letters;
    if (probe.size < SIZE_MIN)
        probe.size = SIZE_MIN;
    IJ_AUTO(ij_image_unref) VipsImage *letter = NULL;
    IJ_AUTO(ij_image_unref) VipsImage *point = NULL;
    probe.text = "M";
    if (draw(&probe, &letter, err) != 0)
        return -1;
    probe.text = ".";
    if (draw(&probe, &point, err) != 0)
        return -1;
    if (vips_image_get_height(letter) > vips_image_get_height(point))
        return 0;
    (void)ij_fail(err, IMGJOB_E_INTERNAL,
                  "no font is installed, or none that can be read");
    return -1;
}

/* Fonts have letters that are wider or higher than any guess. */
static int check_pixels(const struct ij_letters *letters, struct ij_extent in,
                        struct imgjob_error *err)
{
    enum { SMALL = 16 };
    if (letters->size <= SMALL)
        return 0;
    struct ij_letters small = *letters;
    small.size = SMALL;
    small.wrap = (int)((int64_t)letters->wrap * SMALL / letters->size);
    if (small.wrap < 1)
        small.wrap = 1;
    small.spacing = letters->spacing * SMALL / letters->size;
    IJ_AUTO(ij_image_unref) VipsImage *mask = NULL;
    if (draw(&small, &mask, err) != 0)
        return -1;
    int64_t width = (int64_t)vips_image_get_width(mask) * letters->size / SMALL;
    int64_t height = (int64_t)vips_image_get_height(mask) * letters->size / SMALL;
    if (width * height <= pixels_max(in))
        return 0;
    (void)ij_fail(
        err, IMGJOB_E_SPEC,
        "needs about %lld x %lld px, too much for an image of %u x %u px; lower "
        "size, line_spacing or width, or write less",
        (long long)width, (long long)height, in.width, in.height);
    return -1;
}

int ij_letters_draw(const struct ij_letters *letters, struct ij_extent in,
                    VipsImage **made, struct imgjob_error *err)
{
    if (check_fonts(letters, err) != 0 || check_pixels(letters, in, err) != 0)
        return -1;
    return draw(letters, made, err);
}
