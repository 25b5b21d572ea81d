"""The README's list of operations is the one that `imgjobd --operations` writes.

    readme.py README IMGJOBD [--write]     --write puts it there
"""

import difflib
import subprocess
import sys

BEGIN = "<!-- begin: imgjobd --operations -->\n"
END = "<!-- end: imgjobd --operations -->\n"


def with_operations(readme, operations):
    """The README's text with that list between its marks; ValueError when it has none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README: the lines {BEGIN.strip()} and {END.strip()} are missing")
    return f"{before}{begin}\n{operations.strip()}\n\n{end}{after}"


def main(path, imgjobd, *flags):
    with open(path, encoding="utf-8") as file:
        readme = file.read()
    operations = subprocess.run(
        [imgjobd, "--operations"], check=True, capture_output=True, text=True
    ).stdout
    wanted = with_operations(readme, operations)
    if "--write" in flags:
        with open(path, "w", encoding="utf-8") as file:
            file.write(wanted)
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            readme.splitlines(True), wanted.splitlines(True), path, "what it should be", n=1
        )
    )
    return int(readme != wanted)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
