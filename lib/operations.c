/*
 * Owns registries: the operations of this library and those of a program. A description
 * is copied whole and checked before it is taken, so that nothing later needs to doubt
 * it, and a registry that is used never changes.
 */
#include "operations.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/check.h"
#include "description.h"
#include "image/custom.h"
#include "image/image.h"
#include "pool/worker.h"

enum { OWN_MAX = 32 };

/* An operation of the program's. Owned; zeroed = none. */
struct own {
    struct ij_description description;
    struct ij_op *op;
};

struct imgjob_registry {
    struct own own[OWN_MAX];
    size_t own_count;
    const struct ij_op **table; /* ours, then the program's */
    struct ij_ops ops;          /* over the table */
    atomic_bool is_used;
};

static void own_done(struct own *own)
{
    free(own->op);
    ij_description_done(&own->description);
}

int imgjob_registry_new(struct imgjob_registry **out, struct imgjob_error *err)
{
    struct imgjob_registry *registry = calloc(1, sizeof(*registry));
    if (registry)
        registry->table = calloc(ij_image_ops.count + OWN_MAX, sizeof(*registry->table));
    if (!registry || !registry->table) {
        free(registry);
        return ij_fail_nomem(err, "making a registry");
    }
    memcpy(registry->table, ij_image_ops.ops,
           ij_image_ops.count * sizeof(*registry->table));
    registry->ops = (struct ij_ops){ registry->table, ij_image_ops.count };
    *out = registry;
    return 0;
}

static bool has_op(const struct imgjob_registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->ops.count; i++)
        if (strcmp(registry->ops.ops[i]->name, name) == 0)
            return true;
    return false;
}

static int check_place(const struct imgjob_registry *registry,
                       const struct imgjob_operation *operation, struct imgjob_error *err)
{
    if (atomic_load(&registry->is_used))
        return ij_fail(err, IMGJOB_E_INVALID,
                       "the registry is used already: add operations before a spec is "
                       "parsed or a pool opened with it");
    if (registry->own_count == OWN_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "a registry has at most %d operations",
                       OWN_MAX);
    if (!operation->apply)
        return ij_fail(err, IMGJOB_E_INVALID, "apply: must not be NULL");
    return 0;
}

int imgjob_registry_add(struct imgjob_registry *registry,
                        const struct imgjob_operation *operation,
                        struct imgjob_error *err)
{
    struct imgjob_operation ours;
    int rc =
        ij_options_read(&ours, sizeof(ours), IJ_END_OF(struct imgjob_operation, data),
                        operation, "imgjob_operation", err);
    if (rc == 0)
        rc = check_place(registry, &ours, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(own_done) struct own own = { .op = NULL };
    rc = ij_description_read(&ours, &own.description, err);
    if (rc < 0)
        return rc;
    if (has_op(registry, own.description.op.name))
        return ij_fail(err, IMGJOB_E_INVALID, "%s: is there already",
                       own.description.op.name);
    own.op = ij_custom_new(&own.description.op, &ours);
    if (!own.op)
        return ij_fail_nomem(err, "adding an operation");
    registry->table[registry->ops.count++] = own.op;
    registry->own[registry->own_count++] = own;
    own = (struct own){ .op = NULL }; /* handed over */
    return 0;
}

void imgjob_registry_free(struct imgjob_registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->own_count; i++)
        own_done(&registry->own[i]);
    free(registry->table);
    free(registry);
}

const struct ij_ops *ij_registry_ops(const struct imgjob_registry *registry)
{
    if (!registry)
        return &ij_image_ops;
    /* nobody's constant: imgjob_registry_new() made it */
    atomic_store(&((struct imgjob_registry *)registry)->is_used, true);
    return &registry->ops;
}

/* ---- specs ---- */

int imgjob_spec_parse_with(const struct imgjob_registry *registry, const char *json,
                           size_t len, struct imgjob_spec **out, struct imgjob_error *err)
{
    return ij_spec_parse(json, len, ij_registry_ops(registry), out, err);
}

static int write_reference(void (*write)(const struct ij_ops *ops, struct ij_buf *out),
                           const struct imgjob_registry *registry, char **out,
                           struct imgjob_error *err)
{
    struct ij_buf buf = { .max = IJ_WRITTEN_MAX };
    write(ij_registry_ops(registry), &buf);
    char *text = ij_buf_take(&buf);
    if (!text)
        return ij_fail_nomem(err, "describing the operations");
    *out = text;
    return 0;
}

int imgjob_spec_schema_with(const struct imgjob_registry *registry, char **out,
                            struct imgjob_error *err)
{
    return write_reference(ij_spec_schema, registry, out, err);
}

int imgjob_spec_markdown_with(const struct imgjob_registry *registry, char **out,
                              struct imgjob_error *err)
{
    return write_reference(ij_spec_markdown, registry, out, err);
}

/* ---- workers ---- */

int imgjob_worker_main(int argc, char **argv, const struct imgjob_registry *registry)
{
    if (!ij_worker_is_meant(argc, argv))
        return 0;
    const struct ij_worker_trade trade = { ij_registry_ops(registry), ij_image_run };
    ij_worker_main(argc, argv, &trade);
}
