/* The settings: one table from which the file, environment and flag names, the help and
 * the checks are made. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>

#include "base/error.h"

enum { IJ_SETTING_COUNT = 43 };

enum ij_durability_choice { IJ_DURABILITY_FULL, IJ_DURABILITY_NORMAL };
enum ij_isolation_choice { IJ_ISOLATION_PROCESS, IJ_ISOLATION_INLINE };
enum ij_extra_format { IJ_EXTRA_SVG, IJ_EXTRA_PDF, IJ_EXTRA_JXL, IJ_EXTRA_JP2 };
enum ij_log_format_choice { IJ_LOG_TEXT, IJ_LOG_JSON };

/* Owned; begin with ij_config_init(), end with ij_config_done(). A choice is held as its
 * index, a set as a bit for each. */
struct ij_config {
    uint64_t port;
    char *bind;
    uint64_t allow_open;
    uint64_t http_threads;
    uint64_t max_waiters; /* 0 = half of http_threads */
    char *cors_origins;   /* with a comma between; "" = none */
    char *public_url;     /* "" = paths instead of URLs */
    char *db_path;
    char *upload_dir;
    char *output_dir;
    uint64_t durability;
    uint64_t max_queued_jobs;
    uint64_t min_free_bytes;
    uint64_t result_ttl_s;
    uint64_t job_ttl_s;
    uint64_t max_stored_bytes; /* 0 = no bound */
    uint64_t idempotency_ttl_s;
    uint64_t multi_process;
    uint64_t worker_pool_size; /* 0 = available CPUs */
    uint64_t isolation;
    char *worker_path; /* "" = the one installed or built with the library */
    uint64_t paused;
    uint64_t jpeg_shrink; /* 0 = fast, 1 = safe */
    uint64_t job_timeout_ms;
    uint64_t job_cpu_ms;
    uint64_t lease_ms;
    uint64_t worker_memory_limit;
    uint64_t max_upload_size;
    uint64_t max_output_size;
    uint64_t max_pixels;
    uint64_t max_progressive_pixels;
    uint64_t max_side;
    uint64_t max_pages;
    uint64_t extra_formats; /* bits 1 << enum ij_extra_format */
    char *presets_file;     /* "" = none */
    uint64_t presets_only;

    char *webhook_secrets_file; /* "" = callback_url is refused */
    uint64_t webhook_timeout_ms;
    uint64_t webhook_allow_private;
    uint64_t batch_max;

    uint64_t grace_ms;
    uint64_t log_format;
    uint64_t log_level;

    char *source[IJ_SETTING_COUNT]; /* where each value came from, in the table's order */
};

/* What the command line asks for. */
enum ij_config_action {
    IJ_CONFIG_RUN,
    IJ_CONFIG_HELP,
    IJ_CONFIG_VERSION,
    IJ_CONFIG_OPERATIONS,
    IJ_CONFIG_PRINT,
    IJ_CONFIG_AUDIT,
    IJ_CONFIG_BACKUP
};
struct ij_task {
    enum ij_config_action action;
    bool is_repair;          /* of AUDIT */
    const char *backup_path; /* of BACKUP; borrowed from the command line */
};

/* What the program was started with. Borrowed; both lists end with NULL. */
struct ij_command {
    char *const *arguments;   /* the program's name first, as in main() */
    char *const *environment; /* "NAME=value" */
};

/* All defaults. @return 0, or IMGJOB_E_NOMEM */
int ij_config_init(struct ij_config *config, struct imgjob_error *err);

/*
 * Read the layers, the later one winning: the file named by --config, the environment,
 * the flags. Then check what no single value can tell.
 *
 * @return 0, or IMGJOB_E_INVALID with a text that names key, value, range and source
 */
int ij_config_load(struct ij_config *config, const struct ij_command *command,
                   struct ij_task *task, struct imgjob_error *err);

/* Say what --help, --version or --print-config asks for; operate.c does the others.
 * The configuration is printed as a file that --config reads, each line saying where its
 * value came from. */
void ij_config_print(const struct ij_config *config, enum ij_config_action action,
                     FILE *out);

void ij_config_done(struct ij_config *config);
