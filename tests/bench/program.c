/*
 * Owns what a program of the benchmark does when it cannot go on: it says why, and ends.
 * There is nobody to return an error to.
 */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

int bench_number(const char *text, int max)
{
    char *end, why[64];
    long number = strtol(text, &end, 10);
    if (end == text || *end || number < 1 || number > max) {
        snprintf(why, sizeof(why), "must be a whole number of 1..%d", max);
        bench_die(text, why);
    }
    return (int)number;
}

double bench_cpu_ms(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        bench_die("getrusage", "no CPU time");
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

struct bench_bytes bench_read_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        bench_die(path, "cannot be opened");
    struct bench_bytes bytes = { malloc(BENCH_FILE_MAX), 0 };
    if (!bytes.data)
        bench_die(path, "out of memory");
    bytes.len = fread(bytes.data, 1, BENCH_FILE_MAX, file);
    if (!feof(file) || ferror(file) || bytes.len == 0)
        bench_die(path, "cannot be read, is empty, or has 64 MiB or more");
    (void)fclose(file); /* only read from */
    return bytes;
}
