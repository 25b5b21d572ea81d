/*
 * An operation of your own, "acme.vignette", in isolated workers. This one program is
 * both: a pool starts it again as its worker, which imgjob_worker_main() then keeps.
 *
 *     custom_operation INPUT [STRENGTH]     (keeps its jobs in the current directory)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>
#include <imgjob/operation.h>
#include <vips/vips.h>

/* Darken towards the corners. Pixels are made later, when an output is encoded. */
static int apply_vignette(void *data, const struct imgjob_step *step, VipsImage *image,
                          VipsImage **out, struct imgjob_error *err)
{
    (void)data;
    (void)err; /* no words of our own: those of libvips are shown */
    int width = vips_image_get_width(image), height = vips_image_get_height(image);
    int bands = vips_image_get_bands(image);
    double strength = imgjob_step_real(step, "strength");
    const double to_unit[] = { 2.0 / width, 2.0 / height }, to_centre[] = { -1, -1 };
    double darken[4] = { 0 };
    const double full[4] = { 1, 1, 1, 1 };
    for (int i = 0; i < bands - vips_image_hasalpha(image); i++)
        darken[i] = -strength; /* the colours, not the alpha behind them */

    VipsObject *context = VIPS_OBJECT(vips_image_new()); /* owns what is in between */
    VipsImage **made = (VipsImage **)vips_object_local_array(context, 6);
    int rc = vips_xyz(&made[0], width, height, NULL) ||
             vips_linear(made[0], &made[1], to_unit, to_centre, 2, NULL) ||
             vips_multiply(made[1], made[1], &made[2], NULL) ||
             vips_bandmean(made[2], &made[3], NULL) || /* 0 … 1 in the corners */
             vips_linear(made[3], &made[4], darken, full, bands, NULL) ||
             vips_multiply(image, made[4], &made[5], NULL) ||
             vips_cast_uchar(made[5], out, NULL);
    g_object_unref(context);
    return rc ? IMGJOB_E_INTERNAL : 0;
}

static const struct imgjob_param vignette_params[] = {
    { .size = sizeof(struct imgjob_param),
      .name = "strength",
      .type = IMGJOB_PARAM_REAL,
      .min = 0,
      .max = 1,
      .default_json = "0.5",
      .doc = "How dark the corners become; 1 is black" },
};
static const struct imgjob_operation vignette = {
    .size = sizeof(vignette),
    .name = "acme.vignette",
    .doc = "Darken an image towards its corners",
    .params = vignette_params,
    .param_count = 1,
    .apply = apply_vignette,
};

/* Submit a file as a job, and wait for its end. */
static int run(struct imgjob_store *store, const struct imgjob_spec *spec, FILE *file,
               struct imgjob_job **out, struct imgjob_error *err)
{
    static char image[10 << 20]; /* as much as a store takes by default */
    char id[IMGJOB_ID_SIZE];
    struct imgjob_draft *draft = NULL;
    size_t len = fread(image, 1, sizeof(image), file);
    int rc = imgjob_draft_open(store, &draft, err);
    if (rc == 0)
        rc = imgjob_draft_write(draft, image, len, err);
    if (rc == 0) {
        memcpy(id, imgjob_draft_id(draft), IMGJOB_ID_SIZE);
        rc = imgjob_store_submit(store, draft, spec, NULL, NULL, err);
    }
    if (rc < 0) {
        imgjob_draft_discard(draft);
        return rc;
    }
    return imgjob_store_wait(store, id, 60000, out, err);
}

/* Do it all: spec, store, pool, job. */
static int vignette_file(const struct imgjob_registry *registry, FILE *file,
                         const char *spec_text, struct imgjob_error *err)
{
    const struct imgjob_pool_options options = { .size = sizeof(options),
                                                 .workers = 1,
                                                 .worker_path = "/proc/self/exe",
                                                 .registry = registry };
    struct imgjob_spec *spec = NULL;
    struct imgjob_store *store = NULL;
    struct imgjob_pool *pool = NULL;
    struct imgjob_job *job = NULL;
    int rc = imgjob_spec_parse_with(registry, spec_text, strlen(spec_text), &spec, err);
    if (rc == 0)
        rc = imgjob_store_open(NULL, &store, err); /* in the current directory */
    if (rc == 0)
        rc = imgjob_pool_open(store, &options, &pool, err);
    if (rc == 0)
        rc = run(store, spec, file, &job, err);
    if (rc == 0) {
        printf("%s\n", imgjob_job_json(job)); /* its output_path is the file made */
        rc = imgjob_job_status(job) == IMGJOB_STATUS_COMPLETED ? 0 : 1;
    }
    imgjob_job_free(job);
    imgjob_pool_close(pool);
    imgjob_store_close(store);
    imgjob_spec_free(spec);
    return rc;
}

int main(int argc, char **argv)
{
    struct imgjob_error err = { 0 };
    struct imgjob_registry *registry = NULL;
    int rc = imgjob_registry_new(&registry, &err);
    if (rc == 0)
        rc = imgjob_registry_add(registry, &vignette, &err);
    if (rc == 0)
        imgjob_worker_main(argc, argv, registry); /* a worker does not come back */
    FILE *file = rc == 0 && argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file) {
        char spec[256];
        snprintf(spec, sizeof(spec),
                 "{\"steps\": [{\"op\": \"acme.vignette\", \"strength\": %.32s}]}",
                 argc > 2 ? argv[2] : "0.8");
        rc = vignette_file(registry, file, spec, &err);
        fclose(file);
    } else if (rc == 0) {
        fprintf(stderr, "usage: custom_operation INPUT [STRENGTH]\n");
        rc = 2;
    }
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", imgjob_code_name(rc), err.text);
    imgjob_registry_free(registry);
    return rc == 0 ? 0 : 1;
}
