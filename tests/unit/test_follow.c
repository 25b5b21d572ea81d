/* Jobs as others see them go on: versions, lists, feeds, batches. */
#include "hand.h"

#include <pthread.h>

#define OPTIONS(...)                                              \
    &(struct imgjob_submit_options)                               \
    {                                                             \
        .size = sizeof(struct imgjob_submit_options), __VA_ARGS__ \
    }

/* ---- one job ---- */

/* The version of a job that must differ from those before it. */
static void expect_news(struct place *place, const char *id, char last[IJ_VERSION_SIZE])
{
    struct imgjob_job *job = NULL;
    expect_code(0,
                imgjob_store_wait_change(place->store, id, last, 60000, &job, &test_err));
    assert_string_not_equal(imgjob_job_version(job), last);
    (void)snprintf(last, IJ_VERSION_SIZE, "%s", imgjob_job_version(job));
    imgjob_job_free(job);
}

static void every_change_of_a_job_is_a_new_version(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted out;
    char version[IJ_VERSION_SIZE] = "";
    static const struct ij_progress told[] = {
        { .percent = 0, .stage = IJ_STAGE_LOAD },
        { .percent = 0, .stage = IJ_STAGE_DECODE },
        { .percent = 40, .stage = IJ_STAGE_DECODE },
        { .percent = 40, .stage = IJ_STAGE_ENCODE },
        { .percent = 40, .stage = IJ_STAGE_ENCODE, .output = 2 },
        { .percent = 41, .stage = IJ_STAGE_ENCODE, .output = 2 },
    };
    expect_code(0, place_submit(place, NULL, NULL, &out));
    expect_news(place, out.id, version);
    struct ij_lease lease = hand_claim(place);
    expect_news(place, out.id, version);
    for (size_t i = 0; i < IJ_ARRAY_LEN(told); i++) {
        hand_beat(place, lease, told[i]);
        expect_news(place, out.id, version);
    }
    expect_code(0, imgjob_store_cancel(place->store, out.id, NULL, &test_err));
    expect_news(place, out.id, version);
    hand_succeed(place, lease);
    expect_news(place, out.id, version);
    struct imgjob_job *job = NULL;
    expect_code(
        0, imgjob_store_wait_change(place->store, out.id, version, 1, &job, &test_err));
    assert_string_equal(imgjob_job_version(job), version); /* nothing more happened */
    imgjob_job_free(job);
    expect_code(IMGJOB_E_INVALID, imgjob_store_wait_change(place->store, out.id, "",
                                                           600001, &job, &test_err));
}

static void progress_is_shown_while_it_runs(void **state)
{
    struct place *place = *state;
    static const char spec[] = "{\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";
    struct imgjob_submitted out;
    expect_code(0, place_submit(place, spec, NULL, &out));
    struct ij_lease lease = hand_claim(place);
    expect_view(place, out.id, "\"progress\":{\"percent\":0}");
    hand_beat(place, lease,
              (struct ij_progress){ .percent = 30, .stage = IJ_STAGE_DECODE });
    expect_view(place, out.id, "\"progress\":{\"percent\":30,\"stage\":\"decode\"}");
    hand_beat(
        place, lease,
        (struct ij_progress){ .percent = 70, .stage = IJ_STAGE_ENCODE, .output = 1 });
    expect_view(place, out.id,
                "\"progress\":{\"percent\":70,\"stage\":\"encode\",\"output\":\"b\"}");
    struct imgjob_job *job = job_of(place, out.id);
    assert_int_equal(imgjob_job_progress(job), 70);
    imgjob_job_free(job);
    hand_succeed(place, lease);
    expect_view(place, out.id, "\"progress\":{\"percent\":100}");
}

/* Wait for news of a job in a thread of its own. */
struct watcher {
    struct place *place;
    const char *id;
    char version[IJ_VERSION_SIZE];
    uint32_t status;
};

static void *watch(void *data)
{
    struct watcher *watcher = data;
    struct imgjob_job *job = NULL;
    struct imgjob_error err;
    if (imgjob_store_wait_change(watcher->place->store, watcher->id, watcher->version,
                                 600000, &job, &err) < 0)
        return NULL;
    watcher->status = imgjob_job_status(job);
    imgjob_job_free(job);
    return data;
}

static void who_waits_for_news_is_woken_by_it(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted out;
    pthread_t thread;
    void *done = NULL;
    expect_code(0, place_submit(place, NULL, NULL, &out));
    struct watcher watcher = { .place = place, .id = out.id };
    struct imgjob_job *job = job_of(place, out.id);
    (void)snprintf(watcher.version, sizeof(watcher.version), "%s",
                   imgjob_job_version(job));
    imgjob_job_free(job);
    assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);
    (void)hand_claim(place);
    assert_int_equal(pthread_join(thread, &done), 0);
    assert_non_null(done);
    assert_int_equal(watcher.status, IMGJOB_STATUS_PROCESSING);
}

