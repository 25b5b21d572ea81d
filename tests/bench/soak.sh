#!/bin/sh
# Whether the server's memory stands still over many mixed jobs:
#   sh tests/bench/soak.sh [N=10000] [--clients N] [--workers N]
. "$(dirname "$0")/build.sh"
exec "$PYTHON" tests/bench/soak.py --build "$BENCH_BUILD" "$@"
