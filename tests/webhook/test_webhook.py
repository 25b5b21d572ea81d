"""Webhooks from a job's end to a receiver that others wrote."""

import contextlib
import datetime
import json
import sqlite3
import urllib.request

import pytest

from conftest import SECRETS


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def statuses(delivery):
    return [attempt["status"] for attempt in delivery["log"]]


def test_each_end_of_a_job_is_told_as_the_job_is(receiver, sender, image, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(image.read_bytes()[:40])
    waiting = sender.ask("submit", str(image), receiver.url + "/ends/200")
    sender.ask("cancel", waiting)
    sender.ask("pool")
    good = sender.ask("submit", str(image), receiver.url + "/ends/200")
    bad = sender.ask("submit", str(broken), receiver.url + "/ends/200")
    requests = receiver.wait("/ends/200", 3)
    told = {}
    for request in requests:
        assert request["verified"] == [True, False, False]
        assert request["method"] == "POST"
        assert request["headers"]["content-type"] == "application/json"
        assert request["headers"]["user-agent"].startswith("imgjob/")
        body = json.loads(request["body"])
        assert list(body) == ["type", "timestamp", "data"]
        assert body["data"] == json.loads(sender.ask("get", body["data"]["id"]))
        assert when(body["timestamp"]) >= when(body["data"]["created_at"])
        told[body["data"]["id"]] = body["type"]
    assert told == {waiting: "job.cancelled", good: "job.completed", bad: "job.failed"}
    delivery = sender.wait_for_try(good)
    assert delivery["status"] == "delivered"
    assert delivery["type"] == "job.completed"
    assert delivery["url"] == receiver.url + "/ends/200"
    assert delivery["attempts"] == 1
    assert delivery["next_attempt_at"] is None
    assert statuses(delivery) == [200]


def test_secrets_are_changed_without_a_pause(receiver, start, image):
    sender = start(SECRETS[0], SECRETS[1])
    sender.end_one(image, receiver.url + "/both/200")
    [request] = receiver.wait("/both/200")
    assert request["verified"] == [True, True, False]
    assert len(request["headers"]["webhook-signature"].split()) == 2
    sender.ask("secrets", SECRETS[2])
    sender.end_one(image, receiver.url + "/changed/200")
    [request] = receiver.wait("/changed/200")
    assert request["verified"] == [False, False, True]


@pytest.mark.parametrize("trouble, status", [("500", 500), ("404", 404), ("reset", None)])
def test_what_is_not_taken_is_sent_again_with_the_same_id_and_body(
        receiver, sender, image, trouble, status):
    path = f"/again/{trouble},204"
    job = sender.end_one(image, receiver.url + path)
    delivery = sender.wait_for_try(job)
    assert delivery["status"] == "pending"
    assert when(delivery["next_attempt_at"]) > when(delivery["updated_at"])
    delivery = sender.wait_for_try(job, 2)
    first, second = receiver.wait(path, 2)
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"] == delivery["id"]
    assert first["body"] == second["body"]
    assert first["verified"] == second["verified"] == [True, False, False]
    assert delivery["status"] == "delivered"
    assert delivery["attempts"] == 2
    assert statuses(delivery) == [status, 204]
    assert bool(delivery["log"][0]["error"]) == (status is None)


def test_a_redirect_is_not_followed(receiver, sender, image):
    job = sender.end_one(image, receiver.url + "/moved/redirect")
    delivery = sender.wait_for_try(job)
    assert delivery["status"] == "pending"
    assert statuses(delivery) == [302]
    assert receiver.requests("/elsewhere/200") == []


def test_a_receiver_that_asks_for_time_gets_it(receiver, sender, image):
    job = sender.end_one(image, receiver.url + "/busy/later")
    delivery = sender.wait_for_try(job)
    pause = when(delivery["next_attempt_at"]) - when(delivery["updated_at"])
    assert pause == datetime.timedelta(hours=1)


def test_gone_ends_all_that_waits_for_the_url(receiver, sender, image):
    url = receiver.url + "/gone/later,410"
    earlier = sender.end_one(image, url)
    other = sender.end_one(image, receiver.url + "/not-gone/later")
    assert sender.wait_for_try(earlier)["status"] == "pending"
    assert sender.wait_for_try(other)["status"] == "pending"
    later = sender.end_one(image, url)
    assert sender.wait_for_try(later)["status"] == "failed"
    assert sender.delivery(later)["next_attempt_at"] is None
    assert sender.delivery(earlier)["status"] == "failed"
    assert sender.delivery(earlier)["attempts"] == 1
    assert sender.delivery(other)["status"] == "pending"
    assert len(receiver.requests("/gone/later,410")) == 2


def test_a_slow_receiver_holds_up_nobody(receiver, start, image):
    sender = start(timeout_ms=60000)
    slow = sender.end_one(image, receiver.url + "/slow/hold")
    receiver.wait("/slow/hold")
    fast = sender.end_one(image, receiver.url + "/fast/200")
    assert sender.wait_for_try(fast)["status"] == "delivered"
    assert sender.delivery(slow)["log"] == []  # its first try is still under way


ALL, SHARE = 64, 16  # deliveries under way, and those of them to one receiver


def test_a_receiver_that_never_answers_leaves_room_for_others(
        receiver, other_receiver, start, image):
    sender = start(timeout_ms=60000)  # longer than we are patient
    silent = [sender.end_one(image, other_receiver.url + "/never/hold") for _ in range(ALL)]
    other_receiver.wait("/never/hold", SHARE)
    fast = sender.end_one(image, receiver.url + "/beside/200")
    assert sender.wait_for_try(fast)["status"] == "delivered"
    assert len(other_receiver.requests("/never/hold")) == SHARE
    deliveries = [sender.delivery(job) for job in silent]
    assert sorted(delivery["attempts"] for delivery in deliveries) == (
        [0] * (ALL - SHARE) + [1] * SHARE)
    assert {delivery["status"] for delivery in deliveries} == {"pending"}


def test_what_waits_for_its_receiver_is_sent_once_that_answers(other_receiver, start, image):
    sender = start(timeout_ms=60000)  # longer than we are patient
    path = "/turns/" + "hold," * SHARE + "200"
    jobs = [sender.end_one(image, other_receiver.url + path) for _ in range(SHARE + 6)]
    other_receiver.wait(path, SHARE)
    urllib.request.urlopen(other_receiver.url + "/now/release", data=b"{}").close()
    for job in jobs:
        delivery = sender.wait_for_try(job)
        assert delivery["status"] == "delivered"
        assert delivery["attempts"] == 1
        assert statuses(delivery) == [200]


def test_a_job_that_cannot_be_read_ends_and_nothing_is_sent_about_it(
        receiver, start, image, tmp_path):
    path = "/unreadable/200"
    first = start()
    job = first.ask("submit", str(image), receiver.url + path)
    assert first.close() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as database, database:
        assert database.execute("UPDATE job_doc SET input='{'").rowcount == 1
    second = start()
    second.ask("cancel", job)
    delivery = second.wait_for_try(job)
    assert delivery["status"] == "failed"
    [attempt] = delivery["log"]
    assert attempt["status"] is None
    assert attempt["error"] == (
        "nothing to send: a document of the job was broken when it ended")
    assert receiver.requests(path) == []


def test_a_receiver_that_does_not_answer_is_tried_again(receiver, start, image):
    sender = start(timeout_ms=500)
    job = sender.end_one(image, receiver.url + "/silent/hold,200")
    delivery = sender.wait_for_try(job)
    assert delivery["status"] == "pending"
    [attempt] = delivery["log"]
    assert attempt["status"] is None
    assert "timed out" in attempt["error"].lower()
    assert sender.wait_for_try(job, 2)["status"] == "delivered"


def test_the_rest_of_an_answer_is_not_read(receiver, start, image):
    sender = start(timeout_ms=60000)  # longer than we are patient
    job = sender.end_one(image, receiver.url + "/endless/endless")
    delivery = sender.wait_for_try(job)
    assert delivery["status"] == "delivered"
    assert statuses(delivery) == [200]


def test_a_header_without_an_end_is_no_answer(receiver, start, image):
    sender = start(timeout_ms=60000)  # longer than we are patient
    job = sender.end_one(image, receiver.url + "/headers/headers")
    delivery = sender.wait_for_try(job)
    assert delivery["status"] == "pending"
    assert statuses(delivery) == [None]


def test_a_replay_has_the_same_id_and_body(receiver, sender, image):
    path = "/replayed/200"
    job = sender.end_one(image, receiver.url + path)
    name = sender.wait_for_try(job)["id"]
    assert sender.ask("replay", name) == "ok"
    delivery = sender.wait_for_try(job, 2)
    first, second = receiver.wait(path, 2)
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"] == name
    assert first["body"] == second["body"]
    assert delivery["status"] == "delivered"
    assert statuses(delivery) == [200, 200]


def test_what_was_given_up_can_be_replayed(receiver, sender, image):
    job = sender.end_one(image, receiver.url + "/back/410,200")
    delivery = sender.wait_for_try(job)
    assert delivery["status"] == "failed"
    sender.ask("replay", delivery["id"])
    assert sender.wait_for_try(job, 2)["status"] == "delivered"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433",
                                  "0x7f.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"])