/* ---- lists ---- */

static struct imgjob_job_list *list(struct place *place,
                                    struct imgjob_list_options options)
{
    struct imgjob_job_list *page = NULL;
    options.size = sizeof(options);
    expect_code(0, imgjob_store_list(place->store, &options, &page, &test_err));
    return page;
}

/* How many jobs a filter finds, over all pages of two. */
static size_t count_listed(struct place *place, struct imgjob_list_options options)
{
    char cursor[100] = "";
    size_t count = 0;
    do {
        options.limit = 2;
        options.cursor = cursor[0] ? cursor : NULL;
        struct imgjob_job_list *page = list(place, options);
        count += imgjob_job_list_count(page);
        const char *next = imgjob_job_list_next(page);
        (void)snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
        imgjob_job_list_free(page);
    } while (cursor[0]);
    return count;
}

static void lists_are_newest_first_and_filtered(void **state)
{
    struct place *place = *state;
    enum { JOBS = 7 };
    static const char *const tags[] = { "x", "y" };
    struct imgjob_submitted out[JOBS];
    char batch[IMGJOB_ID_SIZE];
    expect_code(0, imgjob_id_new(batch, &test_err));
    for (size_t i = 0; i < JOBS; i++)
        expect_code(
            0, place_submit(place, NULL,
                            OPTIONS(.tenant = i < 3 ? "a" : "b",
                                    .queue = i % 2 ? "odd" : NULL, .tags = tags,
                                    .tag_count = i % 3, .batch = i > 4 ? batch : NULL),
                            &out[i]));
    struct imgjob_job_list *page = list(place, (struct imgjob_list_options){ 0 });
    assert_int_equal(imgjob_job_list_count(page), JOBS);
    for (size_t i = 0; i < JOBS; i++)
        assert_string_equal(imgjob_job_id(imgjob_job_list_at(page, i)),
                            out[JOBS - 1 - i].id);
    assert_null(imgjob_job_list_at(page, JOBS));
    assert_null(imgjob_job_list_next(page));
    imgjob_job_list_free(page);

    expect_code(0, imgjob_store_cancel(place->store, out[1].id, NULL, &test_err));
    const struct {
        struct imgjob_list_options options;
        size_t count;
    } cases[] = {
        { { .limit = 2 }, JOBS },
        { { .tenant = "a" }, 3 },
        { { .tenant = "nobody" }, 0 },
        { { .queue = "odd" }, 3 },
        { { .tenant = "b", .queue = "odd" }, 2 },
        { { .tag = "x" }, 4 },
        { { .tag = "y" }, 2 },
        { { .batch = batch }, 2 },
        { { .statuses = 1 << IMGJOB_STATUS_CANCELLED }, 1 },
        { { .statuses = 1 << IMGJOB_STATUS_PENDING }, JOBS - 1 },
        { { .statuses = 1 << IMGJOB_STATUS_PENDING | 1 << IMGJOB_STATUS_CANCELLED },
          JOBS },
        { { .statuses = 1 << IMGJOB_STATUS_COMPLETED }, 0 },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++)
        assert_int_equal(count_listed(place, cases[i].options), cases[i].count);
}

static void a_list_that_cannot_be_is_refused(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted out;
    struct imgjob_job_list *page = NULL;
    for (int i = 0; i < 2; i++)
        expect_code(0, place_submit(place, NULL, NULL, &out));
    page = list(place, (struct imgjob_list_options){ .limit = 1 });
    char cursor[100], longer[110], other[100];
    (void)snprintf(cursor, sizeof(cursor), "%s", imgjob_job_list_next(page));
    (void)snprintf(longer, sizeof(longer), "%sg", cursor);
    (void)snprintf(other, sizeof(other), "%s", cursor);
    other[3] = other[3] == '0' ? '1' : '0'; /* of another store */
    imgjob_job_list_free(page);
    struct imgjob_feed *feed = NULL;
    expect_code(0, imgjob_feed_open(place->store, NULL, NULL, &feed, &test_err));
    const struct {
        struct imgjob_list_options options;
        const char *words;
    } cases[] = {
        { { .cursor = "" }, "cursor: '' is none that this store gave" },
        { { .cursor = "17" }, "cursor: '17' is none" },
        { { .cursor = longer }, "cursor: " },
        { { .cursor = other }, "cursor: " },
        { { .cursor = imgjob_feed_position(feed) }, "cursor: " },
        { { .limit = 101 }, "limit: must be 1..100, not 101" },
        { { .statuses = 1 << 5 }, "statuses: 0x20 holds unknown ones" },
        { { .batch = "x" }, "batch: 'x' is no UUID" },
        { { .tenant = "" }, "tenant" },
        { { .queue = "a b" }, "queue" },
        { { .tag = "," }, "tag" },
    };
    page = NULL;
    for (size_t i = 0; i < IJ_ARRAY_LEN(cases); i++) {
        struct imgjob_list_options options = cases[i].options;
        options.size = sizeof(options);
        expect_code(IMGJOB_E_INVALID,
                    imgjob_store_list(place->store, &options, &page, &test_err));
        expect_words(cases[i].words);
        assert_null(page);
    }
    imgjob_feed_close(feed);
}

