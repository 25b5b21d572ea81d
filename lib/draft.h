/* What a submit asks of a draft. */
#pragma once

#include "store.h"

/* @return 0, or IMGJOB_E_INVALID after a failure that only discard may follow */
int ij_draft_check_whole(const struct imgjob_draft *draft, struct imgjob_error *err);

/* Tell the format of an input, of those that are read here. @return 0 or _IMAGE */
int ij_draft_check_format(struct imgjob_draft *draft, uint32_t index,
                          struct imgjob_error *err);
