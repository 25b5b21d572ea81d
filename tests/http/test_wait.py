"""Waiting for a job without polling."""

import socket
import threading
import time

import pytest

from imgjobd import until
from sse import Stream


def test_wait_answers_when_the_job_ends(server, png):
    view = server.get(f"/jobs/{server.submit(png)}?wait=60").json()
    assert view["status"] == "completed"


def test_wait_answers_with_the_live_job_when_the_time_is_over(paused, png):
    job = paused.submit(png)
    began = time.monotonic()
    answer = paused.get(f"/jobs/{job}?wait=1")
    assert time.monotonic() - began >= 0.9
    assert answer.status_code == 200
    assert answer.json()["status"] == "pending"


@pytest.mark.parametrize("wait", ["61", "-1", "soon", "", "1.5"])
def test_wait_that_is_no_number_of_seconds_is_refused(paused, png, wait):
    answer = paused.get(f"/jobs/{paused.submit(png)}?wait={wait}")
    assert answer.status_code == 400
    assert answer.json()["error"] == "wait: must be a whole number of seconds, 0 to 60"


def test_waiting_for_an_unknown_job_takes_no_place(start):
    server = start(paused=1, max_waiters=1)
    with Stream(server, "/events") as stream:
        assert stream.status == 200
        answer = server.get("/jobs/550e8400-e29b-41d4-a716-446655440000?wait=60")
        assert answer.status_code == 404


def test_waiters_leave_threads_for_others(start, png):
    server = start(paused=1, max_waiters=1)
    job = server.submit(png)
    views = []

    def wait():
        """One of the two below takes the only place first; this one does not give up."""
        until(lambda: views.append(server.get(f"/jobs/{job}?wait=60")) or
              views[-1].status_code != 503)

    waiter = threading.Thread(target=wait)
    waiter.start()
    until(lambda: server.get(f"/jobs/{job}?wait=1").status_code == 503)  # the waiter has its place
    answer = server.get(f"/jobs/{job}?wait=1")
    assert answer.json()["error"] == "1 requests wait already: ask again"
    assert int(answer.headers["Retry-After"]) >= 1
    assert server.get(f"/jobs/{job}").status_code == 200
    answer = server.post(data=png, headers={"Content-Type": "image/png", "Prefer": "wait=30"},
                         params={"operation": "resize", "width": 2, "height": 2})
    assert answer.status_code == 202  # a preference that cannot be met is none
    assert server.stop() == 0  # and lets the waiter go, who would stay longer than our patience
    waiter.join()
    assert views[-1].status_code == 200 and views[-1].json()["status"] == "pending"


def test_waiter_that_left_gives_its_place_up(start, png):
    server = start(paused=1, max_waiters=1)
    job = server.submit(png)
    with socket.create_connection(server.address, 30) as connection:
        connection.sendall(f"GET /jobs/{job}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    # in less time than it wanted to wait
    until(lambda: server.get(f"/jobs/{job}?wait=1").status_code == 200)
    until(lambda: server.get(f"/jobs/{job}?wait=1").status_code == 200)
