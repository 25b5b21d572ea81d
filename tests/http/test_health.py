"""What the server says about itself, and the lines of its log."""

import json
import re


def test_ready_shows_each_check_durability_and_isolation(server):
    answer = server.get("/health/ready")
    assert answer.status_code == 200
    view = answer.json()
    assert view["status"] == "ready"
    assert view["durability"] == "full"
    assert view["isolation"] == "process"
    assert view["checks"].keys() == {"store", "disk", "queue", "workers", "draining"}
    assert all(check["ok"] for check in view["checks"].values())
    assert view["checks"]["queue"]["max_queued_jobs"] == 10000
    assert view["webhooks"] == {"enabled": False, "stale": False}
    assert view["presets"] == {"enabled": False, "only": False, "stale": False}


def test_live_depends_on_nothing(server):
    assert server.get("/health/live").json() == {"status": "alive"}


def test_index_names_the_routes(server):
    view = server.get("/").json()
    assert view["name"] == "imgjobd"
    for method, path in (("POST", "/jobs"), ("GET", "/"), ("PUT", "/queues/{id}"),
                         ("GET", "/jobs/{id}/download/{name}"), ("GET", "/openapi.json")):
        assert {"method": method, "path": path} in view["routes"]
    assert len(view["routes"]) == len({(one["method"], one["path"]) for one in view["routes"]})


def test_every_answer_has_an_id_that_is_in_the_log(server):
    for path in ("/", "/health", "/nowhere", "/jobs/x"):
        answer = server.get(path)
        server.wait_for_line(f"GET {path} .*request={answer.headers['X-Request-Id']}")


def test_log_has_a_line_per_request_and_per_change_of_state(server, png):
    job = server.submit(png)
    server.ended(job)
    for pattern in (r"POST /jobs 202, \d+ bytes, \d+ ms", f"pending.*job={job}",
                    f"processing.*job={job}", f"completed.*job={job}"):
        server.wait_for_line(pattern)


def test_json_log_is_json_line_by_line(start, png):
    server = start(log_format="json")
    job = server.submit(png)
    server.ended(job)
    server.get("/nowhere\x7f%1b[31m")
    assert server.stop() == 0
    server.wait_for_line('"stopped"')
    entries = [json.loads(line) for line in server.lines]
    for entry in entries:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])
        assert entry["level"] in ("error", "warn", "info", "debug")
        assert entry["room"]
    requests = [entry for entry in entries if "method" in entry]
    assert {"request_id", "remote", "method", "path", "status", "bytes", "ms"} <= requests[0].keys()
    assert any(entry.get("job_id") == job for entry in entries)


def test_control_bytes_never_reach_the_log(server):
    seen = len(server.lines)
    server.raw(b"GET /a\x1b[31mred HTTP/1.1\r\nHost: x\r\n\r\n")
    server.get("/marker")
    server.wait_for_line("/marker", after=seen)
    assert not any("\x1b" in line for line in server.lines)
