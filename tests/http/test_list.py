"""Pages of jobs."""

import re

import pytest


@pytest.fixture(scope="module")
def listed(paused, png):
    """Twelve jobs that wait, oldest first: every third one red, every fourth one in a queue."""
    return [paused.submit(png, **({"tags": "red,c:d"} if i % 3 == 0 else {}),
                          **({"queue": "slow"} if i % 4 == 0 else {})) for i in range(12)]


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [view["id"] for view in answer.json()["jobs"]]


def pages(server, query):
    """Every page by its link. The ids of each."""
    path = f"/jobs?{query}"
    while path:
        answer = server.get(path)
        yield ids(answer)
        link = re.fullmatch(r'<(/jobs\?[^>]*)>; rel="next"', answer.headers.get("Link", ""))
        assert bool(link) == (answer.json()["next"] is not None)
        path = link and link.group(1)


def test_newest_is_first_and_a_job_looks_as_it_does_alone(paused, listed):
    answer = paused.get("/jobs")
    assert ids(answer) == listed[::-1]
    assert answer.json()["next"] is None
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["jobs"][0] == paused.get(f"/jobs/{listed[-1]}").json()


@pytest.mark.parametrize("limit", [1, 5, 12, 100])
def test_pages_hold_every_job_once(paused, listed, limit):
    found = list(pages(paused, f"limit={limit}"))
    assert sum(found, []) == listed[::-1]
    assert all(len(page) <= limit for page in found)


def test_job_that_comes_between_two_pages_moves_nothing(start, png):
    server = start(paused=1)
    jobs = [server.submit(png) for _ in range(4)]
    first = server.get("/jobs?limit=2")
    server.submit(png)
    second = server.get("/jobs", params={"limit": 2, "cursor": first.json()["next"]})
    assert ids(first) + ids(second) == jobs[::-1]


@pytest.mark.parametrize("query,chosen", [
    ("tag=red", lambda i: i % 3 == 0), ("queue=slow", lambda i: i % 4 == 0),
    ("tag=red&queue=slow", lambda i: i % 12 == 0), ("tag=c%3Ad", lambda i: i % 3 == 0),
    ("tag=green", lambda i: False), ("queue=default", lambda i: i % 4 != 0),
    ("status=pending", lambda i: True), ("status=completed", lambda i: False),
    ("status=failed,pending", lambda i: True), ("status=failed&status=pending", lambda i: True)])
def test_filters(paused, listed, query, chosen):
    expected = [job for i, job in enumerate(listed) if chosen(i)][::-1]
    assert ids(paused.get(f"/jobs?{query}")) == expected
    assert sum(pages(paused, f"{query}&limit=1"), []) == expected


def test_link_keeps_the_filters(paused, listed):
    answer = paused.get("/jobs?tag=c%3Ad&limit=1&status=pending%2Cfailed")
    link = answer.headers["Link"]
    cursor = answer.json()["next"]
    assert link == (f"</jobs?tag=c%3Ad&limit=1&status=pending%2Cfailed&cursor={cursor}>; "
                    'rel="next"')


def test_links_are_absolute_where_the_server_knows_its_address(start, png):
    server = start(paused=1, public_url="https://images.example.org/api")
    for _ in range(2):
        job = server.submit(png)
    link = server.get("/jobs?limit=1").headers["Link"]
    assert link.startswith("<https://images.example.org/api/jobs?limit=1&cursor=")
    server.delete(f"/jobs/{job}")
    answer = server.post(f"/jobs/{job}/retry")
    assert answer.headers["Location"] == f"https://images.example.org/api/jobs/{job}"


def test_statuses_of_ended_jobs(start, png):
    server = start(paused=1)
    jobs = [server.submit(png) for _ in range(3)]
    server.delete(f"/jobs/{jobs[1]}")
    assert ids(server.get("/jobs?status=cancelled")) == [jobs[1]]
    assert ids(server.get("/jobs?status=pending")) == [jobs[2], jobs[0]]
    assert ids(server.get("/jobs?status=cancelled,pending")) == jobs[::-1]


@pytest.mark.parametrize("query,words", [
    ("limit=0", "limit: must be a whole number, 1 to 100, not '0'"),
    ("limit=101", "limit: must be a whole number, 1 to 100, not '101'"),
    ("limit=1e1", "limit: must be a whole number, 1 to 100, not '1e1'"),
    ("limit=", "limit: must be a whole number, 1 to 100, not ''"),
    ("limit=-1", "limit: must be a whole number, 1 to 100, not '-1'"),
    ("limit=4294967297", "limit: must be a whole number, 1 to 100, not '4294967297'"),
    ("status=done", "status: must be pending, processing, completed, failed or cancelled, "),
    ("status=pending,", "status: must be pending, processing, completed, failed or cancelled, "),
    ("status=", "status: must be pending, processing, completed, failed or cancelled, "),
    ("tag=", "tag: must have 1 to 64 bytes, not 0"),
    ("tag=" + "x" * 65, "tag: must have 1 to 64 bytes, not 65"),
    ("tag=a%20b", "a tag's name holds a character"), ("queue=a/b", "a queue's name holds"),
    ("tag=a&tag=b", "tag: stands twice"), ("batch=abc", "batch: 'abc' is no UUID"),
    ("cursor=abc", "cursor: 'abc' is none that this store gave"),
    ("page=2", "page: no such parameter; there are status, tag, queue, batch, limit and cursor"),
    ("tag=%00", "query: bad percent sign")])
def test_query_that_is_not_understood_is_refused(paused, query, words):
    answer = paused.get(f"/jobs?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(words), answer.json()["error"]


def test_head_of_a_list(paused, listed):
    answer = paused.raw(b"HEAD /jobs?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and body == b""
    assert b"Link: " in head


def test_page_of_a_hundred_jobs_that_say_much(start, png):
    server = start(paused=1, max_queued_jobs=1000)
    tags = ",".join(f"{i:02}".ljust(64, "x") for i in range(16))
    jobs = [server.submit(png, tags=tags) for _ in range(101)]
    answer = server.get("/jobs?limit=100")
    assert len(answer.content) > 100000
    assert ids(answer) == jobs[:0:-1]
    assert answer.json()["next"]
