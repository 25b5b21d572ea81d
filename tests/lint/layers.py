"""The layers of the code, read off its include lines: arrows point down only, a
dependency has one door, and what the public headers include is public or standard C."""

import fnmatch
import pathlib
import re

import source

ROOMS = {
    "base": {"base"},
    "spec": {"spec", "base"},
    "jobs": {"jobs", "base"},
    "blobs": {"blobs", "base"},
    "image": {"image", "spec", "base"},
    "pool": {"pool", "image", "spec", "jobs", "blobs", "base"},
    "": {"", "pool", "image", "spec", "jobs", "blobs", "base"},  # lib/*.c
}

# The only files that may include a dependency's header; of the tests, those that look at
# what was stored or drawn with the dependency's own eyes.
DOORS = {
    "sqlite3.h": ["lib/jobs/sqlite*.[ch]", "tests/contract/*",
                  "tests/unit/test_operate.c"],
    "vips/*": ["lib/image/*", "tests/bench/*", "tests/unit/*image*", "tests/unit/test_operations.c",
               "examples/custom_operation.c"],
    "glib*": ["lib/image/*"],
    "json-c/*": ["lib/base/json.c"],
    "openssl/*": ["lib/base/digest.c"],
    "curl/*": ["lib/base/http_client.c"],
    "civetweb.h": ["server/http.c"],
    "cmocka.h": ["tests/*"],
    "emmintrin.h": ["lib/image/reduce.c"],  # SSE2, where there is no libvips that has it
}

STANDARD_C = set(
    """assert.h complex.h ctype.h errno.h fenv.h float.h inttypes.h limits.h locale.h math.h
    setjmp.h signal.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
    string.h tgmath.h time.h wchar.h""".split()
)
SYSTEM = STANDARD_C | set(
    """dirent.h dlfcn.h endian.h fcntl.h fnmatch.h getopt.h libgen.h link.h malloc.h netdb.h
    poll.h pthread.h pwd.h sched.h semaphore.h spawn.h strings.h syslog.h termios.h
    unistd.h""".split()
)
SYSTEM_FOLDERS = {"sys", "linux", "netinet", "arpa", "net"}
PUBLIC_HEADERS_MAY = {"stdbool.h", "stddef.h", "stdint.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def is_system(name):
    return name in SYSTEM or name.split("/")[0] in SYSTEM_FOLDERS


def door_fault(path, name):
    """Why this file may not include <name>, or None."""
    for dependency, allowed in DOORS.items():
        if fnmatch.fnmatch(name, dependency):
            if any(fnmatch.fnmatch(str(path), door) for door in allowed):
                return None
            return f"<{name}> has one door: {' '.join(allowed)}"
    return f"<{name}> is no system header, and no door is named for it in tests/lint/layers.py"


def public_fault(path, form, name):
    if form == "<" and (name.startswith("imgjob/") or name in PUBLIC_HEADERS_MAY):
        return None
    return f"a public header includes {name}"


def lib_fault(path, form, name):
    if form == "<":
        return None if name.startswith("imgjob/") or is_system(name) else door_fault(path, name)
    room = path.parts[1] if len(path.parts) > 2 else ""
    target = name.split("/")[0] if "/" in name else ""
    if target not in ROOMS:
        return f'"{name}" is in no room'
    if target not in ROOMS[room]:
        return f'room {room or "lib"} includes "{name}": that arrow points up'
    return None


def server_fault(path, form, name):
    if form == "<":
        return None if name.startswith("imgjob/") or is_system(name) else door_fault(path, name)
    if "/" in name and name.split("/")[0] not in ("base", "server"):
        return f'the server includes "{name}": it sees <imgjob/*.h> and base/*.h only'
    return None


def example_fault(path, form, name):
    if form == "<":
        return None if name.startswith("imgjob/") or is_system(name) else door_fault(path, name)
    return f"an example includes {name}: it sees <imgjob/*.h> only"


def test_fault(path, form, name):
    if form == "<" and not name.startswith("imgjob/") and not is_system(name):
        return door_fault(path, name)
    return None


RULES = {
    "include": public_fault,
    "lib": lib_fault,
    "server": server_fault,
    "examples": example_fault,
    "tests": test_fault,
}


def own_header_fault(root, path, includes):
    """A source file that has a header of its own includes that one first."""
    header = path.with_suffix(".h")
    if path.suffix != ".c" or not (pathlib.Path(root) / header).exists() or not includes:
        return None
    if path.parts[0] in ("lib", "server") and not includes[0].endswith(header.name):
        return f"{path}: its own header {header.name} does not come first"
    return None


def check(root):
    faults = []
    for path in source.files(root, *(f"{top}/**/*.[ch]" for top in RULES)):
        text = source.read(root, path)
        includes = [match.groups() for match in INCLUDE.finditer(text)]
        for form, name in includes:
            fault = RULES[path.parts[0]](path, form, name)
            if fault:
                faults.append(f"{path}: {fault}")
        fault = own_header_fault(root, path, [name for _, name in includes])
        if fault:
            faults.append(fault)
    return faults


if __name__ == "__main__":
    source.main(check)
