/* Owns how long a job waits before its next try. */
#include "jobs/state.h"

enum { DELAY_FIRST_MS = 2000, DELAY_MAX_MS = 15 * 60 * 1000 };

int64_t ij_retry_delay_ms(uint32_t attempt, uint64_t random)
{
    uint64_t ceiling = DELAY_FIRST_MS;
    for (uint32_t i = 1; i < attempt && ceiling < DELAY_MAX_MS; i++)
        ceiling *= 2;
    if (ceiling > DELAY_MAX_MS)
        ceiling = DELAY_MAX_MS;
    return (int64_t)(random % (ceiling + 1));
}
