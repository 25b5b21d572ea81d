"""The rules of form that clang-format does not know: forbidden calls and words, how files
begin, what stands at the top of the checkout."""

import re

import source

TOP = set(
    """meson.build meson_options.txt lib server include tests examples subprojects README.md
    NEWS.md LICENSE""".split()
)
# What running it may leave there; all of it is in .gitignore.
LEFT_BY_RUNS = re.compile(r"^(build|build-.*|data|uploads|outputs|__pycache__)$")

FORBIDDEN = {
    r"\bgoto\b": "goto",
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(": "an unbounded string function",
    r"\b(atoi|atol|atoll|atof|strtod|strtof)\s*\(": "number parsing that hides errors or "
    "depends on the locale",
    r"\balloca\s*\(": "alloca",
    r"\bsigaction\s*\(|\bsignal\s*\(": "a signal handler (the library has none)",
    r"\bfork\s*\(": "fork without exec",
    r"\btypedef\s+struct\b": "typedef of a struct",
}
ONLY_IN_LIB = ("a signal handler (the library has none)",)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented", re.I)


def line_faults(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line:
            yield f"{path}:{number}: a tab"
        if line != line.rstrip():
            yield f"{path}:{number}: trailing blanks"
    if text and not text.endswith("\n"):
        yield f"{path}: no line feed at the end"
    if text.endswith("\n\n"):
        yield f"{path}: an empty line at the end"


def code_faults(path, text):
    code = source.code_only(text)
    for pattern, what in FORBIDDEN.items():
        # a worker process is a program of its own, which must settle its signals
        if what in ONLY_IN_LIB and (path.parts[0] != "lib" or path.name.startswith("worker")):
            continue
        for match in re.finditer(pattern, code):
            yield f"{path}:{source.line_of(code, match.start())}: {what}"
    for match in re.finditer(r"//[^\n]*", source.TOKEN.sub(keep_line_comments, text)):
        yield f"{path}:{source.line_of(text, match.start())}: a // comment"
    for match in UNFINISHED.finditer(text):
        yield f"{path}:{source.line_of(text, match.start())}: unfinished: {match.group(0)}"


def keep_line_comments(match):
    token = match.group(0)
    return token if token.startswith("//") else re.sub(r"[^\n]", " ", token)


def opening_faults(path, text):
    if not text.startswith("/*"):
        yield f"{path}: does not begin with what it owns"
    if path.suffix == ".h" and path.parts[0] != "include" and "\n#pragma once\n" not in text:
        yield f"{path}: no #pragma once"


def check(root):
    faults = []
    for path in source.files(root, "*/**/*.[ch]"):
        text = source.read(root, path)
        faults += opening_faults(path, text)
        if path.parts[0] in ("lib", "server", "include"):
            faults += code_faults(path, text)
    for path in source.files(root, "*/**/*.[ch]", "**/meson.build", "*/**/*.py", "*/**/*.sh",
                             "**/*.map", "meson_options.txt"):
        faults += line_faults(path, source.read(root, path))
    for path in sorted(entry.name for entry in source.pathlib.Path(root).iterdir()):
        if path not in TOP and not path.startswith(".") and not LEFT_BY_RUNS.match(path):
            faults.append(f"{path}: does not belong at the top of the checkout")
    return faults


if __name__ == "__main__":
    source.main(check)
