/* What misbehaving_worker does at which width. */
#pragma once

/* Started by this name it says hello as a worker of another build. */
#define MISBEHAVE_OTHER_BUILD "another-build"

/* The first numbers are known to scripts, which name them by number. */
enum misbehaviour {
    MISBEHAVE_LOOP = 4001,
    MISBEHAVE_ABORT = 4002,
    MISBEHAVE_KILLED = 4003,
    MISBEHAVE_GARBAGE = 4004,
    MISBEHAVE_CLAIM_LENGTH = 4005,
    MISBEHAVE_EXIT = 4006,
    MISBEHAVE_BURN_CPU = 4007,
    MISBEHAVE_SLEEP = 4008,
    MISBEHAVE_CLAIM_FORMAT,
    MISBEHAVE_LARGE_FRAME,
    MISBEHAVE_CLOSE_SOCKET,
    MISBEHAVE_HUGE_HEADER,
    MISBEHAVE_CRASH_AFTER_HEADER,
    MISBEHAVE_NO_MEMORY,
    MISBEHAVE_REPORT,
    MISBEHAVE_FLOOD,
    MISBEHAVE_KEEP_MAPPING,
    MISBEHAVE_LATE_WORDS, /* answers, says it has no memory, stops itself; then aborts */
    MISBEHAVE_BLAME_NODE,
    MISBEHAVE_CLAIM_PAGES,
    MISBEHAVE_CLAIM_LAST, /* a wrong length of the last output */
    MISBEHAVE_CLAIM_INFO, /* reports where nobody asked */
    MISBEHAVE_BREAK_INFO, /* reports what is no JSON */
    MISBEHAVE_PROGRESS,   /* tells 10, 20 and 20 per cent, and does its job */
    MISBEHAVE_PROGRESS_FLOOD,
    MISBEHAVE_PROGRESS_FALLS,
    MISBEHAVE_PROGRESS_OUTPUT, /* of an output that there is not */
    MISBEHAVE_PROGRESS_FULL,   /* of 100 per cent */
    MISBEHAVE_PROGRESS_EARLY,  /* before its header */
    MISBEHAVE_PROGRESS_LATE    /* after its result; then stops itself */
};
