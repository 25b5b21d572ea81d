/* Owns which texts of a submit others will read as a URL and as a trace. */
#include "submit.h"

#include <string.h>
#include <strings.h>

#include "base/trace.h"

/* ---- callback_url: RFC 3986 §3, narrowed to what is sent to ---- */

static int refuse_url(const char *why, struct imgjob_error *err)
{
    return ij_fail(err, IMGJOB_E_INVALID, "callback_url: %s", why);
}

/* The text behind the scheme and its slashes; NULL when the scheme is another. */
static const char *behind_scheme(const char *url)
{
    if (strncasecmp(url, "http://", 7) == 0)
        return url + 7;
    return strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
}

/* ":80", or nothing. */
static bool is_port(const char *text, size_t len)
{
    enum { DIGITS_MAX = 5, PORT_MAX = 65535 };
    if (len == 0)
        return true;
    long port = 0;
    if (text[0] != ':' || len < 2 || len > DIGITS_MAX + 1)
        return false;
    for (size_t i = 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (text[i] - '0');
    }
    return port >= 1 && port <= PORT_MAX;
}

static int check_authority(const char *text, size_t len, struct imgjob_error *err)
{
    if (memchr(text, '@', len))
        return refuse_url("must not hold a user or a password", err);
    /* an IPv6 address has colons of its own, between brackets */
    const char *end = len > 0 && text[0] == '[' ? memchr(text, ']', len) : NULL;
    if (len > 0 && text[0] == '[' && !end)
        return refuse_url("'[' of its host is not closed", err);
    const char *colon = end ? end + 1 : memchr(text, ':', len);
    size_t host_len = colon ? (size_t)(colon - text) : len;
    if (host_len == 0 || (end && host_len <= 2))
        return refuse_url("has no host", err);
    if (!is_port(text + host_len, len - host_len))
        return refuse_url("its port must be 1..65535", err);
    return 0;
}

int ij_callback_check(const char *url, struct imgjob_error *err)
{
    size_t len = strnlen(url, IJ_URL_MAX + 1);
    if (len > IJ_URL_MAX)
        return ij_fail(err, IMGJOB_E_INVALID, "callback_url: more than %d bytes",
                       IJ_URL_MAX);
    for (size_t i = 0; i < len; i++)
        if (url[i] <= 0x20 || url[i] >= 0x7f || url[i] == '\\')
            return ij_fail(err, IMGJOB_E_INVALID,
                           "callback_url: byte %zu is no character of a URL", i);
    const char *rest = behind_scheme(url);
    if (!rest)
        return refuse_url("must begin with http:// or https://", err);
    return check_authority(rest, strcspn(rest, "/?#"), err);
}

/* ---- traceparent ---- */

int ij_traceparent_check(const char *text, struct imgjob_error *err)
{
    if (ij_traceparent_valid(text))
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID,
                   "traceparent: not of the form VERSION-TRACE-PARENT-FLAGS, in hex: 2, "
                   "32, 16 and 2 digits");
}
