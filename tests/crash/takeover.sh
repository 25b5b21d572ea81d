#!/bin/sh
# Two servers on one store; one is stopped (SIGSTOP) past its lease, the other takes over,
# and the first one comes back (SIGCONT), N rounds:
#   sh tests/crash/takeover.sh [N=50] [--seed S]
# Progress is on stderr, the account is the last line. IMGJOBD names the server to test;
# without it, that of build/, built if need be.
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ -z "$IMGJOBD" ]; then
    {
        [ -f "$root/build/build.ninja" ] || meson setup "$root/build" "$root"
        ninja -C "$root/build"
    } >&2
    IMGJOBD=$root/build/server/imgjobd
fi
python=/usr/bin/python3
[ -x "$python" ] || python=python3
export PYTHONDONTWRITEBYTECODE=1
exec "$python" "$root/tests/crash/takeover.py" --imgjobd "$IMGJOBD" "$@"
