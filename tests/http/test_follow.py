"""One job as it changes: tags, long polls, and its own stream of events."""

import threading

import pytest

from imgjobd import until
from sse import Stream

SLEEPS = 4008  # the width at which the misbehaving worker sleeps
NOBODY = "550e8400-e29b-41d4-a716-446655440000"


# ---- tags

def test_job_that_the_client_has_seen_is_not_sent_again(paused, png):
    job = paused.submit(png)
    first = paused.get(f"/jobs/{job}")
    etag = first.headers["ETag"]
    assert etag.startswith('"') and etag.endswith('"') and len(etag) > 2
    assert int(first.headers["Retry-After"]) >= 1
    for seen in (etag, f"W/{etag}", "*", f'"x", {etag}'):
        again = paused.get(f"/jobs/{job}", headers={"If-None-Match": seen})
        assert again.status_code == 304, seen
        assert again.content == b""
        assert again.headers["ETag"] == etag
        assert int(again.headers["Retry-After"]) >= 1
    assert paused.get(f"/jobs/{job}", headers={"If-None-Match": '"x"'}).status_code == 200


def test_tag_changes_with_the_job(paused, png):
    job = paused.submit(png)
    etag = paused.get(f"/jobs/{job}").headers["ETag"]
    paused.delete(f"/jobs/{job}")
    answer = paused.get(f"/jobs/{job}", headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert answer.headers["ETag"] != etag
    assert answer.json()["status"] == "cancelled"
    assert "Retry-After" not in answer.headers


def test_head_of_a_job_is_that_of_get(paused, png):
    job = paused.submit(png)
    answer = paused.raw(f"HEAD /jobs/{job} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, body = answer.split(b"\r\n\r\n")
    assert body == b""
    assert f"ETag: {paused.get(f'/jobs/{job}').headers['ETag']}".encode() in head
    assert b"Content-Type: application/json" in head


# ---- long polls

def poll(server, job, etag, answers):
    answers.append(server.get(f"/jobs/{job}?wait=60", headers={"If-None-Match": etag}))


def test_long_poll_with_a_tag_answers_at_the_next_change(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, worker_pool_size=1, paused=1)
    job = server.submit(png, "resize", SLEEPS, 1)
    etag = server.get(f"/jobs/{job}").headers["ETag"]
    answers = []
    poller = threading.Thread(target=poll, args=(server, job, etag, answers))
    poller.start()
    server.delete(f"/jobs/{job}")
    poller.join()
    assert answers[0].status_code == 200
    assert answers[0].json()["status"] == "cancelled"


def test_long_poll_with_a_tag_does_not_wait_for_the_end(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, worker_pool_size=1)
    job = server.submit(png, "resize", SLEEPS, 1)
    server.wait_for_line(f"processing.*{job}")
    view = server.get(f"/jobs/{job}?wait=60", headers={"If-None-Match": '"1.0"'}).json()
    assert view["status"] == "processing"


def test_long_poll_with_the_present_tag_is_304_when_the_time_is_over(paused, png):
    job = paused.submit(png)
    etag = paused.get(f"/jobs/{job}").headers["ETag"]
    answer = paused.get(f"/jobs/{job}?wait=1", headers={"If-None-Match": etag})
    assert answer.status_code == 304


def test_long_poll_for_a_job_that_was_removed_is_not_found(paused, png):
    job = paused.submit(png)
    etag = paused.get(f"/jobs/{job}").headers["ETag"]
    answers = []
    poller = threading.Thread(target=poll, args=(paused, job, etag, answers))
    poller.start()
    paused.delete(f"/jobs/{job}?purge=1")
    poller.join()
    # it may have seen the cancelled job on the way
    assert answers[0].status_code == 404 or answers[0].json()["status"] == "cancelled"


def test_ended_job_is_not_waited_for(server, png):
    job = server.submit(png)
    server.ended(job)
    etag = server.get(f"/jobs/{job}").headers["ETag"]
    answer = server.get(f"/jobs/{job}?wait=60", headers={"If-None-Match": etag})
    assert answer.status_code == 304


# ---- the job's events

def test_stream_of_a_job_ends_with_it(server, png):
    job = server.submit(png)
    with Stream(server, f"/jobs/{job}/events") as stream:
        assert stream.status == 200
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert stream.headers["Cache-Control"] == "no-store"
        assert "Content-Length" not in stream.headers
        assert stream.block() == {"retry": "2000"}
        events = list(stream)
    assert {name for name, _ in events} == {"job"}
    assert [view["id"] for _, view in events] == [job] * len(events)
    statuses = [view["status"] for _, view in events]
    assert statuses[-1] == "completed"
    assert statuses == sorted(statuses, key=["pending", "processing", "completed"].index)
    assert events[-1][1] == server.get(f"/jobs/{job}").json()


def test_every_event_is_another(start, images):
    server = start(paused=1)
    job = server.submit((images / "photo-2725x2225.jpg").read_bytes(), "resize", 2000, 2000)
    with Stream(server, f"/jobs/{job}/events") as stream:
        assert next(iter(stream))[1]["status"] == "pending"
        first = stream.last_id
        server.delete(f"/jobs/{job}")
        views = [view for _, view in stream]
        assert stream.last_id != first
    assert [view["status"] for view in views] == ["cancelled"]


def test_id_of_an_event_is_the_tag_of_the_job(paused, png):
    job = paused.submit(png)
    with Stream(paused, f"/jobs/{job}/events") as stream:
        next(iter(stream))
        assert f'"{stream.last_id}"' == paused.get(f"/jobs/{job}").headers["ETag"]


def test_client_that_comes_back_is_told_only_what_is_new(paused, png):
    job = paused.submit(png)
    with Stream(paused, f"/jobs/{job}/events") as stream:
        next(iter(stream))
        seen = stream.last_id
    paused.delete(f"/jobs/{job}")
    for path, last_id in ((f"/jobs/{job}/events", seen),
                          (f"/jobs/{job}/events?last_event_id={seen}", None)):
        with Stream(paused, path, last_id=last_id) as stream:
            views = [view for _, view in stream]
            assert [view["status"] for view in views] == ["cancelled"]
            ended = stream.last_id
    # and is told to stay away once it knows the end
    with Stream(paused, f"/jobs/{job}/events", last_id=ended) as stream:
        assert stream.status == 204


def test_stream_of_an_unknown_job_is_not_found(paused):
    for path in (f"/jobs/{NOBODY}/events", "/jobs/abc/events"):
        answer = paused.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"] == "Job not found"


def test_stream_of_a_job_that_is_removed_ends(paused, png):
    job = paused.submit(png)
    with Stream(paused, f"/jobs/{job}/events") as stream:
        next(iter(stream))
        paused.delete(f"/jobs/{job}?purge=1")
        assert [view["status"] for _, view in stream] in ([], ["cancelled"])


@pytest.mark.parametrize("last_id", ["a b", "x" * 81, "é", "a\"b", "../.."])
def test_id_that_no_event_has_is_refused(paused, png, last_id):
    job = paused.submit(png)
    for path in (f"/jobs/{job}/events", "/events"):
        answer = paused.get(path, params={"last_event_id": last_id})
        assert answer.status_code == 400, path
        assert answer.json()["error"].startswith("Last-Event-ID: '")


def test_head_of_a_stream_takes_no_place(start, png):
    server = start(paused=1, max_waiters=1)
    job = server.submit(png)
    for path in ("/events", f"/jobs/{job}/events"):
        for _ in range(3):
            answer = server.raw(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\n")
    until(lambda: server.get(f"/jobs/{job}?wait=1").status_code == 200)
