"""dedup: a job that was there already stands for a new one that would be the same."""

from test_options import FORMS, post_json


def test_same_job_is_answered_while_it_waits(start, png):
    server = start(paused=1)
    first = post_json(server, png, {"dedup": True, "tags": ["a"]})
    assert first.status_code == 202 and "Deduplicated" not in first.headers
    for post in FORMS:
        again = post(server, png, {"dedup": True, "tags": ["a"]})
        assert again.status_code == 202, again.text
        assert again.json()["job_id"] == first.json()["job_id"]
        assert again.headers["Deduplicated"] == "true"
    assert len(server.files("uploads")) == 1


def test_same_job_is_answered_once_it_is_done(server, png):
    first = post_json(server, png, {"dedup": True}).json()["job_id"]
    server.ended(first)
    again = post_json(server, png, {"dedup": True})
    assert again.json()["job_id"] == first
    assert again.json()["status"] == "completed"
    assert again.headers["Deduplicated"] == "true"


def test_what_differs_is_another_job(start, png, images):
    server = start(paused=1)
    other = (images / "rgba.png").read_bytes()
    variants = [(png, {}), (png, {"width": 3}), (png, {"tags": ["a"]}), (png, {"priority": 1}),
                (png, {"queue": "other"}), (other, {})]
    answers = [post_json(server, image, {"dedup": True, **options})
               for image, options in variants]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == len(variants)


def test_only_those_who_ask_for_it_are_answered_so(start, png):
    server = start(paused=1)
    jobs = [post_json(server, png, options).json()["job_id"]
            for options in ({}, {"dedup": True}, {"dedup": False}, {})]
    assert len(set(jobs)) == 4


def test_spec_written_in_another_way_is_the_same(start, png):
    server = start(paused=1)
    body = {"dedup": True, "source_job": server.submit(png)}
    short = server.post(json={**body, "operation": "resize", "width": 2, "height": 2})
    other = server.post(json={**body, "operation": "resize", "height": 2, "width": 2,
                              "enlarge": True})
    assert short.status_code == other.status_code == 202, other.text
    assert short.json()["job_id"] == other.json()["job_id"]
