"""Fixtures: where the server is, images, and servers that are ended whatever happens.

The program comes from --imgjobd or $IMGJOBD, the images from $IJ_FIXTURES (as made by
tests/fixtures/make.py), more of them from $IMGJOB_TESTDATA where that is set.
"""

import os
import pathlib
import subprocess
import sys

import pytest

from imgjobd import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--imgjobd", default=os.environ.get("IMGJOBD", ROOT / "build/server/imgjobd"),
                     help="the server under test")


@pytest.fixture(scope="session")
def imgjobd(request):
    path = pathlib.Path(request.config.getoption("--imgjobd")).resolve()
    assert path.exists(), f"{path}: no such program; build it, or name it with --imgjobd"
    return str(path)


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
def png(images):
    """The smallest image."""
    return (images / "1x1.png").read_bytes()


@pytest.fixture
def start(imgjobd, tmp_path):
    """Start servers; all in the same directory unless told otherwise."""
    servers = []

    def start_one(directory=tmp_path, **settings):
        servers.append(Server(imgjobd, directory, **settings))
        return servers[-1]

    yield start_one
    for server in servers:
        server.kill()


@pytest.fixture(scope="module")
def server(imgjobd, tmp_path_factory):
    """One server for all tests of a module that leave it as it was."""
    one = Server(imgjobd, tmp_path_factory.mktemp("server"))
    yield one
    assert one.stop() == 0, "\n".join(one.lines)


@pytest.fixture(scope="module")
def paused(imgjobd, tmp_path_factory):
    """One server that takes jobs and runs none."""
    one = Server(imgjobd, tmp_path_factory.mktemp("paused"), paused=1)
    yield one
    assert one.stop() == 0, "\n".join(one.lines)


@pytest.fixture(scope="session")
def misbehaving_worker():
    """A worker that loops at width 4001, aborts at 4002 and sleeps at 4008."""
    path = os.environ.get("IJ_MISBEHAVING_WORKER")
    if not path or not pathlib.Path(path).exists():
        pytest.skip("IJ_MISBEHAVING_WORKER names no program")
    return path
