/* The secrets that sign webhooks, as they stand in a file: one a line, # comments. */
#pragma once

#include <stddef.h>

#include <imgjob/webhook.h>

#include "base/error.h"

/* Owned; zeroed = none; end with ij_secrets_done(), which also wipes them. */
struct ij_secrets {
    char *text;
    size_t size;                                  /* of text */
    const char *list[IMGJOB_WEBHOOK_SECRETS_MAX]; /* in text */
    size_t count;
};

/* @return 0, or IMGJOB_E_INVALID with a text that names the file and never a secret,
 * _NOMEM */
int ij_secrets_read(const char *path, struct ij_secrets *out, struct imgjob_error *err);
void ij_secrets_done(struct ij_secrets *secrets);
