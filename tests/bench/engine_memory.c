/*
 * One job in a worker process, for the one who reads that process's peak of memory from
 * outside: says `ready` with the worker up, waits for a line, runs the job, says what
 * came of it in one line of JSON, and waits for another line before it ends (see load.h).
 *
 *     bench-engine-memory --dir D --image I --spec JSON --worker PROGRAM
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>

#include "program.h"

enum { WAIT_MS = 300000, PAGES_MAX = 200, PIXELS_MAX = 50000000 };

struct arguments {
    const char *dir, *image, *spec, *worker;
};

static struct arguments read_arguments(int argc, char **argv)
{
    static const struct option flags[] = { { "dir", required_argument, NULL, 'd' },
                                           { "image", required_argument, NULL, 'i' },
                                           { "spec", required_argument, NULL, 's' },
                                           { "worker", required_argument, NULL, 'w' },
                                           { NULL, 0, NULL, 0 } };
    struct arguments found = { NULL, NULL, NULL, NULL };
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) >= 0;) {
        if (flag == 'd')
            found.dir = optarg;
        else if (flag == 'i')
            found.image = optarg;
        else if (flag == 's')
            found.spec = optarg;
        else if (flag == 'w')
            found.worker = optarg;
        else
            exit(2); /* getopt has said why */
    }
    if (!found.dir || !found.image || !found.spec || !found.worker)
        bench_die(argv[0], "--dir, --image, --spec and --worker are needed");
    return found;
}

static struct imgjob_store *open_store(const char *dir)
{
    char jobs[512], inputs[512], outputs[512];
    struct imgjob_store *store;
    struct imgjob_error err;
    snprintf(jobs, sizeof(jobs), "sqlite:%s/jobs.db", dir);
    snprintf(inputs, sizeof(inputs), "file:%s/uploads", dir);
    snprintf(outputs, sizeof(outputs), "file:%s/outputs", dir);
    struct imgjob_store_options options = { .size = sizeof(options),
                                            .jobs_url = jobs,
                                            .inputs_url = inputs,
                                            .outputs_url = outputs };
    if (imgjob_store_open(&options, &store, &err) < 0)
        bench_die("store", err.text);
    return store;
}

static struct imgjob_pool *open_pool(struct imgjob_store *store, const char *worker)
{
    struct imgjob_pool *pool;
    struct imgjob_error err;
    struct imgjob_limits limits = { .size = sizeof(limits),
                                    .max_upload_size = BENCH_FILE_MAX,
                                    .max_pixels = PIXELS_MAX,
                                    .max_pages = PAGES_MAX };
    struct imgjob_pool_options options = { .size = sizeof(options),
                                           .workers = 1,
                                           .worker_path = worker,
                                           .limits = &limits,
                                           .job_timeout_ms = WAIT_MS,
                                           .job_cpu_ms = WAIT_MS };
    if (imgjob_pool_open(store, &options, &pool, &err) < 0)
        bench_die("pool", err.text);
    return pool;
}

/* The image goes from the file to the store in pieces: this process stays small. */
static void write_image(struct imgjob_draft *draft, const char *path)
{
    static char piece[65536];
    struct imgjob_error err;
    FILE *file = fopen(path, "rbe");
    if (!file)
        bench_die(path, "cannot be opened");
    for (size_t len; (len = fread(piece, 1, sizeof(piece), file)) > 0;)
        if (imgjob_draft_write(draft, piece, len, &err) < 0)
            bench_die(path, err.text);
    if (ferror(file))
        bench_die(path, "cannot be read");
    (void)fclose(file); /* only read from */
}

static struct imgjob_job *run(struct imgjob_store *store, const struct arguments *given)
{
    char id[IMGJOB_ID_SIZE];
    struct imgjob_error err;
    struct imgjob_spec *spec;
    struct imgjob_draft *draft;
    struct imgjob_job *job = NULL;
    if (imgjob_spec_parse(given->spec, strlen(given->spec), &spec, &err) < 0)
        bench_die(given->spec, err.text);
    if (imgjob_draft_open(store, &draft, &err) < 0)
        bench_die("draft", err.text);
    write_image(draft, given->image);
    memcpy(id, imgjob_draft_id(draft), sizeof(id));
    if (imgjob_store_submit(store, draft, spec, NULL, NULL, &err) < 0 ||
        imgjob_store_wait(store, id, WAIT_MS, &job, &err) < 0)
        bench_die(given->image, err.text);
    imgjob_spec_free(spec);
    return job;
}

static void wait_for_a_line(void)
{
    char line[8];
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        exit(1); /* the one outside is gone */
}

int main(int argc, char **argv)
{
    struct arguments given = read_arguments(argc, argv);
    struct imgjob_store *store = open_store(given.dir);
    struct imgjob_pool *pool = open_pool(store, given.worker);
    puts("ready");
    wait_for_a_line();
    struct imgjob_job *job = run(store, &given);
    if (imgjob_job_status(job) != IMGJOB_STATUS_COMPLETED)
        bench_die(given.image, imgjob_job_error(job));
    puts("{\"is_completed\": true}");
    imgjob_job_free(job);
    wait_for_a_line();
    imgjob_pool_close(pool);
    imgjob_store_close(store);
    return 0;
}
