"""imgjobd --audit and --backup: exit status, what is said, and what is mended."""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess

import pytest


@pytest.fixture
def run(imgjobd, tmp_path):
    def run_one(*flags):
        return subprocess.run([imgjobd, *flags], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60, env={"PATH": os.environ["PATH"]})
    return run_one


def summary(jobs, faults, repaired=0):
    return f"{jobs} jobs, {faults} faults, {repaired} of them repaired; 0 files of no job\n"


@pytest.fixture
def ended(start, png):
    """A server with two jobs that have completed and one that waits."""
    server = start()
    for _ in range(2):
        server.ended(server.submit(png))
    server.pause()
    server.submit(png)
    return server


def test_sound_store_is_clean_while_it_is_served_and_after(ended, run):
    for _ in range(2):
        told = run("--audit")
        assert (told.returncode, told.stdout, told.stderr) == (0, summary(3, 0), "")
        assert ended.stop() == 0


def test_image_that_is_gone_is_named(ended, run, tmp_path):
    assert ended.stop() == 0
    gone = next(path for path in (tmp_path / "outputs").rglob("*")
                if path.name in {name.rsplit("/")[-1] for name in ended.files("outputs")})
    gone.unlink()
    told = run("--audit")
    assert told.returncode == 1
    lines = told.stdout.splitlines(keepends=True)
    assert len(lines) == 2 and lines[1] == summary(3, 1)
    assert re.match(r"job [0-9a-f-]{36}: ", lines[0])
    again = run("--audit", "--repair")
    assert again.returncode == 1, "what is lost cannot be mended"


def test_counter_that_is_wrong_is_found_and_mended(ended, run, tmp_path):
    assert ended.stop() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "data/jobs.db")) as database:
        database.execute("UPDATE counter SET n = n + 5 WHERE state = 4")
        database.commit()
    told = run("--audit")
    assert told.returncode == 1
    assert told.stdout.endswith(summary(3, 1))
    mended = run("--audit", "--repair")
    assert mended.returncode == 0
    assert mended.stdout.endswith(summary(3, 1, 1))
    assert run("--audit").stdout == summary(3, 0)


def test_store_in_use_is_not_repaired(ended, run):
    told = run("--audit", "--repair")
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr.startswith("imgjobd: ")


@pytest.mark.parametrize("flags", [("--audit",), ("--audit", "--repair"), ("--backup", "to.db")])
def test_store_that_is_not_there_is_not_made(run, tmp_path, flags):
    told = run(*flags, "--db-path=nowhere/jobs.db")
    assert told.returncode == 2
    assert "nowhere/jobs.db" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_wrong_setting_is_told_before_anything_is_looked_at(run):
    told = run("--audit", "--port=x")
    assert told.returncode == 2
    assert "port = 'x'" in told.stderr


def test_backup_of_a_store_that_is_served_is_a_store(ended, run, start, tmp_path):
    told = run("--backup", "copy.db")
    assert told.returncode == 0, told.stderr
    assert told.stdout == "copy.db: the jobs of ./data/jobs.db; copy ./uploads and ./outputs now\n"
    other = tmp_path / "other"
    (other / "data").mkdir(parents=True)
    shutil.move(tmp_path / "copy.db", other / "data/jobs.db")
    for folder in ("uploads", "outputs"):
        shutil.copytree(tmp_path / folder, other / folder)
    server = start(directory=other)
    jobs = {job["id"] for job in server.get("/jobs").json()["jobs"]}
    assert jobs == {job["id"] for job in ended.get("/jobs").json()["jobs"]}
    assert len(jobs) == 3
    for job in jobs:
        assert server.ended(job)["status"] == "completed"
        assert server.get(f"/jobs/{job}/download").status_code == 200


def test_backup_never_overwrites(ended, run, tmp_path):
    (tmp_path / "copy.db").write_bytes(b"mine")
    told = run("--backup", "copy.db")
    assert told.returncode == 2
    assert "copy.db" in told.stderr
    assert (tmp_path / "copy.db").read_bytes() == b"mine"
