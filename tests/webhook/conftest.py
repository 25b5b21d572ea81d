"""Fixtures: a sender of webhooks, and a receiver in Node that verifies them with the npm
package `standardwebhooks`. Where that cannot be had the tests are skipped.

The sender comes from $WEBHOOK_SENDER, the images from $IJ_FIXTURES (as made by
tests/fixtures/make.py)."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from programs import Receiver, Sender

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
INSTALL_SECONDS = 120

SECRETS = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eDf3t3c29rZ2NfW1dTT0tHQz87NzMvKycjHxsXEww==",
]


@pytest.fixture(scope="session")
def receiver_directory(tmp_path_factory):
    for name in "node", "npm":
        if not shutil.which(name):
            pytest.skip(f"no {name}")
    directory = tmp_path_factory.mktemp("receiver")
    shutil.copy(HERE / "receiver.js", directory)
    try:
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
             "standardwebhooks@1"], cwd=directory, capture_output=True, text=True,
            timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm install standardwebhooks: not done after {INSTALL_SECONDS} s")
    if done.returncode != 0:
        pytest.skip("npm install standardwebhooks: " + done.stderr.strip()[-300:])
    return directory


@pytest.fixture(scope="session")
def receiver(receiver_directory):
    one = Receiver(shutil.which("node"), receiver_directory, SECRETS)
    yield one
    one.close()


@pytest.fixture
def other_receiver(receiver_directory):
    one = Receiver(shutil.which("node"), receiver_directory, SECRETS)
    yield one
    one.close()


@pytest.fixture
def start(tmp_path):
    """Start senders; all in the same directory."""
    program = pathlib.Path(os.environ.get(
        "WEBHOOK_SENDER", ROOT / "build/tests/webhook/webhook-sender")).resolve()
    assert program.exists(), f"{program}: no such program; build it, or set WEBHOOK_SENDER"
    senders = []

    def start_one(*secrets, **options):
        senders.append(Sender(program, tmp_path, *(secrets or SECRETS[:1]), **options))
        return senders[-1]

    yield start_one
    for sender in senders:
        sender.kill()


@pytest.fixture
def sender(start):
    one = start()
    yield one
    assert one.close() == 0, "\n".join(one.err.all)


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
def image(images):
    return images / "1x1.png"
