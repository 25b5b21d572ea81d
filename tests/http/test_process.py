"""POST /process: an image in, an image out, and nothing kept."""

import io
import socket
import threading

import pytest
from PIL import Image

from imgjobd import PATIENCE, until
from test_options import FORMS, RAW, post_form, post_json, post_raw
from test_refusals import refused


def jobs(server):
    return server.get("/jobs").json()["jobs"]


def nothing_is_left(server):
    """The job goes once the answer is out, so a moment after the client has it."""
    until(lambda: jobs(server) == [] and server.files("uploads") == set() and
          server.files("outputs") == set())


@pytest.mark.parametrize("post", FORMS, ids=["json", "multipart", "raw"])
@pytest.mark.parametrize("isolation", ["process", "inline"])
def test_image_comes_back_and_nothing_is_kept(start, images, post, isolation):
    server = start(isolation=isolation)
    answer = post(server, (images / "photo-640x480.jpg").read_bytes(),
                  {"width": 40, "height": 30, "output_format": "webp"}, "/process")
    assert answer.status_code == 200, answer.text
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, image.size) == ("WEBP", (40, 30))
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "no-store"
    job = answer.headers["X-Job-Id"]
    assert answer.headers["Content-Disposition"] == f'inline; filename="{job}.webp"'
    nothing_is_left(server)
    assert server.get(f"/jobs/{job}").status_code == 404


def test_the_first_output_is_the_answer(start, images):
    server = start()
    spec = '{"outputs": [{"name": "a", "format": "png"}, {"name": "b", "format": "jpeg"}]}'
    answer = server.post("/process", files={
        "spec": (None, spec), "image": ("a.png", (images / "rgba.png").read_bytes())})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/png"
    nothing_is_left(server)


def test_large_answer_is_whole(start, images):
    server = start()
    answer = post_raw(server, (images / "photo-640x480.jpg").read_bytes(),
                      {"width": 2000, "height": 1500, "output_format": "png"}, "/process")
    assert Image.open(io.BytesIO(answer.content)).size == (2000, 1500)
    assert int(answer.headers["Content-Length"]) == len(answer.content) > 1 << 20
    nothing_is_left(server)


def test_image_of_an_earlier_job_is_processed(start, images):
    server = start()
    source = server.submit((images / "photo-640x480.jpg").read_bytes())
    server.ended(source)
    answer = server.post("/process", json={"source_job": source, "operation": "resize",
                                           "width": 7, "height": 5})
    assert Image.open(io.BytesIO(answer.content)).size == (7, 5)
    until(lambda: [job["id"] for job in jobs(server)] == [source])


@pytest.mark.parametrize("name, status, reason", [
    ("truncated.jpg", 422, "truncated"),
    ("bomb-16384x16384.png", 422, "too_large"),
])
def test_image_that_cannot_be_processed_leaves_nothing(start, images, name, status, reason):
    server = start()
    answer = post_raw(server, (images / name).read_bytes(), {}, "/process")
    assert refused(answer, status, "")["code"] == reason
    nothing_is_left(server)


def test_spec_without_an_image_is_422(start, png):
    server = start()
    answer = server.post("/process", files={"spec": (None, '{"outputs": [], "info": true}'),
                                            "image": ("a.png", png)})
    problem = refused(answer, 422, "/outputs: makes no image")
    assert problem["code"] == "spec"
    nothing_is_left(server)


def test_refusals_are_those_of_a_submit(start, png):
    server = start()
    refused(post_raw(server, png, {"width": 0}, "/process"), 400, "width: must be 1..4096, not 0")
    refused(post_raw(server, b"no image", {}, "/process"), 415, "no format that is read here")
    refused(post_json(server, png, {"steps": [{"op": "explode"}], "operation": None}, "/process"),
            422, "")
    refused(server.post("/process", data=b"", headers=RAW), 400, "the body is empty")
    nothing_is_left(server)


