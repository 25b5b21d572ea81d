"""Functions, files and parameter lists longer than the aim of the house style. A report:
it names them and never fails."""

import re

import source

LINES_OF_A_FUNCTION = 60
PARAMETERS = 5
LINES_OF_A_FILE = 500
FOLDERS = "lib", "server", "tests", "examples"

# clang-format puts the braces of functions, and of nothing else, at the left margin
FUNCTION = re.compile(r"^(?P<head>\w[^;{}#]*?\b(?P<name>\w+)\((?P<parameters>[^;{}]*)\))\n\{$"
                      r"(?P<body>.*?)^\}$", re.M | re.S)


def parameter_count(text):
    depth = 0
    count = 1 if text.strip() not in ("", "void") else 0
    for c in text:
        depth += {"(": 1, ")": -1}.get(c, 0)
        count += c == "," and depth == 0
    return count


def check(root):
    notes = []
    for path in source.files(root, *(f"{folder}/**/*.[ch]" for folder in FOLDERS)):
        code = source.code_only(source.read(root, path))
        lines = code.count("\n")
        if lines > LINES_OF_A_FILE:
            notes.append(f"{path}: {lines} lines")
        for match in FUNCTION.finditer(code):
            length = match.group(0).count("\n") + 1
            parameters = parameter_count(match.group("parameters"))
            place = f"{path}:{source.line_of(code, match.start())}: {match.group('name')}"
            if length > LINES_OF_A_FUNCTION:
                notes.append(f"{place}: {length} lines")
            if parameters > PARAMETERS:
                notes.append(f"{place}: {parameters} parameters")
    return notes


if __name__ == "__main__":
    import sys

    source.report(check(sys.argv[1] if len(sys.argv) > 1 else "."))
