"""All jobs as they change: the feed, its resumption, its limits, and many readers at once."""

import itertools
import socket
import threading

import pytest

from imgjobd import until
from sse import Stream

WAITERS = 100  # of each kind


def take(stream, count):
    return list(itertools.islice(stream, count))


def test_feed_tells_every_job_from_now_on(start, png):
    server = start(paused=1)
    before = server.submit(png)
    with Stream(server, "/events") as stream:
        assert stream.status == 200
        assert stream.headers["Content-Type"] == "text/event-stream"
        begin = stream.block()
        assert begin["retry"] == "2000" and begin["id"]
        jobs = [server.submit(png) for _ in range(3)]
        events = take(stream, 3)
        assert [(name, view["id"], view["status"]) for name, view in events] == [
            ("job", job, "pending") for job in jobs]
        server.delete(f"/jobs/{before}")
        (_, view), = take(stream, 1)
        assert (view["id"], view["status"]) == (before, "cancelled")
        assert view == server.get(f"/jobs/{before}").json()


def test_client_that_comes_back_has_missed_nothing(start, png):
    server = start(paused=1)
    with Stream(server, "/events") as stream:
        stream.block()
        first = server.submit(png)
        take(stream, 1)
        seen = stream.last_id
    missed = [server.submit(png) for _ in range(5)]
    server.delete(f"/jobs/{first}")
    for path, last_id in (("/events", seen), (f"/events?last_event_id={seen}", None)):
        with Stream(server, path, last_id=last_id) as stream:
            ids = [view["id"] for _, view in take(stream, 6)]
        assert ids == [*missed, first]


def test_place_in_the_feed_survives_a_restart(start, png):
    first = start(paused=1)
    with Stream(first, "/events") as stream:
        begin = stream.block()["id"]
    jobs = [first.submit(png) for _ in range(2)]
    first.kill()
    second = start(paused=1)
    with Stream(second, "/events", last_id=begin) as stream:
        assert [view["id"] for _, view in take(stream, 2)] == jobs


def test_place_of_another_store_begins_anew_and_says_so(start, tmp_path, png):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, other = start(tmp_path / "a", paused=1), start(tmp_path / "b", paused=1)
    one.submit(png)
    other.submit(png)
    with Stream(one, "/events") as stream:
        foreign = stream.block()["id"]
    with Stream(other, "/events", last_id=foreign) as stream:
        assert take(stream, 1) == [("reset", {})]
        assert stream.last_id != foreign
        job = other.submit(png)
        assert take(stream, 1)[0][1]["id"] == job
        seen = stream.last_id
    with Stream(other, "/events", last_id=seen) as stream:  # it is at home now
        job = other.submit(png)
        name, view = take(stream, 1)[0]
        assert (name, view["id"]) == ("job", job)


def test_feed_of_some_jobs(start, png):
    server = start(paused=1)
    with Stream(server, "/events?queue=slow") as queue, \
            Stream(server, "/events?tag=red") as tag, \
            Stream(server, "/events?queue=slow&tag=red") as both:
        for stream in (queue, tag, both):
            stream.block()
        a = server.submit(png, queue="slow")
        b = server.submit(png, tags="blue,red")
        server.submit(png, tags="reddish")
        c = server.submit(png, queue="slow", tags="red")
        assert [view["id"] for _, view in take(queue, 2)] == [a, c]
        assert [view["id"] for _, view in take(tag, 2)] == [b, c]
        assert [view["id"] for _, view in take(both, 1)] == [c]


@pytest.mark.parametrize("query,words", [
    ("status=pending", "status: no such parameter"),
    ("queue=", "queue: must be 1..64 of the characters A-Z a-z 0-9 _ . : -, not ''"),
    ("queue=%0a", "queue: must be 1..64 of the characters A-Z a-z 0-9 _ . : -, not '\n'"),
    ("tag=" + "x" * 65, "tag: must be 1..64 of the characters"),
    ("tag=a%20b", "tag: must be 1..64 of the characters"),
    ("batch=abc", "batch: must be an id, a UUID in lower case, not 'abc'"),
    ("tag=%00", "query: bad percent sign")])
