"""The log of webhooks, sending one again, and other secrets without a restart."""

import base64
import json
import signal
import subprocess

import pytest

from imgjobd import until
from metrics import Scrape
from receiver import is_signed, receiver

OLD = "whsec_" + base64.b64encode(b"an old secret of 24 bytes or more").decode()
NEW = "whsec_" + base64.b64encode(b"a new secret of 24 bytes or more!").decode()


@pytest.fixture
def server(start, tmp_path):
    (tmp_path / "secrets").write_text(f"# mine\n{OLD}\n")
    return start(webhook_secrets_file=tmp_path / "secrets", webhook_allow_private=1)


def deliveries(server, **query):
    answer = server.get("/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["deliveries"]


def delivered(server, **query):
    until(lambda: all(one["status"] != "pending" for one in deliveries(server, **query)))
    return deliveries(server, **query)


def test_log_tells_what_became_of_each(server, png):
    with receiver() as there:
        job = server.submit(png, callback_url=there.url)
        server.ended(job)
        until(lambda: there.messages)
        one, = delivered(server)
    assert one["job_id"] == job
    assert one["type"] == "job.completed"
    assert one["url"] == there.url
    assert (one["status"], one["attempts"], one["next_attempt_at"]) == ("delivered", 1, None)
    assert [attempt["status"] for attempt in one["log"]] == [204]
    headers, body = there.messages[0]
    assert headers["webhook-id"] == one["id"]
    assert json.loads(body)["data"]["id"] == job
    assert is_signed(there.messages[0], OLD)


def test_list_is_filtered_and_paged(server, png):
    with receiver(410) as gone, receiver() as there:
        failed = server.submit(png, callback_url=gone.url)
        server.ended(failed)
        until(lambda: gone.messages)
        jobs = [server.submit(png, callback_url=there.url) for _ in range(3)]
        for job in jobs:
            server.ended(job)
        until(lambda: len(there.messages) == 3)
        assert len(delivered(server)) == 4
    assert [one["job_id"] for one in deliveries(server, status="failed")] == [failed]
    assert [one["job_id"] for one in deliveries(server, job=jobs[1])] == [jobs[1]]
    assert deliveries(server, job="none") == []
    seen, cursor, pages = [], None, 0
    while cursor or not pages:
        page = server.get("/deliveries", params={"limit": 3, "cursor": cursor}).json()
        seen += [one["job_id"] for one in page["deliveries"]]
        cursor, pages = page["next"], pages + 1
    assert sorted(seen) == sorted([failed, *jobs])
    assert len(set(seen)) == 4


@pytest.mark.parametrize("query, words", [
    ("limit=0", "limit: must be a whole number, 1 to 100"),
    ("limit=101", "limit: must be a whole number, 1 to 100"),
    ("limit=1x", "limit: must be a whole number, 1 to 100, not '1x'"),
    ("limit=", "limit: must be a whole number, 1 to 100, not ''"),
    ("status=lost", "status: must be pending, delivered or failed"),
    ("cursor=nonsense", "cursor"),
    ("colour=red", "no parameter 'colour'"),
])
def test_query_that_is_wrong_is_refused(paused, query, words):
    answer = paused.get(f"/deliveries?{query}")
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_query_that_cannot_be_decoded_is_refused(paused):
    answer = paused.raw(b"GET /deliveries?job=%zz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and b"bad percent sign" in answer


def test_replay_sends_the_same_message_again(server, png):
    with receiver() as there:
        job = server.submit(png, callback_url=there.url)
        server.ended(job)
        until(lambda: there.messages)
        one, = delivered(server)
        answer = server.post(f"/deliveries/{one['id']}/replay")
        assert answer.status_code == 202
        assert answer.json() == {"id": one["id"], "status": "pending"}
        until(lambda: len(there.messages) == 2)
        again, = delivered(server)
    (first, body), (second, body_again) = there.messages
    assert body == body_again
    assert first["webhook-id"] == second["webhook-id"] == one["id"]
    assert again["attempts"] == 2
    # a delivery is counted once its end is in the store
    until(lambda: Scrape(server)("imgjob_webhook_deliveries_total", outcome="delivered") == 2)
    assert Scrape(server)("imgjob_webhooks_waiting") == 0


def test_delivery_that_is_not_there_is_404(server):
    for name in ("none", "01890a5d-ac96-774b-bcce-b302099a8057"):
        answer = server.post(f"/deliveries/{name}/replay")
        assert answer.status_code == 404
        assert answer.json()["error"] == "Delivery not found"


def test_replay_without_webhooks_is_refused_with_the_setting(paused):
    answer = paused.post("/deliveries/none/replay")
    assert answer.status_code == 409
    assert "webhook_secrets_file" in answer.json()["error"]


def test_other_secrets_are_taken_without_a_restart(server, tmp_path, png):
    with receiver() as there:
        server.ended(server.submit(png, callback_url=there.url))
        until(lambda: len(there.messages) == 1)
        (tmp_path / "secrets").write_text(f"{NEW}  # since today\n\n{OLD}\n")
        server.signal(signal.SIGHUP)
        server.wait_for_line("SIGHUP: webhook secrets are read again")
        server.ended(server.submit(png, callback_url=there.url))
        until(lambda: len(there.messages) == 2)
    before, after = there.messages
    assert is_signed(before, OLD) and not is_signed(before, NEW)
    assert is_signed(after, OLD) and is_signed(after, NEW)


@pytest.mark.parametrize("text", ["", "# none\n", "whsec_short\n", f"{OLD}\n" * 9, "\0"])
def test_secrets_that_cannot_be_used_leave_the_old_ones(server, tmp_path, png, text):
    (tmp_path / "secrets").write_text(text)
    server.signal(signal.SIGHUP)
    line = server.wait_for_line("SIGHUP: the old webhook secrets stay: ")
    assert "short" not in line and OLD not in line
    assert server.get("/health/ready").json()["webhooks"] == {"enabled": True, "stale": True}
    with receiver() as there:
        server.ended(server.submit(png, callback_url=there.url))
        until(lambda: there.messages)
    assert is_signed(there.messages[0], OLD)


def test_start_without_the_secrets_is_refused(imgjobd, tmp_path):
    told = subprocess.run([imgjobd, "--port=0", "--webhook-secrets-file=nowhere"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert told.returncode == 1
    assert "webhook_secrets_file: open 'nowhere'" in told.stderr
