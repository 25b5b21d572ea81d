"""Print how many tests passed, failed and were skipped, by a file of results; and, on standard
error, a line "skipped: …" for each that says why it was.

    count.py meson build/meson-logs/testlog.json    (cmocka's own counts where it has them)
    count.py junit RESULTS.xml
"""

import json
import re
import sys
import xml.etree.ElementTree

CMOCKA = {
    "passed": re.compile(r"^\[  PASSED  \] (?:\S+: )?(\d+) test\(s\)", re.M),
    "failed": re.compile(r"^\[  FAILED  \] (?:\S+: )?(\d+) test\(s\)", re.M),
    "skipped": re.compile(r"^\[  SKIPPED \] (?:\S+: )?(\d+) test\(s\)", re.M),
}


def count_program(test):
    """One program, which holds many tests if it is one of cmocka's."""
    text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    passed, failed, skipped = (
        sum(int(number) for number in pattern.findall(text)) for pattern in CMOCKA.values()
    )
    for line in re.findall(r"^skipped: .*", text, re.M):
        print(line, file=sys.stderr)
    if test["result"] == "SKIP":
        return 0, 0, 1
    if test["result"] in ("OK", "EXPECTEDFAIL"):
        return max(passed, 0 if skipped else 1), 0, skipped
    return passed, max(failed, 1), skipped  # a crash or a sanitizer's report counts as one


def count_meson(path):
    with open(path, encoding="utf-8") as lines:
        return [sum(column) for column in zip(*(count_program(json.loads(line)) for line in lines))]


def count_junit(path):
    suites = xml.etree.ElementTree.parse(path).getroot().iter("testsuite")
    total = failed = skipped = 0
    for suite in suites:
        total += int(suite.get("tests"))
        failed += int(suite.get("failures")) + int(suite.get("errors"))
        skipped += int(suite.get("skipped", 0))
        for case in suite.iter("testcase"):
            for reason in case.iter("skipped"):
                print(f"skipped: {case.get('name')}: {reason.get('message')}", file=sys.stderr)
    return total - failed - skipped, failed, skipped


if __name__ == "__main__":
    counts = {"meson": count_meson, "junit": count_junit}[sys.argv[1]](sys.argv[2])
    if sum(counts) == 0:
        sys.exit(f"{sys.argv[2]}: no test was run")
    print(*counts)
