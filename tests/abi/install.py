"""An installation as a stranger uses it: `meson install` to a prefix, a consumer built with
nothing but pkg-config, the examples' Makefile, the installed server with a real job; then the whole prefix is moved
and everything is done again.

    install.py BUILD_DIRECTORY     (made and configured if need be)
"""

import base64
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSUMER = ROOT / "tests/abi/consumer.c"
# 1 × 1 px, red
GIF = b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def run(*command, **options):
    print("$", shlex.join(str(word) for word in command), flush=True)
    return subprocess.run([str(word) for word in command], check=True, **options)


def run_quietly(*command):
    """Its output matters only when it fails."""
    try:
        run(*command, stdout=subprocess.PIPE, text=True)
    except subprocess.CalledProcessError as failure:
        print(failure.stdout)
        raise


def output_of(*command, **options):
    return run(*command, stdout=subprocess.PIPE, text=True, **options).stdout.strip()


def install(build, prefix):
    setup = ["meson", "setup", build, ROOT, f"--prefix={prefix}", "--buildtype=release",
             "-Dwerror=true", "-Dtests=disabled", "-Dexamples=false",
             "-Dpkgconfig.relocatable=true"]
    if (build / "build.ninja").exists():
        setup.append("--reconfigure")
    run_quietly(*setup)
    run_quietly("meson", "install", "-C", build)


def library_of(prefix):
    """The one libimgjob.so below the prefix."""
    found = list(prefix.rglob("libimgjob.so"))
    assert len(found) == 1, f"libimgjob.so stands at {found}"
    return found[0]


def environment(prefix):
    """What tells the tools where the prefix is: nothing else knows."""
    library = library_of(prefix)
    return {**os.environ, "PKG_CONFIG_PATH": str(library.parent / "pkgconfig"),
            "LD_LIBRARY_PATH": str(library.parent)}


def try_library(prefix, scratch):
    env = environment(prefix)
    flags = shlex.split(output_of("pkg-config", "--cflags", "--libs", "libimgjob", env=env))
    assert all(str(prefix) in flag for flag in flags if flag[:2] in ("-I", "-L")), flags
    program = scratch / "consumer"
    run("cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", program, CONSUMER,
        *flags, env=env)
    store = scratch / "store"
    store.mkdir()
    run(program, store, env=env)


def try_examples(prefix, scratch):
    """The Makefile beside the examples builds them away from this checkout."""
    env = environment(prefix)
    examples = scratch / "examples"
    shutil.copytree(ROOT / "examples", examples)
    run("make", "-C", examples, "all", env=env)
    (scratch / "red.gif").write_bytes(GIF)
    run(examples / "thumbnail", scratch / "red.gif", scratch / "out.png", env=env)
    assert (scratch / "out.png").read_bytes()[:4] == b"\x89PNG"


def fetch(url, body=None):
    """The answer's bytes; any status but 2xx raises."""
    headers = {"Content-Type": "application/json"} if body else {}
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def try_job(url):
    spec = {"image_data": base64.b64encode(GIF).decode(), "operation": "resize", "width": 8,
            "height": 4, "output_format": "png"}
    job = json.loads(fetch(f"{url}/jobs", json.dumps(spec).encode()))["job_id"]
    view = json.loads(fetch(f"{url}/jobs/{job}?wait=30"))
    assert view["status"] == "completed", view
    image = fetch(f"{url}/jobs/{job}/download")
    assert image.startswith(b"\x89PNG") and image[16:24] == b"\0\0\0\x08\0\0\0\x04", image[:32]


def try_server(prefix, scratch):
    """The server finds library and worker by itself: no LD_LIBRARY_PATH here."""
    program = prefix / "bin/imgjobd"
    version = output_of(program, "--version")
    assert re.search(r"\d+\.\d+\.\d+", version), version
    print(version)
    server = subprocess.Popen([program, "--port", "0"], cwd=scratch, stderr=subprocess.PIPE,
                              text=True)
    try:
        for line in server.stderr:
            match = re.search(r"http://127\.0\.0\.1:\d+", line)
            if match:
                break
        else:
            raise AssertionError("imgjobd ended without saying where it listens")
        try_job(match.group(0))
        server.send_signal(signal.SIGTERM)
        server.stderr.read()
        assert server.wait(timeout=60) == 0, f"imgjobd ended with {server.returncode}"
        print("imgjobd: ran a job and ended")
    finally:
        server.kill()
        server.wait()


def check_library(prefix):
    library = library_of(prefix)
    run(sys.executable, ROOT / "tests/lint/exports.py", ROOT, library)
    dynamic = output_of("readelf", "-d", library)
    assert "[libimgjob.so.0]" in dynamic, "the soname is not libimgjob.so.0"
    assert "RUNPATH" not in dynamic and "RPATH" not in dynamic, "a run path was left in"


def try_all(prefix):
    check_library(prefix)
    with tempfile.TemporaryDirectory(prefix="imgjob-install-") as scratch:
        try_library(prefix, pathlib.Path(scratch))
        try_examples(prefix, pathlib.Path(scratch))
        if (prefix / "bin/imgjobd").exists():
            try_server(prefix, pathlib.Path(scratch))
        else:
            print("imgjobd was not built: civetweb is missing")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    first, second = build / "prefix", build / "moved prefix"
    for prefix in (first, second):
        shutil.rmtree(prefix, ignore_errors=True)
    install(build, first)
    try_all(first)
    first.rename(second)
    try_all(second)


if __name__ == "__main__":
    main()
