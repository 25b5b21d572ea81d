/*
 * Owns which addresses are public, after IANA's special-purpose registries for IPv4 and
 * IPv6 (RFC 6890). IPv6 is told what is allowed instead of what is not: the only block
 * that is given out is 2000::/3.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"

struct block {
    uint8_t bytes[16];
    unsigned bits;
};

static const struct block special_v4[] = {
    { { 0 }, 8 },             /* this network */
    { { 10 }, 8 },            /* private */
    { { 100, 64 }, 10 },      /* shared by customers of a carrier */
    { { 127 }, 8 },           /* this machine */
    { { 169, 254 }, 16 },     /* link-local, and metadata of clouds */
    { { 172, 16 }, 12 },      /* private */
    { { 192, 0, 0 }, 24 },    /* protocol assignments */
    { { 192, 0, 2 }, 24 },    /* documentation */
    { { 192, 88, 99 }, 24 },  /* 6to4 relays */
    { { 192, 168 }, 16 },     /* private */
    { { 198, 18 }, 15 },      /* benchmarks */
    { { 198, 51, 100 }, 24 }, /* documentation */
    { { 203, 0, 113 }, 24 },  /* documentation */
    { { 224 }, 3 },           /* groups, reserved, broadcast */
};

static const struct block global_v6 = { { 0x20 }, 3 };
static const struct block special_v6[] = {
    { { 0x20, 0x01 }, 23 },             /* protocol assignments, Teredo, ORCHID */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x20, 0x02 }, 16 },             /* 6to4 */
    { { 0x3f, 0xff }, 20 },             /* documentation */
};

/* An IPv4 address is in the last four bytes of these. */
static const struct block embedding[] = {
    { { [10] = 0xff, [11] = 0xff }, 96 }, /* mapped */
    { { 0x00, 0x64, 0xff, 0x9b }, 96 },   /* NAT64, RFC 6052 */
};

static bool is_in(const uint8_t *address, const struct block *block)
{
    unsigned whole = block->bits / 8, rest = block->bits % 8;
    if (memcmp(address, block->bytes, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ block->bytes[whole]) >> (8 - rest) == 0;
}

static bool is_in_any(const uint8_t *address, const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_in(address, &blocks[i]))
            return true;
    return false;
}

static bool is_public_v4(const uint8_t *address)
{
    return !is_in_any(address, special_v4, IJ_ARRAY_LEN(special_v4));
}

/* A tunnel to an IPv4 address by its interface identifier (RFC 5214 §6.1). */
static bool is_isatap(const uint8_t *address)
{
    static const uint8_t mark[] = { 0x00, 0x00, 0x5e, 0xfe };
    uint8_t identifier[sizeof(mark)];
    memcpy(identifier, address + 8, sizeof(identifier));
    identifier[0] &= (uint8_t)~2; /* universal or local */
    return memcmp(identifier, mark, sizeof(mark)) == 0;
}

static bool is_public_v6(const uint8_t *address)
{
    if (is_in_any(address, embedding, IJ_ARRAY_LEN(embedding)))
        return is_public_v4(address + 12);
    return is_in(address, &global_v6) &&
           !is_in_any(address, special_v6, IJ_ARRAY_LEN(special_v6)) &&
           (!is_isatap(address) || is_public_v4(address + 12));
}

bool ij_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return is_public_v4((const uint8_t *)&v4.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return is_public_v6(v6.sin6_addr.s6_addr);
    }
    return false;
}
