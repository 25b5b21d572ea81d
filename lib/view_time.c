/* Owns how a time is written for clients. */
#include "view_time.h"

#include <stdio.h>
#include <time.h>

int ij_view_time(int64_t ms, char out[IJ_TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char day[32];
    out[0] = '\0';
    if (!gmtime_r(&seconds, &utc) || utc.tm_year > 9999 - 1900 ||
        !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc))
        return 1;
    (void)snprintf(out, IJ_TIME_TEXT_SIZE, "%s.%03dZ", day, (int)(ms % 1000));
    return 0;
}
