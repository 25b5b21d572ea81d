/* Owns the reading of RFC 3339 §5.6, strictly: four digits of year, a zone always. */
#include "server/moment.h"

#include <string.h>
#include <time.h>

/* Exactly `count` digits, and go behind them. */
static bool read_digits(const char **at, int count, int *out)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *at += count;
    *out = value;
    return true;
}

static bool read_mark(const char **at, const char *marks)
{
    if (**at == '\0' || !strchr(marks, **at))
        return false;
    ++*at;
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

static bool read_date(const char **at, struct tm *out)
{
    int year, month, day;
    if (!read_digits(at, 4, &year) || !read_mark(at, "-") ||
        !read_digits(at, 2, &month) || !read_mark(at, "-") || !read_digits(at, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_of(year, month))
        return false;
    out->tm_year = year - 1900;
    out->tm_mon = month - 1;
    out->tm_mday = day;
    return true;
}

/* The 60th second of a leap is the one that follows, since POSIX counts none. */
static bool read_time(const char **at, struct tm *out, int *out_ms)
{
    if (!read_digits(at, 2, &out->tm_hour) || !read_mark(at, ":") ||
        !read_digits(at, 2, &out->tm_min) || !read_mark(at, ":") ||
        !read_digits(at, 2, &out->tm_sec))
        return false;
    *out_ms = 0;
    if (read_mark(at, ".")) {
        size_t digits = strspn(*at, "0123456789");
        if (digits == 0)
            return false;
        for (size_t i = 0, unit = 100; i < digits && unit > 0; i++, unit /= 10)
            *out_ms += ((*at)[i] - '0') * (int)unit;
        *at += digits;
    }
    return out->tm_hour <= 23 && out->tm_min <= 59 && out->tm_sec <= 60;
}

/* East of Greenwich, in seconds. */
static bool read_zone(const char **at, int *out)
{
    *out = 0;
    if (read_mark(at, "Zz"))
        return true;
    int hours, minutes, sign = **at == '-' ? -1 : 1;
    if (!read_mark(at, "+-") || !read_digits(at, 2, &hours) || !read_mark(at, ":") ||
        !read_digits(at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool ij_moment_parse(const char *text, int64_t *out_ms)
{
    const int64_t year_10000 = INT64_C(253402300800);
    struct tm tm = { .tm_isdst = 0 };
    int ms, zone;
    const char *at = text;
    if (!read_date(&at, &tm) || !read_mark(&at, "Tt") || !read_time(&at, &tm, &ms) ||
        !read_zone(&at, &zone) || *at != '\0')
        return false;
    int64_t seconds = (int64_t)timegm(&tm) - zone;
    if (seconds < 0 || seconds >= year_10000)
        return false;
    *out_ms = seconds * 1000 + ms;
    return true;
}
