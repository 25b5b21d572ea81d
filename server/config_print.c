/* Owns what --help and --print-config say; both are made from the table of settings. */
#include "server/config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <imgjob/pool.h>
#include <imgjob/version.h>

#include "server/setting.h"

enum { FLAG_WIDTH = 30, LINE_WIDTH = 90 };

static void print_flag(const struct ij_setting *setting, FILE *out)
{
    char flag[64] = "--";
    size_t len = 2;
    for (const char *at = setting->name; *at && len + 1 < sizeof(flag); at++)
        flag[len++] = *at == '_' ? '-' : *at;
    flag[len] = '\0';
    (void)fprintf(out, "  %-*s", FLAG_WIDTH - 2, flag);
}

/* Words, broken before the line is full and indented below the flag. */
static void print_wrapped(const char *text, FILE *out)
{
    size_t column = FLAG_WIDTH;
    while (*text) {
        size_t word = strcspn(text, " ");
        bool begins_line = column == FLAG_WIDTH;
        if (column + word > LINE_WIDTH && !begins_line) {
            (void)fprintf(out, "\n%*s", FLAG_WIDTH, "");
            column = FLAG_WIDTH;
            begins_line = true;
        }
        (void)fprintf(out, "%s%.*s", begins_line ? "" : " ", (int)word, text);
        column += word + 1;
        text += word;
        text += strspn(text, " ");
    }
    (void)fputs("\n", out);
}

static void range_of(const struct ij_setting *setting, char *out, size_t size)
{
    size_t used = 0;
    if (setting->type == IJ_SETTING_NUMBER)
        (void)snprintf(out, size, "%" PRIu64 "..%" PRIu64 "%s%s, ", setting->min,
                       setting->max, setting->unit[0] ? " " : "", setting->unit);
    else
        out[0] = '\0';
    for (size_t i = 0; setting->choices[i]; i++) {
        (void)snprintf(out + used, size - used, "%s%s", setting->choices[i],
                       setting->choices[i + 1] ? "|" : ", ");
        used = strlen(out);
    }
}

static void print_help(FILE *out)
{
    (void)fputs(
        "imgjobd - an HTTP server for durable image jobs on isolated workers\n\n"
        "  imgjobd [--config FILE] [--SETTING VALUE | --SETTING=VALUE]...\n\n"
        "  --config FILE               read 'key = value' lines; # comments\n"
        "  --print-config              show every setting and where it came from\n"
        "  --operations                list what a job may ask for, as Markdown\n"
        "  --audit [--repair]          check every job and image of the store, also "
        "while\n"
        "                              a server runs on it (--repair: only when none "
        "does):\n"
        "                              exit status 0 = no fault, 1 = faults left, 2 = "
        "it\n"
        "                              could not be checked\n"
        "  --backup FILE               copy the database of the jobs as it is now, also\n"
        "                              while a server runs on it\n"
        "  --help, --version\n\n"
        "A setting has one name everywhere: worker_pool_size in the file,\n"
        "WORKER_POOL_SIZE in the environment, --worker-pool-size as a flag.\n"
        "Flags win over the environment, and that over the file.\n",
        out);
    for (size_t i = 0; i < IJ_SETTING_COUNT; i++) {
        const struct ij_setting *setting = &ij_settings[i];
        if (setting->group)
            (void)fprintf(out, "\n%s\n", setting->group);
        print_flag(setting, out);
        char range[128], text[400];
        range_of(setting, range, sizeof(range));
        (void)snprintf(text, sizeof(text), "%s (%sdefault %s)", setting->help, range,
                       setting->fallback[0] ? setting->fallback : "empty");
        print_wrapped(text, out);
    }
}

static void print_values(const struct ij_config *config, FILE *out)
{
    for (size_t i = 0; i < IJ_SETTING_COUNT; i++) {
        const struct ij_setting *setting = &ij_settings[i];
        char room[IJ_SETTING_ROOM_SIZE], note[64] = "";
        const char *value = ij_setting_text(config, setting, room);
        if (strcmp(setting->name, "worker_pool_size") == 0 &&
            config->worker_pool_size == 0)
            (void)snprintf(note, sizeof(note), ", %" PRIu32 " CPUs", imgjob_cpu_count());
        (void)fprintf(out, "%s = %s # %s%s\n", setting->name, value, config->source[i],
                      note);
    }
}

void ij_config_print(const struct ij_config *config, enum ij_config_action action,
                     FILE *out)
{
    if (action == IJ_CONFIG_HELP)
        print_help(out);
    else if (action == IJ_CONFIG_VERSION)
        (void)fprintf(out, "imgjobd %s\n", imgjob_version());
    else
        print_values(config, out);
}
