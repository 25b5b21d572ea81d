/**
 * Operations of a program's own, for the steps of a spec: described once, done with
 * libvips.
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct imgjob_registry *registry = NULL;
 *         if (imgjob_registry_new(&registry, &err) < 0 ||
 *             imgjob_registry_add(registry, &vignette, &err) < 0)
 *             …
 *         imgjob_worker_main(argc, argv, registry); // a worker stays in here
 *         …                                         // the program itself goes on
 *
 * The registry is then handed to imgjob_spec_parse_with() and, in the options, to
 * imgjob_pool_open(), whose `worker_path` names this very program: its workers know the
 * operation, and are as isolated as any. A pool with isolation inline, and imgjob_run(),
 * need no worker program.
 *
 * This header is not part of <imgjob/imgjob.h>.
 */
#ifndef IMGJOB_OPERATION_H
#define IMGJOB_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/error.h>
#include <imgjob/spec.h>

IMGJOB_BEGIN_DECLS

/** VipsImage of <vips/vips.h>, for which no include is needed here. @since 0.1 */
struct _VipsImage;

/** What a parameter is. The numbers never change. @since 0.1 */
enum imgjob_param_type {
    IMGJOB_PARAM_INT = 1,    /**< a whole number, `min`..`max` */
    IMGJOB_PARAM_REAL = 2,   /**< a number, `min`..`max` */
    IMGJOB_PARAM_BOOL = 3,   /**< true or false */
    IMGJOB_PARAM_CHOICE = 4, /**< one of `choices` */
    IMGJOB_PARAM_COLOR = 5,  /**< "#rgb", "#rgba", "#rrggbb", "#rrggbbaa", a CSS name */
    IMGJOB_PARAM_TEXT = 6,   /**< UTF-8 of `min`..`max` bytes */
    IMGJOB_PARAM_NUMBERS = 7 /**< [1, 2, 3]; with `group` 2 [[1, 2], [3, 4]] */
};

/** One parameter of an operation. @since 0.1 */
struct imgjob_param {
    size_t size;      /**< sizeof(struct imgjob_param) */
    const char *name; /**< [a-z][a-z0-9_]{0,31}, but not "op" */
    uint32_t type;    /**< enum imgjob_param_type */
    bool is_required; /**< a spec must say it, so there is no default */

    /** Both included: of an INT (within ±2^53), a REAL, each of the NUMBERS, where `min`
     * is less than `max`; of the bytes of a TEXT, whose `max` 0 stands for 4096. */
    double min;
    double max;

    size_t group;     /**< of NUMBERS: 0 = one array, 1..16 = arrays of so many each */
    size_t count_min; /**< of NUMBERS: how many, or how many groups, at least */
    size_t count_max; /**< and at most; 256 numbers altogether */

    /** Of a CHOICE: 1..32 names of letters, digits, "_", "-", ".", ended by NULL. */
    const char *const *choices;

    /** The value when a spec says none, as JSON: "0.5", "true", "\"#ff0000\"",
     * "[1, 2]"; NULL = it is not given then, see imgjob_step_is_given(). */
    const char *default_json;

    const char *unit; /**< "px", "degrees", at most 16 bytes; NULL = none */
    const char *doc;  /**< one sentence without its full stop, 512 bytes; NULL = none */
};

/** The size of an image. @since 0.1 */
struct imgjob_extent {
    uint32_t width;  /**< px */
    uint32_t height; /**< px */
};

/** A step of a spec that names an operation, with its values. @since 0.1 */
struct imgjob_step;

/**
 * What size the step makes of an image of `in`, told without touching a pixel and before
 * any is decoded: sides of 1..10,000,000 px, which the limits are then held against.
 *
 * Any thread, several at once, and more than once for one image.
 *
 * @param data as in struct imgjob_operation
 * @param step borrowed during the call
 * @param out  `in` at first
 * @param err  never NULL; on failure its text is what people read: one line, lower case,
 * no full stop
 * @return 0, or a negative enum imgjob_code: IMGJOB_E_SPEC when it cannot be done to an
 * image of that size
 * @since 0.1
 */
typedef int (*imgjob_plan_fn)(void *data, const struct imgjob_step *step,
                              struct imgjob_extent in, struct imgjob_extent *out,
                              struct imgjob_error *err);

/**
 * Make the step part of the image's pipeline, as calls of libvips do: pixels are made
 * later, so what they look at must outlive this call, unlike `step`. A failure then looks
 * like a fault of the image, so what can be refused is best refused here.
 *
 * Any thread, and several at once in one process where a pool is inline.
 *
 * @param data  as in struct imgjob_operation
 * @param step  borrowed during the call
 * @param image borrowed: upright, 8 bits a band, grey or sRGB, perhaps with alpha behind
 * (1..4 bands). Unless the operation needs pixels, it is read once, from top to bottom
 * @param out   the library's on success: a reference of its own, also where it is `image`
 * again. It must be 8 bits a band, grey or sRGB with or without alpha, and have exactly
 * the planned size; what is not is a failure of the job that says so. Ignored on failure
 * @param err   as in imgjob_plan_fn. Without a text, libvips' own stands for it
 * @return 0, or a negative enum imgjob_code. The job fails for good, with the text as
 * "/steps/0: acme.vignette: …"
 * @since 0.1
 */
typedef int (*imgjob_apply_fn)(void *data, const struct imgjob_step *step,
                               struct _VipsImage *image, struct _VipsImage **out,
                               struct imgjob_error *err);

