/* What an operator does with a store: audits, backups, several processes on one. */
#include "hand.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- audit ---- */

/* What an audit said. */
struct told {
    char text[2000];
    struct imgjob_audit audit;
};

static void on_fault(void *data, const char *sentence)
{
    struct told *told = data;
    size_t used = strlen(told->text);
    (void)snprintf(told->text + used, sizeof(told->text) - used, "%s\n", sentence);
}

static struct told audit(struct place *place, uint32_t repair)
{
    struct told told = { .audit = { .size = sizeof(told.audit) } };
    expect_code(0, imgjob_store_audit(&place->options, repair, on_fault, &told,
                                      &told.audit, &test_err));
    return told;
}

static void expect_told(const struct told *told, uint64_t faults, const char *words)
{
    if (told->audit.faults != faults || !strstr(told->text, words)) {
        print_error("'%s' is not in '%s'\n", words, told->text);
        assert_int_equal(told->audit.faults, faults);
        assert_true(0);
    }
}

/* Jobs in every way of being: waiting, running, completed, failed, cancelled. */
static void fill(struct place *place, char completed[IMGJOB_ID_SIZE])
{
    struct imgjob_submitted out;
    for (int i = 0; i < 5; i++) {
        expect_code(0, place_submit(place, NULL, NULL, &out));
        if (i == 0)
            memcpy(completed, out.id, IMGJOB_ID_SIZE);
    }
    expect_code(0, imgjob_store_cancel(place->store, out.id, NULL, &test_err));
    hand_succeed(place, hand_claim(place));
    hand_fail(place, hand_claim(place));
    (void)hand_claim(place);
}

/* The path of the file in `directory` whose name begins with the id. */
static void path_of(const struct place *place, const char *directory, const char *id,
                    char *out, size_t size)
{
    char folder[600];
    (void)snprintf(folder, sizeof(folder), "%s/%s/%.2s", place->dir, directory, id + 34);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    bool is_there = false;
    for (struct dirent *at; !is_there && (at = readdir(dir)) != NULL;) {
        is_there = strncmp(at->d_name, id, IMGJOB_ID_SIZE - 1) == 0;
        if (is_there)
            (void)snprintf(out, size, "%s/%s", folder, at->d_name);
    }
    (void)closedir(dir);
    assert_true(is_there);
}

static void change_database(struct place *place, const char *sql)
{
    sqlite3 *db = NULL;
    char *text = NULL;
    const char *path = strchr(place->jobs, ':') + 1;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s", text);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_store_that_is_whole_has_no_faults(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    fill(place, id);
    struct told told = audit(place, 0); /* while it is open */
    expect_told(&told, 0, "");
    assert_int_equal(told.audit.jobs, 5);
    assert_int_equal(told.audit.waste, 0);
    expect_code(IMGJOB_E_BUSY, imgjob_store_audit(&place->options, 1, NULL, NULL,
                                                  &told.audit, &test_err));
    imgjob_store_close(place->store);
    told = audit(place, 0);
    expect_told(&told, 0, "");
    told = audit(place, 1);
    expect_told(&told, 0, "");
    assert_int_equal(told.audit.jobs, 5);
    place_open(place);
    expect_status(place, id, "completed");
}

static void an_image_that_is_gone_or_cut_is_told(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE], path[1000];
    fill(place, id);
    path_of(place, "out", id, path, sizeof(path));
    assert_int_equal(truncate(path, 9), 0);
    struct told told = audit(place, 0);
    expect_told(&told, 1, " has 9 bytes, not 10");
    path_of(place, "in", id, path, sizeof(path));
    assert_int_equal(unlink(path), 0);
    told = audit(place, 0);
    expect_told(&told, 2, id);
    expect_told(&told, 2, "no image '");
    imgjob_store_close(place->store);
    told = audit(place, 1); /* what is lost cannot be mended, and no job is given up */
    expect_told(&told, 2, "no image '");
    assert_int_equal(told.audit.repaired, 0);
    place_open(place);
    expect_status(place, id, "completed");
}

