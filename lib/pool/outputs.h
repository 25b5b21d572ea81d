/* The memory that outputs of an attempt are written to, and the proof of what is in it.
 */
#pragma once

#include "pool/executor.h"

/* Make a memfd for each output of the spec. @return 0, or the negative code in failure */
int ij_outputs_create(struct ij_work_result *result, const struct imgjob_spec *spec,
                      struct ij_failure *failure);

/*
 * Believe nothing that is claimed about the outputs: seal them, and compare lengths,
 * formats and sizes with what was found and asked for. On success their images are
 * filled.
 *
 * @param claims one per output of the spec
 * @return 0, or the negative code in `failure`
 */
int ij_outputs_accept(struct ij_work_result *result, const struct ij_image_output *claims,
                      const struct imgjob_spec *spec, const struct imgjob_limits *limits,
                      struct ij_failure *failure);

/* Take what the spec wants to know about the image: a JSON object, or nothing.
 * @return 0, or the negative code in `failure` */
int ij_info_accept(struct ij_work_result *result, const char *info, size_t len,
                   const struct imgjob_spec *spec, struct ij_failure *failure);
