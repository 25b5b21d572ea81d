"""What the lints share: the files of the checkout, C text without its comments, faults."""

import pathlib
import re
import sys

SKIPPED = re.compile(r"^(build|build-.*|\.git|subprojects|__pycache__|.*_cache|\.hypothesis)$")


def files(root, *patterns):
    """Paths below root that match, without build directories, sorted."""
    found = []
    for pattern in patterns:
        for path in pathlib.Path(root).glob(pattern):
            relative = path.relative_to(root)
            if path.is_file() and not any(SKIPPED.match(part) for part in relative.parts[:-1]):
                found.append(relative)
    return sorted(set(found))


def read(root, path):
    return (pathlib.Path(root) / path).read_text(encoding="utf-8")


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """The text with comments and the insides of strings blanked, line breaks kept."""

    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] + " " * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def report(faults):
    """Print the faults and give the exit status."""
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def main(check):
    """Run check(root, *arguments) for the command line: [ROOT [ARGUMENT…]]."""
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    sys.exit(report(check(root, *sys.argv[2:])))
