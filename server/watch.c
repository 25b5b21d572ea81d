/* Owns what the main thread does while the server works, and the decision to end. A store
 * that fails says so for ever, so it is enough to look now and then; one bad look may be
 * a passing fault, two in a row are not. */
#include "server/watch.h"

#include <string.h>

#include <imgjob/store.h>

#include "server/open.h"
#include "server/signals.h"

enum { LOOK_MS = 2000, LOOKS_MAX = 2 };

const char *ij_watch(struct ij_app *app, bool *out_failed)
{
    int failed_looks = 0;
    while (failed_looks < LOOKS_MAX) {
        const char *signal_name = ij_signals_wait(LOOK_MS);
        if (signal_name && strcmp(signal_name, "SIGHUP") == 0) {
            ij_reload(app);
            continue;
        }
        if (signal_name) {
            *out_failed = false;
            return signal_name;
        }
        struct imgjob_store_stats stats = { .size = sizeof(stats) };
        int rc = imgjob_store_read_stats(app->store, &stats, NULL);
        bool is_final = rc == IMGJOB_E_STORE || rc == IMGJOB_E_BLOB;
        failed_looks = is_final ? failed_looks + 1 : 0;
    }
    *out_failed = true;
    return "the store has failed (its cause is logged above)";
}
