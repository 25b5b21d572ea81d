"""POST /info: what is known about an image, in the answer; and jobs that report it."""

import base64
import json
import threading

import pytest

from imgjobd import until
from test_refusals import refused

RAW = {"Content-Type": "application/octet-stream"}
RESIZE = {"op": "resize", "width": 8, "height": 6}


def info(server, image, **options):
    answer = server.post("/info", data=image, headers=RAW, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def run(server, image, **spec):
    """The job of this long spec once it has ended."""
    answer = server.post(json={**spec, "image_data": base64.b64encode(image).decode()})
    assert answer.status_code == 202, answer.text
    return server.ended(answer.json()["job_id"])


@pytest.mark.parametrize("name, facts", [
    ("photo-640x480.jpg", {"format": "jpeg", "width": 640, "height": 480, "pages": 1, "bands": 3,
                           "bits": 8, "has_alpha": False, "progressive": False}),
    ("orientation-6.jpg", {"format": "jpeg", "width": 320, "height": 240, "orientation": 6}),
    ("progressive.jpg", {"format": "jpeg", "progressive": True}),
    ("rgba.png", {"format": "png", "width": 64, "height": 48, "bands": 4, "has_alpha": True}),
    ("rgb16.png", {"format": "png", "bits": 16}),
    ("animated.gif", {"format": "gif", "width": 32, "height": 32, "pages": 3}),
])
def test_info_says_what_the_image_is(server, images, name, facts):
    report = info(server, (images / name).read_bytes())
    assert {key: report.get(key) for key in facts} == facts
    assert report["palette"] and sum(colour["share"] for colour in report["palette"]) <= 1.01
    assert len(base64.b64decode(report["thumbhash"])) >= 5
    assert len(report["phash"]) == 16 and int(report["phash"], 16) >= 0
    assert report["blurhash"]


@pytest.mark.parametrize("isolation", ["process", "inline"])
def test_info_is_an_object_and_nothing_is_cached(start, images, isolation):
    server = start(isolation=isolation)
    answer = server.post("/info", data=(images / "rgb.png").read_bytes(), headers=RAW)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["format"] == "png"
    assert server.files("outputs") == set()


def test_every_form_of_body_gets_the_same_report(server, images):
    image = (images / "rgba.png").read_bytes()
    report = info(server, image)
    assert server.post("/info", files={"image": ("a.png", image)}).json() == report
    body = {"image_data": base64.b64encode(image).decode()}
    assert server.post("/info", json=body).json() == report
    assert run(server, image, outputs=[], info=True)["info"] == report


# ---- refusals ----

@pytest.fixture
def nothing_is_left_behind(server):
    before = server.files("uploads")
    yield
    assert server.files("uploads") == before


@pytest.mark.parametrize("field", ["operation", "width", "spec", "steps", "info", "overlay",
                                   "overlay9", "image_dat", "image_data2"])
def test_any_other_field_is_refused_by_its_name(server, png, field, nothing_is_left_behind):
    text = base64.b64encode(png).decode()
    for body in ({"image_data": text, field: "x"}, {field: "x", "image_data": text}):
        refused(server.post("/info", json=body), 400, f"{field}: no such field")
    for files in ([("image", ("a.png", png)), (field, (None, "x"))],
                  [(field, (None, "x")), ("image", ("a.png", png))]):
        refused(server.post("/info", files=files), 400, f"{field}: no such field")
    refused(server.post("/info", data=png, headers=RAW, params={field: "x"}), 400,
            f"{field}: no such field")


def test_what_is_no_image_or_none_is_refused(server, images, nothing_is_left_behind):
    for name in ("text.txt", "picture.svg", "document.pdf"):
        answer = server.post("/info", data=(images / name).read_bytes(), headers=RAW)
        assert refused(answer, 415, "read here")["code"] == "image"
    refused(server.post("/info", json={}), 400, "image_data is missing")
    refused(server.post("/info", files={"image": ("a.png", b"")}), 400, "image: is empty")
    refused(server.post("/info", data=b"", headers=RAW), 400, "the body is empty")
    refused(server.post("/info", data=b"x", headers={"Content-Type": "text/plain"}), 415,
            "Content-Type must be")
    refused(server.post("/info", data=bytes(20_000_000), headers=RAW), 413,
            "max_upload_size is 10485760")
    answer = server.get("/info")
    refused(answer, 405, "GET is not allowed here")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("name, reason, words", [
    ("truncated.jpg", "truncated", "truncated"),
    ("truncated.png", "truncated", "truncated"),
    ("magic-only.png", "truncated", "png"),
    ("corrupt.png", "corrupt", "png"),
    ("bomb-16384x16384.png", "too_large", "max_pixels"),
    ("wide-header.png", "too_large", "max_side"),
])
def test_image_that_cannot_be_read_is_422_with_the_reason(server, images, name, reason, words):
    answer = server.post("/info", data=(images / name).read_bytes(), headers=RAW)
    assert refused(answer, 422, words)["code"] == reason
    assert server.get("/health/ready").status_code == 200


def test_image_that_takes_too_long_is_504(start, images):
    server = start(job_timeout_ms=10, max_pixels=300_000_000)
    answer = server.post("/info", data=(images / "bomb-16384x16384.png").read_bytes(), headers=RAW)
    assert refused(answer, 504, "job_timeout_ms")["code"] == "timeout"


def test_report_that_does_not_come_in_the_preferred_time_is_504(paused, png):
    answer = paused.post("/info", data=png, headers={**RAW, "Prefer": "wait=1"})
    assert refused(answer, 504, "not looked at within 1 seconds")["code"] == "timeout"


def test_too_many_waiters_are_503_and_leave_nothing(start, png):
    server = start(paused=1, max_waiters=1)
    job = server.submit(png)

    def wait():
        """One of the two below takes the only place first; this one does not give up."""
        until(lambda: server.get(f"/jobs/{job}?wait=60").status_code != 503)

    waiter = threading.Thread(target=wait)
    waiter.start()
    until(lambda: server.get(f"/jobs/{job}?wait=1").status_code == 503)  # the waiter has its place
    answer = server.post("/info", data=png, headers=RAW)
    refused(answer, 503, "1 requests wait already")
    assert int(answer.headers["Retry-After"]) >= 1
    assert len(server.files("uploads")) == 1
    assert server.stop() == 0
    waiter.join()


def test_server_that_ends_lets_the_waiting_go(start, png):
    server = start(paused=1)
    answers = []
    waiter = threading.Thread(
        target=lambda: answers.append(server.post("/info", data=png, headers=RAW)))
    waiter.start()
    until(lambda: any(name.endswith(".in0") for name in server.files("uploads")))
    assert server.stop() == 0
    waiter.join()
    assert refused(answers[0], 503, "about to end")["code"] == "draining"


def test_full_queue_refuses_a_report_too(start, png):
    server = start(paused=1, max_queued_jobs=1)
    server.submit(png)
    refused(server.post("/info", data=png, headers=RAW), 503, "queue is full")
    assert len(server.files("uploads")) == 1


# ---- jobs with "info": true ----

def test_job_reports_beside_its_outputs(server, images):
    image = (images / "photo-640x480.jpg").read_bytes()
    view = run(server, image, steps=[RESIZE], info=True)
    assert view["status"] == "completed", view
    assert view["info"] == info(server, image)  # of the image as it came, not of the output
    assert [output["name"] for output in view["outputs"]] == ["image"]
    assert server.get(f"/jobs/{view['id']}/download").status_code == 200


def test_job_that_was_not_asked_reports_nothing(server, png):
    assert "info" not in run(server, png, steps=[RESIZE])
    assert "info" not in run(server, png, steps=[RESIZE], info=False)
    assert "info" not in server.ended(server.submit(png))


def test_job_without_outputs_has_a_report_and_no_download(server, png):
    view = run(server, png, outputs=[], info=True)
    assert view["status"] == "completed", view
    assert view["info"]["width"] == 1
    assert view["outputs"] == [] and not view.get("output_path")
    answer = server.get(f"/jobs/{view['id']}/download")
    assert refused(answer, 404, "the job has no outputs")["code"] == "not_found"
    refused(server.get(f"/jobs/{view['id']}/download/image"), 404, "no output 'image'")


def test_job_that_fails_reports_nothing(server, images):
    view = run(server, (images / "truncated.jpg").read_bytes(), outputs=[], info=True)
    assert view["status"] == "failed" and view["reason"] == "truncated", view
    assert "info" not in view


def test_report_survives_a_restart_and_expires_with_the_outputs(start, png):
    server = start()
    view = run(server, png, outputs=[], info=True)
    assert server.stop() == 0
    server = start()
    assert server.get(f"/jobs/{view['id']}").json()["info"] == view["info"]
    assert server.stop() == 0
    server = start(result_ttl_s=1)
    view = run(server, png, steps=[RESIZE], info=True)
    until(lambda: "info" not in server.get(f"/jobs/{view['id']}").json())
    refused(server.get(f"/jobs/{view['id']}/download"), 410, "Image has expired")


def test_index_lists_the_call(server):
    assert {"method": "POST", "path": "/info"} in server.get("/").json()["routes"]
