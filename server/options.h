/* What a submit may say beside its spec: one table for every form of body. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imgjob/queue.h>
#include <imgjob/store.h>

#include "base/error.h"
#include "base/json.h"

/* In the order of the table. */
enum ij_option {
    IJ_OPTION_PRIORITY,
    IJ_OPTION_RUN_AT,
    IJ_OPTION_DELAY_MS,
    IJ_OPTION_MAX_ATTEMPTS,
    IJ_OPTION_TIMEOUT_MS,
    IJ_OPTION_DEADLINE,
    IJ_OPTION_RESULT_EXPIRES_IN,
    IJ_OPTION_EXPIRES_IN,
    IJ_OPTION_CALLBACK_URL,
    IJ_OPTION_TAGS,
    IJ_OPTION_QUEUE,
    IJ_OPTION_DEDUP,
    IJ_OPTION_PRESET,
    IJ_OPTION_BATCH,
    IJ_OPTION_SOURCE_JOB,
    IJ_OPTION_COUNT
};

enum { IJ_CALLBACK_URL_MAX = 2048, IJ_TAGS_MAX = 16 };

/* Owned; zeroed = none given. Fixed rooms, since all of them are small. */
struct ij_options {
    bool given[IJ_OPTION_COUNT];
    int64_t number[IJ_OPTION_COUNT]; /* a moment in ms since 1970, a switch as 0 or 1 */
    char callback_url[IJ_CALLBACK_URL_MAX + 1];
    char queue[IMGJOB_NAME_SIZE];
    char preset[IMGJOB_NAME_SIZE];
    char batch[IMGJOB_ID_SIZE];
    char source_job[IMGJOB_ID_SIZE];
    char tags[IJ_TAGS_MAX][IMGJOB_NAME_SIZE];
    size_t tag_count;
};

/* Which one has that name; -1 = none. */
int ij_option_named(const char *name);
const char *ij_option_name(enum ij_option option);

/* Whether a text can be a name of a queue or a tag, or an id. @return 0, or
 * IMGJOB_E_INVALID with a text that begins with `field` */
int ij_option_check_name(const char *field, const char *text, struct imgjob_error *err);
int ij_option_check_id(const char *field, const char *text, struct imgjob_error *err);

/* Add one as plain text, from a field or a query. @return 0, or IMGJOB_E_INVALID with a
 * text that names field, value and range */
int ij_options_add_text(struct ij_options *options, enum ij_option option,
                        const char *value, struct imgjob_error *err);

/* Add one from JSON. */
int ij_options_add_json(struct ij_options *options, enum ij_option option,
                        const struct ij_json *value, struct imgjob_error *err);

/* Refuse those that are given and not in `allowed`, bits 1 << enum ij_option. `why` ends
 * the sentence. */
int ij_options_allow(const struct ij_options *options, uint32_t allowed, const char *why,
                     struct imgjob_error *err);

/* As the library takes them. @param tag_list room for the tags
 * @param out everything else stays; borrows from `options` and `tag_list` */
void ij_options_write(const struct ij_options *options, const char *tag_list[IJ_TAGS_MAX],
                      struct imgjob_submit_options *out);
