#!/bin/sh
# What a job costs, against the same pipeline on libvips alone:
#   sh tests/bench/run.sh [IMAGE] [--jobs N] [--clients N] [--workers N] [--rounds N] [--quick]
# Prints a table and writes build/bench.json. Progress is on stderr.
caller=$PWD
. "$(dirname "$0")/build.sh"
here=$PWD/tests/bench
json=$PWD/build/bench.json
cd "$caller" && exec "$PYTHON" "$here/run.py" --build "$BENCH_BUILD" --json "$json" "$@"
