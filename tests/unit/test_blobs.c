/* Blobs in a directory: names, publishing, whose directory it is. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "blobs/blobs.h"
#include "test.h"

#define STORE_ID "018f6b1e-7d4a-7000-8000-0123456789ab"
#define OTHER_ID "018f6b1e-7d4a-7000-8000-0123456789ac"
#define JOB_ID   "018f6b1e-7d4a-7c3e-9a5b-aabbccddee2f"

static struct ij_id job_id(void)
{
    struct ij_id id;
    assert_true(ij_id_parse(JOB_ID, strlen(JOB_ID), &id));
    return id;
}

/* An open directory of blobs and a key that belongs in it. */
struct shelf {
    char *dir;
    struct ij_blobs *blobs;
    char key[IJ_BLOB_KEY_SIZE];
};

static void shelf_open(struct shelf *shelf)
{
    struct ij_id id = job_id();
    shelf->dir = test_dir_make();
    expect_code(
        0, ij_local_open(shelf->dir, STORE_ID, IJ_LOCAL_ALONE, &shelf->blobs, &test_err));
    ij_blob_input_key(&id, 0, shelf->key);
}

static void shelf_done(struct shelf *shelf)
{
    ij_blobs_close(shelf->blobs);
    test_dir_remove(shelf->dir);
}

static void put(struct shelf *shelf, const char *key, const char *text)
{
    struct ij_blob_draft draft = { .fd = -1 };
    expect_code(0, shelf->blobs->ops->draft_create(shelf->blobs, key, &draft, &test_err));
    assert_int_equal(ij_write_all(draft.fd, text, strlen(text)), 0);
    expect_code(0, shelf->blobs->ops->draft_publish(&draft, &test_err));
    assert_int_equal(draft.fd, -1);
    ij_draft_discard(&draft); /* fine on a published one */
}

static bool file_exists(const struct shelf *shelf, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", shelf->dir, name);
    return access(path, F_OK) == 0;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ij_write_all(fd, text, strlen(text)), 0);
    (void)close(fd);
}

/* ---- names ---- */

static void an_input_key_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const uint32_t inputs[] = { 0, 1, 10, UINT32_MAX };
    struct ij_id id = job_id();
    for (size_t i = 0; i < IJ_ARRAY_LEN(inputs); i++) {
        char key[IJ_BLOB_KEY_SIZE];
        struct ij_blob_name name;
        ij_blob_input_key(&id, inputs[i], key);
        assert_true(ij_blob_key_parse(key, &name));
        assert_true(ij_id_equal(&name.id, &id));
        assert_true(name.is_input);
        assert_int_equal(name.input, inputs[i]);
    }
}

static void an_output_key_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const char longest[] =
        "a23456789012345678901234567890123456789012345678901234567890_-34";
    static const char *const names[] = { "image", "x", "0_-", longest };
    struct ij_id id = job_id();
    for (size_t i = 0; i < IJ_ARRAY_LEN(names); i++) {
        char key[IJ_BLOB_KEY_SIZE];
        struct ij_blob_name name;
        ij_blob_output_key(&id, UINT64_MAX - i, UINT64_MAX >> (21 * i), names[i], "jpg",
                           key);
        assert_true(ij_blob_key_parse(key, &name));
        assert_true(ij_id_equal(&name.id, &id));
        assert_false(name.is_input);
        assert_int_equal(name.gen, UINT64_MAX - i);
        assert_int_equal(name.token, UINT64_MAX >> (21 * i));
    }
    char key[IJ_BLOB_KEY_SIZE];
    ij_blob_output_key(&id, 3, 0xab, "image", "webp", key);
    assert_string_equal(key, JOB_ID ".3-00000000000000ab.image.webp");
}