def test_private_addresses_are_refused_however_they_are_written(receiver, start, image, host):
    sender = start(allow_private=0)
    url = receiver.url.replace("127.0.0.1", host)
    job = sender.end_one(image, url + "/private/200")
    delivery = sender.wait_for_try(job)
    assert delivery["status"] == "pending"
    [attempt] = delivery["log"]
    assert attempt["status"] is None
    assert "an address that is not public" in attempt["error"]
    assert receiver.requests("/private/200") == []


def test_no_proxy_of_the_environment_is_used(receiver, start, image):
    proxy = "http://127.0.0.1:1"
    sender = start(env={"http_proxy": proxy, "all_proxy": proxy, "ALL_PROXY": proxy})
    job = sender.end_one(image, receiver.url + "/no-proxy/200")
    assert sender.wait_for_try(job)["status"] == "delivered"


def test_what_is_cut_off_comes_again_when_the_store_is_opened(receiver, start, image):
    path = "/cut-off/hold,200"
    first = start()
    job = first.end_one(image, receiver.url + path)
    receiver.wait(path)
    assert first.close() == 0
    second = start()
    delivery = second.wait_for_try(job, 2)
    assert delivery["status"] == "delivered"
    assert statuses(delivery) == [None, 200]
    assert "cut off" in delivery["log"][0]["error"]
    one, other = receiver.wait(path, 2)
    assert one["headers"]["webhook-id"] == other["headers"]["webhook-id"]
    assert one["body"] == other["body"]


