# Read by run.sh, queue.sh and soak.sh: go to the checkout's root and build what is
# measured as a release, apart from the build that the tests use.
cd "$(dirname "$0")/../.." || exit 1
BENCH_BUILD=$PWD/build/bench
{
    [ -f "$BENCH_BUILD/build.ninja" ] ||
        meson setup "$BENCH_BUILD" -Dbuildtype=release -Dexamples=false
    ninja -C "$BENCH_BUILD"
} >&2 || exit 1
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3
export PYTHONDONTWRITEBYTECODE=1