/** An operation. All of it is copied but `data`. @since 0.1 */
struct imgjob_operation {
    size_t size; /**< sizeof(struct imgjob_operation) */

    /** Words as of a parameter, joined by at least one dot, "acme.vignette", 48 bytes:
     * no operation of this library ever has a dot in its name. */
    const char *name;
    const char *doc; /**< one sentence without its full stop, 512 bytes; NULL = none */
    /** In the order in which they are shown; all have the `size` of the first. */
    const struct imgjob_param *params;
    size_t param_count; /**< 0..24 */

    /** It reads pixels in any order or more than once: the image is given in memory. */
    bool needs_pixels;
    imgjob_plan_fn plan;   /**< NULL = the size stays */
    imgjob_apply_fn apply; /**< never NULL */
    void *data;            /**< handed to both; must outlive the registry */
};

/**
 * The operations of this library and a program's own. Owned by one thread until it is
 * used; from then on immutable, and any thread may use it.
 *
 * @since 0.1
 */
struct imgjob_registry;

/**
 * Make a registry that has the operations of this library.
 *
 * @param out the caller's, to end with imgjob_registry_free(); untouched on failure
 * @return 0, or IMGJOB_E_NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_registry_new(struct imgjob_registry **out,
                                   struct imgjob_error *err);

/**
 * Add an operation; at most 32.
 *
 * @param operation read during the call
 * @return 0, or IMGJOB_E_INVALID (a description that cannot be, a name that is there
 * already, a registry that was used), _ABI, _NOMEM; the registry is then as before
 * @since 0.1
 */
IMGJOB_API int imgjob_registry_add(struct imgjob_registry *registry,
                                   const struct imgjob_operation *operation,
                                   struct imgjob_error *err);

/**
 * Free a registry; NULL is fine. The specs that were parsed with it must be freed before,
 * and the pools that have it closed.
 *
 * @since 0.1
 */
IMGJOB_API void imgjob_registry_free(struct imgjob_registry *registry);

/**
 * imgjob_spec_parse() over the operations of a registry. What imgjob_spec_text() gives
 * for such a spec can be read with an equal registry only.
 *
 * @param registry must outlive the spec; NULL = the operations of this library
 * @return 0, or IMGJOB_E_SPEC, _INVALID, _NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_spec_parse_with(const struct imgjob_registry *registry,
                                      const char *json, size_t len,
                                      struct imgjob_spec **out, struct imgjob_error *err);

/**
 * imgjob_spec_schema() over the operations of a registry.
 *
 * @param registry NULL = the operations of this library
 * @return 0, or IMGJOB_E_NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_spec_schema_with(const struct imgjob_registry *registry, char **out,
                                       struct imgjob_error *err);

/**
 * imgjob_spec_markdown() over the operations of a registry.
 *
 * @param registry NULL = the operations of this library
 * @return 0, or IMGJOB_E_NOMEM
 * @since 0.1
 */
IMGJOB_API int imgjob_spec_markdown_with(const struct imgjob_registry *registry,
                                         char **out, struct imgjob_error *err);

/**
 * Whether a parameter has a value: a spec says it, or it has a default.
 *
 * This and the functions below are for the callbacks of an operation. To ask for a
 * parameter that the operation has not, or as another type than it is, fails the step in
 * words, whatever the callback returns.
 *
 * @since 0.1
 */
IMGJOB_API bool imgjob_step_is_given(const struct imgjob_step *step, const char *name);

/**
 * The value of an INT; of a BOOL 0 or 1, of a CHOICE the index into its `choices`.
 *
 * @return 0 when it is not given
 * @since 0.1
 */
IMGJOB_API int64_t imgjob_step_int(const struct imgjob_step *step, const char *name);

/** The value of a REAL. @return 0 when it is not given @since 0.1 */
IMGJOB_API double imgjob_step_real(const struct imgjob_step *step, const char *name);

/** The value of a COLOR, 0xRRGGBBAA. @return 0 when it is not given @since 0.1 */
IMGJOB_API uint32_t imgjob_step_color(const struct imgjob_step *step, const char *name);

/**
 * The value of a TEXT, or the name that a CHOICE has taken.
 *
 * @return borrowed as long as the spec lives; "" when it is not given
 * @since 0.1
 */
IMGJOB_API const char *imgjob_step_text(const struct imgjob_step *step, const char *name);

/**
 * The value of NUMBERS, those of all groups one after the other.
 *
 * @param out_count how many; 0 when it is not given
 * @return borrowed as long as the spec lives; NULL when it is not given
 * @since 0.1
 */
IMGJOB_API const double *imgjob_step_numbers(const struct imgjob_step *step,
                                             const char *name, size_t *out_count);

/**
 * If a pool started this program as its worker, serve and never return. To be called
 * first in main(), once the registry is complete: before any thread is started and any
 * file opened, since a worker needs none, and before any pool, or each worker would start
 * workers of its own.
 *
 * A pool finds this program by its `worker_path`; "/proc/self/exe" is the one that runs.
 * It refuses a worker whose operations are not those of its own registry. Workers have no
 * environment: what the program links must be found without LD_LIBRARY_PATH.
 *
 * @param registry NULL = the operations of this library
 * @return 0, at once, in a program that is no worker
 * @since 0.1
 */
IMGJOB_API int imgjob_worker_main(int argc, char **argv,
                                  const struct imgjob_registry *registry);

IMGJOB_END_DECLS
#endif
