/* Reading a directory's entries. */
#pragma once

#include <dirent.h>

/* Open the directory `name` below `dir_fd`, following no link.
 * @return the caller's, to end with ij_stream_close(); NULL with errno set */
DIR *ij_stream_open(int dir_fd, const char *name);

/* For IJ_AUTO; NULL owns nothing. */
void ij_stream_close(DIR **stream);
