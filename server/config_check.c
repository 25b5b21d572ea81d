/* Owns the checks that no single value can pass or fail alone, or that a range cannot
 * say. */
#include "server/setting.h"

#include <arpa/inet.h>
#include <string.h>

#include "server/cors.h"

enum { PUBLIC_URL_MAX = 1024 };

static int check_bind(const struct ij_config *config, struct imgjob_error *err)
{
    struct in_addr address;
    if (inet_pton(AF_INET, config->bind, &address) != 1)
        return ij_fail(err, IMGJOB_E_INVALID, "bind = '%.60s': must be an IPv4 address",
                       config->bind);
    bool is_loopback = ntohl(address.s_addr) >> 24 == 127;
    if (!is_loopback && !config->allow_open)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "bind = '%.60s': whoever reaches this address could use the "
                       "server; set allow_open = 1 if that is meant",
                       config->bind);
    return 0;
}

/* Links are made by adding a path to it. */
static int check_public_url(const struct ij_config *config, struct imgjob_error *err)
{
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]@!$&'()*+,"
        ";=%";
    const char *url = config->public_url;
    size_t len = strlen(url);
    size_t scheme = strncmp(url, "http://", 7) == 0    ? 7
                    : strncmp(url, "https://", 8) == 0 ? 8
                                                       : 0;
    if (len == 0)
        return 0;
    if (scheme == 0 || len == scheme || url[scheme] == '/' || url[len - 1] == '/' ||
        strspn(url, characters) != len || len > PUBLIC_URL_MAX)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "public_url = '%.60s': must be an http: or https: URL of at most "
                       "%d characters, without a query and without a slash at its end",
                       url, PUBLIC_URL_MAX);
    return 0;
}

static int check_pairs(const struct ij_config *config, struct imgjob_error *err)
{
    if (strcmp(config->upload_dir, config->output_dir) == 0)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "upload_dir, output_dir: both are '%.100s'; they must differ",
                       config->upload_dir);
    if (config->max_waiters >= config->http_threads)
        return ij_fail(err, IMGJOB_E_INVALID,
                       "max_waiters = %u: must be less than http_threads, %u",
                       (unsigned)config->max_waiters, (unsigned)config->http_threads);
    if (config->presets_only && !config->presets_file[0])
        return ij_fail(err, IMGJOB_E_INVALID,
                       "presets_only = 1: needs a presets_file, or no job could be "
                       "submitted");
    return 0;
}

int ij_config_check(const struct ij_config *config, struct imgjob_error *err)
{
    int rc = check_bind(config, err);
    if (rc == 0)
        rc = check_public_url(config, err);
    if (rc == 0)
        rc = ij_cors_check(config->cors_origins, err);
    return rc < 0 ? rc : check_pairs(config, err);
}