static void a_batch_is_counted(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted out;
    char batch[IMGJOB_ID_SIZE];
    struct imgjob_batch_stats stats = { .size = sizeof(stats) };
    expect_code(0, imgjob_id_new(batch, &test_err));
    expect_code(IMGJOB_E_NOTFOUND,
                imgjob_batch_read_stats(place->store, batch, &stats, &test_err));
    expect_code(IMGJOB_E_NOTFOUND,
                imgjob_batch_read_stats(place->store, "x", &stats, &test_err));
    for (int i = 0; i < 6; i++)
        expect_code(0, place_submit(place, NULL, OPTIONS(.batch = batch), &out));
    expect_code(0, imgjob_store_cancel(place->store, out.id, NULL, &test_err));
    hand_succeed(place, hand_claim(place));
    hand_fail(place, hand_claim(place));
    (void)hand_claim(place);
    expect_code(0, imgjob_batch_read_stats(place->store, batch, &stats, &test_err));
    assert_int_equal(stats.pending, 2);
    assert_int_equal(stats.processing, 1);
    assert_int_equal(stats.completed, 1);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.cancelled, 1);
    stats.size = 0;
    expect_code(IMGJOB_E_ABI,
                imgjob_batch_read_stats(place->store, batch, &stats, &test_err));
}

/* ---- feeds ---- */

/* The next job of the feed. */
static void expect_next(struct imgjob_feed *feed, const char *id, const char *status)
{
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_feed_next(feed, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_id(job), id);
    assert_string_equal(imgjob_job_status_name(job), status);
    imgjob_job_free(job);
}

static void expect_no_more(struct imgjob_feed *feed)
{
    struct imgjob_job *job = NULL;
    expect_code(1, imgjob_feed_next(feed, 0, &job, &test_err));
    assert_null(job);
}

static void a_feed_tells_each_change_once_and_can_be_taken_up_again(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted early, one, two, other;
    struct imgjob_feed *feed = NULL;
    expect_code(0, place_submit(place, NULL, NULL, &early));
    expect_code(0, imgjob_store_cancel(place->store, early.id, NULL, &test_err));
    expect_code(0, imgjob_feed_open(place->store, "default", NULL, &feed, &test_err));
    expect_no_more(feed); /* from now on */
    expect_code(0, place_submit(place, NULL, NULL, &one));
    expect_code(0, place_submit(place, NULL,
                                OPTIONS(.tenant = "b", .has_priority = 1, .priority = 9),
                                &other));
    expect_code(0, place_submit(place, NULL, NULL, &two));
    expect_next(feed, one.id, "pending");
    char position[100];
    (void)snprintf(position, sizeof(position), "%s", imgjob_feed_position(feed));
    expect_next(feed, two.id, "pending");
    expect_no_more(feed);
    struct ij_lease lease = hand_claim(place);
    expect_next(feed, one.id, "processing");
    hand_beat(place, lease, (struct ij_progress){ .percent = 5 });
    expect_no_more(feed); /* that is no change of state */
    hand_succeed(place, lease);
    expect_next(feed, one.id, "completed");
    imgjob_feed_close(feed);

    expect_code(0, imgjob_feed_open(place->store, "default", position, &feed, &test_err));
    expect_next(feed, two.id, "pending"); /* each as it is now */
    expect_next(feed, one.id, "completed");
    expect_no_more(feed);
    imgjob_feed_close(feed);
}

static void a_position_of_another_store_is_refused(void **state)
{
    struct place *place = *state;
    struct imgjob_feed *feed = NULL;
    expect_code(0, imgjob_feed_open(place->store, NULL, NULL, &feed, &test_err));
    char position[100];
    (void)snprintf(position, sizeof(position), "%s", imgjob_feed_position(feed));
    imgjob_feed_close(feed);
    feed = NULL;
    position[1] = position[1] == 'a' ? 'b' : 'a';
    const char *const bad[] = { "", "0", position, "f-", "l000000000000-0" };
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        expect_code(IMGJOB_E_INVALID,
                    imgjob_feed_open(place->store, NULL, bad[i], &feed, &test_err));
        expect_words("position: ");
        assert_null(feed);
    }
    expect_code(IMGJOB_E_INVALID,
                imgjob_feed_open(place->store, "a b", NULL, &feed, &test_err));
    expect_words("tenant");
}

