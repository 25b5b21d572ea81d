/*
 * Views that several feeds tell at the same time: made once, for all of them. A view says
 * nothing but what its row says, so one of the same transition is the same view.
 */
#pragma once

#include <pthread.h>

#include <imgjob/job.h>

#include "jobs/jobs.h"

enum { IJ_VIEW_CACHE_SIZE = 64 };

struct imgjob_store;

/* Shared. */
struct ij_view_cache {
    pthread_mutex_t lock;
    /* guarded by lock */
    struct imgjob_job *jobs[IJ_VIEW_CACHE_SIZE]; /* each held once; NULL = none */
    size_t next;                                 /* to be replaced */
};
void ij_view_cache_init(struct ij_view_cache *cache);
void ij_view_cache_done(struct ij_view_cache *cache);

/* As ij_view_make(); the view may be one that others hold as well. */
int ij_view_cache_make(struct imgjob_store *store, const struct ij_record *record,
                       struct imgjob_job **out, struct imgjob_error *err);
