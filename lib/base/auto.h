/*
 * Scope cleanup: `IJ_AUTO(fn) T x = …;` runs fn(&x) when x leaves its scope, on every
 * path. An owner that leaves by success is handed over with ij_steal().
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define IJ_AUTO(fn) __attribute__((cleanup(fn)))

/* Take the pointer out of an owning variable, which then owns nothing. */
#define ij_steal(ptr)                                \
    ({                                               \
        __typeof__(ptr) ij_from_ = (ptr);            \
        __typeof__(*ij_from_) ij_value_ = *ij_from_; \
        *ij_from_ = NULL;                            \
        ij_value_;                                   \
    })

/* For `IJ_AUTO(ij_free) char *p`; any pointer type. */
static inline void ij_free(void *at)
{
    void **owner = at;
    free(*owner);
    *owner = NULL;
}

/* For `IJ_AUTO(ij_close) int fd`; -1 owns nothing. */
static inline void ij_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(
            *fd); /* nobody is left to be told, and a retry could hit another fd */
}

/* Take the descriptor out of an owning variable. */
static inline int ij_steal_fd(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}

#define IJ_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
