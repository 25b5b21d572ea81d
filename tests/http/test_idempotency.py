"""Idempotency-Key: a submit that is repeated makes no second job."""

import threading

import pytest

from imgjobd import until
from test_options import FORMS, RAW, post_form, post_json, post_raw
from test_refusals import refused

KEY = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}


def test_repeat_is_answered_with_the_first_job(start, png):
    server = start(paused=1)
    first = post_json(server, png, {}, headers=KEY)
    assert first.status_code == 202, first.text
    assert "Idempotency-Replayed" not in first.headers
    for post in FORMS:
        again = post(server, png, {}, headers=KEY)
        assert again.status_code == 202, again.text
        assert again.json() == first.json()
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.headers["Location"] == first.headers["Location"]
    assert len(server.files("uploads")) == 1  # the drafts of the repeats are gone


def test_repeat_says_how_far_the_job_is(server, png):
    first = post_raw(server, png, {}, headers={"Idempotency-Key": "how-far"})
    server.ended(first.json()["job_id"])
    again = post_raw(server, png, {}, headers={"Idempotency-Key": "how-far"})
    assert again.status_code == 202
    assert again.json()["status"] == "completed"
    waited = post_raw(server, png, {}, headers={"Idempotency-Key": "how-far", "Prefer": "wait=5"})
    assert waited.status_code == 200
    assert waited.json()["id"] == first.json()["job_id"]
    assert waited.headers["Idempotency-Replayed"] == "true"


def test_same_key_for_something_else_is_422(start, png, images):
    server = start(paused=1)
    assert post_form(server, png, {}, headers=KEY).status_code == 202
    others = [post_form(server, png, {"width": 3}, headers=KEY),
              post_form(server, png, {"priority": 1}, headers=KEY),
              post_form(server, (images / "rgba.png").read_bytes(), {}, headers=KEY)]
    for answer in others:
        assert refused(answer, 422, "key")["code"] == "idempotency_mismatch"
    assert len(server.files("uploads")) == 1


def test_other_key_makes_another_job(paused, png):
    one = post_raw(paused, png, {}, headers={"Idempotency-Key": "one"}).json()["job_id"]
    two = post_raw(paused, png, {}, headers={"Idempotency-Key": "two"}).json()["job_id"]
    assert one != two


def test_key_survives_a_restart(start, png):
    server = start(paused=1)
    first = post_raw(server, png, {}, headers=KEY).json()
    server.kill()
    server = start(paused=1)
    again = post_raw(server, png, {}, headers=KEY)
    assert again.json() == first and again.headers["Idempotency-Replayed"] == "true"


def test_key_is_forgotten_after_its_time(start, png):
    server = start(paused=1, idempotency_ttl_s=1)
    first = post_raw(server, png, {}, headers=KEY).json()["job_id"]
    until(lambda: post_raw(server, png, {}, headers=KEY).json()["job_id"] != first)


def test_many_repeats_at_once_make_one_job(start, png):
    server = start(paused=1)
    answers = []
    clients = [threading.Thread(
        target=lambda: answers.append(post_raw(server, png, {}, headers=KEY))) for _ in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert len(server.files("uploads")) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9"])
def test_key_that_is_none_is_400(paused, png, key):
    before = paused.files("uploads")
    answer = post_raw(paused, png, {}, headers={"Idempotency-Key": key.encode("latin-1")})
    refused(answer, 400, "Idempotency-Key: must be 1..255 printable ASCII characters")
    assert paused.files("uploads") == before


def test_two_keys_are_400(paused, png):
    answer = paused.raw(b"POST /jobs?operation=resize&width=2&height=2 HTTP/1.1\r\nHost: x\r\n"
                        b"Content-Type: image/png\r\nIdempotency-Key: a\r\n"
                        b"Idempotency-Key: b\r\nContent-Length: %d\r\n\r\n" % len(png) + png)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"Idempotency-Key: stands twice" in answer
