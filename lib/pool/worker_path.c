/*
 * Owns the search for the worker program. An installation can be moved as a whole, so
 * what is compiled in is only the way from the library's directory to the program.
 */
#include "pool/worker_path.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

/* Seen from the library's directory: in the build tree, and installed. */
static const char *const places[] = { "pool/imgjob-worker", IJ_WORKER_FROM_LIBDIR };

/* The absolute path of the object that this code is in: the shared library, or the
 * program that it was linked into. */
static int own_path(char out[PATH_MAX], struct imgjob_error *err)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (dladdr1((const void *)ij_worker_path, &info, (void **)&map, RTLD_DL_LINKMAP) == 0)
        return ij_fail(err, IMGJOB_E_INTERNAL, "the library cannot find itself");
    /* the program itself has no name there */
    const char *name = map && map->l_name[0] ? map->l_name : "/proc/self/exe";
    if (!realpath(name, out))
        return ij_fail_errno(err, IMGJOB_E_INVALID, "find the library's own file '%s'",
                             name);
    return 0;
}

/* @return 0 and the absolute path, or -1 with errno */
static int resolve_program(const char *path, char *out, size_t size)
{
    char real[PATH_MAX];
    struct stat st;
    if (!realpath(path, real) || stat(real, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
        return -1;
    }
    if (access(real, X_OK) < 0)
        return -1;
    size_t len = strlen(real);
    if (len >= size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(out, real, len + 1);
    return 0;
}

static int find_own(char *out, size_t size, struct imgjob_error *err)
{
    char directory[PATH_MAX], candidate[PATH_MAX];
    int rc = own_path(directory, err);
    if (rc < 0)
        return rc;
    *strrchr(directory, '/') = '\0'; /* absolute: there is one */
    for (size_t i = 0; i < IJ_ARRAY_LEN(places); i++) {
        int len = snprintf(candidate, sizeof(candidate), "%s/%s", directory, places[i]);
        if (len < (int)sizeof(candidate) && resolve_program(candidate, out, size) == 0)
            return 0;
    }
    return ij_fail(
        err, IMGJOB_E_INVALID,
        "no worker program in '%.120s' at %s or %s: say where with worker_path",
        directory, places[0], places[1]);
}

int ij_worker_path(const char *asked, char *out, size_t size, struct imgjob_error *err)
{
    if (!asked)
        return find_own(out, size, err);
    if (resolve_program(asked, out, size) < 0)
        return ij_fail_errno(err, IMGJOB_E_INVALID,
                             "worker program '%.150s' (worker_path)", asked);
    return 0;
}
