/*
 * The flags of the benchmark's programs. Nothing here is timed: whatever is wrong ends
 * the program before the load begins.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_MAX = 64 << 20 };

static void refuse(const char *what, const char *value)
{
    fprintf(stderr, "%s '%s'\n", what, value);
    exit(2);
}

static uint32_t number(const char *flag, const char *text, uint32_t max)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || value > max) {
        fprintf(stderr, "--%s must be 0..%u, not '%s'\n", flag, max, text);
        exit(2);
    }
    return (uint32_t)value;
}

static void read_image(struct bench_image *image, const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        refuse("cannot open the image", path);
    uint8_t *data = malloc(IMAGE_MAX);
    if (!data)
        refuse("no memory for the image", path);
    size_t len = fread(data, 1, IMAGE_MAX, file);
    int is_whole = feof(file) && !ferror(file);
    (void)fclose(file); /* only read from */
    if (!is_whole || len == 0)
        refuse("cannot read, or empty, or over 64 MiB:", path);
    uint8_t *fitted = realloc(data, len);
    *image = (struct bench_image){ path, fitted ? fitted : data, len };
}

static void add_image(struct bench_options *options, const char *path)
{
    if (options->image_count == BENCH_IMAGES_MAX)
        refuse("too many images, at", path);
    read_image(&options->images[options->image_count++], path);
}

static enum bench_mode mode_of(const char *name)
{
    static const char *const names[] = { "job", "submit", "status" };
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum bench_mode)i;
    refuse("--mode must be job, submit or status, not", name);
    return BENCH_JOB;
}

enum flag {
    FLAG_IMAGE,
    FLAG_OPERATION,
    FLAG_FORMAT,
    FLAG_WIDTH,
    FLAG_HEIGHT,
    FLAG_JOBS,
    FLAG_WARM_UP,
    FLAG_CLIENTS,
    FLAG_WORKERS,
    FLAG_DIR,
    FLAG_WORKER,
    FLAG_PORT,
    FLAG_MODE,
    FLAG_RAW,
    FLAG_POLL_MS,
    FLAG_IDS
};

static const struct option flags[] = {
    { "image", required_argument, NULL, FLAG_IMAGE },
    { "operation", required_argument, NULL, FLAG_OPERATION },
    { "format", required_argument, NULL, FLAG_FORMAT },
    { "width", required_argument, NULL, FLAG_WIDTH },
    { "height", required_argument, NULL, FLAG_HEIGHT },
    { "jobs", required_argument, NULL, FLAG_JOBS },
    { "warm-up", required_argument, NULL, FLAG_WARM_UP },
    { "clients", required_argument, NULL, FLAG_CLIENTS },
    { "workers", required_argument, NULL, FLAG_WORKERS },
    { "dir", required_argument, NULL, FLAG_DIR },
    { "worker", required_argument, NULL, FLAG_WORKER },
    { "port", required_argument, NULL, FLAG_PORT },
    { "mode", required_argument, NULL, FLAG_MODE },
    { "raw", no_argument, NULL, FLAG_RAW },
    { "poll-ms", required_argument, NULL, FLAG_POLL_MS },
    { "ids", required_argument, NULL, FLAG_IDS },
    { NULL, 0, NULL, 0 },
};

/* The flags that are plain numbers: where they go and how large they may be. */
static uint32_t *number_of(struct bench_options *options, int flag, uint32_t *out_max)
{
    *out_max = 1000000;
    switch (flag) {
    case FLAG_WIDTH:
        return &options->width;
    case FLAG_HEIGHT:
        return &options->height;
    case FLAG_JOBS:
        return &options->jobs;
    case FLAG_WARM_UP:
        return &options->warm_up;
    case FLAG_POLL_MS:
        return &options->poll_ms;
    case FLAG_CLIENTS:
        *out_max = BENCH_CLIENTS_MAX;
        return &options->clients;
    case FLAG_WORKERS:
        *out_max = BENCH_CLIENTS_MAX;
        return &options->workers;
    case FLAG_PORT:
        *out_max = 65535;
        return &options->port;
    default:
        return NULL;
    }
}

static void read_flag(struct bench_options *options, int flag, int index)
{
    uint32_t max = 0;
    uint32_t *value = number_of(options, flag, &max);
    if (value) {
        *value = number(flags[index].name, optarg, max);
        return;
    }
    switch (flag) {
    case FLAG_IMAGE:
        add_image(options, optarg);
        break;
    case FLAG_OPERATION:
        options->operation = optarg;
        break;
    case FLAG_FORMAT:
        options->format = optarg;
        break;
    case FLAG_DIR:
        options->dir = optarg;
        break;
    case FLAG_WORKER:
        options->worker = optarg;
        break;
    case FLAG_MODE:
        options->mode = mode_of(optarg);
        break;
    case FLAG_RAW:
        options->is_raw = 1;
        break;
    case FLAG_IDS:
        options->ids = optarg;
        break;
    default:
        exit(2); /* getopt has said why */
    }
}

void bench_options_read(struct bench_options *out, int argc, char **argv)
{
    *out = (struct bench_options){ .operation = "resize",
                                   .format = "",
                                   .width = 100,
                                   .height = 100,
                                   .jobs = 1,
                                   .clients = 1,
                                   .workers = 1 };
    int index = 0;
    for (;;) {
        int flag = getopt_long(argc, argv, "", flags, &index);
        if (flag < 0)
            break;
        read_flag(out, flag, index);
    }
    if (optind < argc)
        refuse("not a flag:", argv[optind]);
    if (out->image_count == 0 && out->mode != BENCH_STATUS)
        refuse("--image is missing for", argv[0]);
    if (out->clients == 0 || out->workers == 0 || out->jobs == 0)
        refuse("--clients, --workers and --jobs must be at least 1 for", argv[0]);
}

void bench_options_done(struct bench_options *options)
{
    for (size_t i = 0; i < options->image_count; i++)
        free(options->images[i].data);
    *options = (struct bench_options){ 0 };
}
