/* Stands in for webhook.c and its libcurl in a build without webhooks: nothing is sent,
 * and whoever wants it to be is told at once. */
#include <imgjob/webhook.h>

#include "base/error.h"

static int refuse(struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_INVALID,
                   "webhooks: this library was built without them (needs libcurl)");
}

int imgjob_webhooks_open(struct imgjob_store *store,
                         const struct imgjob_webhook_options *options,
                         struct imgjob_webhooks **out, struct imgjob_error *err)
{
    (void)store;
    (void)options;
    (void)out;
    return refuse(err);
}

int imgjob_webhooks_set_secrets(struct imgjob_webhooks *webhooks,
                                const char *const *secrets, size_t count,
                                struct imgjob_error *err)
{
    (void)webhooks; /* there can be none */
    (void)secrets;
    (void)count;
    return refuse(err);
}

void imgjob_webhooks_close(struct imgjob_webhooks *webhooks)
{
    (void)webhooks; /* NULL: there can be none */
}
