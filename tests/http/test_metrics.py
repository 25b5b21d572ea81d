"""GET /metrics: its form, its names, and that the numbers move as jobs do."""

import json
import shutil
import subprocess
import threading

import pytest

from imgjobd import until
from metrics import Scrape, parse

NAMES = {
    "imgjob_build_info": ("gauge", {"version", "libvips"}),
    "imgjob_end_to_end_seconds": ("histogram", set()),
    "imgjob_http_request_duration_seconds": ("histogram", {"route", "method", "code"}),
    "imgjob_input_bytes": ("histogram", set()),
    "imgjob_job_retries_total": ("counter", {"reason"}),
    "imgjob_jobs": ("gauge", {"queue", "state"}),
    "imgjob_jobs_finished_total": ("counter", {"queue", "outcome"}),
    "imgjob_jobs_submitted_total": ("counter", {"queue"}),
    "imgjob_lease_expired_total": ("counter", set()),
    "imgjob_lease_lost_total": ("counter", set()),
    "imgjob_oldest_ready_timestamp_seconds": ("gauge", {"queue"}),
    "imgjob_output_bytes": ("histogram", set()),
    "imgjob_process_seconds": ("histogram", {"op", "stage"}),
    "imgjob_queue_wait_seconds": ("histogram", {"queue"}),
    "imgjob_stale_writes_refused_total": ("counter", set()),
    "imgjob_store_batch_size": ("histogram", set()),
    "imgjob_store_commit_seconds": ("histogram", set()),
    "imgjob_stored_bytes": ("gauge", set()),
    "imgjob_waiters": ("gauge", set()),
    "imgjob_waiters_max": ("gauge", set()),
    "imgjob_webhook_deliveries_total": ("counter", {"outcome"}),
    "imgjob_webhooks_waiting": ("gauge", set()),
    "imgjob_worker_exits_total": ("counter", {"cause"}),
    "imgjob_worker_rss_bytes": ("gauge", set()),
    "imgjob_workers": ("gauge", {"state"}),
}
SECONDS = ("0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 300 900 +Inf").split()


def test_names_types_and_labels_are_those_of_the_contract(server, png):
    server.ended(server.submit(png))
    scrape = Scrape(server)
    assert {name: family.type for name, family in scrape.families.items()} == {
        name: kind for name, (kind, _) in NAMES.items()}
    for family in scrape.families.values():
        for _, labels in family.samples:
            names = {name for name, _ in labels} - {"le"}
            if family.name == "imgjob_worker_exits_total":
                names -= {"signal"}  # of a crash alone
            assert names == NAMES[family.name][1], family.name