static void only_our_own_names_are_keys(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        ".",
        "..",
        ".imgjob-store",
        "cat.jpg",
        JOB_ID,
        JOB_ID ".",
        JOB_ID ".in",
        JOB_ID ".in-1",
        JOB_ID ".in00",
        JOB_ID ".in01",
        JOB_ID ".in4294967296",
        JOB_ID ".in0 ",
        JOB_ID ".in0.draft",
        JOB_ID "/in0",
        " " JOB_ID ".in0",
        "018F6B1E-7D4A-7C3E-9A5B-AABBCCDDEE2F.in0",
        JOB_ID ".1-00000000000000ab.image",
        JOB_ID ".1-00000000000000ab.image.",
        JOB_ID ".1-00000000000000ab..jpg",
        JOB_ID ".1-00000000000000ab.-a.jpg",
        JOB_ID ".1-00000000000000ab.A.jpg",
        JOB_ID ".1-00000000000000ab.a/b.jpg",
        JOB_ID ".1-00000000000000ab.image.JPG",
        JOB_ID ".1-00000000000000ab.image.jpg.draft",
        JOB_ID ".1-00000000000000ab.image.extension",
        JOB_ID ".1-00000000000000AB.image.jpg",
        JOB_ID ".1-0ab.image.jpg",
        JOB_ID ".01-00000000000000ab.image.jpg",
        JOB_ID ".-00000000000000ab.image.jpg",
        JOB_ID ".18446744073709551616-00000000000000ab.image.jpg",
        JOB_ID ".1-00000000000000ab."
               "a234567890123456789012345678901234567890123456789012345678901234x.jpg",
    };
    struct ij_blob_name name;
    for (size_t i = 0; i < IJ_ARRAY_LEN(others); i++)
        if (ij_blob_key_parse(others[i], &name))
            fail_msg("'%s' was taken for a key", others[i]);
}

/* ---- blobs ---- */

static void what_was_published_can_be_read(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf);
    put(&shelf, shelf.key, "hello");
    IJ_AUTO(ij_close) int fd = -1;
    uint64_t len = 0;
    expect_code(0, shelf.blobs->ops->open(shelf.blobs, shelf.key, &fd, &len, &test_err));
    assert_int_equal(len, 5);
    char text[5];
    assert_int_equal(ij_pread_all(fd, text, 5, 0), 0);
    assert_memory_equal(text, "hello", 5);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(file_exists(&shelf, "2f/" JOB_ID ".in0"));
    assert_false(file_exists(&shelf, "2f/" JOB_ID ".in0.draft"));
    shelf_done(&shelf);
}

static void a_draft_is_not_a_blob_yet(void **state)
{
    (void)state;
    struct shelf shelf;
    struct ij_blob_draft draft = { .fd = -1 };
    int fd;
    uint64_t len;
    shelf_open(&shelf);
    expect_code(
        0, shelf.blobs->ops->draft_create(shelf.blobs, shelf.key, &draft, &test_err));
    expect_code(IMGJOB_E_NOTFOUND,
                shelf.blobs->ops->open(shelf.blobs, shelf.key, &fd, &len, &test_err));
    expect_words("no image '" JOB_ID ".in0'");
    ij_draft_discard(&draft);
    ij_draft_discard(&draft);
    assert_false(file_exists(&shelf, "2f/" JOB_ID ".in0.draft"));
    shelf_done(&shelf);
}

static void a_blob_is_never_replaced(void **state)
{
    (void)state;
    struct shelf shelf;
    struct ij_blob_draft draft = { .fd = -1 };
    shelf_open(&shelf);
    put(&shelf, shelf.key, "first");
    expect_code(
        0, shelf.blobs->ops->draft_create(shelf.blobs, shelf.key, &draft, &test_err));
    assert_int_equal(ij_write_all(draft.fd, "second", 6), 0);
    expect_code(IMGJOB_E_BLOB, shelf.blobs->ops->draft_publish(&draft, &test_err));
    expect_words("File exists");
    ij_draft_discard(&draft);
    IJ_AUTO(ij_close) int fd = -1;
    uint64_t len = 0;
    expect_code(0, shelf.blobs->ops->open(shelf.blobs, shelf.key, &fd, &len, &test_err));
    assert_int_equal(len, 5);
    shelf_done(&shelf);
}

static void two_drafts_of_one_key_are_refused(void **state)
{
    (void)state;
    struct shelf shelf;
    struct ij_blob_draft first = { .fd = -1 }, second = { .fd = -1 };
    shelf_open(&shelf);
    expect_code(
        0, shelf.blobs->ops->draft_create(shelf.blobs, shelf.key, &first, &test_err));
    expect_code(IMGJOB_E_BLOB, shelf.blobs->ops->draft_create(shelf.blobs, shelf.key,
                                                              &second, &test_err));
    expect_words("create a draft of '" JOB_ID ".in0'");
    ij_draft_discard(&second);
    assert_true(file_exists(&shelf, "2f/" JOB_ID ".in0.draft")); /* not the second's */
    ij_draft_discard(&first);
    shelf_done(&shelf);
}

