#!/bin/sh
# What the image engine costs, against libvips by hand; what a search takes; how much memory:
#   sh tests/bench/engine.sh [--part P]... [--case C]... [--pairs N] [--quick] [--profile C]
# Prints tables and writes build/bench-engine.json. Progress is on stderr.
. "$(dirname "$0")/build.sh"
exec "$PYTHON" tests/bench/engine.py --build "$BENCH_BUILD" \
    --json "$PWD/build/bench-engine.json" "$@"
