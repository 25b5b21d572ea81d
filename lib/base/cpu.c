/*
 * Owns the count of CPUs. A container's quota is a ceiling that affinity does not show,
 * so both are asked; the quota is read at the root of the cgroup mount, which is where a
 * container sees its own.
 */
#include "base/cpu.h"

#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CPUS_MAX = 1024 };

/* The first line of a small file; false when it cannot be read. */
static bool read_line(const char *path, char *out, int size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    char *line = fgets(out, size, file);
    (void)fclose(file); /* only read */
    return line != NULL;
}

/* CPUs by quota / period, rounded up; CPUS_MAX where there is no quota. */
static uint32_t quota_cpus(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0)
        return CPUS_MAX;
    int64_t cpus = quota / period + (quota % period != 0);
    return cpus > CPUS_MAX ? CPUS_MAX : (uint32_t)cpus;
}

/* The directory of this process in the v2 hierarchy, "" for its root. */
static void own_cgroup(char *out, size_t size)
{
    out[0] = '\0';
    char line[512];
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, "0::/", 4) == 0) {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(out, size, "%s", line + 3);
        }
    if (file)
        (void)fclose(file); /* only read */
}

static uint32_t cgroup_cpus(void)
{
    char line[128], path[640], group[512];
    int64_t quota = 0, period = 0;
    own_cgroup(group, sizeof(group));
    uint32_t cpus = CPUS_MAX;
    /* the tightest of this group and those above it */
    for (;;) {
        (void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
        if (read_line(path, line, sizeof(line)) &&
            sscanf(line, "%" SCNd64 " %" SCNd64, &quota, &period) == 2 &&
            quota_cpus(quota, period) < cpus)
            cpus = quota_cpus(quota, period);
        char *slash = strrchr(group, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    if (read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof(line)) &&
        sscanf(line, "%" SCNd64, &quota) == 1 &&
        read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", line, sizeof(line)) &&
        sscanf(line, "%" SCNd64, &period) == 1 && quota_cpus(quota, period) < cpus)
        cpus = quota_cpus(quota, period);
    return cpus;
}

uint32_t ij_cpu_count(void)
{
    cpu_set_t set;
    uint32_t cpus = 1;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        cpus = (uint32_t)CPU_COUNT(&set);
    uint32_t quota = cgroup_cpus();
    return quota < cpus ? quota : cpus;
}