static void a_malformed_key_is_refused_before_the_disk_is_touched(void **state)
{
    (void)state;
    static const char *const bad[] = { "", ".", "..", "../cat", "a/b" };
    struct shelf shelf;
    shelf_open(&shelf);
    for (size_t i = 0; i < IJ_ARRAY_LEN(bad); i++) {
        struct ij_blob_draft draft = { .fd = -1 };
        int fd;
        uint64_t len;
        const struct ij_blobs_ops *ops = shelf.blobs->ops;
        expect_code(IMGJOB_E_INVALID,
                    ops->draft_create(shelf.blobs, bad[i], &draft, &test_err));
        expect_words("malformed blob key");
        expect_code(IMGJOB_E_INVALID,
                    ops->open(shelf.blobs, bad[i], &fd, &len, &test_err));
        expect_code(IMGJOB_E_INVALID, ops->remove(shelf.blobs, bad[i], &test_err));
        expect_code(IMGJOB_E_INVALID, ops->remove_draft(shelf.blobs, bad[i], &test_err));
    }
    shelf_done(&shelf);
}

static void a_link_in_the_place_of_a_blob_is_not_followed(void **state)
{
    (void)state;
    struct shelf shelf;
    char path[512];
    int fd;
    uint64_t len;
    shelf_open(&shelf);
    (void)snprintf(path, sizeof(path), "%s/2f/%s", shelf.dir, shelf.key);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    expect_code(IMGJOB_E_BLOB,
                shelf.blobs->ops->open(shelf.blobs, shelf.key, &fd, &len, &test_err));
    expect_words("Too many levels of symbolic links");
    shelf_done(&shelf);
}

static void remove_is_fine_on_what_is_gone(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf);
    put(&shelf, shelf.key, "x");
    expect_code(0, shelf.blobs->ops->remove(shelf.blobs, shelf.key, &test_err));
    assert_false(file_exists(&shelf, "2f/" JOB_ID ".in0"));
    expect_code(0, shelf.blobs->ops->remove(shelf.blobs, shelf.key, &test_err));
    expect_code(0, shelf.blobs->ops->remove_draft(shelf.blobs, shelf.key, &test_err));
    shelf_done(&shelf);
}

/* What list() showed, as text. */
static int note(void *data, const char *key, bool is_draft)
{
    char *seen = data;
    size_t used = strlen(seen);
    (void)snprintf(seen + used, 512 - used, "%s%s\n", key, is_draft ? " draft" : "");
    return 0;
}

static int stop_at_first(void *data, const char *key, bool is_draft)
{
    (void)note(data, key, is_draft);
    return 7;
}

static void list_shows_blobs_and_left_over_drafts_and_nothing_else(void **state)
{
    (void)state;
    struct shelf shelf;
    char seen[512] = "";
    shelf_open(&shelf);
    put(&shelf, shelf.key, "x");
    write_file(shelf.dir, "2f/" JOB_ID ".in1.draft", "half");
    write_file(shelf.dir, "2f/notes.txt", "of the operator");
    write_file(shelf.dir, "2f/" JOB_ID ".in01", "no key");
    write_file(shelf.dir, "00/" JOB_ID ".in2", "in the wrong directory");
    expect_code(0, shelf.blobs->ops->list(shelf.blobs, 0, note, seen, &test_err));
    assert_non_null(strstr(seen, JOB_ID ".in0\n"));
    assert_non_null(strstr(seen, JOB_ID ".in1 draft\n"));
    assert_int_equal(strlen(seen), 2 * strlen(JOB_ID ".in0\n") + strlen(" draft"));

    expect_code(0, shelf.blobs->ops->remove_draft(shelf.blobs, JOB_ID ".in1", &test_err));
    seen[0] = '\0';
    expect_code(7,
                shelf.blobs->ops->list(shelf.blobs, 0, stop_at_first, seen, &test_err));
    assert_string_equal(seen, JOB_ID ".in0\n");
    shelf_done(&shelf);
}