static void a_wrong_counter_is_told_and_mended(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE];
    fill(place, id);
    imgjob_store_close(place->store);
    change_database(place, "UPDATE counter SET n=n+7 WHERE state=2");
    struct told told = audit(place, 0);
    assert_true(told.audit.faults > 0);
    assert_int_equal(told.audit.repaired, 0);
    told = audit(place, 1);
    assert_true(told.audit.faults > 0);
    assert_int_equal(told.audit.repaired, told.audit.faults);
    told = audit(place, 0);
    expect_told(&told, 0, "");
    place_open(place);
    struct imgjob_store_stats stats = { .size = sizeof(stats) };
    expect_code(0, imgjob_store_read_stats(place->store, &stats, &test_err));
    assert_int_equal(stats.ready, 2); /* the running one was taken back */
}

static void files_of_no_job_are_waste_and_no_fault(void **state)
{
    struct place *place = *state;
    static const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    static const char *const names[] = {
        "in/21/019abcde-0000-7000-8000-000000000021.in0",
        "out/21/019abcde-0000-7000-8000-000000000021.1-00000000000000ff.image.jpg",
        "in/21/019abcde-0000-7000-8000-000000000021.in1", /* may be just arriving */
    };
    char id[IMGJOB_ID_SIZE];
    fill(place, id);
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++) {
        char path[700];
        (void)snprintf(path, sizeof(path), "%s/%s", place->dir, names[i]);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        if (i < 2)
            assert_int_equal(futimens(fd, long_ago), 0);
        (void)close(fd);
    }
    struct told told = audit(place, 0);
    expect_told(&told, 0, "");
    assert_int_equal(told.audit.waste, 2);
    assert_int_equal(count_blobs(place, "out"), 2); /* nothing was touched */
}

static void what_is_no_store_is_not_audited(void **state)
{
    struct place *place = *state;
    struct imgjob_audit found = { .size = sizeof(found) };
    struct imgjob_store_options options = place->options;
    char nowhere[600];
    (void)snprintf(nowhere, sizeof(nowhere), "sqlite:%s/nowhere.db", place->dir);
    options.jobs_url = nowhere;
    for (uint32_t repair = 0; repair < 2; repair++) {
        expect_code(IMGJOB_E_INVALID,
                    imgjob_store_audit(&options, repair, NULL, NULL, &found, &test_err));
        expect_words("nowhere.db");
    }
    assert_int_equal(access(strchr(nowhere, ':') + 1, F_OK), -1);
    options.jobs_url = "memory:";
    expect_code(IMGJOB_E_INVALID,
                imgjob_store_audit(&options, 0, NULL, NULL, &found, &test_err));
    expect_words("memory:");
    expect_code(IMGJOB_E_INVALID,
                imgjob_store_audit(&place->options, 2, NULL, NULL, &found, &test_err));
    expect_words("repair: must be 0 or 1, not 2");
    found.size = 1;
    expect_code(IMGJOB_E_ABI,
                imgjob_store_audit(&place->options, 0, NULL, NULL, &found, &test_err));
}

/* ---- backup ---- */

static void a_backup_is_a_store_as_of_its_moment(void **state)
{
    struct place *place = *state;
    char id[IMGJOB_ID_SIZE], path[600], url[620];
    struct imgjob_submitted later;
    fill(place, id);
    (void)snprintf(path, sizeof(path), "%s/copy.db", place->dir);
    expect_code(0, imgjob_store_backup(&place->options, path, &test_err));
    expect_code(0, place_submit(place, NULL, NULL, &later));
    expect_code(IMGJOB_E_INVALID, imgjob_store_backup(&place->options, path, &test_err));
    expect_words("copy.db");
    imgjob_store_close(place->store);
    (void)snprintf(url, sizeof(url), "sqlite:%s", path);
    place->options.jobs_url = url;
    place_open(place);
    expect_status(place, id, "completed");
    struct imgjob_job *job = NULL;
    expect_code(IMGJOB_E_NOTFOUND,
                imgjob_store_get(place->store, later.id, &job, &test_err));
    struct told told = audit(place, 0);
    expect_told(&told, 0, "");
    imgjob_store_close(place->store);
    place->options.jobs_url = place->jobs; /* `url` ends with this function */
    place_open(place);
}

