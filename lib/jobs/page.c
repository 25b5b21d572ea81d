/* Owns the memory of pages and deliveries, and which pages may be asked for. */
#include <stdlib.h>

#include "jobs/record.h"

void ij_page_done(struct ij_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        ij_record_done(&page->records[i]);
    page->count = 0;
    page->next = 0;
}

void ij_delivery_done(struct ij_delivery *delivery)
{
    free(delivery->url);
    free(delivery->body);
    free(delivery->log);
    *delivery = (struct ij_delivery){ 0 };
}

int ij_page_limit_check(uint32_t limit, struct imgjob_error *err)
{
    if (limit >= 1 && limit <= IJ_LIST_MAX)
        return 0;
    return ij_fail(err, IMGJOB_E_INVALID, "a page holds 1 to %d rows, not %u",
                   IJ_LIST_MAX, limit);
}