static void make_directory(const struct shelf *shelf, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", shelf->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void list_shows_the_rest_when_something_cannot_be_read(void **state)
{
    (void)state;
    struct shelf shelf;
    char seen[512] = "", path[512];
    shelf_open(&shelf);
    put(&shelf, shelf.key, "x");
    make_directory(&shelf, "2f/" JOB_ID ".in1");
    expect_code(IMGJOB_E_BLOB,
                shelf.blobs->ops->list(shelf.blobs, 0, note, seen, &test_err));
    assert_string_equal(seen, JOB_ID ".in0\n");
    expect_words("/2f/" JOB_ID ".in1': Is a directory");
    expect_code(IMGJOB_E_BLOB,
                shelf.blobs->ops->remove(shelf.blobs, JOB_ID ".in1", &test_err));
    expect_words("Is a directory");

    (void)snprintf(path, sizeof(path), "%s/00", shelf.dir);
    assert_int_equal(rmdir(path), 0);
    write_file(shelf.dir, "00", "no directory");
    seen[0] = '\0';
    expect_code(IMGJOB_E_BLOB,
                shelf.blobs->ops->list(shelf.blobs, 0, note, seen, &test_err));
    assert_string_equal(seen, JOB_ID ".in0\n");
    expect_words("/00': Not a directory"); /* the first failure */
    expect_code(7,
                shelf.blobs->ops->list(shelf.blobs, 0, stop_at_first, seen, &test_err));
    shelf_done(&shelf);
}

static void list_passes_over_what_was_touched_lately(void **state)
{
    (void)state;
    struct shelf shelf;
    char seen[512] = "", path[512];
    shelf_open(&shelf);
    put(&shelf, shelf.key, "x");
    expect_code(0, shelf.blobs->ops->list(shelf.blobs, 3600000, note, seen, &test_err));
    assert_string_equal(seen, "");
    struct timespec long_ago[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
    (void)snprintf(path, sizeof(path), "%s/2f/%s", shelf.dir, shelf.key);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    expect_code(0, shelf.blobs->ops->list(shelf.blobs, 3600000, note, seen, &test_err));
    assert_string_equal(seen, JOB_ID ".in0\n");
    shelf_done(&shelf);
}

static void a_failed_write_to_the_disk_ends_all_writing(void **state)
{
    (void)state;
    struct shelf shelf;
    struct ij_blob_draft draft = { .fd = -1 };
    int pipe_fds[2], fd;
    uint64_t len;
    shelf_open(&shelf);
    put(&shelf, shelf.key, "x");
    expect_code(0, shelf.blobs->ops->check(shelf.blobs, &test_err));
    expect_code(
        0, shelf.blobs->ops->draft_create(shelf.blobs, JOB_ID ".in1", &draft, &test_err));
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(dup2(pipe_fds[1], draft.fd), draft.fd); /* what cannot be synced */
    expect_code(IMGJOB_E_BLOB, shelf.blobs->ops->draft_publish(&draft, &test_err));
    expect_words("sync " JOB_ID ".in1 to the disk of ");
    ij_draft_discard(&draft);
    assert_false(file_exists(&shelf, "2f/" JOB_ID ".in1"));
    assert_false(file_exists(&shelf, "2f/" JOB_ID ".in1.draft"));

    expect_code(IMGJOB_E_BLOB, shelf.blobs->ops->draft_create(shelf.blobs, JOB_ID ".in2",
                                                              &draft, &test_err));
    expect_words("takes no more images since a write to its disk failed");
    expect_code(IMGJOB_E_BLOB, shelf.blobs->ops->check(shelf.blobs, &test_err));
    expect_words("takes no more images since a write to its disk failed");
    expect_code(0, shelf.blobs->ops->open(shelf.blobs, shelf.key, &fd, &len, &test_err));
    (void)close(fd);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    shelf_done(&shelf);
}

static void space_and_place_are_told(void **state)
{
    (void)state;
    struct shelf shelf;
    uint64_t free_bytes = 0, total = 0;
    char text[512], expected[512];
    shelf_open(&shelf);
    expect_code(0, shelf.blobs->ops->space(shelf.blobs, &free_bytes, &total, &test_err));
    assert_true(total > 0 && free_bytes <= total);
    shelf.blobs->ops->describe(shelf.blobs, shelf.key, text, sizeof(text));
    (void)snprintf(expected, sizeof(expected), "%s/2f/" JOB_ID ".in0", shelf.dir);
    assert_string_equal(text, expected);
    shelf_done(&shelf);
}

/* ---- whose directory it is ---- */

static void expect_refused(const char *dir, const char *store_id, int code,
                           const char *words)
{
    struct ij_blobs *blobs = NULL;
    expect_code(code, ij_local_open(dir, store_id, IJ_LOCAL_ALONE, &blobs, &test_err));
    expect_words(words);
    assert_null(blobs);
}

static void a_directory_is_made_marked_and_found_again(void **state)
{
    (void)state;
    struct shelf shelf;
    char path[512];
    shelf.dir = test_dir_make();
    (void)snprintf(path, sizeof(path), "%s/a/b", shelf.dir);
    expect_code(0,
                ij_local_open(path, STORE_ID, IJ_LOCAL_ALONE, &shelf.blobs, &test_err));
    assert_true(file_exists(&shelf, "a/b/.imgjob-store"));
    assert_true(file_exists(&shelf, "a/b/00"));
    assert_true(file_exists(&shelf, "a/b/ff"));
    ij_blobs_close(shelf.blobs);
    expect_code(0,
                ij_local_open(path, STORE_ID, IJ_LOCAL_ALONE, &shelf.blobs, &test_err));
    shelf_done(&shelf);
}

static void a_directory_in_use_is_busy(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf);
    expect_refused(shelf.dir, STORE_ID, IMGJOB_E_BUSY, shelf.dir);
    expect_words("is in use by another server or store");
    expect_refused(shelf.dir, OTHER_ID, IMGJOB_E_BUSY, "is in use");
    ij_blobs_close(shelf.blobs);
    expect_code(
        0, ij_local_open(shelf.dir, STORE_ID, IJ_LOCAL_ALONE, &shelf.blobs, &test_err));
    shelf_done(&shelf);
}

static void a_shared_directory_is_open_to_those_who_share_it(void **state)
{
    (void)state;
    struct shelf shelf;
    struct ij_blobs *other = NULL;
    char draft[IJ_BLOB_KEY_SIZE];
    shelf.dir = test_dir_make();
    expect_code(
        0, ij_local_open(shelf.dir, STORE_ID, IJ_LOCAL_SHARED, &shelf.blobs, &test_err));
    expect_code(0,
                ij_local_open(shelf.dir, STORE_ID, IJ_LOCAL_SHARED, &other, &test_err));
    expect_refused(shelf.dir, STORE_ID, IMGJOB_E_BUSY, "is in use");
    expect_code(IMGJOB_E_INVALID,
                ij_local_open(shelf.dir, OTHER_ID, IJ_LOCAL_SHARED, &other, &test_err));
    ij_blob_input_key(&(struct ij_id){ .bytes = { 1 } }, 0, draft);
    struct ij_blob_draft blob = { .fd = -1 };
    expect_code(0, other->ops->draft_create(other, draft, &blob, &test_err));
    expect_code(0, other->ops->draft_publish(&blob, &test_err));
    ij_blobs_close(other);
    int fd = -1;
    uint64_t len = 1;
    expect_code(0, shelf.blobs->ops->open(shelf.blobs, draft, &fd, &len, &test_err));
    assert_int_equal(len, 0);
    ij_close(&fd);
    shelf_done(&shelf);
}

static void a_directory_that_is_looked_at_stays_as_it_is(void **state)
{
    (void)state;
    struct shelf shelf;
    struct ij_blobs *looking = NULL;
    char key[IJ_BLOB_KEY_SIZE], none[512];
    shelf_open(&shelf);
    (void)snprintf(none, sizeof(none), "%s/none", shelf.dir);
    expect_code(IMGJOB_E_BLOB,
                ij_local_open(none, STORE_ID, IJ_LOCAL_LOOK, &looking, &test_err));
    assert_false(file_exists(&shelf, "none"));
    expect_code(IMGJOB_E_INVALID,
                ij_local_open(shelf.dir, OTHER_ID, IJ_LOCAL_LOOK, &looking, &test_err));
    /* whoever has it open */
    expect_code(0,
                ij_local_open(shelf.dir, STORE_ID, IJ_LOCAL_LOOK, &looking, &test_err));
    ij_blob_input_key(&(struct ij_id){ .bytes = { 1 } }, 0, key);
    struct ij_blob_draft draft = { .fd = -1 };
    expect_code(IMGJOB_E_BLOB,
                looking->ops->draft_create(looking, key, &draft, &test_err));
    expect_words("is opened to be looked at");
    expect_code(IMGJOB_E_BLOB, looking->ops->remove(looking, key, &test_err));
    ij_blobs_close(looking);
    shelf_done(&shelf);
}

static void a_list_of_keys_is_taken_apart(void **state)
{
    (void)state;
    char key[IJ_BLOB_KEY_SIZE], large[2 * IJ_BLOB_KEY_SIZE];
    const char *at = ij_blob_key_next("a\nbc\n", key);
    assert_string_equal(key, "a");
    at = ij_blob_key_next(at, key);
    assert_string_equal(key, "bc");
    assert_int_equal(*at, '\0');
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    at = ij_blob_key_next(large, key); /* no key, and not one after it either */
    assert_int_equal(*at, '\0');
    assert_int_equal(strlen(key), IJ_BLOB_KEY_SIZE - 1);
}

static void a_directory_of_another_store_is_refused(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf);
    ij_blobs_close(shelf.blobs);
    expect_refused(shelf.dir, OTHER_ID, IMGJOB_E_INVALID,
                   "belongs to store " STORE_ID ", not to " OTHER_ID);
    test_dir_remove(shelf.dir);
}

