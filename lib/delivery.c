/* Owns the delivery log as a caller sees it, and sending again by hand. */
#include <stdlib.h>
#include <string.h>

#include <imgjob/webhook.h>

#include "base/auto.h"
#include "base/check.h"
#include "base/json.h"
#include "cursor.h"
#include "store.h"

enum { LIST_DEFAULT = 50, LINE_DEPTH = 2, LIST_BYTES_MAX = 4 * 1024 * 1024 };

static const char *const state_names[] = {
    [IJ_DELIVERY_WAITING] = "pending",
    [IJ_DELIVERY_DELIVERED] = "delivered",
    [IJ_DELIVERY_FAILED] = "failed",
};

static int read_status(const char *status, uint32_t *out, struct imgjob_error *err)
{
    *out = 0;
    for (size_t i = 0; status && i < IJ_ARRAY_LEN(state_names); i++)
        if (strcmp(status, state_names[i]) == 0)
            *out = UINT32_C(1) << i;
    if (status && *out == 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "status: must be pending, delivered or failed, not '%.40s'",
                       status);
    return 0;
}

/* @return 0, 1 = no delivery can be meant, or a code */
static int read_list(struct imgjob_store *store,
                     const struct imgjob_delivery_options *options,
                     struct ij_delivery_list *out, struct imgjob_error *err)
{
    struct imgjob_delivery_options ours;
    int rc = ij_options_read(&ours, sizeof(ours),
                             IJ_END_OF(struct imgjob_delivery_options, reserved), options,
                             "imgjob_delivery_options", err);
    if (rc < 0)
        return rc;
    if (ours.limit > IJ_LIST_MAX || ours.reserved != 0)
        return ij_fail(err, IMGJOB_E_INVALID, "%s: must be %s, not %u",
                       ours.reserved ? "reserved" : "limit",
                       ours.reserved ? "0" : "1..100",
                       ours.reserved ? ours.reserved : ours.limit);
    struct ij_delivery_list list = {
        .tenant = ours.tenant,
        .limit = ours.limit ? ours.limit : LIST_DEFAULT,
    };
    rc = read_status(ours.status, &list.states, err);
    if (rc == 0 && ours.cursor)
        rc = ij_cursor_read(store, IJ_CURSOR_DELIVERIES, ours.cursor, "cursor",
                            &list.before, err);
    if (rc < 0)
        return rc;
    if (ours.job && !ij_id_of(ours.job, &list.job))
        return 1;
    *out = list;
    return 0;
}

static void put_id(struct ij_json_out *out, const char *key, const struct ij_id *id)
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    ij_json_put_str(out, key, text);
}

/* Its lines are ours, so a broken one means a broken store. */
static int put_log(struct ij_json_out *out, const char *log, struct imgjob_error *err)
{
    ij_json_open(out, "log", '[');
    for (const char *line = log ? log : ""; *line;) {
        size_t len = strcspn(line, "\n");
        IJ_AUTO(ij_json_freep) struct ij_json *attempt = NULL;
        struct imgjob_error why;
        int rc = ij_json_parse(line, len, LINE_DEPTH, &attempt, &why);
        if (rc == IMGJOB_E_NOMEM)
            return ij_fail_nomem(err, "listing deliveries");
        if (rc < 0)
            return ij_fail(err, IMGJOB_E_STORE, "the log of a delivery is broken: %.120s",
                           why.text);
        ij_json_put(out, NULL, attempt);
        line += len + (line[len] == '\n');
    }
    ij_json_close(out, ']');
    return 0;
}

static int put_delivery(struct ij_json_out *out, const struct ij_delivery *delivery,
                        struct imgjob_error *err)
{
    ij_json_open(out, NULL, '{');
    put_id(out, "id", &delivery->id);
    put_id(out, "job_id", &delivery->job);
    ij_json_put_str(out, "type", delivery->type);
    ij_json_put_str(out, "url", delivery->url);
    ij_json_put_str(out, "status", state_names[delivery->state]);
    ij_json_put_int(out, "attempts", delivery->attempt);
    ij_json_put_time(out, "created_at", delivery->created);
    ij_json_put_time(out, "updated_at", delivery->updated);
    if (delivery->state == IJ_DELIVERY_WAITING)
        ij_json_put_time(out, "next_attempt_at", delivery->due);
    else
        ij_json_put_str(out, "next_attempt_at", NULL);
    int rc = put_log(out, delivery->log, err);
    ij_json_close(out, '}');
    return rc;
}

/* Deliveries as they are read. */
struct page {
    struct ij_delivery list[IJ_LIST_MAX];
    size_t count;
    uint64_t next; /* 0 = no more */
};

static void page_free(struct page **page)
{
    for (size_t i = 0; *page && i < (*page)->count; i++)
        ij_delivery_done(&(*page)->list[i]);
    free(*page);
}

static int write_page(struct imgjob_store *store, const struct page *page, char **out,
                      struct imgjob_error *err)
{
    IJ_AUTO(ij_buf_done) struct ij_buf buf = { .max = LIST_BYTES_MAX };
    struct ij_json_out json = { .buf = &buf };
    ij_json_open(&json, NULL, '{');
    ij_json_open(&json, "deliveries", '[');
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < page->count; i++)
        rc = put_delivery(&json, &page->list[i], err);
    if (rc < 0)
        return rc;
    ij_json_close(&json, ']');
    char cursor[IJ_CURSOR_SIZE];
    if (page->next)
        ij_cursor_write(store, IJ_CURSOR_DELIVERIES, page->next, cursor);
    ij_json_put_str(&json, "next", page->next ? cursor : NULL);
    ij_json_close(&json, '}');
    char *text = ij_buf_take(&buf);
    if (!text)
        return ij_fail_nomem(err, "listing deliveries");
    *out = text;
    return 0;
}

int imgjob_delivery_list(struct imgjob_store *store,
                         const struct imgjob_delivery_options *options, char **out,
                         struct imgjob_error *err)
{
    struct ij_delivery_list list;
    int rc = read_list(store, options, &list, err);
    if (rc < 0)
        return rc;
    IJ_AUTO(page_free) struct page *page = calloc(1, sizeof(*page));
    if (!page)
        return ij_fail_nomem(err, "listing deliveries");
    if (rc == 0)
        rc = store->jobs->ops->delivery_list(store->jobs, &list, page->list, &page->count,
                                             &page->next, err);
    return rc < 0 ? rc : write_page(store, page, out, err);
}

int imgjob_delivery_replay(struct imgjob_store *store, const char *id,
                           struct imgjob_error *err)
{
    struct ij_id key;
    if (!ij_id_of(id, &key))
        return ij_fail(err, IMGJOB_E_NOTFOUND, "no delivery has the id '%.40s'",
                       id ? id : "");
    int rc = store->jobs->ops->delivery_replay(store->jobs, &key, err);
    if (rc == 0) /* who sends may sleep */
        ij_wake_all_of(&store->outbox, &ij_id_none);
    return rc;
}
