"""The README's list of operations is the one that `imgjobd --operations` writes, and each
setting of `imgjobd --print-config` stands in it.

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


def settings_missing(readme, config):
    """The settings that no table of the README names; `config` has lines "name = value"."""
    names = (line.split("=")[0].strip().upper() for line in config.splitlines() if "=" in line)
    return [name for name in names if f"`{name}`" not in readme]


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(path, imgjobd, *flags):
    with open(path, encoding="utf-8") as file:
        readme = file.read()
    wanted = with_operations(readme, output_of(imgjobd, "--operations"))
    missing = settings_missing(readme, output_of(imgjobd, "--print-config"))
    if "--write" in flags:
        with open(path, "w", encoding="utf-8") as file:
            file.write(wanted)
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            readme.splitlines(True), wanted.splitlines(True), path, "what it should be", n=1
        )
    )
    for name in missing:
        print(f"{path}: the setting {name} is not in it")
    return int(readme != wanted or bool(missing))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
