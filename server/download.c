/* Owns how an image is sent: piece by piece from the library, or as the file it is; and
 * what a browser may make of it: a picture, and nothing that runs. */
#include "server/download.h"

#include <imgjob/image.h>

static int read_image(void *data, uint64_t offset, void *buffer, size_t len,
                      size_t *out_len, struct imgjob_error *err)
{
    return imgjob_download_read(data, offset, buffer, len, out_len, err);
}

static int file_of(void *data)
{
    return imgjob_download_fd(data);
}

static void close_image(void *data)
{
    imgjob_download_close(data);
}

void ij_download_answer(struct ij_response *response, struct imgjob_download *download)
{
    response->status = 200;
    response->content_type = imgjob_format_media_type(imgjob_download_format(download));
    ij_response_header(response, "Content-Security-Policy",
                       "default-src 'none'; sandbox");
    response->source = (struct ij_body_source){
        .file = file_of,
        .read = read_image,
        .close = close_image,
        .data = download,
        .length = imgjob_download_length(download),
    };
}
