/* How many CPUs this process may use. */
#pragma once

#include <stdint.h>

/* Affinity and the cgroup's quota (v2, else v1), rounded up; 1..1024. */
uint32_t ij_cpu_count(void);