def test_more_deliveries_than_can_be_under_way_all_arrive(receiver, sender, image):
    jobs = {sender.end_one(image, receiver.url + "/many/200") for _ in range(40)}
    requests = receiver.wait("/many/200", 40)
    assert {json.loads(one["body"])["data"]["id"] for one in requests} == jobs


def test_the_log_is_read_page_by_page_newest_first(receiver, sender, image):
    jobs = [sender.end_one(image, receiver.url + "/pages/200") for _ in range(5)]
    for job in jobs:
        sender.wait_for_try(job)
    pages, cursor = [], "-"
    while cursor:
        page = sender.page(status="delivered", cursor=cursor, limit="2")
        pages.append([delivery["job_id"] for delivery in page["deliveries"]])
        cursor = page["next"]
    assert sum(pages, []) == jobs[::-1]
    assert max(map(len, pages)) == 2
    assert sender.page(status="pending")["deliveries"] == []


@pytest.mark.parametrize("settings, words", [
    ({"timeout_ms": 99}, "timeout_ms: must be 100..60000, not 99"),
    ({"timeout_ms": 60001}, "timeout_ms: must be 100..60000, not 60001"),
    ({"allow_private": 2}, "allow_private: must be 0..1, not 2"),
])
def test_options_out_of_range_are_refused(start, settings, words):
    assert start(**settings).first == f"error: invalid: {words}"


def test_a_secret_that_is_none_is_refused(start):
    assert start("whsec_short").first == (
        "error: invalid: secrets: number 1 is not whsec_ and base64 of 24 to 64 bytes")
