#!/bin/sh
# What a submit and a status cost at an empty queue and with many jobs queued:
#   sh tests/bench/queue.sh [--queued N] [--jobs N] [--clients N] [--rounds N]
. "$(dirname "$0")/build.sh"
exec "$PYTHON" tests/bench/queue_depth.py --build "$BENCH_BUILD" "$@"
