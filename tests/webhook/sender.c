/*
 * A program that sends webhooks, through the public API alone, for the tests beside it:
 *
 *     sender DIRECTORY TIMEOUT_MS ALLOW_PRIVATE SECRET…
 *
 * Requests are lines, and each is answered with one line: what was asked for, "ok", or
 * "error: NAME: TEXT". The log goes to stderr. At the end of its input it closes all.
 *
 *     submit IMAGE URL                   the id of the new job
 *     cancel ID
 *     get ID                             the job's JSON
 *     pool                               run jobs from now on
 *     list STATUS JOB CURSOR LIMIT       the deliveries' JSON; "-" = not given
 *     replay ID
 *     secrets SECRET…
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>

enum { LINE_SIZE = 8192, WORDS_MAX = 10, PATH_SIZE = 4096 };

struct sender {
    struct imgjob_store *store;
    struct imgjob_pool *pool;
    struct imgjob_webhooks *webhooks;
};

/* A request, cut into words; the first one is the command. */
struct request {
    char *words[WORDS_MAX];
    size_t count;
};

static const char *word(const struct request *request, size_t i)
{
    return i < request->count ? request->words[i] : "";
}

/* NULL when it is not given. */
static const char *option(const struct request *request, size_t i)
{
    return strcmp(word(request, i), "-") == 0 ? NULL : word(request, i);
}

static void on_log(void *data, const struct imgjob_log_event *event)
{
    (void)data;
    fprintf(stderr, "%s: %s\n", event->room, event->text);
}

static int fill(struct imgjob_draft *draft, const char *path, struct imgjob_error *err)
{
    char buffer[65536];
    size_t len;
    int rc = 0;
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    while (rc == 0 && (len = fread(buffer, 1, sizeof(buffer), file)) > 0)
        rc = imgjob_draft_write(draft, buffer, len, err);
    fclose(file);
    return rc;
}

static int submit(struct sender *sender, const struct request *request,
                  struct imgjob_error *err)
{
    static const char text[] =
        "{\"operation\": \"thumbnail\", \"width\": 8, \"height\": 8}";
    struct imgjob_submit_options options = { .size = sizeof(options) };
    options.callback_url = word(request, 2);
    struct imgjob_submitted submitted = { .size = sizeof(submitted) };
    struct imgjob_spec *spec = NULL;
    struct imgjob_draft *draft = NULL;
    int rc = imgjob_spec_parse(text, strlen(text), &spec, err);
    if (rc == 0)
        rc = imgjob_draft_open(sender->store, &draft, err);
    if (rc == 0)
        rc = fill(draft, word(request, 1), err);
    if (rc == 0)
        rc = imgjob_store_submit(sender->store, draft, spec, &options, &submitted, err);
    if (rc == 0)
        puts(submitted.id);
    else
        imgjob_draft_discard(draft);
    imgjob_spec_free(spec);
    return rc;
}

static int get(struct sender *sender, const struct request *request,
               struct imgjob_error *err)
{
    struct imgjob_job *job = NULL;
    int rc = imgjob_store_get(sender->store, word(request, 1), &job, err);
    if (rc == 0)
        puts(imgjob_job_json(job));
    imgjob_job_free(job);
    return rc;
}

static int list(struct sender *sender, const struct request *request,
                struct imgjob_error *err)
{
    struct imgjob_delivery_options options = { .size = sizeof(options) };
    options.status = option(request, 1);
    options.job = option(request, 2);
    options.cursor = option(request, 3);
    options.limit = option(request, 4) ? (uint32_t)atoi(option(request, 4)) : 0;
    char *text = NULL;
    int rc = imgjob_delivery_list(sender->store, &options, &text, err);
    if (rc == 0)
        puts(text);
    imgjob_text_free(text);
    return rc;
}

