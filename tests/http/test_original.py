"""The four calls of the original service, word for word, as its README has them."""

import base64
import json
import re
import subprocess
import time

import pytest

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def curl(*arguments, cwd=None):
    return subprocess.run(["curl", "-sS", *arguments], check=True, capture_output=True,
                          timeout=60, cwd=cwd).stdout


@pytest.fixture
def body(images):
    return json.dumps({
        "image_data": base64.b64encode((images / "photo-640x480.jpg").read_bytes()).decode(),
        "operation": "resize",
        "width": 800,
        "height": 600,
        "output_format": "jpeg",
    })


def submit(server, body):
    return json.loads(curl("-X", "POST", f"{server.url}/jobs", "-H",
                           "Content-Type: application/json", "-d", body))


def test_submit_answers_the_id_and_the_original_s_words(server, body):
    answer = submit(server, body)
    assert re.fullmatch(UUID, answer["job_id"])
    assert answer == {"job_id": answer["job_id"], "status": "pending",
                      "message": "Image processing job submitted"}


def test_status_has_the_original_s_fields(server, body):
    job = submit(server, body)["job_id"]
    server.ended(job)
    view = json.loads(curl(f"{server.url}/jobs/{job}"))
    assert view["id"] == job
    assert view["status"] == "completed"
    assert view["operation"] == "resize"
    assert (view["width"], view["height"]) == (800, 600)
    assert (server.directory / view["input_path"]).exists()
    assert (server.directory / view["output_path"]).exists()
    for field in ("created_at", "updated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", view[field])
    assert not view.get("error")


def test_download_gives_the_image_under_a_name_of_ours(server, body, tmp_path):
    job = submit(server, body)["job_id"]
    server.ended(job)
    curl("-O", f"{server.url}/jobs/{job}/download", cwd=tmp_path)
    assert (tmp_path / "download").read_bytes().startswith(b"\xff\xd8\xff")
    curl("-OJ", f"{server.url}/jobs/{job}/download", cwd=tmp_path)
    assert (tmp_path / f"{job}.jpg").read_bytes() == (tmp_path / "download").read_bytes()


def test_health_answers_healthy_and_the_time(server):
    began = time.time()
    answer = json.loads(curl(f"{server.url}/health"))
    assert answer.keys() == {"status", "timestamp"}
    assert answer["status"] == "healthy"
    assert int(began) <= answer["timestamp"] <= time.time()


def test_unknown_job_is_not_found(server):
    for job in ("550e8400-e29b-41d4-a716-446655440000", "nonsense", "x" * 200):
        for path in (f"/jobs/{job}", f"/jobs/{job}/download"):
            answer = server.get(path)
            assert answer.status_code == 404
            assert answer.json()["error"] == "Job not found"


def test_image_of_a_job_that_has_not_run_is_not_ready(paused, body):
    job = submit(paused, body)["job_id"]
    answer = paused.get(f"/jobs/{job}/download")
    assert answer.status_code == 400
    assert answer.json()["error"] == "Image not ready"
    assert paused.get(f"/jobs/{job}").json()["status"] == "pending"


def test_image_of_a_failed_job_is_not_ready(server, images):
    job = server.submit((images / "truncated.png").read_bytes())
    view = server.ended(job)
    assert view["status"] == "failed"
    assert view["error"]
    answer = server.get(f"/jobs/{job}/download")
    assert answer.status_code == 400
    assert answer.json()["error"] == "Image not ready"


def test_body_without_a_content_type_is_read_as_json(server, body):
    for header in ("Content-Type:", "Content-Type: application/x-www-form-urlencoded"):
        answer = json.loads(curl("-X", "POST", f"{server.url}/jobs", "-H", header, "-d", body))
        assert answer["status"] == "pending"
