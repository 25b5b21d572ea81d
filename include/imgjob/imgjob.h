/**
 * Everything but imgjob/operation.h, which only programs with operations of their own
 * need: `#include <imgjob/imgjob.h>`, `pkg-config --cflags --libs libimgjob`.
 */
#ifndef IMGJOB_IMGJOB_H
#define IMGJOB_IMGJOB_H

#include <imgjob/version.h>
#include <imgjob/error.h>
#include <imgjob/log.h>
#include <imgjob/spec.h>
#include <imgjob/image.h>
#include <imgjob/job.h>
#include <imgjob/store.h>
#include <imgjob/follow.h>
#include <imgjob/queue.h>
#include <imgjob/pool.h>
#include <imgjob/webhook.h>
#include <imgjob/operate.h>

#endif
