/* From settings to the library's objects. */
#pragma once

#include "server/app.h"

/* Open the store that `config` names. 0, or what imgjob_store_open() returns */
int ij_open_store(const struct ij_config *config, struct ij_log log,
                  struct imgjob_store **out, struct imgjob_error *err);

/* Start the workers. 0, or what imgjob_pool_open() returns */
int ij_open_pool(const struct ij_config *config, struct ij_log log,
                 struct imgjob_store *store, struct imgjob_pool **out,
                 struct imgjob_error *err);
