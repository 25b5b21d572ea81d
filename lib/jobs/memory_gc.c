/* Owns the keys of blobs that are to be collected, of the memory backend. */
#include "jobs/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

/* Where the key stands, or belongs. */
static size_t gc_place(const struct ij_memory *memory, const char *key)
{
    size_t at = 0;
    while (at < memory->gc_count && strcmp(memory->gc[at], key) < 0)
        at++;
    return at;
}

static bool gc_holds(const struct ij_memory *memory, const char *key)
{
    size_t at = gc_place(memory, key);
    return at < memory->gc_count && strcmp(memory->gc[at], key) == 0;
}

/* @return 0 added, 1 it stood there, or NOMEM */
int ij_memory_gc_add(struct ij_memory *memory, const char *key, size_t len,
                     struct imgjob_error *err)
{
    IJ_AUTO(ij_free) char *copy = strndup(key, len);
    if (!copy)
        return ij_fail_nomem(err, "condemning a blob");
    if (gc_holds(memory, copy))
        return 1;
    void *grown = ij_memory_grow(memory->gc, memory->gc_count, &memory->gc_cap,
                                 sizeof(*memory->gc));
    if (!grown)
        return ij_fail_nomem(err, "condemning a blob");
    memory->gc = grown;
    size_t at = gc_place(memory, copy);
    memmove(&memory->gc[at + 1], &memory->gc[at],
            (memory->gc_count - at) * sizeof(*memory->gc));
    memory->gc[at] = ij_steal(&copy);
    memory->gc_count++;
    return 0;
}

bool ij_memory_gc_holds_id(const struct ij_memory *memory, const struct ij_id *id)
{
    struct ij_id other;
    for (size_t i = 0; i < memory->gc_count; i++) {
        const char *key = memory->gc[i];
        if (ij_id_parse(key, strlen(key), &other) && ij_id_equal(&other, id) &&
            key[IMGJOB_ID_SIZE - 1] == '.')
            return true;
    }
    return false;
}

int ij_memory_condemn(struct ij_jobs *jobs, struct ij_suspect *suspects, size_t count,
                      struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    for (size_t i = 0; i < count; i++) {
        struct ij_suspect *suspect = &suspects[i];
        const struct ij_memory_row *row = ij_memory_find(hold.memory, &suspect->id);
        suspect->is_condemned = !row || !ij_state_owns(&row->record.job, suspect);
        int rc = suspect->is_condemned ? ij_memory_gc_add(hold.memory, suspect->key,
                                                          strlen(suspect->key), err)
                                       : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int ij_memory_gc_list(struct ij_jobs *jobs, const char *after, char **out_keys,
                      size_t max, size_t *out_count, struct imgjob_error *err)
{
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    const struct ij_memory *memory = hold.memory;
    size_t from = 0;
    while (after && from < memory->gc_count && strcmp(memory->gc[from], after) <= 0)
        from++;
    size_t count = memory->gc_count - from < max ? memory->gc_count - from : max;
    for (size_t i = 0; i < count; i++) {
        out_keys[i] = strdup(memory->gc[from + i]);
        if (out_keys[i])
            continue;
        while (i > 0)
            ij_free(&out_keys[--i]);
        return ij_fail_nomem(err, "listing condemned blobs");
    }
    *out_count = count;
    return 0;
}

int ij_memory_gc_drop(struct ij_jobs *jobs, const char *const *keys, size_t count,
                      struct imgjob_error *err)
{
    (void)err;
    IJ_AUTO(ij_memory_end) struct ij_memory_hold hold = ij_memory_begin(jobs);
    struct ij_memory *memory = hold.memory;
    for (size_t i = 0; i < count; i++) {
        if (!gc_holds(memory, keys[i]))
            continue;
        size_t at = gc_place(memory, keys[i]);
        free(memory->gc[at]);
        memory->gc_count--;
        memmove(&memory->gc[at], &memory->gc[at + 1],
                (memory->gc_count - at) * sizeof(*memory->gc));
    }
    return 0;
}