@pytest.mark.parametrize("options", [
    {"run_at": "2036-01-01T00:00:00Z"}, {"delay_ms": 1}, {"deadline": "2036-01-01T00:00:00Z"},
    {"result_expires_in": 1}, {"expires_in": 1}, {"dedup": True},
    {"callback_url": "https://example.org"}, {"batch": "01890a5d-ac96-774b-bcce-b302099a8057"}])
def test_options_of_a_job_that_stays_are_refused(start, png, options):
    server = start(paused=1)
    name, = options
    refused(post_form(server, png, options, "/process"), 400, f"{name}: means nothing here")
    nothing_is_left(server)


def test_options_of_the_work_are_taken(start, png):
    server = start()
    options = {"priority": 0, "queue": "quick", "timeout_ms": 60000, "max_attempts": 1,
               "tags": ["a"]}
    assert post_form(server, png, options, "/process").status_code == 200
    nothing_is_left(server)


def test_what_is_not_done_in_time_is_504_and_cancelled(start, png):
    server = start(paused=1)
    answer = post_raw(server, png, {}, "/process", headers={"Prefer": "wait=1"})
    assert refused(answer, 504, "the job was not done within 1 seconds")["code"] == "timeout"
    nothing_is_left(server)
    answer = server.post("/info", data=png, headers={**RAW, "Prefer": "wait=1"})
    refused(answer, 504, "the image was not looked at within 1 seconds")
    nothing_is_left(server)


def test_running_job_is_stopped_when_its_time_is_over(start, misbehaving_worker, png):
    server = start(worker_path=misbehaving_worker, worker_pool_size=1)
    answer = post_raw(server, png, {"width": 4001, "height": 1}, "/process",
                      headers={"Prefer": "wait=1"})
    assert refused(answer, 504, "was not done")
    nothing_is_left(server)
    assert post_raw(server, png, {}, "/process").status_code == 200  # the slot works again


def test_client_that_leaves_takes_its_job_along(start, png):
    server = start(paused=1)
    head = (b"POST /process?operation=resize&width=2&height=2 HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(png))
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(head + png)
        until(lambda: len(jobs(server)) == 1)
    nothing_is_left(server)


def test_report_leaves_nothing_either(start, images):
    server = start()
    answer = server.post("/info", data=(images / "rgba.png").read_bytes(), headers=RAW)
    assert answer.status_code == 200 and answer.json()["format"] == "png"
    nothing_is_left(server)
    answer = server.post("/info", data=(images / "truncated.jpg").read_bytes(), headers=RAW)
    assert answer.status_code == 422
    nothing_is_left(server)


def test_too_many_waiters_are_refused_before_the_body_is_read(start, png):
    server = start(paused=1, max_waiters=1)
    waiter = threading.Thread(target=lambda: post_raw(server, png, {}, "/process"))
    waiter.start()
    until(lambda: len(jobs(server)) == 1)
    answer = server.raw(b"POST /process?operation=resize&width=2&height=2 HTTP/1.1\r\nHost: x\r\n"
                        b"Content-Type: image/png\r\nContent-Length: 1000\r\n\r\n",
                        half_close=True)
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b"1 requests wait already" in answer and b"\r\nRetry-After: " in answer
    assert server.stop() == 0
    waiter.join()


def test_what_a_killed_server_leaves_does_not_run_later(start, png):
    server = start(paused=1)
    waiter = threading.Thread(target=lambda: until_killed(server, png))
    waiter.start()
    until(lambda: len(jobs(server)) == 1)
    deadline = jobs(server)[0]["deadline"]
    server.kill()
    waiter.join()
    server = start(paused=1)
    assert jobs(server)[0]["deadline"] == deadline
    assert jobs(server)[0]["status"] in ("pending", "failed")


def until_killed(server, png):
    with pytest.raises(OSError):
        post_raw(server, png, {}, "/process")
