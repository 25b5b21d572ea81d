/*
 * Owns who is told when a job changes: those who wait for it, who follow all, who run
 * jobs and who send webhooks. Called by the backend with no lock held; everything here is
 * a hint to look, so one too many does no harm and one too few would.
 */
#include "tell.h"

static bool was_running(const struct ij_change *change)
{
    return change->from == IMGJOB_STATE_RUNNING;
}

/* Progress of a running job: no transition that a feed tells of. */
static bool is_progress(const struct ij_change *change)
{
    return was_running(change) && change->job.state == IMGJOB_STATE_RUNNING &&
           !change->job.cancel_asked;
}

/* Whoever runs jobs, where there may be one more to run now. */
static void tell_work(struct imgjob_store *store, const struct ij_change *change)
{
    if (change->job.state == IMGJOB_STATE_READY)
        ij_wake_one_of(&store->work, &ij_id_none);
    else if (change->job.state ==
             IMGJOB_STATE_SCHEDULED) /* a sleeper's time may now be earlier */
        ij_wake_all_of(&store->work, &ij_id_none);
    else if (was_running(change) && change->job.state != IMGJOB_STATE_RUNNING &&
             atomic_load(&store->has_limits)) /* its queue is no longer at its limit */
        ij_wake_one_of(&store->work, &ij_id_none);
}

/* The lock is held around the calls, so that none comes after ij_store_unlisten(). */
static void tell_listeners(struct imgjob_store *store, const struct ij_id *id)
{
    (void)pthread_mutex_lock(&store->listeners_lock);
    for (struct ij_listener *at = store->listeners; at; at = at->next)
        at->asked(at->data, id);
    (void)pthread_mutex_unlock(&store->listeners_lock);
}

void ij_tell_changed(void *data, const struct ij_change *change)
{
    struct imgjob_store *store = data;
    const struct ij_job *job = &change->job;
    ij_store_metrics_change(&store->metrics, change);
    tell_work(store, change);
    ij_wake_all_of(&store->waiters, &job->id);
    if (!is_progress(change))
        ij_wake_all_of(&store->feeds, &ij_id_none);
    if (job->state == IMGJOB_STATE_RUNNING && job->cancel_asked)
        tell_listeners(store, &job->id);
    if (ij_job_is_ended(job) && job->has_callback)
        ij_wake_all_of(&store->outbox, &ij_id_none);
}

void ij_tell_stirred(void *data)
{
    struct imgjob_store *store = data;
    ij_wake_all(&store->work);
    ij_wake_all(&store->waiters);
    ij_wake_all(&store->feeds);
    ij_wake_all(&store->outbox);
    tell_listeners(store, &ij_id_none);
}

void ij_tell_failed(void *data)
{
    struct imgjob_store *store = data;
    ij_wake_end(&store->waiters);
    ij_wake_end(&store->feeds);
}

void ij_store_listen(struct imgjob_store *store, struct ij_listener *listener)
{
    (void)pthread_mutex_lock(&store->listeners_lock);
    listener->next = store->listeners;
    listener->link = &store->listeners;
    if (listener->next)
        listener->next->link = &listener->next;
    store->listeners = listener;
    (void)pthread_mutex_unlock(&store->listeners_lock);
}

void ij_store_unlisten(struct imgjob_store *store, struct ij_listener *listener)
{
    if (!listener->link)
        return;
    (void)pthread_mutex_lock(&store->listeners_lock);
    *listener->link = listener->next;
    if (listener->next)
        listener->next->link = listener->link;
    listener->next = NULL;
    listener->link = NULL;
    (void)pthread_mutex_unlock(&store->listeners_lock);
}
