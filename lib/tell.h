/* What a backend's callbacks do in a store; `data` is the store. */
#pragma once

#include "store.h"

void ij_tell_changed(void *data, const struct ij_change *change);

/* Another process changed the store: whoever waits shall look. */
void ij_tell_stirred(void *data);

/* Nothing will change any more: whoever waits for a change shall look, and be told. */
void ij_tell_failed(void *data);