static void a_directory_with_files_of_somebody_else_is_refused(void **state)
{
    (void)state;
    struct shelf shelf = { .dir = test_dir_make() };
    write_file(shelf.dir, "holiday.jpg", "precious");
    expect_refused(shelf.dir, STORE_ID, IMGJOB_E_INVALID,
                   "holds files of somebody else ('holiday.jpg')");
    assert_false(file_exists(&shelf, ".imgjob-store"));
    assert_false(file_exists(&shelf, "00"));
    test_dir_remove(shelf.dir);
}

static void a_marker_that_was_never_finished_is_written_again(void **state)
{
    (void)state;
    struct shelf shelf = { .dir = test_dir_make() };
    write_file(shelf.dir, ".imgjob-store", "018f6b");
    expect_code(
        0, ij_local_open(shelf.dir, STORE_ID, IJ_LOCAL_ALONE, &shelf.blobs, &test_err));
    ij_blobs_close(shelf.blobs);
    expect_refused(shelf.dir, OTHER_ID, IMGJOB_E_INVALID, "belongs to store " STORE_ID);

    write_file(shelf.dir, ".imgjob-store", ""); /* but not where there is more */
    expect_refused(shelf.dir, STORE_ID, IMGJOB_E_INVALID, "holds files of somebody else");
    test_dir_remove(shelf.dir);
}

