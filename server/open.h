/* From settings to the library's objects. */
#pragma once

#include "server/app.h"

/* The URLs of a store, in the storage of who fills its options; end with
 * ij_store_urls_done(). */
struct ij_store_urls {
    struct ij_buf jobs, inputs, outputs;
};
void ij_store_urls_done(struct ij_store_urls *urls);

/* The options of the store that `config` names. @param urls zeroed; what `out` borrows
 * @return 0, or IMGJOB_E_NOMEM */
int ij_open_options(const struct ij_config *config, struct ij_log log,
                    struct ij_store_urls *urls, struct imgjob_store_options *out,
                    struct imgjob_error *err);

/* Open what requests need, in the order in which one needs the other. What was opened
 * before a failure is in `app`, to be closed all the same.
 * @return 0, or what the functions of the library and of presets and secrets return */
int ij_app_open(struct ij_app *app, struct imgjob_error *err);
void ij_app_close(struct ij_app *app);

/* Read the files of presets and secrets again. What cannot be read stays as it was, and
 * the log says why. */
void ij_reload(struct ij_app *app);
