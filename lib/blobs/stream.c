/* Owns how a directory of the blob storage is opened for listing. */
#include "blobs/stream.h"

#include <fcntl.h>

#include "base/auto.h"

DIR *ij_stream_open(int dir_fd, const char *name)
{
    IJ_AUTO(ij_close)
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream)
        (void)ij_steal_fd(&fd); /* the stream's now */
    return stream;
}

void ij_stream_close(DIR **stream)
{
    if (*stream)
        (void)closedir(*stream); /* read only: nothing is lost */
}
