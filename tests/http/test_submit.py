"""The forms of a submit: JSON, multipart, the raw image; and waiting for the result."""

import base64
import io
import json
import subprocess

import pytest
from PIL import Image

from imgjobd import until

LONG = {"steps": [{"op": "resize", "width": 40, "height": 30, "fit": "fill"}],
        "outputs": [{"name": "image", "format": "png"}]}


def image_of(server, job):
    answer = server.get(f"/jobs/{job}/download")
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_multipart_with_plain_fields(server, images):
    out = subprocess.run(
        ["curl", "-sS", "-F", f"image=@{images}/photo-640x480.jpg", "-F", "operation=thumbnail",
         "-F", "width=64", "-F", "height=64", "-F", "output_format=png", f"{server.url}/jobs"],
        check=True, capture_output=True).stdout
    job = json.loads(out)["job_id"]
    assert server.ended(job)["status"] == "completed"
    image = image_of(server, job)
    assert (image.format, image.size) == ("PNG", (64, 48))


def test_multipart_with_a_spec_part(server, images):
    files = {"spec": (None, json.dumps(LONG), "application/json"),
             "image": ("photo.jpg", (images / "photo-640x480.jpg").read_bytes(), "image/jpeg")}
    answer = server.post(files=files)
    assert answer.status_code == 202, answer.text
    job = answer.json()["job_id"]
    server.ended(job)
    assert image_of(server, job).size == (40, 30)


def test_raw_image_with_fields_in_the_query(server, images):
    out = subprocess.run(
        ["curl", "-sS", "--data-binary", f"@{images}/photo-640x480.jpg", "-H",
         "Content-Type: image/jpeg",
         f"{server.url}/jobs?operation=resize&width=33&height=44&output_format=webp"],
        check=True, capture_output=True).stdout
    job = json.loads(out)["job_id"]
    server.ended(job)
    image = image_of(server, job)
    assert (image.format, image.size) == ("WEBP", (33, 44))


def test_json_with_steps_and_outputs(server, png):
    answer = server.post(json={**LONG, "image_data": base64.b64encode(png).decode()})
    assert answer.status_code == 202, answer.text
    job = answer.json()["job_id"]
    server.ended(job)
    assert image_of(server, job).size == (40, 30)


@pytest.mark.parametrize("write", [
    pytest.param(lambda text: text.replace("/", "\\/"), id="slashes"),
    pytest.param(lambda text: text.replace("+", "\\u002b").replace("=", "\\u003D"), id="unicode"),
    pytest.param(lambda text: "\\r\\n".join(text[i:i + 76] for i in range(0, len(text), 76)),
                 id="lines"),
    pytest.param(lambda text: "data:image/jpeg;base64," + text, id="data-url"),
])
def test_image_data_may_be_written_in_many_ways(server, images, write):
    photo = (images / "photo-640x480.jpg").read_bytes()
    text = write(base64.b64encode(photo).decode())
    body = ('{"operation": "resize", "image_data": "' + text + '", "width": 4, "height": 4}')
    answer = server.post(data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202, answer.text
    view = server.ended(answer.json()["job_id"])
    assert view["status"] == "completed"
    assert (server.directory / view["input_path"]).read_bytes() == photo


def test_accepted_says_where_the_job_is(paused, png):
    answer = paused.post(data=png, headers={"Content-Type": "image/png"},
                         params={"operation": "resize", "width": 2, "height": 2})
    job = answer.json()["job_id"]
    assert answer.headers["Location"] == f"/jobs/{job}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert int(paused.get(f"/jobs/{job}").headers["Retry-After"]) >= 1


def test_prefer_wait_answers_with_the_finished_job(server, png):
    answer = server.post(data=png, headers={"Content-Type": "image/png", "Prefer": "wait=30"},
                         params={"operation": "resize", "width": 2, "height": 2})
    assert answer.status_code == 200
    assert answer.json()["status"] == "completed"
    assert answer.headers["Location"] == f"/jobs/{answer.json()['id']}"


@pytest.mark.parametrize("prefer", ["wait=1", "respond-async, wait=1", "wait=soon", "wait=0"])
def test_prefer_wait_that_is_not_met_answers_202(paused, png, prefer):
    answer = paused.post(data=png, headers={"Content-Type": "image/png", "Prefer": prefer},
                         params={"operation": "resize", "width": 2, "height": 2})
    assert answer.status_code == 202
    assert answer.json()["status"] == "pending"


def test_download_says_what_it_is_and_cannot_run_as_a_page(server, png):
    job = server.submit(png)
    server.ended(job)
    answer = server.get(f"/jobs/{job}/download")
    assert answer.headers["Content-Type"] == "image/png"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["Content-Disposition"] == f'inline; filename="{job}.png"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_large_download_is_whole(server, images):
    job = server.submit((images / "photo-640x480.jpg").read_bytes(), "resize", 2000, 1500,
                        output_format="png")
    view = server.ended(job)
    assert view["status"] == "completed", view
    answer = server.get(f"/jobs/{job}/download")
    assert answer.content == (server.directory / view["output_path"]).read_bytes()
    assert len(answer.content) > 1 << 20


def test_head_answers_as_get_without_the_body(server, png):
    job = server.submit(png)
    server.ended(job)
    for path in ("/", "/health", f"/jobs/{job}", f"/jobs/{job}/download"):
        head = server.raw(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and head.endswith(b"\r\n\r\n")
        length = len(server.get(path).content)
        assert f"Content-Length: {length}\r\n".encode() in head


def test_expired_image_is_gone(start, png):
    server = start(result_ttl_s=1)
    job = server.submit(png)
    server.ended(job)
    until(lambda: server.get(f"/jobs/{job}/download").status_code != 200)
    answer = server.get(f"/jobs/{job}/download")
    assert answer.status_code == 410
    assert answer.json()["error"] == "Image has expired"
