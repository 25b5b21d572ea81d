"""Fixtures: the engine, the generated images, and programs to compare with.

The runner comes from $ENGINE_RUNNER, the images from $IJ_FIXTURES (as made by
tests/fixtures/make.py)."""

import os
import pathlib
import shutil
import subprocess
import sys

import hypothesis
import pytest

from engine import Engine

ROOT = pathlib.Path(__file__).resolve().parents[2]

# the same cases every time, and no limit of time for one: machines differ
hypothesis.settings.register_profile("engine", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("engine")


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    program = pathlib.Path(os.environ.get(
        "ENGINE_RUNNER", ROOT / "build/tests/engine/engine-runner")).resolve()
    assert program.exists(), f"{program}: no such program; build it, or set ENGINE_RUNNER"
    one = Engine(program, tmp_path_factory.mktemp("engine"))
    yield one
    assert one.stop() == 0


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """The directory of the generated images."""
    given = os.environ.get("IJ_FIXTURES")
    if given and pathlib.Path(given, "1x1.png").exists():
        return pathlib.Path(given)
    made = tmp_path_factory.mktemp("fixtures")
    subprocess.run([sys.executable, ROOT / "tests/fixtures/make.py", made], check=True)
    return made


@pytest.fixture(scope="session")
def schema(engine):
    return engine.schema()


def program(name, package):
    path = shutil.which(name)
    if not path:
        pytest.skip(f"no {name} to compare with (Debian: {package})")
    return path


@pytest.fixture(scope="session")
def vipsthumbnail():
    return program("vipsthumbnail", "libvips-tools")


@pytest.fixture(scope="session")
def convert():
    return program("convert", "imagemagick")


@pytest.fixture(scope="session")
def vips():
    return program("vips", "libvips-tools")
