"""What an operator does while the server runs: look, set the workers, steer the queues, reload."""

import json
import signal

import pytest

from imgjobd import until

JOBS = {"scheduled", "ready", "running", "succeeded", "failed", "canceled"}


def test_stats_tell_all_of_it(start, png):
    server = start(worker_pool_size=2, max_waiters=3)
    server.ended(server.submit(png))
    view = server.get("/stats").json()
    assert view.keys() == {"version", "uptime_s", "draining", "waiters", "webhooks", "jobs",
                           "storage", "queues", "pool"}
    assert view["jobs"].keys() == JOBS | {"max_queued_jobs"}
    assert view["jobs"]["succeeded"] == 1
    assert view["storage"]["stored_bytes"] > len(png)
    assert view["waiters"] == {"waiting": 0, "max": 3}
    assert view["webhooks"] == {"enabled": False, "waiting": 0}
    assert view["queues"] == server.get("/queues").json()["queues"]
    assert view["pool"]["workers"] == 2
    assert view["draining"] is False


def test_pool_grows_and_shrinks_while_it_runs(start):
    server = start(worker_pool_size=1)
    assert server.put("/pool", json={"workers": 3}).json()["workers"] == 3
    until(lambda: server.get("/pool").json()["ready"] == 3)
    assert server.put("/pool", json={"workers": 1}).json()["workers"] == 1
    until(lambda: server.get("/pool").json()["ready"] == 1)


def test_paused_pool_takes_jobs_and_runs_none(start, png):
    server = start()
    view = server.put("/pool", json={"paused": True}).json()
    assert view["paused"] is True and view["workers"] >= 1
    server.pause()  # until no worker looks for a job any more
    job = server.submit(png)
    assert server.get("/health/ready").json()["checks"]["workers"]["paused"] is True
    assert server.get(f"/jobs/{job}").json()["status"] == "pending"
    assert server.put("/pool", json={"paused": False}).json()["paused"] is False
    assert server.ended(job)["status"] == "completed"