/* Follow all until as many jobs as expected have been seen to end. */
struct follower {
    struct imgjob_feed *feed;
    size_t expected, ended;
    bool went_back; /* an ended job was seen in another state afterwards */
    char ids[200][IMGJOB_ID_SIZE];
};

static bool has_seen(const struct follower *follower, const char *id)
{
    for (size_t i = 0; i < follower->ended; i++)
        if (strcmp(follower->ids[i], id) == 0)
            return true;
    return false;
}

static void *follow(void *data)
{
    struct follower *follower = data;
    while (follower->ended < follower->expected) {
        struct imgjob_job *job = NULL;
        struct imgjob_error err;
        if (imgjob_feed_next(follower->feed, 60000, &job, &err) != 0)
            return NULL;
        bool is_known = has_seen(follower, imgjob_job_id(job));
        if (imgjob_job_is_ended(job) && !is_known)
            memcpy(follower->ids[follower->ended++], imgjob_job_id(job), IMGJOB_ID_SIZE);
        else if (is_known && !imgjob_job_is_ended(job))
            follower->went_back = true;
        imgjob_job_free(job);
    }
    return data;
}

static void two_threads_follow_while_jobs_change(void **state)
{
    struct place *place = *state;
    enum { JOBS = 60 };
    static struct follower followers[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        followers[i] = (struct follower){ .expected = JOBS };
        expect_code(0, imgjob_feed_open(place->store, i ? "default" : NULL, NULL,
                                        &followers[i].feed, &test_err));
        assert_int_equal(pthread_create(&threads[i], NULL, follow, &followers[i]), 0);
    }
    for (int i = 0; i < JOBS; i++) {
        struct imgjob_submitted out;
        expect_code(0, place_submit(place, NULL, NULL, &out));
        struct ij_lease lease = hand_claim(place);
        if (i % 3 == 0)
            hand_fail(place, lease);
        else
            hand_succeed(place, lease);
    }
    for (int i = 0; i < 2; i++) {
        void *done = NULL;
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
        assert_int_equal(followers[i].ended, JOBS);
        assert_false(followers[i].went_back);
        imgjob_feed_close(followers[i].feed);
    }
}

static void feeds_come_back_when_the_program_is_about_to_end(void **state)
{
    struct place *place = *state;
    struct imgjob_feed *feed = NULL;
    struct imgjob_job *job = NULL;
    expect_code(0, imgjob_feed_open(place->store, NULL, NULL, &feed, &test_err));
    expect_code(IMGJOB_E_INVALID, imgjob_feed_next(feed, 600001, &job, &test_err));
    imgjob_store_wake_waiters(place->store);
    expect_code(1, imgjob_feed_next(feed, 600000, &job, &test_err));
    imgjob_feed_close(feed);
}

/* ---- what is downloaded ---- */

static void a_download_knows_its_digest_and_has_a_descriptor(void **state)
{
    struct place *place = *state;
    struct imgjob_submitted out;
    struct imgjob_download *download = NULL;
    char bytes[11] = "";
    expect_code(0, place_submit(place, NULL, NULL, &out));
    hand_succeed(place, hand_claim(place));
    expect_code(
        0, imgjob_store_open_output(place->store, out.id, "image", &download, &test_err));
    assert_int_equal(strlen(imgjob_download_sha256(download)), 64);
    assert_int_equal(imgjob_download_sha256(download)[63], '7');
    assert_int_equal(pread(imgjob_download_fd(download), bytes, 10, 0), 10);
    assert_string_equal(bytes, "0123456789");
    imgjob_download_close(download);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(every_change_of_a_job_is_a_new_version),
        ON_BOTH(progress_is_shown_while_it_runs),
        ON_BOTH(who_waits_for_news_is_woken_by_it),
        ON_BOTH(lists_are_newest_first_and_filtered),
        ON_BOTH(a_list_that_cannot_be_is_refused),
        ON_BOTH(a_batch_is_counted),
        ON_BOTH(a_feed_tells_each_change_once_and_can_be_taken_up_again),
        ON_BOTH(a_position_of_another_store_is_refused),
        ON_BOTH(two_threads_follow_while_jobs_change),
        ON_BOTH(feeds_come_back_when_the_program_is_about_to_end),
        ON_BOTH(a_download_knows_its_digest_and_has_a_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
