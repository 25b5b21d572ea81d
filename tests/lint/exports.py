"""What the shared library exports: the functions of the headers, the export map and the
built library name the same ones, and nothing else is visible.

    exports.py ROOT [LIBRARY]
"""

import re
import subprocess

import source

FUNCTION = re.compile(r"\bIMGJOB_API\b[^;]*?\b(\w+)\s*\(")


def in_headers(root):
    names = set()
    for path in source.files(root, "include/imgjob/*.h"):
        text = re.sub(r"^[ \t]*#.*$", "", source.code_only(source.read(root, path)), flags=re.M)
        names |= {match.group(1) for match in FUNCTION.finditer(text)}
    return names


def in_map(root):
    text = source.code_only(source.read(root, "lib/imgjob.map"))
    names = set()
    for section in re.findall(r"global:(.*?)(?:local:|\})", text, re.S):
        names |= {name.strip() for name in section.split(";") if name.strip()}
    return names


def in_library(library):
    output = subprocess.run(
        ["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True
    ).stdout
    names = set()
    for line in output.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":  # the map's own version nodes
            names.add(name.split("@")[0])
    return names


def differences(left, left_name, right, right_name):
    return [f"{name} is in {left_name} but not in {right_name}" for name in sorted(left - right)] + [
        f"{name} is in {right_name} but not in {left_name}" for name in sorted(right - left)
    ]


def check(root, library=None):
    headers, listed = in_headers(root), in_map(root)
    faults = differences(headers, "the headers", listed, "lib/imgjob.map")
    faults += [f"{name} does not begin with imgjob_" for name in sorted(listed)
               if not name.startswith("imgjob_")]
    if library:
        faults += differences(headers, "the headers", in_library(library), library)
    return faults


if __name__ == "__main__":
    source.main(check)
