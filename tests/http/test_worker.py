"""Jobs that hurt their worker, and images that hurt: one job fails, the others run."""

import os
import pathlib
import sqlite3
import time

import pytest

LOOPS, ABORTS = 4001, 4002  # widths at which the misbehaving worker does that


def test_job_that_never_ends_is_killed_at_its_deadline(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, worker_pool_size=1)
    loops = server.submit(png, "resize", LOOPS, 1, timeout_ms=300)
    after = server.submit(png)
    view = server.ended(loops)
    assert view["status"] == "failed"
    assert view["reason"] == "timeout"
    assert "300" in view["error"]
    assert server.ended(after)["status"] == "completed"


def test_job_that_kills_its_worker_three_times_is_poison(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker)
    aborts = server.submit(png, "resize", ABORTS, 1)
    after = [server.submit(png) for _ in range(4)]
    view = server.ended(aborts)
    assert view["status"] == "failed"
    assert view["reason"] == "poison"
    assert [server.ended(job)["status"] for job in after] == ["completed"] * 4
    assert server.get("/health/ready").status_code == 200
    assert server.stop() == 0
    assert sum("processing" in line and aborts in line for line in server.lines) == 3


def test_finished_work_waits_for_a_locked_database(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, job_timeout_ms=1000, worker_pool_size=1)
    loops = server.submit(png, "resize", LOOPS, 1)
    server.wait_for_line(f"processing.*{loops}")
    database = sqlite3.connect(server.directory / "data/jobs.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    time.sleep(7)  # the fault lasts longer than the server's patience with one commit
    database.execute("ROLLBACK")
    database.close()
    view = server.ended(loops)
    assert (view["status"], view["reason"], view["attempt"]) == ("failed", "timeout", 1)
    assert not any("took back" in line or "lease lost" in line for line in server.lines)


def all_images(directory):
    return sorted(path for path in pathlib.Path(directory).iterdir() if path.is_file())


def told_apart(name):
    """Whether a generated image of this name is one that must fail. (A GIF's screen may be
    of any size: libvips goes by its frames.)"""
    return name != "giant-header.gif" and name.startswith(("truncated", "corrupt", "bomb", "giant", "wide", "magic", "empty"))


@pytest.fixture(scope="module")
def outcome(server):
    def of(path):
        answer = server.post(data=path.read_bytes(),
                             headers={"Content-Type": "application/octet-stream"},
                             params={"operation": "thumbnail", "width": 100, "height": 100})
        if answer.status_code != 202:
            return answer.status_code, answer.json()
        view = server.ended(answer.json()["job_id"])
        return view["status"], view

    return of


def test_generated_images_complete_or_fail_as_their_names_say(images, outcome):
    for path in all_images(images):
        result, view = outcome(path)
        if path.suffix in (".svg", ".pdf"):
            assert result == 415, (path.name, view)
        elif told_apart(path.name):
            assert result in ("failed", 400, 415) and view["error"], (path.name, view)
        elif path.suffix in (".png", ".jpg", ".webp", ".gif"):
            assert result == "completed", (path.name, view)
        else:
            assert result in ("completed", "failed", 415), (path.name, view)


def test_other_images_never_hurt_the_server(server, outcome):
    directory = os.environ.get("IMGJOB_TESTDATA")
    if not directory:
        pytest.skip("IMGJOB_TESTDATA names no directory")
    for path in all_images(directory):
        result, view = outcome(path)
        assert result in ("completed", "failed", 400, 413, 415), (path.name, view)
        assert result == "completed" or view["error"], path.name
    assert server.get("/health/ready").status_code == 200


def test_thumbnail_of_a_thin_image_keeps_one_pixel(server, images):
    view = server.ended(server.submit((images / "4000x1.png").read_bytes(), width=100, height=100))
    assert (view["outputs"][0]["width"], view["outputs"][0]["height"]) == (100, 1)


def test_bomb_fails_by_name_of_its_limit(server, images):
    view = server.ended(server.submit((images / "bomb-16384x16384.png").read_bytes()))
    assert view["status"] == "failed"
    assert view["reason"] == "too_large"
    assert view["failure"]["limit"] and view["failure"]["setting"] in view["error"]
