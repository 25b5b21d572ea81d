#!/bin/sh
# SIGKILL for the server or a worker, N times at random moments under load:
#   sh tests/crash/kill.sh [N=200] [--seed S] [--clients N] [--workers N]
# Progress is on stderr, the account is the last line. IMGJOBD names the server to test;
# without it, that of build/, built if need be. IJ_MISBEHAVING_WORKER adds the poison tests.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ -z "$IMGJOBD" ]; then
    {
        [ -f "$root/build/build.ninja" ] || meson setup "$root/build" "$root"
        ninja -C "$root/build"
    } >&2
    IMGJOBD=$root/build/server/imgjobd
    : "${IJ_MISBEHAVING_WORKER:=$root/build/tests/unit/misbehaving_worker}"
fi
python=/usr/bin/python3
[ -x "$python" ] || python=python3
export PYTHONDONTWRITEBYTECODE=1
if [ -x "$IJ_MISBEHAVING_WORKER" ]; then
    "$python" "$root/tests/crash/poison.py" --imgjobd "$IMGJOBD" \
        --worker "$IJ_MISBEHAVING_WORKER"
fi
exec "$python" "$root/tests/crash/kill.py" --imgjobd "$IMGJOBD" "$@"