def test_times_have_the_buckets_of_the_contract(server, png):
    server.ended(server.submit(png))
    # the stages of a job are counted once its end is in the store
    until(lambda: Scrape(server).labels("imgjob_process_seconds_bucket"))
    scrape = Scrape(server)
    for name, (kind, _) in NAMES.items():
        if kind == "histogram" and name.endswith("_seconds"):
            bounds = [labels["le"] for labels in scrape.labels(name + "_bucket")]
            assert bounds and bounds == SECONDS * (len(bounds) // len(SECONDS)), name


def test_promtool_finds_nothing_wrong(server, png):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("no promtool")
    server.ended(server.submit(png))
    said = subprocess.run([promtool, "check", "metrics"], input=Scrape(server).text,
                          capture_output=True, text=True, timeout=60)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize("text", [
    "x 1\n",
    "# HELP x a\n# TYPE x gauge\nx 1\nx 2\n",
    "# HELP x a\n# TYPE x gauge\nx{a=\"b\",} 1\n",
    "# HELP x a\n# TYPE x gauge\nx{a=\"\\b\"} 1\n",
    "# HELP x a\n# TYPE x counter\nx 1\n",
    "# HELP x a\n# TYPE x gauge\nx 1\n\n",
    "# HELP x a\n# TYPE x gauge\n# HELP y a\n# TYPE y gauge\nx 1\n",
    "# HELP x a\n# TYPE x histogram\nx_bucket{le=\"1\"} 2\nx_bucket{le=\"+Inf\"} 1\n"
    "x_sum 1\nx_count 1\n",
    "# HELP x a\n# TYPE x histogram\nx_bucket{le=\"+Inf\"} 2\nx_sum 1\nx_count 1\n",
    "# HELP x a\n# TYPE x histogram\nx_bucket{le=\"+Inf\"} 2\nx_count 2\n",
])
def test_parser_refuses_what_is_wrong(text):
    with pytest.raises(AssertionError):
        parse(text)


def test_a_job_is_counted_on_its_way(start, png):
    server = start(paused=1)
    job = server.submit(png)
    waiting = Scrape(server)
    queue = {"queue": "default"}
    assert waiting("imgjob_jobs_submitted_total", **queue) == 1
    assert waiting("imgjob_jobs", **queue, state="ready") == 1
    assert waiting("imgjob_oldest_ready_timestamp_seconds", **queue) > 1.7e9
    assert waiting("imgjob_queue_wait_seconds_count", **queue) == 0
    assert waiting("imgjob_input_bytes_sum") == len(png)
    assert waiting("imgjob_stored_bytes") == len(png)
    assert waiting("imgjob_store_commit_seconds_count") > 0

    server.put("/pool", json={"paused": False})
    view = server.ended(job)
    done = Scrape(server)
    assert done("imgjob_jobs", **queue, state="ready") == 0
    assert done("imgjob_jobs", **queue, state="succeeded") == 1
    assert done("imgjob_jobs_finished_total", **queue, outcome="completed") == 1
    assert done("imgjob_jobs_finished_total", **queue, outcome="failed") == 0
    assert done("imgjob_oldest_ready_timestamp_seconds", **queue) is None
    assert done("imgjob_queue_wait_seconds_count", **queue) == 1
    assert done("imgjob_end_to_end_seconds_count") == 1
    assert done("imgjob_output_bytes_sum") == view["outputs"][0]["bytes"]
    until(lambda: Scrape(server)("imgjob_process_seconds_count", op="resize",
                                 stage="decode") == 1)


def test_times_are_told_by_operation(server, png):
    several = {"steps": [{"op": "rotate", "angle": 90}],
               "outputs": [{"name": "a"}, {"name": "b", "steps": [{"op": "flip"}]}]}
    ops = {"flip": {"steps": [{"op": "flip"}]}, "convert": {"outputs": [{"format": "png"}]},
           "pipeline": several}
    before = Scrape(server)
    for spec in ops.values():
        answer = server.post(files={"image": png}, data={"spec": json.dumps(spec)})
        assert answer.status_code == 202, answer.text
        assert server.ended(answer.json()["job_id"])["status"] == "completed"
    assert server.post("/info", data=png, headers={"Content-Type": "image/png"}).ok
    for op in (*ops, "info"):
        sample = {"name": "imgjob_process_seconds_count", "op": op, "stage": "encode"}
        until(lambda: Scrape(server)(**sample) == (before(**sample) or 0) + 1)


def test_failed_and_cancelled_jobs_are_counted_apart(start, images):
    server = start()
    truncated = (images / "truncated.jpg").read_bytes()
    assert server.ended(server.submit(truncated))["status"] == "failed"
    server.pause()
    job = server.submit((images / "1x1.png").read_bytes())
    assert server.delete(f"/jobs/{job}").status_code == 200
    scrape = Scrape(server)
    assert scrape("imgjob_jobs_finished_total", queue="default", outcome="failed") == 1
    assert scrape("imgjob_jobs_finished_total", queue="default", outcome="cancelled") == 1
    assert scrape("imgjob_jobs_finished_total", queue="default", outcome="completed") == 0
    assert scrape("imgjob_end_to_end_seconds_count") == 0


def test_each_queue_has_its_own_numbers(start, png):
    server = start()
    server.ended(server.submit(png, queue="bulk"))
    scrape = Scrape(server)
    for name in ("imgjob_jobs_submitted_total", "imgjob_queue_wait_seconds_count"):
        assert scrape(name, queue="bulk") == 1
        assert scrape(name, queue="default") == 0


def test_requests_are_counted_by_route_and_not_by_path(start, png):
    server = start()
    job = server.submit(png)
    server.ended(job)
    for path in ("/health", "/health", "/nowhere/1", "/nowhere/2", "/jobs/none"):
        server.get(path)
    server.raw(b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    server.raw(b"PROPFIND /health HTTP/1.1\r\nHost: x\r\n\r\n")
    server.raw(b"no HTTP at all\r\n\r\n")
    name = "imgjob_http_request_duration_seconds_count"

    def of(route, method, code):
        return Scrape(server)(name, route=route, method=method, code=code)

    # a request is counted once its answer is out, so the last ones may be a moment late
    until(lambda: of("/health", "GET", "200") == 2)
    until(lambda: of("other", "GET", "404") == 2)
    until(lambda: of("/jobs/{id}", "GET", "404") == 1)
    until(lambda: of("other", "POST", "405") == 1)
    until(lambda: of("/jobs", "POST", "202") == 1)
    for labels in Scrape(server).labels(name):
        assert labels["method"] in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other")
        assert labels["route"] == "other" or labels["route"].startswith("/")
        assert job not in labels["route"]


def test_crashes_and_their_signal_are_counted(start, misbehaving_worker, png):
    server = start(worker_path=misbehaving_worker)
    job = server.submit(png, width=4002)
    assert server.get(f"/jobs/{job}?wait=60").json()["failure"]["reason"] == "poison"
    scrape = Scrape(server)
    assert scrape("imgjob_worker_exits_total", cause="crashed", signal="SIGABRT") == 3
    assert scrape("imgjob_jobs_finished_total", queue="default", outcome="failed") == 1


def test_waiters_are_a_gauge(paused, png):
    job = paused.submit(png)
    waiter = threading.Thread(target=paused.get, args=(f"/jobs/{job}?wait=60",), daemon=True)
    waiter.start()
    until(lambda: Scrape(paused)("imgjob_waiters") == 1)
    paused.delete(f"/jobs/{job}")
    waiter.join()
    until(lambda: Scrape(paused)("imgjob_waiters") == 0)
    assert Scrape(paused)("imgjob_waiters_max") > 0
