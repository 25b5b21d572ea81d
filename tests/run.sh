#!/bin/sh
# Every check of the project. Installs what is missing from Debian's packages, builds, runs
# suite after suite, and ends with one line that sums them up:
#
#     sh tests/run.sh            everything (some five minutes on two cores)
#     sh tests/run.sh --quick    the gcc build, the C and HTTP tests, the lints
#
# The log of a failed check is printed and kept in build/test-logs. IMGJOB_TESTDATA names a
# directory of further images; the tests take what they find there.
set -u
cd "$(dirname "$0")/.." || exit 2

quick=
case "${1:-}" in
'') ;;
--quick) quick=1 ;;
-h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) echo "run.sh: unknown option $1; see --help" >&2; exit 2 ;;
esac

python=/usr/bin/python3 # the one that has Debian's modules, whatever PATH says
logs=$PWD/build/test-logs
passed=0 failed=0 skipped=0
export PYTHONDONTWRITEBYTECODE=1

. tests/run/packages.sh
. tests/run/suites.sh
. tests/run/checks.sh

install_packages
mkdir -p "$logs"
find_testdata

check_sources
if check_build gcc build -Dbuildtype=debugoptimized; then
    check_exports
    check_readme
    check_c_tests gcc build
    check_http gcc build
    if [ -z "$quick" ]; then
        check_webhooks gcc build
        check_engine gcc build
        check_examples
        check_crashes
        check_valgrind
    fi
fi
if [ -z "$quick" ]; then
    check_install
    check_build clang build-clang -Dexamples=false
    check_asan
    check_tsan
fi

line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
echo "$line"
[ "$failed" -eq 0 ]