def test_filter_that_is_not_understood_is_refused(paused, query, words):
    answer = paused.get(f"/events?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(words)


def test_quiet_feed_shows_that_it_lives(start, png):
    server = start(paused=1)
    with Stream(server, "/events?queue=other") as stream:
        begin = stream.block()["id"]
        server.submit(png)  # not asked for, yet the place moves
        ping = stream.block()
        assert ping[""] == ": ping"
        assert ping["id"] != begin


def test_beyond_the_cap_nobody_waits(start, png):
    server = start(paused=1, max_waiters=2)
    job = server.submit(png)
    with Stream(server, "/events") as one, Stream(server, f"/jobs/{job}/events") as other:
        assert (one.status, other.status) == (200, 200)
        for path in ("/events", f"/jobs/{job}/events", f"/jobs/{job}?wait=1"):
            answer = server.get(path)
            assert answer.status_code == 503, path
            assert answer.json()["error"] == "2 requests wait already: ask again"
            assert int(answer.headers["Retry-After"]) >= 1
        assert server.get(f"/jobs/{job}").status_code == 200
    until(lambda: server.get(f"/jobs/{job}?wait=1").status_code == 200)  # they gave theirs up


def test_streams_end_when_the_server_does(start, png):
    server = start(paused=1)
    job = server.submit(png)
    with Stream(server, "/events") as feed, Stream(server, f"/jobs/{job}/events") as one:
        feed.block(), one.block()
        server.signal()
        assert list(feed) == []
        assert [view["status"] for _, view in one] in ([], ["pending"])
    assert server.wait() == 0, "\n".join(server.lines)


def test_draining_server_begins_no_stream(start, png, misbehaving_worker):
    server = start(worker_path=misbehaving_worker, grace_ms=60000)
    job = server.submit(png, "resize", 4008, 1)
    server.wait_for_line(f"processing.*{job}")
    server.signal()
    server.wait_for_line("SIGTERM: no new jobs")
    for path in ("/events", f"/jobs/{job}/events"):
        answer = server.get(path)
        assert answer.status_code == 503
        assert answer.json()["code"] == "draining"
        assert "Retry-After" in answer.headers


def test_slow_reader_is_cut_off_and_loses_nothing(start, png):
    server = start(paused=1, max_queued_jobs=1000)
    with Stream(server, "/events") as stream:
        begin = stream.block()["id"]
    server.wait_for_line("GET /events 200")  # or it might pass for that of the slow one
    tags = ",".join(f"{i:02}".ljust(64, "x") for i in range(16))
    jobs = [server.submit(png, tags=tags) for _ in range(300)]
    known = len(server.lines)
    with Stream(server, "/events", last_id=begin, receive_buffer=4096) as slow:
        server.wait_for_line("GET /events 200", after=known)  # it is over, and nothing was read
        told = [view["id"] for _, view in slow]
        last = slow.last_id
    assert told == jobs[:len(told)] and len(told) < len(jobs)
    with Stream(server, "/events", last_id=last) as stream:
        rest = [view["id"] for _, view in take(stream, len(jobs) - len(told))]
    assert told + rest == jobs


class Reader(threading.Thread):
    """Follows the feed until it knows the ends of so many jobs; after every `cut` events its
    connection breaks, and it comes back."""

    def __init__(self, server, begin, count, cut=None):
        super().__init__()
        self.ends = set()
        self._server, self._last, self._count, self._cut = server, begin, count, cut

    def run(self):
        while len(self.ends) < self._count:
            with Stream(self._server, "/events", last_id=self._last) as stream:
                for _, view in itertools.islice(stream, self._cut):
                    if view["status"] in ("completed", "failed", "cancelled"):
                        self.ends.add(view["id"])
                    if len(self.ends) == self._count:
                        break
                self._last = stream.last_id


def test_hundred_streams_and_hundred_long_polls_while_jobs_are_submitted(start, png):
    server = start(http_threads=2 * WAITERS + 60, max_waiters=2 * WAITERS + 20,
                   max_queued_jobs=1000)
    with Stream(server, "/events") as stream:
        begin = stream.block()["id"]
    held = server.submit(png, delay_ms=3600 * 1000)
    polls = []

    def long_poll():
        """Until the job ends. A reader that was cut holds its old place for a moment, so there
        may be none; and on a slow machine one wait may be too short."""
        answer = None
        while not answer or answer.status_code == 503 or answer.json()["status"] == "pending":
            answer = server.get(f"/jobs/{held}?wait=60")
        polls.append(answer)

    count = 60
    readers = [Reader(server, begin, count, cut=None if i % 4 else 7) for i in range(WAITERS)]
    pollers = [threading.Thread(target=long_poll) for _ in range(WAITERS)]
    for thread in [*readers, *pollers]:
        thread.start()
    until(lambda: server.get("/stats").json()["waiters"]["waiting"] >= 2 * WAITERS)
    jobs = [server.submit(png) for _ in range(count - 1)]  # none is refused
    for job in jobs:
        until(lambda: server.get(f"/jobs/{job}").json()["status"] == "completed")
    assert server.delete(f"/jobs/{held}").status_code == 200  # lets all long polls go
    for thread in [*pollers, *readers]:
        thread.join()
    assert len(polls) == WAITERS
    assert {poll.json()["status"] for poll in polls} == {"cancelled"}
    for reader in readers:
        assert reader.ends == {*jobs, held}


def test_stream_that_was_left_gives_its_place_up(start):
    server = start(paused=1, max_waiters=1)
    with socket.create_connection(server.address, 30) as connection:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
    until(lambda: _opens(server))


def _opens(server):
    with Stream(server, "/events") as stream:
        return stream.status == 200
