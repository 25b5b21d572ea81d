/* Telling the service manager how we are (sd_notify(3), without its library). */
#pragma once

/* Send `state`, "READY=1", to $NOTIFY_SOCKET; without one, or when nobody listens there,
 * nothing happens. */
void ij_notify(const char *state);
