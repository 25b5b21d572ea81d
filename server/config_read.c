/* Owns the layers of the configuration: file, environment, flags. Nothing unknown is
 * passed over, except other programs' environment variables. */
#include "server/setting.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/auto.h"

enum { NAME_SIZE = 64, LINE_SIZE = 4352, SOURCE_SIZE = 300 };

static const struct ij_setting *setting_named(const char *name)
{
    for (size_t i = 0; i < IJ_SETTING_COUNT; i++)
        if (strcasecmp(ij_settings[i].name, name) == 0) /* PORT in a file, too */
            return &ij_settings[i];
    return NULL;
}

/* ---- the file ---- */

static char *trimmed(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static int read_line(struct ij_config *config, char *line, const char *source,
                     struct imgjob_error *err)
{
    char *text = trimmed(line);
    if (text[0] == '\0' || text[0] == '#')
        return 0;
    char *equals = strchr(text, '=');
    if (!equals)
        return ij_fail(err, IMGJOB_E_INVALID, "'%.60s' (%s): must be 'key = value'", text,
                       source);
    *equals = '\0';
    char *name = trimmed(text);
    char *value = trimmed(equals + 1);
    /* a comment begins the value or follows a space, so that a path may hold a '#' */
    char *comment = value[0] == '#' ? value : strstr(value, " #");
    if (comment) {
        *comment = '\0';
        value = trimmed(value);
    }
    const struct ij_setting *setting = setting_named(name);
    if (!setting)
        return ij_fail(err, IMGJOB_E_INVALID, "'%.60s' (%s): no such setting", name,
                       source);
    return ij_setting_set(config, setting, value, source, err);
}

static void file_close(FILE *const *file)
{
    if (*file)
        (void)fclose(*file); /* it was only read */
}

static int read_file(struct ij_config *config, const char *path, struct imgjob_error *err)
{
    IJ_AUTO(file_close) FILE *file = fopen(path, "re");
    if (!file)
        return ij_fail_errno(err, IMGJOB_E_INVALID, "open the configuration '%.120s'",
                             path);
    struct stat st;
    if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode))
        return ij_fail(err, IMGJOB_E_INVALID, "the configuration '%.120s' is no file",
                       path);
    char line[LINE_SIZE];
    for (unsigned number = 1; fgets(line, sizeof(line), file); number++) {
        char source[SOURCE_SIZE];
        (void)snprintf(source, sizeof(source), "%.200s:%u", path, number);
        if (strlen(line) == sizeof(line) - 1)
            return ij_fail(err, IMGJOB_E_INVALID, "%s: the line is longer than %d bytes",
                           source, LINE_SIZE - 2);
        int rc = read_line(config, line, source, err);
        if (rc < 0)
            return rc;
    }
    if (ferror(file))
        return ij_fail_errno(err, IMGJOB_E_INVALID, "read the configuration '%.120s'",
                             path);
    return 0;
}

/* ---- the environment ---- */

/* The part after '=' when `entry` sets `name` in upper case, else NULL. */
static const char *value_of_entry(const char *entry, const char *name)
{
    for (; *name; name++, entry++)
        if (*entry != toupper((unsigned char)*name))
            return NULL;
    return *entry == '=' ? entry + 1 : NULL;
}

static int read_environment(struct ij_config *config, char *const *environment,
                            struct imgjob_error *err)
{
    for (; *environment; environment++)
        for (size_t i = 0; i < IJ_SETTING_COUNT; i++) {
            const char *value = value_of_entry(*environment, ij_settings[i].name);
            int rc =
                value ? ij_setting_set(config, &ij_settings[i], value, "environment", err)
                      : 0;
            if (rc < 0)
                return rc;
        }
    return 0;
}

/* ---- the flags ---- */

struct flag {
    char name[NAME_SIZE]; /* with underscores */
    const char *value;    /* NULL when it has none */
};

