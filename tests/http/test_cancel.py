"""Ending jobs: those that wait, those that run, those that have ended; removing them."""

import pytest

from imgjobd import until
from sse import Stream

SLEEPS = 4008  # the width at which the misbehaving worker sleeps
NOBODY = "550e8400-e29b-41d4-a716-446655440000"



def test_job_that_waits_is_cancelled_at_once(paused, png):
    job = paused.submit(png)
    answer = paused.delete(f"/jobs/{job}")
    assert answer.status_code == 200
    view = answer.json()
    assert (view["id"], view["status"], view["state"]) == (job, "cancelled", "canceled")
    assert paused.get(f"/jobs/{job}?wait=60").json() == view
    assert "Retry-After" not in answer.headers
    assert paused.get(f"/jobs/{job}/download").status_code == 400


def test_job_that_runs_is_stopped(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, worker_pool_size=1)
    job = server.submit(png, "resize", SLEEPS, 1)
    server.wait_for_line(f"processing.*{job}")
    answer = server.delete(f"/jobs/{job}")
    assert answer.status_code == 202
    assert answer.json()["status"] == "processing"
    assert answer.json()["cancel_requested"] is True
    assert int(answer.headers["Retry-After"]) >= 1
    assert server.get(f"/jobs/{job}?wait=60").json()["status"] == "cancelled"
    assert server.ended(server.submit(png))["status"] == "completed"  # its worker is free again


def test_job_that_ended_cannot_be_cancelled(server, png):
    job = server.submit(png)
    server.ended(job)
    answer = server.delete(f"/jobs/{job}")
    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"
    assert server.get(f"/jobs/{job}").json()["status"] == "completed"


def test_job_is_cancelled_once(paused, png):
    job = paused.submit(png)
    assert paused.delete(f"/jobs/{job}").status_code == 200
    assert paused.delete(f"/jobs/{job}").status_code == 409


@pytest.mark.parametrize("path", [f"/jobs/{NOBODY}", f"/jobs/{NOBODY}?purge=1", "/jobs/abc"])
def test_unknown_job_is_not_found(paused, path):
    answer = paused.delete(path)
    assert answer.status_code == 404
    assert answer.json()["error"] == "Job not found"


def test_ended_job_goes_with_its_images(server, png):
    job = server.submit(png)
    server.ended(job)
    before = server.files("outputs") | server.files("uploads")
    assert any(job in name for name in before)
    answer = server.delete(f"/jobs/{job}?purge=1")
    assert answer.status_code == 204
    assert answer.content == b"" and "Content-Length" not in answer.headers
    assert server.get(f"/jobs/{job}").status_code == 404
    assert server.get(f"/jobs/{job}/download").status_code == 404
    until(lambda: not any(job in name for name in
                          server.files("outputs") | server.files("uploads")))
    assert server.delete(f"/jobs/{job}?purge=1").status_code == 404


def test_waiting_job_is_removed_at_once(paused, png):
    job = paused.submit(png)
    assert paused.delete(f"/jobs/{job}?purge=1").status_code == 204
    assert paused.get(f"/jobs/{job}").status_code == 404


def test_running_job_is_stopped_and_removed(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, worker_pool_size=1)
    job = server.submit(png, "resize", SLEEPS, 1)
    server.wait_for_line(f"processing.*{job}")
    answer = server.delete(f"/jobs/{job}?purge=1")
    assert answer.status_code == 204, answer.text
    assert server.get(f"/jobs/{job}").status_code == 404
    assert server.ended(server.submit(png))["status"] == "completed"


def test_running_job_is_only_stopped_when_nobody_may_wait(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, worker_pool_size=1, max_waiters=1)
    job = server.submit(png, "resize", SLEEPS, 1)
    server.wait_for_line(f"processing.*{job}")
    with Stream(server, "/events") as stream:
        assert stream.status == 200
        answer = server.delete(f"/jobs/{job}?purge=1")
        assert answer.status_code == 202
        assert answer.json()["id"] == job
    until(lambda: server.get(f"/jobs/{job}").json()["status"] == "cancelled")
    assert server.delete(f"/jobs/{job}?purge=1").status_code == 204


def test_purge_0_is_a_cancel(paused, png):
    job = paused.submit(png)
    assert paused.delete(f"/jobs/{job}?purge=0").status_code == 200
    assert paused.get(f"/jobs/{job}").json()["status"] == "cancelled"


@pytest.mark.parametrize("query,words", [
    ("purge=yes", "purge: must be 0 or 1, not 'yes'"),
    ("purge=", "purge: must be 0 or 1, not ''"),
    ("prune=1", "prune: no such parameter; there is purge"),
    ("purge=%00", "query: bad percent sign")])
def test_parameter_that_is_not_understood_cancels_nothing(paused, png, query, words):
    job = paused.submit(png)
    answer = paused.delete(f"/jobs/{job}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"] == words
    assert paused.get(f"/jobs/{job}").json()["status"] == "pending"


def test_cancelled_job_survives_a_restart_and_does_not_run(start, png):
    first = start(paused=1)
    job = first.submit(png)
    assert first.delete(f"/jobs/{job}").status_code == 200
    first.kill()
    second = start()
    assert second.ended(second.submit(png))["status"] == "completed"
    assert second.get(f"/jobs/{job}").json()["status"] == "cancelled"
