/* Owns the reading of Range. One range is answered; a list of them would cost more than
 * it brings, and is ignored as the standard allows. */
#include "server/range.h"

#include <string.h>
#include <strings.h>

/* A number of digits at `*at`, which then stands behind them. @return false when there
 * are none; what does not fit is the largest number, far behind any end */
static bool read_number(const char **at, uint64_t *out)
{
    const char *from = *at;
    *out = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');
        *out = *out > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *out * 10 + digit;
    }
    return *at > from;
}

static enum ij_range_kind read_suffix(const char *at, uint64_t length,
                                      struct ij_range *out)
{
    uint64_t count;
    if (!read_number(&at, &count) || *at != '\0')
        return IJ_RANGE_WHOLE;
    if (count == 0 || length == 0)
        return IJ_RANGE_UNSATISFIABLE;
    out->length = count < length ? count : length;
    out->first = length - out->length;
    return IJ_RANGE_PART;
}

enum ij_range_kind ij_range_read(const struct ij_request *request, uint64_t length,
                                 struct ij_range *out)
{
    const char *at = ij_request_header(request, "Range");
    if (!at || strncasecmp(at, "bytes=", 6) != 0)
        return IJ_RANGE_WHOLE;
    at += 6;
    at += strspn(at, " \t");
    if (*at == '-')
        return read_suffix(at + 1, length, out);
    uint64_t first, last = UINT64_MAX;
    if (!read_number(&at, &first) || *at++ != '-')
        return IJ_RANGE_WHOLE;
    bool is_open = *at == '\0';
    if (!is_open && (!read_number(&at, &last) || *at != '\0' || last < first))
        return IJ_RANGE_WHOLE;
    if (first >= length)
        return IJ_RANGE_UNSATISFIABLE;
    out->first = first;
    out->length = (last < length ? last : length - 1) - first + 1;
    return IJ_RANGE_PART;
}