static int open_pool(struct sender *sender, struct imgjob_error *err)
{
    const struct imgjob_pool_options options = {
        .size = sizeof(options),
        .workers = 1,
    };
    return imgjob_pool_open(sender->store, &options, &sender->pool, err);
}

/* What has no other answer than that it was done. */
static int act(struct sender *sender, const struct request *request,
               struct imgjob_error *err)
{
    const char *command = word(request, 0);
    int rc = IMGJOB_E_INVALID;
    if (strcmp(command, "cancel") == 0)
        rc = imgjob_store_cancel(sender->store, word(request, 1), NULL, err);
    else if (strcmp(command, "pool") == 0)
        rc = open_pool(sender, err);
    else if (strcmp(command, "replay") == 0)
        rc = imgjob_delivery_replay(sender->store, word(request, 1), err);
    else if (strcmp(command, "secrets") == 0)
        rc = imgjob_webhooks_set_secrets(sender->webhooks,
                                         (const char *const *)request->words + 1,
                                         request->count - 1, err);
    if (rc == 0)
        puts("ok");
    return rc;
}

static void answer(struct sender *sender, char *line)
{
    struct request request = { .count = 0 };
    char *rest = NULL;
    for (char *at = strtok_r(line, " \n", &rest); at && request.count < WORDS_MAX;
         at = strtok_r(NULL, " \n", &rest))
        request.words[request.count++] = at;
    const char *command = word(&request, 0);
    struct imgjob_error err = { .text = "no such command" };
    int rc;
    if (strcmp(command, "submit") == 0)
        rc = submit(sender, &request, &err);
    else if (strcmp(command, "get") == 0)
        rc = get(sender, &request, &err);
    else if (strcmp(command, "list") == 0)
        rc = list(sender, &request, &err);
    else
        rc = act(sender, &request, &err);
    if (rc < 0)
        printf("error: %s: %s\n", imgjob_code_name(rc), err.text);
    fflush(stdout);
}

static int open_all(struct sender *sender, char **argv, int argc,
                    struct imgjob_error *err)
{
    char jobs[PATH_SIZE], inputs[PATH_SIZE], outputs[PATH_SIZE];
    snprintf(jobs, sizeof(jobs), "sqlite:%s/jobs.db", argv[1]);
    snprintf(inputs, sizeof(inputs), "file:%s/inputs", argv[1]);
    snprintf(outputs, sizeof(outputs), "file:%s/outputs", argv[1]);
    const struct imgjob_store_options store = {
        .size = sizeof(store),
        .jobs_url = jobs,
        .inputs_url = inputs,
        .outputs_url = outputs,
        .min_free_bytes = 1,
        .log = on_log,
    };
    const struct imgjob_webhook_options webhooks = {
        .size = sizeof(webhooks),
        .timeout_ms = (uint32_t)atoi(argv[2]),
        .allow_private = (uint32_t)atoi(argv[3]),
        .secrets = (const char *const *)argv + 4,
        .secret_count = (size_t)argc - 4,
        .log = on_log,
    };
    int rc = imgjob_store_open(&store, &sender->store, err);
    if (rc == 0)
        rc = imgjob_webhooks_open(sender->store, &webhooks, &sender->webhooks, err);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: sender DIRECTORY TIMEOUT_MS ALLOW_PRIVATE SECRET...\n");
        return 2;
    }
    struct sender sender = { 0 };
    struct imgjob_error err = { 0 };
    char line[LINE_SIZE];
    int rc = open_all(&sender, argv, argc, &err);
    if (rc == 0)
        puts("open");
    else
        printf("error: %s: %s\n", imgjob_code_name(rc), err.text);
    fflush(stdout);
    while (rc == 0 && fgets(line, sizeof(line), stdin))
        answer(&sender, line);
    imgjob_webhooks_close(sender.webhooks);
    imgjob_pool_close(sender.pool);
    imgjob_store_close(sender.store);
    return rc == 0 ? 0 : 1;
}