static void what_has_no_file_is_not_backed_up(void **state)
{
    struct place *place = *state;
    struct imgjob_store_options options = place->options;
    expect_code(IMGJOB_E_INVALID, imgjob_store_backup(&options, "", &test_err));
    options.jobs_url = "memory:";
    expect_code(IMGJOB_E_INVALID, imgjob_store_backup(&options, "/nowhere/x", &test_err));
    expect_words("memory:");
}

/* ---- several processes on one store: each is an open store of its own here ---- */

static int setup_shared(void **state)
{
    struct place *place = place_new(*state);
    place->options.multi_process = 1;
    place_open(place);
    *state = place;
    return 0;
}

static struct imgjob_store *open_second(struct place *place)
{
    struct imgjob_store *second = NULL;
    expect_code(0, imgjob_store_open(&place->options, &second, &test_err));
    return second;
}

static void what_one_process_does_the_other_sees(void **state)
{
    struct place *place = *state;
    struct imgjob_store *second = open_second(place);
    struct imgjob_feed *feed = NULL;
    struct imgjob_job *job = NULL;
    struct imgjob_submitted out;
    expect_code(0, imgjob_feed_open(second, NULL, NULL, &feed, &test_err));
    expect_code(0, place_submit(place, NULL, NULL, &out));
    expect_code(0, imgjob_feed_next(feed, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_id(job), out.id);
    imgjob_job_free(job);
    hand_succeed(place, hand_claim(place));
    expect_code(0, imgjob_store_wait(second, out.id, 60000, &job, &test_err));
    assert_string_equal(imgjob_job_status_name(job), "completed");
    imgjob_job_free(job);
    imgjob_feed_close(feed);
    imgjob_store_close(second);
}

static void another_process_spares_what_is_arriving(void **state)
{
    struct place *place = *state;
    struct imgjob_draft *draft = place_draft(place, tiny_png, sizeof(tiny_png));
    struct imgjob_spec *spec = spec_of(plain_spec);
    struct imgjob_store *second = open_second(place);
    assert_int_equal(count_blobs(place, "in"), 1);
    expect_code(0, imgjob_store_submit(place->store, draft, spec, NULL, NULL, &test_err));
    imgjob_store_close(second);
    assert_int_equal(count_blobs(place, "in"), 1);
    imgjob_spec_free(spec);
}

static void all_share_a_store_or_none_does(void **state)
{
    struct place *place = *state;
    struct imgjob_store *second = NULL;
    struct imgjob_store_options alone = place->options;
    alone.multi_process = 0;
    expect_code(IMGJOB_E_BUSY, imgjob_store_open(&alone, &second, &test_err));
    imgjob_store_close(place->store);
    expect_code(0, imgjob_store_open(&alone, &second, &test_err));
    expect_code(IMGJOB_E_BUSY,
                imgjob_store_open(&place->options, &place->store, &test_err));
    imgjob_store_close(second);
    place_open(place);
    alone.multi_process = 2;
    expect_code(IMGJOB_E_INVALID, imgjob_store_open(&alone, &second, &test_err));
    expect_words("multi_process: must be 0 or 1, not 2");
    alone.multi_process = 1;
    alone.jobs_url = "memory:";
    expect_code(IMGJOB_E_INVALID, imgjob_store_open(&alone, &second, &test_err));
    expect_words("multi_process: a store of jobs_url 'memory:' has one process only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(NULL, place_setup, a_store_that_is_whole_has_no_faults),
        ON(NULL, place_setup, an_image_that_is_gone_or_cut_is_told),
        ON(NULL, place_setup, a_wrong_counter_is_told_and_mended),
        ON(NULL, place_setup, files_of_no_job_are_waste_and_no_fault),
        ON(NULL, place_setup, what_is_no_store_is_not_audited),
        ON(NULL, place_setup, a_backup_is_a_store_as_of_its_moment),
        ON(NULL, place_setup, what_has_no_file_is_not_backed_up),
        ON(NULL, setup_shared, what_one_process_does_the_other_sees),
        ON(NULL, setup_shared, another_process_spares_what_is_arriving),
        ON(NULL, setup_shared, all_share_a_store_or_none_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
