/* Owns which form of spec a client has sent: each is refused in words of its own. */
#include "server/spec.h"

#include <string.h>

#include "base/auto.h"
#include "server/form.h"

enum { KEY_SIZE = 48 };

static const char *const members[] = { "steps", "outputs", "load", "info" };

bool ij_sent_spec_is_long(const struct ij_json *spec)
{
    for (size_t i = 0; i < IJ_ARRAY_LEN(members); i++)
        if (ij_json_member(spec, members[i]))
            return true;
    return false;
}

static bool is_long_member(const char *name)
{
    for (size_t i = 0; i < IJ_ARRAY_LEN(members); i++)
        if (strcmp(members[i], name) == 0)
            return true;
    return false;
}

/* RFC 6901 §3. What is longer than `out` is cut. */
static void escape(char out[KEY_SIZE], const char *key)
{
    size_t len = 0;
    for (; *key && len + 2 < KEY_SIZE; key++) {
        bool is_special = *key == '~' || *key == '/';
        out[len++] = is_special ? '~' : *key;
        if (is_special)
            out[len++] = *key == '~' ? '0' : '1';
    }
    out[len] = '\0';
}

int ij_sent_spec_check_member(const char *name, bool is_long, bool is_imageless,
                              struct imgjob_error *err)
{
    if (is_long ? is_long_member(name) : ij_form_has(name))
        return 0;
    if (is_long && ij_form_has(name))
        return ij_fail(
            err, IMGJOB_E_SPEC,
            "/%s: stands beside steps, outputs, load or info; either is enough", name);
    if (strcmp(name, "image") == 0)
        return ij_fail(err, IMGJOB_E_SPEC, "/image: no such member; %s",
                       is_imageless
                           ? "a list takes the images of earlier jobs, as source_job"
                           : "in JSON the image is image_data, in base64");
    if (strcmp(name, "spec") == 0)
        return ij_fail(err, IMGJOB_E_SPEC,
                       "/spec: no such member; in JSON what it holds, such as steps and "
                       "outputs, stands here itself");
    char key[KEY_SIZE];
    escape(key, name);
    return ij_fail(err, IMGJOB_E_SPEC,
                   "/%s: no such member; there are %soperation, width, height, "
                   "output_format, enlarge, steps, outputs, load, info, preset, "
                   "source_job and the options of jobs such as priority",
                   key, is_imageless ? "" : "image_data, overlays, ");
}
