/* Owns the tasks of the command line. What was asked for goes to standard output, why it
 * could not be done to standard error. */
#include "server/operate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "server/log.h"
#include "server/open.h"

enum { FAULTS_LEFT = 1, NOT_DONE = 2 };

static int say_why(const struct imgjob_error *err)
{
    (void)fprintf(stderr, "imgjobd: %s\n", err->text);
    return NOT_DONE;
}

/* A full disk or a closed pipe must not look like success. */
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    (void)fprintf(stderr, "imgjobd: standard output cannot be written\n");
    return NOT_DONE;
}

static int print_operations(void)
{
    struct imgjob_error err;
    char *text = NULL;
    if (imgjob_spec_markdown(&text, &err) < 0)
        return say_why(&err);
    (void)fputs(text, stdout);
    imgjob_text_free(text);
    return finish_output(EXIT_SUCCESS);
}

static void print_fault(void *data, const char *sentence)
{
    (void)data;
    (void)printf("%s\n", sentence);
}

static int audit(const struct imgjob_store_options *options, bool is_repair)
{
    struct imgjob_audit found = { .size = sizeof(found) };
    struct imgjob_error err;
    if (imgjob_store_audit(options, is_repair, print_fault, NULL, &found, &err) < 0)
        return say_why(&err);
    (void)printf("%" PRIu64 " jobs, %" PRIu64 " faults, %" PRIu64
                 " of them repaired; %" PRIu64 " files of no job\n",
                 found.jobs, found.faults, found.repaired, found.waste);
    return finish_output(found.repaired < found.faults ? FAULTS_LEFT : EXIT_SUCCESS);
}

static int backup(const struct imgjob_store_options *options,
                  const struct ij_config *config, const char *path)
{
    struct imgjob_error err;
    if (imgjob_store_backup(options, path, &err) < 0)
        return say_why(&err);
    (void)printf("%s: the jobs of %s; copy %s and %s now\n", path, config->db_path,
                 config->upload_dir, config->output_dir);
    return finish_output(EXIT_SUCCESS);
}

static int with_store(const struct ij_config *config, const struct ij_task *task)
{
    struct ij_log_writer writer = { STDERR_FILENO, config->log_format == IJ_LOG_JSON,
                                    IMGJOB_LOG_WARN };
    const struct ij_log log = { ij_log_writer_event, &writer };
    IJ_AUTO(ij_store_urls_done) struct ij_store_urls urls = { { 0 } };
    struct imgjob_store_options options;
    struct imgjob_error err;
    if (ij_open_options(config, log, &urls, &options, &err) < 0)
        return say_why(&err);
    if (task->action == IJ_CONFIG_AUDIT)
        return audit(&options, task->is_repair);
    return backup(&options, config, task->backup_path);
}

int ij_operate(const struct ij_config *config, const struct ij_task *task)
{
    switch (task->action) {
    case IJ_CONFIG_OPERATIONS:
        return print_operations();
    case IJ_CONFIG_AUDIT:
    case IJ_CONFIG_BACKUP:
        return with_store(config, task);
    default:
        ij_config_print(config, task->action, stdout);
        return finish_output(EXIT_SUCCESS);
    }
}
