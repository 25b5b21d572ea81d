"""Running a job again by hand."""

import pytest

ABORTS = 4002  # the width at which the misbehaving worker aborts


def test_cancelled_job_runs_again(paused, png):
    job = paused.submit(png)
    paused.delete(f"/jobs/{job}")
    answer = paused.post(f"/jobs/{job}/retry")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/jobs/{job}"
    assert int(answer.headers["Retry-After"]) >= 1
    view = answer.json()
    assert (view["id"], view["status"], view["attempt"]) == (job, "pending", 0)
    assert paused.get(f"/jobs/{job}").json() == view


def test_failed_job_runs_again_with_the_same_input(start, png, misbehaving_worker):
    first = start(worker_path=misbehaving_worker)
    job = first.submit(png, "resize", ABORTS, 1, max_attempts=1)
    assert first.ended(job)["status"] == "failed"
    assert first.stop() == 0
    second = start()
    assert second.post(f"/jobs/{job}/retry").status_code == 202
    view = second.ended(job)
    assert view["status"] == "completed"
    assert "error" not in view
    assert second.get(f"/jobs/{job}/download").status_code == 200


def test_job_that_waits_or_completed_does_not_run_again(paused, server, png):
    waiting = paused.submit(png)
    assert paused.post(f"/jobs/{waiting}/retry").status_code == 409
    done = server.submit(png)
    server.ended(done)
    answer = server.post(f"/jobs/{done}/retry")
    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"
    assert server.get(f"/jobs/{done}/download").status_code == 200


@pytest.mark.parametrize("job", ["550e8400-e29b-41d4-a716-446655440000", "abc"])
def test_unknown_job_is_not_found(paused, job):
    answer = paused.post(f"/jobs/{job}/retry")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Job not found"


def test_full_queue_takes_no_job_again(start, png):
    server = start(paused=1, max_queued_jobs=1)
    job = server.submit(png)
    server.delete(f"/jobs/{job}")
    server.submit(png)
    answer = server.post(f"/jobs/{job}/retry")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert server.get(f"/jobs/{job}").json()["status"] == "cancelled"
