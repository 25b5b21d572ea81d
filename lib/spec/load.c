/* Owns what a spec says about how the input is opened. */
#include "spec/read.h"

#include <string.h>

#include "base/auto.h"

enum { PROFILE_SRGB, PROFILE_KEEP };

static const char *const profiles[] = {
    [PROFILE_SRGB] = "srgb", [PROFILE_KEEP] = "keep", NULL
};

const char ij_load_pages_all[] = "all";

static const char load_at[] = "/load";

const struct ij_param ij_load_params[IJ_LOAD_COUNT] = {
    [IJ_LOAD_PAGE] = { .name = "page",
                       .type = IJ_PARAM_INT,
                       .min = 0,
                       .max = 9999,
                       .fallback = IJ_DEFAULT_INT(0),
                       .doc = "The first page or frame to take, counted from 0" },
    [IJ_LOAD_PAGES] = { .name = "pages",
                        .type = IJ_PARAM_INT,
                        .min = 1,
                        .max = IJ_SPEC_PAGES_MAX,
                        .fallback = IJ_DEFAULT_INT(1),
                        .doc = "How many pages or frames to take at most, or \"all\"; "
                               "gif, webp and tiff keep them, and only the first is "
                               "taken where no output is one of these" },
    [IJ_LOAD_UPRIGHT] = { .name = "upright",
                          .type = IJ_PARAM_BOOL,
                          .fallback = IJ_DEFAULT_INT(1),
                          .doc = "Turn the image as its EXIF orientation says" },
    [IJ_LOAD_PROFILE] = { .name = "profile",
                          .type = IJ_PARAM_CHOICE,
                          .fallback = IJ_DEFAULT_INT(PROFILE_SRGB),
                          .choices = profiles,
                          .doc = "srgb converts the colours to sRGB; keep leaves them as "
                                 "they are, with their profile" },
};

/* A number, or "all". */
static int read_pages(const struct ij_reading *reading, const struct ij_json *value,
                      const char *at, struct ij_value *out)
{
    if (!value || ij_json_type(value) != IJ_JSON_STRING)
        return ij_param_read(reading, &ij_load_params[IJ_LOAD_PAGES], value, at, out);
    if (strcmp(ij_json_string(value), ij_load_pages_all) != 0)
        return ij_fail(reading->err, IMGJOB_E_SPEC, "%s: must be 1..%d or \"%s\"", at,
                       IJ_SPEC_PAGES_MAX, ij_load_pages_all);
    *out = (struct ij_value)IJ_DEFAULT_INT(0);
    return 0;
}

int ij_load_read(const struct ij_reading *reading, const struct ij_json *object)
{
    int rc = object ? ij_value_expect(object, IJ_JSON_OBJECT, load_at, reading->err) : 0;
    const char *members[IJ_LOAD_COUNT + 1] = { NULL };
    for (size_t i = 0; i < IJ_LOAD_COUNT; i++)
        members[i] = ij_load_params[i].name;
    if (rc == 0 && object)
        rc = ij_members_expect(object, members, load_at, reading->err);
    struct ij_value values[IJ_LOAD_COUNT];
    for (size_t i = 0; i < IJ_LOAD_COUNT && rc == 0; i++) {
        const struct ij_json *value = ij_json_member(object, ij_load_params[i].name);
        char where[IJ_POINTER_SIZE];
        ij_pointer_member(where, load_at, ij_load_params[i].name);
        rc = i == IJ_LOAD_PAGES
                 ? read_pages(reading, value, where, &values[i])
                 : ij_param_read(reading, &ij_load_params[i], value, where, &values[i]);
    }
    if (rc < 0)
        return rc;
    reading->spec->load = (struct ij_load_spec){
        .page = (uint32_t)values[IJ_LOAD_PAGE].integer,
        .pages = (uint32_t)values[IJ_LOAD_PAGES].integer,
        .is_upright = values[IJ_LOAD_UPRIGHT].integer != 0,
        .keeps_profile = values[IJ_LOAD_PROFILE].integer == PROFILE_KEEP,
    };
    return 0;
}

bool ij_load_is_default(const struct ij_load_spec *load)
{
    return load->page == 0 && load->pages == 1 && load->is_upright &&
           !load->keeps_profile;
}

void ij_load_write(struct ij_json_out *out, const struct ij_load_spec *load)
{
    ij_json_open(out, "load", '{');
    ij_json_put_int(out, ij_load_params[IJ_LOAD_PAGE].name, load->page);
    if (load->pages)
        ij_json_put_int(out, ij_load_params[IJ_LOAD_PAGES].name, load->pages);
    else
        ij_json_put_str(out, ij_load_params[IJ_LOAD_PAGES].name, ij_load_pages_all);
    ij_json_put_bool(out, ij_load_params[IJ_LOAD_UPRIGHT].name, load->is_upright);
    ij_json_put_str(out, ij_load_params[IJ_LOAD_PROFILE].name,
                    profiles[load->keeps_profile ? PROFILE_KEEP : PROFILE_SRGB]);
    ij_json_close(out, '}');
}
