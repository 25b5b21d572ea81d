# Read by run.sh: the checks themselves, in the order in which they run.

find_testdata() {
    [ -z "${IMGJOB_TESTDATA:-}" ] || return
    for photo in ../*/testdata/photo-2725x2225.jpg; do
        [ -f "$photo" ] || continue
        IMGJOB_TESTDATA=$(cd "$(dirname "$photo")" && pwd)
        export IMGJOB_TESTDATA
        echo "further images: $IMGJOB_TESTDATA"
    done
}

# ---- what needs no build

check_format() {
    case "$(clang-format --version 2>/dev/null)" in
    *'version 14.'*)
        one 'lint: format' sh -c \
            'find include lib server examples tests -name "*.[ch]" |
                xargs clang-format --dry-run --Werror' ;;
    '') skip 'lint: format' 'no clang-format' ;;
    *) skip 'lint: format' "clang-format 14 is the judge, this is $(clang-format --version)" ;;
    esac
}

check_headers() {
    compilers=
    for compiler in gcc clang; do
        # without a C++ compiler behind it the second half cannot be tried
        echo '#include <stddef.h>' | $compiler -x c++ -fsyntax-only - 2>/dev/null &&
            compilers="$compilers $compiler"
    done
    if [ -n "$compilers" ]; then
        one "public headers:$compilers" sh tests/abi/headers.sh $compilers
    else
        skip 'public headers' 'no C++ compiler'
    fi
}

check_sources() {
    suite 'lint: the lints themselves' junit "$logs/lints.xml" \
        $python -m pytest -q -p no:cacheprovider --junitxml="$logs/lints.xml" tests/lint
    check_format
    for lint in layers forms public_docs; do
        one "lint: $lint" $python tests/lint/$lint.py .
    done
    $python tests/lint/sizes.py . >"$logs/sizes.log" ||
        echo "longer than the aim of the style: $(wc -l <"$logs/sizes.log") (build/test-logs/sizes.log)"
    check_headers
}

# ---- builds

# build_in COMPILER DIRECTORY OPTION…
build_in() {
    compiler=$1 directory=$2
    shift 2
    if [ -f "$directory/build.ninja" ]; then
        meson configure "$directory" -Dwerror=true "$@"
    else
        CC=$compiler meson setup "$directory" -Dwerror=true "$@"
    fi && ninja -C "$directory" all meson-test-prereq
}

# check_build COMPILER DIRECTORY OPTION…
check_build() {
    name="build: $2"
    command -v "$1" >/dev/null || {
        skip "$name" "no $1"
        return 1
    }
    one "$name" build_in "$@"
}

check_exports() {
    one 'lint: exports' $python tests/lint/exports.py . build/lib/libimgjob.so
}

check_readme() {
    if [ -x build/server/imgjobd ]; then
        one 'lint: README' $python tests/lint/readme.py README.md build/server/imgjobd
    else
        skip 'lint: README' 'the server was not built: no civetweb'
    fi
}

# ---- tests of a build

# check_c_tests NAME DIRECTORY ARGUMENT…
check_c_tests() {
    name=$1 directory=$2
    shift 2
    suite "C tests: $name" meson "$directory/meson-logs/testlog.json" \
        meson test -C "$directory" --no-rebuild --print-errorlogs "$@"
}

# check_http NAME DIRECTORY
check_http() {
    if [ ! -x "$2/server/imgjobd" ]; then
        skip "HTTP tests: $1" 'the server was not built: no civetweb'
        return
    fi
    suite "HTTP tests: $1" junit "$logs/http-$1.xml" \
        env IMGJOBD="$PWD/$2/server/imgjobd" IJ_FIXTURES="$PWD/$2/tests/fixtures/out" \
        IJ_MISBEHAVING_WORKER="$PWD/$2/tests/unit/misbehaving_worker" \
        $python -m pytest -q -p no:cacheprovider --junitxml="$logs/http-$1.xml" tests/http
}

# check_webhooks NAME DIRECTORY
check_webhooks() {
    if [ ! -x "$2/tests/webhook/webhook-sender" ]; then
        skip "webhooks: $1" 'they were not built: no libcurl'
        return
    fi
    suite "webhooks: $1" junit "$logs/webhooks-$1.xml" \
        env WEBHOOK_SENDER="$PWD/$2/tests/webhook/webhook-sender" \
        IJ_FIXTURES="$PWD/$2/tests/fixtures/out" \
        $python -m pytest -q -rs -p no:cacheprovider --junitxml="$logs/webhooks-$1.xml" \
        tests/webhook
}

# check_engine NAME DIRECTORY
check_engine() {
    suite "engine: $1" junit "$logs/engine-$1.xml" \
        env ENGINE_RUNNER="$PWD/$2/tests/engine/engine-runner" \
        IJ_FIXTURES="$PWD/$2/tests/fixtures/out" \
        $python -m pytest -q -p no:cacheprovider --junitxml="$logs/engine-$1.xml" tests/engine
}

check_examples() {
    one 'examples' sh tests/examples.sh build
}

check_crashes() {
    one 'random walk: 1,000,000 steps' env IJ_WALK_STEPS=1000000 \
        build/tests/contract/test_jobs_walk
    one 'crash tests: 20 kills' sh tests/crash/kill.sh 20
    one 'crash tests: 2 takeovers' sh tests/crash/takeover.sh 2
}

check_install() {
    one 'install, link, move, run' $python tests/abi/install.py build-install
}

# Without the code that libvips makes at run time, libjpeg's hand-written SIMD and the further
# images (AVIF), whose decoders valgrind cannot follow; so nothing needs to be suppressed.
# Workers are processes of their own, and not looked at.
check_valgrind() {
    wrapper='valgrind --quiet --error-exitcode=9 --leak-check=full --num-callers=40
        --show-leak-kinds=definite --errors-for-leak-kinds=definite'
    suite 'C tests: valgrind' meson build/meson-logs/testlog-valgrind.json \
        env -u IMGJOB_TESTDATA VIPS_NOVECTOR=1 JSIMD_FORCENONE=1 \
        meson test -C build --no-rebuild --print-errorlogs --suite unit \
        --wrapper "$(echo $wrapper)" --timeout-multiplier 20
}

check_asan() {
    check_build gcc build-asan -Db_sanitize=address,undefined -Dexamples=false \
        -Dc_args=-fno-sanitize-recover=all || return
    export ASAN_OPTIONS=abort_on_error=0:exitcode=99:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    check_c_tests asan build-asan --timeout-multiplier 5
    check_http asan build-asan
    check_webhooks asan build-asan
    unset ASAN_OPTIONS UBSAN_OPTIONS
}

# The workers are those of the plain build: each runs one thread of ours, and libvips' own
# threads, which are not instrumented, take it a thousand times as long and prove nothing.
check_tsan() {
    check_build gcc build-tsan -Db_sanitize=thread -Dexamples=false || return
    for worker in lib/pool/imgjob-worker tests/unit/misbehaving_worker; do
        cp "build/$worker" "build-tsan/$worker" || return
    done
    export TSAN_OPTIONS='exitcode=66 second_deadlock_stack=1 ignore_noninstrumented_modules=1'
    export IJ_OWN_WORKER="$PWD/build/tests/unit/test_operations"
    check_c_tests tsan build-tsan --timeout-multiplier 10
    check_http tsan build-tsan
    check_webhooks tsan build-tsan
    unset TSAN_OPTIONS IJ_OWN_WORKER
}
