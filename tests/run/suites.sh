# Read by run.sh: running one check or one suite, telling its outcome, keeping the sums.

# The name first, so that a reader sees what is under way.
begin() {
    log=$logs/$(printf '%s' "$1" | tr -c 'a-zA-Z0-9\n' '-').log
    began=$(date +%s)
    printf '%-34s ' "$1"
}

# end PASSED FAILED SKIPPED
end() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    outcome=ok
    [ "$2" -eq 0 ] || outcome=FAILED
    [ "$1" -gt 1 ] || [ "$2" -gt 1 ] || [ "$3" -gt 0 ] &&
        outcome="$outcome: $1 passed, $2 failed, $3 skipped"
    printf '%s (%d s)\n' "$outcome" $(($(date +%s) - began))
    if [ "$2" -gt 0 ]; then
        echo "--- the end of $log"
        tail -n 60 "$log" | sed 's/^/    /'
        echo '---'
        return 1
    fi
}

# one NAME COMMAND…: counts as one test
one() {
    begin "$1"
    shift
    if "$@" >"$log" 2>&1 </dev/null; then
        end 1 0 0
    else
        end 0 1 0
    fi
}

# suite NAME KIND RESULTS COMMAND…: counts the tests in the file of results that the command
# leaves; KIND is how to read it, see tests/run/count.py
suite() {
    begin "$1"
    kind=$2 results=$3
    shift 3
    rm -f "$results"
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    counts=$($python tests/run/count.py "$kind" "$results" 2>>"$log") || counts='0 1 0'
    set -- $counts
    why=$(grep '^skipped: ' "$log" | sort -u)
    # what dies outside a test has failed as well
    [ "$status" -eq 0 ] || [ "$2" -gt 0 ] || set -- "$1" 1 "$3"
    end "$@"
    [ -z "$why" ] || echo "$why" | sed 's/^/    /'
}

# skip NAME REASON
skip() {
    printf '%-34s skipped: %s\n' "$1" "$2"
    skipped=$((skipped + 1))
}
