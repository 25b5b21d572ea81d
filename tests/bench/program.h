/* What the programs of the engine's benchmark have in common: one job, done aloud. */
#pragma once

#include <stddef.h>

enum { BENCH_FILE_MAX = 64 << 20 }; /* bytes */

struct bench_bytes {
    void *data;
    size_t len;
};

/* A line on stderr, and exit status 1. */
_Noreturn void bench_die(const char *what, const char *why);

/* 1..max, or the program's end. */
int bench_number(const char *text, int max);

/* User and system time of all threads. */
double bench_cpu_ms(void);

/* A whole file, or the program's end. @return the caller's, to free() */
struct bench_bytes bench_read_file(const char *path);
