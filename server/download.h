/* An image of a job as the body of an answer. */
#pragma once

#include <imgjob/store.h>

#include "server/response.h"

/* Answer with an image, whole. @param download taken */
void ij_download_answer(struct ij_response *response, struct imgjob_download *download);
