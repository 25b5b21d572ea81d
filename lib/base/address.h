/* Which addresses of the internet a request of ours may go to. */
#pragma once

#include <stdbool.h>

#include <sys/socket.h>

/*
 * Whether an IPv4 or IPv6 address belongs to the public internet: not to this machine, a
 * private or shared network, a link, a group, documentation or a tunnel. An IPv4 address
 * inside of an IPv6 one is looked at itself.
 */
bool ij_address_is_public(const struct sockaddr *address);
