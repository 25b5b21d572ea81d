/*
 * Owns the named specs. They are kept as texts and parsed again for each job, so that a
 * reload needs no count of who still uses one.
 */
#include "server/presets.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/spec.h>

#include "base/auto.h"
#include "base/json.h"
#include "server/auto.h"
#include "server/options.h"
#include "server/spec.h"

enum { FILE_MAX = 1 << 20 };

struct preset {
    char *name, *text;
    struct preset *next;
};

struct ij_presets {
    pthread_mutex_t lock;
    struct preset *first; /* guarded by lock */
};

static void free_list(struct preset **first)
{
    while (*first) {
        struct preset *preset = *first;
        *first = preset->next;
        free(preset->name);
        free(preset->text);
        free(preset);
    }
}

int ij_presets_new(struct ij_presets **out, struct imgjob_error *err)
{
    struct ij_presets *presets = calloc(1, sizeof(*presets));
    if (!presets)
        return ij_fail_nomem(err, "making room for presets");
    (void)pthread_mutex_init(&presets->lock, NULL); /* cannot fail without attributes */
    *out = presets;
    return 0;
}

void ij_presets_free(struct ij_presets *presets)
{
    if (!presets)
        return;
    free_list(&presets->first);
    (void)pthread_mutex_destroy(&presets->lock);
    free(presets);
}

/* ---- the file ---- */

static void file_close(FILE **file)
{
    if (*file)
        (void)fclose(*file); /* it was only read */
}

static int read_file(const char *path, struct ij_buf *out, struct imgjob_error *err)
{
    IJ_AUTO(file_close) FILE *file = fopen(path, "re");
    if (!file)
        return ij_fail_errno(err, IMGJOB_E_INVALID, "presets_file: open '%.100s'", path);
    char piece[4096];
    size_t len;
    out->max = FILE_MAX;
    while (!out->failed && (len = fread(piece, 1, sizeof(piece), file)) > 0)
        ij_buf_add(out, piece, len);
    if (ferror(file))
        return ij_fail_errno(err, IMGJOB_E_INVALID, "presets_file: read '%.100s'", path);
    if (out->failed)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "presets_file: '%.100s' has more than %d bytes", path, FILE_MAX);
    return 0;
}

/* What a file is read into. */
struct loading {
    struct preset *first;
    struct imgjob_error *err;
};

/* Once the list has it, the list frees it. */
static int add_preset(struct loading *loading, const char *name, const char *text)
{
    struct preset *preset = calloc(1, sizeof(*preset));
    if (!preset)
        return ij_fail_nomem(loading->err, "reading presets");
    preset->next = loading->first;
    loading->first = preset;
    preset->name = strdup(name);
    preset->text = strdup(text);
    if (!preset->name || !preset->text)
        return ij_fail_nomem(loading->err, "reading presets");
    return 0;
}

/* The name is checked as that of the option that asks for it. */
static int check_name(const char *name, struct imgjob_error *err)
{
    struct ij_options options = { .tag_count = 0 };
    return ij_options_add_text(&options, IJ_OPTION_PRESET, name, err);
}

static int read_preset(void *data, const char *name, const struct ij_json *value)
{
    struct loading *loading = data;
    struct imgjob_error why;
    IJ_AUTO(ij_buf_done) struct ij_buf text = { .max = IJ_SENT_SPEC_MAX };
    IJ_AUTO(ij_spec_freep) struct imgjob_spec *spec = NULL;
    struct ij_json_out out = { .buf = &text };
    int rc = check_name(name, loading->err);
    if (rc < 0)
        return rc;
    ij_json_put(&out, NULL, value);
    rc = text.failed
             ? ij_fail(&why, IMGJOB_E_LIMIT, "is longer than %d bytes", IJ_SENT_SPEC_MAX)
             : imgjob_spec_parse(text.data, text.len, &spec, &why);
    if (rc < 0)
        return ij_fail(loading->err, IMGJOB_E_INVALID, "preset '%s': %s", name, why.text);
    return add_preset(loading, name, imgjob_spec_text(spec));
}

static int read_presets(const char *path, struct loading *loading)
{
    IJ_AUTO(ij_buf_done) struct ij_buf text = { 0 };
    IJ_AUTO(ij_json_freep) struct ij_json *root = NULL;
    struct imgjob_error why;
    int rc = read_file(path, &text, loading->err);
    if (rc < 0)
        return rc;
    rc = ij_json_parse(text.data ? text.data : "", text.len, IJ_SENT_SPEC_DEPTH_MAX + 1,
                       &root, &why);
    if (rc == 0 && ij_json_type(root) != IJ_JSON_OBJECT)
        rc = ij_fail(&why, IMGJOB_E_SPEC, "must be an object, a name for each spec");
    if (rc == 0) {
        struct loading inner = { loading->first, &why };
        rc = ij_json_each(root, read_preset, &inner);
        loading->first = inner.first;
    }
    if (rc < 0)
        return ij_fail(loading->err, IMGJOB_E_INVALID, "presets_file '%.100s': %s", path,
                       why.text);
    return 0;
}

int ij_presets_load(struct ij_presets *presets, const char *path,
                    struct imgjob_error *err)
{
    struct loading loading = { NULL, err };
    int rc = path[0] ? read_presets(path, &loading) : 0;
    if (rc == 0) {
        (void)pthread_mutex_lock(&presets->lock);
        struct preset *before = presets->first;
        presets->first = loading.first;
        loading.first = before;
        (void)pthread_mutex_unlock(&presets->lock);
    }
    free_list(&loading.first);
    return rc;
}

/* ---- jobs ---- */

int ij_presets_find(struct ij_presets *presets, const char *name, struct ij_buf *out,
                    struct imgjob_error *err)
{
    (void)pthread_mutex_lock(&presets->lock);
    const struct preset *preset = presets->first;
    while (preset && strcmp(preset->name, name) != 0)
        preset = preset->next;
    if (preset)
        ij_buf_add_str(out, preset->text);
    (void)pthread_mutex_unlock(&presets->lock);
    if (!preset)
        return ij_fail(err, IMGJOB_E_INVALID, "preset: there is no '%s'", name);
    return out->failed ? ij_fail_nomem(err, "taking a preset") : 0;
}