/* Read the flag at `*at` and go to the next one. */
static int read_flag(char *const **at, struct flag *out, struct imgjob_error *err)
{
    const char *text = *(*at)++;
    size_t len = strcspn(text, "=");
    if (strncmp(text, "--", 2) != 0 || len < 3 || len - 2 >= sizeof(out->name))
        return ij_fail(err, IMGJOB_E_INVALID, "'%.60s' (flag): no such flag; see --help",
                       text);
    for (size_t i = 2; i < len; i++)
        out->name[i - 2] = text[i] == '-' ? '_' : text[i];
    out->name[len - 2] = '\0';
    out->value = NULL;
    if (text[len] == '=')
        out->value = text + len + 1;
    else if (strcmp(out->name, "config") == 0 || strcmp(out->name, "backup") == 0 ||
             setting_named(out->name)) {
        if (!**at)
            return ij_fail(err, IMGJOB_E_INVALID, "'%.60s' (flag): its value is missing",
                           text);
        out->value = *(*at)++;
    }
    return 0;
}

/* @return 1 when the flag is no task */
static int task_of(const struct flag *flag, struct ij_task *task)
{
    static const struct {
        const char *name;
        enum ij_config_action action;
    } actions[] = { { "help", IJ_CONFIG_HELP },
                    { "version", IJ_CONFIG_VERSION },
                    { "operations", IJ_CONFIG_OPERATIONS },
                    { "print_config", IJ_CONFIG_PRINT },
                    { "audit", IJ_CONFIG_AUDIT },
                    { "backup", IJ_CONFIG_BACKUP } };
    for (size_t i = 0; i < IJ_ARRAY_LEN(actions); i++)
        if (strcmp(actions[i].name, flag->name) == 0 &&
            (flag->value != NULL) == (actions[i].action == IJ_CONFIG_BACKUP)) {
            task->action = actions[i].action;
            task->backup_path = flag->value;
            return 0;
        }
    if (strcmp(flag->name, "repair") != 0 || flag->value)
        return 1;
    task->is_repair = true;
    return 0;
}

/* The first of two passes over the flags: what must be known before any value is set. */
static int read_tasks(char *const *at, const char **config_path, struct ij_task *task,
                      struct imgjob_error *err)
{
    while (*at) {
        const char *text = *at;
        struct flag flag;
        if (strcmp(text, "-h") == 0) {
            task->action = IJ_CONFIG_HELP;
            return 0;
        }
        int rc = read_flag(&at, &flag, err);
        if (rc < 0)
            return rc;
        if (strcmp(flag.name, "config") == 0)
            *config_path = flag.value;
        else if (!setting_named(flag.name) && task_of(&flag, task) != 0)
            return ij_fail(err, IMGJOB_E_INVALID,
                           "'%.60s' (flag): no such flag; see --help", text);
    }
    if (task->is_repair && task->action != IJ_CONFIG_AUDIT)
        return ij_fail(err, IMGJOB_E_INVALID, "'--repair' (flag): only beside --audit");
    return 0;
}

static int read_flags(struct ij_config *config, char *const *at, struct imgjob_error *err)
{
    while (*at) {
        struct flag flag;
        int rc = read_flag(&at, &flag, err);
        const struct ij_setting *setting = rc == 0 ? setting_named(flag.name) : NULL;
        if (setting)
            rc = ij_setting_set(config, setting, flag.value, "flag", err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- all of it ---- */

int ij_config_load(struct ij_config *config, const struct ij_command *command,
                   struct ij_task *task, struct imgjob_error *err)
{
    /* a program may be started without even its name */
    char *const *flags = command->arguments + (command->arguments[0] != NULL);
    *task = (struct ij_task){ .action = IJ_CONFIG_RUN };
    const char *config_path = NULL;
    int rc = read_tasks(flags, &config_path, task, err);
    bool is_told = task->action == IJ_CONFIG_HELP || task->action == IJ_CONFIG_VERSION ||
                   task->action == IJ_CONFIG_OPERATIONS;
    if (rc < 0 || is_told)
        return rc; /* help is given whatever the configuration is */
    if (config_path)
        rc = read_file(config, config_path, err);
    if (rc == 0)
        rc = read_environment(config, command->environment, err);
    if (rc == 0)
        rc = read_flags(config, flags, err);
    return rc < 0 ? rc : ij_config_check(config, err);
}
