/* A registry of operations, as the rest of this folder uses it. */
#pragma once

#include <imgjob/operation.h>

#include "spec/op.h"

/* The operations of a registry, which is immutable from now on; NULL = those of this
 * library. @return borrowed until imgjob_registry_free() */
const struct ij_ops *ij_registry_ops(const struct imgjob_registry *registry);
