/* Owns how the end of an attempt is explained: which limit, which signal, in which stage.
 */
#include "pool/ending.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "pool/process.h"

/* GLib ends the process when it finds no memory; its last words tell it from a crash. */
static bool is_out_of_memory(const struct ij_last_seen *seen, int signal)
{
    return (signal == SIGTRAP || signal == SIGABRT) &&
           strstr(seen->last_words, "failed to allocate");
}

/* Which limit ended the attempt, for programs; the sentence says it to people. */
static void name_limit(struct ij_failure *failure, const char *limit, int64_t value,
                       const char *setting)
{
    (void)snprintf(failure->limit, sizeof(failure->limit), "%s", limit);
    (void)snprintf(failure->setting, sizeof(failure->setting), "%s", setting);
    failure->value = value; /* all of it was used up */
    failure->limit_value = value;
}

static void name_loader(struct ij_failure *failure, const struct ij_last_seen *seen)
{
    (void)snprintf(failure->loader, sizeof(failure->loader), "%s", seen->loader);
}

enum ij_ending ij_ending_of_death(const struct ij_last_seen *seen, int status,
                                  struct ij_failure *failure)
{
    const struct ij_executor_config *config = seen->config;
    int signal = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    failure->signal = signal;
    name_loader(failure, seen);
    if (signal == SIGXCPU) {
        name_limit(failure, "cpu ms", config->cpu_ms, "job_cpu_ms");
        (void)ij_failure_set(failure, seen->stage, IJ_REASON_CPU, IMGJOB_E_TIMEOUT,
                             "stopped after %u ms of CPU time, the limit of one attempt "
                             "(job_cpu_ms)",
                             config->cpu_ms);
        return IJ_ENDED_FAILED;
    }
    if (is_out_of_memory(seen, signal)) {
        name_limit(failure, "memory bytes", (int64_t)config->memory_limit,
                   "worker_memory_limit");
        (void)ij_failure_set(
            failure, seen->stage, IJ_REASON_MEMORY, IMGJOB_E_LIMIT,
            "needs more memory than the %llu bytes that a worker may use "
            "(worker_memory_limit)",
            (unsigned long long)config->memory_limit);
        return IJ_ENDED_FAILED;
    }
    char death[64];
    ij_process_describe(status, death, sizeof(death));
    (void)ij_failure_set(failure, seen->stage, IJ_REASON_INTERNAL, IMGJOB_E_CRASHED,
                         "the worker %s in stage %s%s%s", death,
                         ij_stage_name(seen->stage), seen->loader[0] ? " of " : "",
                         seen->loader);
    return IJ_ENDED_CRASHED;
}

enum ij_ending ij_ending_of_deadline(const struct ij_last_seen *seen,
                                     struct ij_failure *failure)
{
    const char *setting;
    uint32_t limit = ij_work_timeout_ms(seen->work, seen->config, &setting);
    name_limit(failure, "wall ms", limit, setting);
    name_loader(failure, seen);
    (void)ij_failure_set(failure, seen->stage, IJ_REASON_TIMEOUT, IMGJOB_E_TIMEOUT,
                         "stopped after %u ms, the limit of one attempt (%s)", limit,
                         setting);
    return IJ_ENDED_FAILED;
}

bool ij_code_is_of_node(int code)
{
    return code == IMGJOB_E_BLOB || code == IMGJOB_E_FULL || code == IMGJOB_E_NOMEM;
}

enum ij_ending ij_ending_of_breakdown(const struct ij_last_seen *seen, const char *what,
                                      const struct imgjob_error *why,
                                      struct ij_failure *failure)
{
    int code = ij_code_is_of_node(why->code) ? why->code : IMGJOB_E_INTERNAL;
    (void)ij_failure_set(failure, seen->stage, IJ_REASON_INTERNAL, code, "%s: %.180s",
                         what, why->text);
    return IJ_ENDED_FAILED;
}
