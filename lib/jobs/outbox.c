/* Owns what a delivery is and which changes of it are allowed. */
#include "jobs/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "jobs/record.h"

bool ij_delivery_is_owed(const struct ij_job *job, enum imgjob_state from)
{
    return job->has_callback && ij_job_is_ended(job) && from < IMGJOB_STATE_SUCCEEDED;
}

const char *ij_delivery_type(enum imgjob_state state)
{
    switch (state) {
    case IMGJOB_STATE_SUCCEEDED:
        return "job.completed";
    case IMGJOB_STATE_CANCELED:
        return "job.cancelled";
    default:
        return "job.failed";
    }
}

int ij_delivery_new(const struct ij_jobs_config *config, const struct ij_record *record,
                    const char *url, int64_t now, struct ij_delivery *out,
                    struct imgjob_error *err)
{
    IJ_AUTO(ij_delivery_done)
    struct ij_delivery made = {
        .job = record->job.id,
        .state = IJ_DELIVERY_WAITING,
        .created = now,
        .updated = now,
        .due = now,
    };
    int rc = ij_id_new(now, &made.id, err);
    if (rc < 0)
        return rc;
    (void)snprintf(made.tenant, sizeof(made.tenant), "%s", record->tenant);
    (void)snprintf(made.type, sizeof(made.type), "%s",
                   ij_delivery_type(record->job.state));
    made.url = strdup(url);
    made.body = config->describe(config->changed_data, record);
    made.log = strdup("");
    if (!made.url || !made.body || !made.log)
        return ij_fail_nomem(err, "writing what a callback is told");
    *out = made;
    made = (struct ij_delivery){ 0 };
    return 0;
}

/* Host and port, as they are written: behind the scheme, without a path. */
static size_t receiver_of(const char *url, const char **out)
{
    const char *slashes = strstr(url, "//");
    *out = slashes ? slashes + 2 : url;
    return strcspn(*out, "/?#");
}

static bool is_same_receiver(const char *url, const char *other)
{
    const char *a, *b;
    size_t len = receiver_of(url, &a);
    return receiver_of(other, &b) == len && strncasecmp(a, b, len) == 0;
}

bool ij_delivery_has_room(const struct ij_delivery_claim *claim,
                          const struct ij_delivery *claimed, size_t count,
                          const char *url)
{
    size_t taken = 0;
    for (size_t i = 0; i < claim->under_way_count; i++)
        taken += is_same_receiver(claim->under_way[i], url);
    for (size_t i = 0; i < count; i++)
        taken += is_same_receiver(claimed[i].url, url);
    return claim->receiver_max == 0 || taken < claim->receiver_max;
}

bool ij_delivery_claim(struct ij_delivery *delivery, uint32_t lease_ms, uint64_t token,
                       int64_t now)
{
    if (delivery->state != IJ_DELIVERY_WAITING || delivery->due > now)
        return false;
    delivery->attempt++;
    delivery->token = token;
    delivery->due = ij_time_after(now, lease_ms);
    delivery->updated = now;
    return true;
}

bool ij_delivery_finish(struct ij_delivery *delivery,
                        const struct ij_delivery_finish *finish, int64_t now)
{
    if (delivery->token == 0 || delivery->token != finish->token)
        return false;
    delivery->state = finish->state;
    delivery->token = 0;
    delivery->due =
        finish->state == IJ_DELIVERY_WAITING ? ij_time_after(now, finish->delay_ms) : 0;
    delivery->updated = now;
    return true;
}

bool ij_delivery_give_up(struct ij_delivery *delivery, int64_t now)
{
    if (delivery->state != IJ_DELIVERY_WAITING)
        return false;
    delivery->state = IJ_DELIVERY_FAILED;
    delivery->token = 0;
    delivery->due = 0;
    delivery->updated = now;
    return true;
}

void ij_delivery_replay(struct ij_delivery *delivery, int64_t now)
{
    delivery->state = IJ_DELIVERY_WAITING;
    delivery->token = 0;
    delivery->due = now;
    delivery->replayed = delivery->attempt;
    delivery->updated = now;
}

bool ij_delivery_is_over(const struct ij_delivery *delivery,
                         const struct ij_retention *retention, int64_t now)
{
    return delivery->state != IJ_DELIVERY_WAITING &&
           ij_time_after(delivery->updated, retention->job_ttl_ms) <= now;
}

int ij_delivery_finish_check(const struct ij_delivery_finish *finish,
                             struct imgjob_error *err)
{
    if (!finish->line || strnlen(finish->line, IJ_DELIVERY_LOG_MAX) < IJ_DELIVERY_LOG_MAX)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "a line of a delivery's log is over the limit of %d bytes",
                   IJ_DELIVERY_LOG_MAX - 1);
}

int ij_delivery_log(const char *log, const char *line, char **out,
                    struct imgjob_error *err)
{
    size_t more = line ? strlen(line) + 1 : 0; /* its end included */
    const char *rest = log ? log : "";
    while (*rest && strlen(rest) + more > IJ_DELIVERY_LOG_MAX) {
        const char *end = strchr(rest, '\n');
        rest = end ? end + 1 : "";
    }
    char *text = NULL;
    if (asprintf(&text, "%s%s%s", rest, line ? line : "", line ? "\n" : "") < 0)
        return ij_fail_nomem(err, "writing a delivery's log");
    *out = text;
    return 0;
}

int ij_fail_unknown_delivery(const struct ij_id *id, struct imgjob_error *err)
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    return ij_fail(err, IMGJOB_E_NOTFOUND, "there is no webhook delivery %s", text);
}
