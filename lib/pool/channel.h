/* The pool's end of the conversation with one worker process. */
#pragma once

#include "pool/chatter.h"
#include "pool/process.h"
#include "pool/wire.h"

/* What a conversation can come to next. */
enum ij_event {
    IJ_EVENT_FRAME,    /* a frame of the worker's, or: ours was sent */
    IJ_EVENT_DEADLINE, /* the time is over */
    IJ_EVENT_STOP,     /* the stop descriptor is readable */
    IJ_EVENT_GONE,     /* the worker has closed its end: it is dead or dying */
    IJ_EVENT_GARBLED,  /* the worker broke the protocol; `err` is filled */
    IJ_EVENT_FAILED    /* this side could not go on; `err` is filled */
};

/* Owned by the thread of the process. */
struct ij_channel {
    struct ij_wire_hello expected; /* of every worker, but its pid */
    struct ij_process process;
    struct ij_chatter chatter;
    char frame[IJ_WIRE_FRAME_MAX]; /* the one that is written or read now */
};

/* Send a frame, with descriptors if `fd_count` is not 0 (at most one more than outputs).
 * Never waits. */
enum ij_event ij_channel_send(struct ij_channel *channel,
                              const struct ij_wire_frame *frame, const int *fds,
                              size_t fd_count, struct imgjob_error *err);

/* Wait for the next frame, and listen to the worker's stderr meanwhile.
 * @param stop_fd -1 = none */
enum ij_event ij_channel_next(struct ij_channel *channel, int64_t until_mono_ms,
                              int stop_fd, struct ij_wire_frame *out,
                              struct imgjob_error *err);

/*
 * Wait for the hello of a process that was just started, and check it. On failure the
 * process is ended.
 *
 * @param path    of its program, for words
 * @param stop_fd -1 = none
 * @return 0, or CRASHED (the text says why it does not start), BUSY (stopped)
 */
int ij_channel_hello(struct ij_channel *channel, const char *path, int64_t until_mono_ms,
                     int stop_fd, struct imgjob_error *err);

/* Hear what the worker said since the last job, as no job's. */
void ij_channel_drain(struct ij_channel *channel);

/* Kill the worker if it still lives, reap it and hear its last words.
 * @return its wait status, as ij_process_end() */
int ij_channel_end(struct ij_channel *channel);