@pytest.mark.parametrize("path", ["/pool", "/queues/q"])
@pytest.mark.parametrize("body, words", [
    (b"", "body: "),
    (b"[]", "body: must be an object, not an array"),
    (b"{\"paused\": 1}", "paused: must be true or false"),
    (b"{\"colour\": 1}", "colour: no such member"),
    (b"{\"paused\": true, \"paused\": true}", "body: "),
    (b"{\"paused\": true} x", "body: "),
])
def test_order_that_is_wrong_is_refused(server, path, body, words):
    answer = server.put(path, data=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("path, order, words", [
    ("/pool", {"workers": 0}, "workers: must be a whole number, 1 to 256"),
    ("/pool", {"workers": 257}, "workers: must be a whole number, 1 to 256"),
    ("/pool", {"workers": 1.5}, "workers: must be a whole number, 1 to 256"),
    ("/queues/q", {"limit": -1}, "limit: must be a whole number, 0 to 4294967295"),
    ("/queues/q", {"weight": 0}, "weight: must be a whole number, 1 to 100"),
    ("/queues/q", {"weight": "5"}, "weight: must be a whole number, 1 to 100"),
    ("/queues/q", {}, "body: none of limit, weight, paused"),
])
def test_number_out_of_range_is_refused_with_the_range(server, path, order, words):
    answer = server.put(path, json=order)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_order_that_is_half_wrong_changes_nothing(start):
    server = start()
    before = server.get("/queues").json()
    workers = server.get("/pool").json()["workers"]
    assert server.put("/queues/q", json={"limit": 2, "weight": 0}).status_code == 400
    assert server.put("/pool", json={"workers": 7, "paused": 1}).status_code == 400
    assert server.get("/queues").json() == before
    assert server.get("/pool").json()["workers"] == workers


def test_long_order_is_refused_unread(server):
    answer = server.put("/pool", data=b" " * 4097)
    assert answer.status_code == 413
    assert "4096" in answer.json()["error"]


def test_order_without_a_length_is_refused(server):
    answer = server.raw(b"PUT /pool HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 411 ")


def test_paused_queue_keeps_its_jobs_over_a_restart(start, png):
    server = start()
    view = server.post("/queues/bulk/pause").json()
    assert view["name"] == "bulk" and view["paused"] is True
    job = server.submit(png, queue="bulk")
    other = server.submit(png)
    assert server.ended(other)["status"] == "completed"
    assert server.stop() == 0

    again = start()
    assert again.get(f"/jobs/{job}").json()["status"] == "pending"
    queues = {queue["name"]: queue for queue in again.get("/queues").json()["queues"]}
    assert queues["bulk"]["paused"] is True
    assert queues["bulk"]["jobs"]["ready"] == 1
    assert queues["bulk"]["oldest_ready_at"] is not None
    assert queues["default"]["oldest_ready_at"] is None
    assert again.post("/queues/bulk/resume").json()["paused"] is False
    assert again.ended(job)["status"] == "completed"


def test_queue_has_limit_and_weight(start):
    server = start()
    view = server.put("/queues/bulk", json={"limit": 2, "weight": 7}).json()
    assert (view["limit"], view["weight"], view["paused"]) == (2, 7, False)
    view = server.put("/queues/bulk", json={"paused": True, "limit": 0}).json()
    assert (view["limit"], view["weight"], view["paused"]) == (0, 7, True)


@pytest.mark.parametrize("call", ["pause", "resume"])
def test_name_that_no_queue_can_have_is_refused(server, call):
    for name in ("a%20b", "a" * 65):
        assert server.post(f"/queues/{name}/{call}").status_code == 400
    assert server.put("/queues/a%25b", json={"limit": 1}).status_code == 400


# ---- reload ----

def test_sighup_reads_the_presets_again(start, tmp_path, png):
    presets = tmp_path / "presets.json"
    spec = {"steps": [{"op": "resize", "width": 3}]}
    presets.write_text(json.dumps({"small": spec}))
    server = start(presets_file=presets)
    png_type = {"Content-Type": "image/png"}

    def submit(preset):
        return server.post("/jobs", params={"preset": preset}, data=png, headers=png_type)

    assert submit("small").status_code == 202
    assert submit("tiny").status_code == 400
    presets.write_text(json.dumps({"tiny": spec}))
    server.signal(signal.SIGHUP)
    server.wait_for_line("SIGHUP: presets are read again")
    assert submit("tiny").status_code == 202
    assert submit("small").status_code == 400


def test_presets_that_cannot_be_read_leave_the_old_ones(start, tmp_path, png):
    presets = tmp_path / "presets.json"
    presets.write_text(json.dumps({"small": {"steps": [{"op": "flip"}]}}))
    server = start(presets_file=presets)
    presets.write_text("{")
    server.signal(signal.SIGHUP)
    server.wait_for_line(r"SIGHUP: the old presets stay: .*presets\.json")
    view = server.get("/health/ready").json()
    assert view["status"] == "ready"
    assert view["presets"] == {"enabled": True, "only": False, "stale": True}
    answer = server.post("/jobs", params={"preset": "small"}, data=png,
                         headers={"Content-Type": "image/png"})
    assert answer.status_code == 202

    presets.write_text(json.dumps({"small": {"steps": [{"op": "flip"}]}}))
    server.signal(signal.SIGHUP)
    server.wait_for_line("SIGHUP: presets are read again")
    assert server.get("/health/ready").json()["presets"]["stale"] is False


def test_sighup_without_files_changes_nothing(start, png):
    server = start()
    server.signal(signal.SIGHUP)
    assert server.ended(server.submit(png))["status"] == "completed"
    assert server.stop() == 0
    assert not any("SIGHUP" in line for line in server.lines)


def test_drain_ends_a_pause(start, png):
    """A server that is about to end does not begin to run jobs again."""
    server = start(paused=1)
    server.submit(png)
    assert server.stop() == 0
    assert not any("processing" in line for line in server.lines)
