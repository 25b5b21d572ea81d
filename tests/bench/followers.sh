#!/bin/sh
# What submits cost while others follow, against nobody following:
#   sh tests/bench/followers.sh [--streams N] [--polls N] [--jobs N] [--rounds N]
. "$(dirname "$0")/build.sh"
exec "$PYTHON" tests/bench/followers.py --build "$BENCH_BUILD" "$@"
