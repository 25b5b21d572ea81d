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

/* Open the store that `config` names. 0, or what imgjob_store_open() returns */
int ij_open_store(const struct ij_config *config, struct ij_log log,
                  struct imgjob_store **out, struct imgjob_error *err);

/* Start the workers. 0, or what imgjob_pool_open() returns */
int ij_open_pool(const struct ij_config *config, struct ij_log log,
                 struct imgjob_store *store, struct imgjob_pool **out,
                 struct imgjob_error *err);

/* Deliver webhooks, where there are secrets to sign them with. @param out NULL without
 * @return 0, or what ij_secrets_read() and imgjob_webhooks_open() return */
int ij_open_webhooks(const struct ij_config *config, struct ij_log log,
                     struct imgjob_store *store, struct imgjob_webhooks **out,
                     struct imgjob_error *err);

/* Read the files of presets and secrets again. What cannot be read stays as it was, and
 * the log says why. */
void ij_reload(struct ij_app *app);
