#!/bin/sh
# What calls cost on a store that holds a million finished jobs, against an empty one, and
# while all of them expire:
#   sh tests/bench/full.sh [--jobs N] [--calls N]
. "$(dirname "$0")/build.sh"
exec "$PYTHON" tests/bench/full_store.py --build "$BENCH_BUILD" "$@"