static void a_malformed_store_id_or_directory_is_refused(void **state)
{
    (void)state;
    struct shelf shelf = { .dir = test_dir_make() };
    char path[512];
    expect_refused(shelf.dir, "store", IMGJOB_E_INVALID, "malformed store id 'store'");
    write_file(shelf.dir, "file", "");
    (void)snprintf(path, sizeof(path), "%s/file", shelf.dir);
    expect_refused(path, STORE_ID, IMGJOB_E_BLOB, "create directory");
    expect_refused("", STORE_ID, IMGJOB_E_BLOB, "create directory ''");
    test_dir_remove(shelf.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_input_key_is_read_as_it_was_written),
        cmocka_unit_test(an_output_key_is_read_as_it_was_written),
        cmocka_unit_test(only_our_own_names_are_keys),
        cmocka_unit_test(what_was_published_can_be_read),
        cmocka_unit_test(a_draft_is_not_a_blob_yet),
        cmocka_unit_test(a_blob_is_never_replaced),
        cmocka_unit_test(two_drafts_of_one_key_are_refused),
        cmocka_unit_test(a_malformed_key_is_refused_before_the_disk_is_touched),
        cmocka_unit_test(a_link_in_the_place_of_a_blob_is_not_followed),
        cmocka_unit_test(remove_is_fine_on_what_is_gone),
        cmocka_unit_test(list_shows_blobs_and_left_over_drafts_and_nothing_else),
        cmocka_unit_test(list_shows_the_rest_when_something_cannot_be_read),
        cmocka_unit_test(list_passes_over_what_was_touched_lately),
        cmocka_unit_test(a_failed_write_to_the_disk_ends_all_writing),
        cmocka_unit_test(space_and_place_are_told),
        cmocka_unit_test(a_directory_is_made_marked_and_found_again),
        cmocka_unit_test(a_directory_in_use_is_busy),
        cmocka_unit_test(a_shared_directory_is_open_to_those_who_share_it),
        cmocka_unit_test(a_directory_that_is_looked_at_stays_as_it_is),
        cmocka_unit_test(a_list_of_keys_is_taken_apart),
        cmocka_unit_test(a_directory_of_another_store_is_refused),
        cmocka_unit_test(a_directory_with_files_of_somebody_else_is_refused),
        cmocka_unit_test(a_marker_that_was_never_finished_is_written_again),
        cmocka_unit_test(a_malformed_store_id_or_directory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
