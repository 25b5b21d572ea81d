/*
 * Owns POST /process: an image in, an image out, and nothing kept. The answer is read
 * from the job's first output while it is sent; the job goes with the last byte.
 */
#include "server/app.h"

#include <stdlib.h>

#include "server/auto.h"
#include "server/download.h"
#include "server/oneshot.h"
#include "server/problem.h"

static void oneshot_end(void *owner)
{
    ij_oneshot_done(owner);
    free(owner);
}

/* @param oneshot taken, and ended with the last byte @param download taken */
static void send_image(struct ij_oneshot *oneshot, struct imgjob_download *download,
                       struct ij_response *response)
{
    struct ij_oneshot *kept = malloc(sizeof(*kept));
    if (!kept) {
        imgjob_download_close(download);
        struct imgjob_error err;
        (void)ij_fail_nomem(&err, "sending an image");
        ij_problem_of_error(response, &oneshot->app->log, &err);
        return;
    }
    *kept = *oneshot;
    *oneshot = (struct ij_oneshot){ .job = NULL };
    ij_response_header(response, "Content-Disposition", "inline; filename=\"%s.%s\"",
                       kept->id,
                       imgjob_format_extension(imgjob_download_format(download)));
    ij_response_header(response, "Cache-Control", "no-store");
    ij_download_answer(response, download);
    response->source.after = oneshot_end;
    response->source.owner = kept;
}

void ij_handle_process(struct ij_app *app, struct ij_request *request,
                       struct ij_response *response)
{
    IJ_AUTO(ij_submission_done) struct ij_submission submission = { .draft_count = 0 };
    IJ_AUTO(ij_oneshot_done) struct ij_oneshot oneshot = { .job = NULL };
    if (!ij_oneshot_run(app, request, &submission, NULL, "the job was not done", response,
                        &oneshot))
        return;
    struct imgjob_download *download = NULL;
    struct imgjob_error err;
    int rc = imgjob_store_open_output(app->store, oneshot.id, NULL, &download, &err);
    if (rc == 0)
        send_image(&oneshot, download, response);
    else if (rc == IMGJOB_E_CONFLICT) /* it has not completed */
        ij_oneshot_refuse(&oneshot, "the image", response);
    else if (rc == IMGJOB_E_NOTFOUND)
        ij_problem(response, 422, imgjob_code_name(IMGJOB_E_SPEC),
                   "/outputs: makes no image, which is what POST /process answers with");
    else
        ij_problem_of_error(response, &app->log, &err);
}
