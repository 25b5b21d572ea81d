"""Presets: named specs of the operator's, and a server that takes no others."""

import base64
import json
import signal
import subprocess

import pytest

from imgjobd import until
from test_options import RAW
from test_refusals import refused

PRESETS = {"tiny": {"operation": "resize", "width": 5, "height": 4},
           "twins": {"steps": [{"op": "flip"}],
                     "outputs": [{"name": "a", "format": "png"},
                                 {"name": "b", "format": "webp"}]},
           "stamp": {"steps": [{"op": "composite", "input": 1}]}}


@pytest.fixture
def presets(tmp_path):
    path = tmp_path / "presets.json"
    path.write_text(json.dumps(PRESETS))
    return path


def view_of(server, answer):
    assert answer.status_code == 202, answer.text
    return server.ended(answer.json()["job_id"])


def test_preset_stands_for_a_spec_in_every_form_of_body(start, presets, png):
    server = start(presets_file=presets)
    text = base64.b64encode(png).decode()
    for answer in (server.post(json={"image_data": text, "preset": "tiny"}),
                   server.post(files={"image": ("a.png", png), "preset": (None, "tiny")}),
                   server.post(data=png, headers=RAW, params={"preset": "tiny"})):
        view = view_of(server, answer)
        assert (view["outputs"][0]["width"], view["outputs"][0]["height"]) == (5, 4)
    view = view_of(server, server.post(data=png, headers=RAW, params={"preset": "twins"}))
    assert [output["name"] for output in view["outputs"]] == ["a", "b"]
    answer = server.post("/process", data=png, headers=RAW, params={"preset": "tiny"})
    assert answer.headers["Content-Type"] == "image/png"


def test_preset_may_take_overlays(start, presets, images):
    server = start(presets_file=presets)
    image = ("a.png", (images / "rgba.png").read_bytes())
    answer = server.post(files={"image": image, "overlay": image, "preset": (None, "stamp")})
    assert view_of(server, answer)["status"] == "completed"
    refused(server.post(files={"image": image, "preset": (None, "stamp")}), 422, "input")


def test_batch_has_a_preset(start, presets, png):
    server = start(presets_file=presets, paused=1)
    files = [("preset", (None, "tiny")), ("image", ("a.png", png)), ("image", ("b.png", png))]
    assert len(server.post("/batches", files=files).json()["jobs"]) == 2
    source = server.submit(png)
    answer = server.post("/batches", json={"preset": "tiny", "jobs": [
        {"source_job": source}, {"source_job": source, "preset": "twins"}]})
    assert len(answer.json()["jobs"]) == 2, answer.text


def test_preset_that_is_not_there_or_stands_beside_a_spec_is_400(start, presets, png):
    server = start(presets_file=presets)
    refused(server.post(data=png, headers=RAW, params={"preset": "huge"}), 400,
            "preset: there is no 'huge'")
    words = "preset: members stand beside it that are no options"
    refused(server.post(data=png, headers=RAW, params={"preset": "tiny", "width": 3}), 400, words)
    text = base64.b64encode(png).decode()
    refused(server.post(json={"image_data": text, "preset": "tiny", "steps": []}), 400, words)
    refused(server.post(files={"image": ("a.png", png), "preset": (None, "tiny"),
                               "spec": (None, "{}")}), 400, words)
    assert server.files("uploads") == set()


def test_nothing_but_presets_is_taken_where_that_is_set(start, presets, png):
    server = start(presets_file=presets, presets_only=1)
    text = base64.b64encode(png).decode()
    own = {"operation": "resize", "width": 3, "height": 3}
    for path in ("/jobs", "/process"):
        for answer in (server.post(path, json={"image_data": text, **own}),
                       server.post(path, data=png, headers=RAW, params=own),
                       server.post(path, files={"image": ("a.png", png)})):
            problem = refused(answer, 403, "preset is missing")
            assert problem["code"] == "presets_only"
    assert view_of(server, server.post(data=png, headers=RAW, params={"preset": "tiny"}))
    answer = server.post("/batches", files={"image": ("a.png", png), "width": (None, "3")})
    refused(answer, 403, "preset is missing")
    source = server.post(data=png, headers=RAW, params={"preset": "tiny"}).json()["job_id"]
    for body in ({"jobs": [{"source_job": source}]},
                 {"jobs": [{"source_job": source, **own}]},
                 {"jobs": [{"source_job": source}], **own},
                 {"jobs": [{"source_job": source, "preset": "tiny"},
                           {"source_job": source, **own}]}):
        refused(server.post("/batches", json=body), 403, "preset is missing")
    assert server.post("/info", data=png, headers=RAW).status_code == 200


def test_file_with_a_fault_stops_the_start(imgjobd, tmp_path):
    path = tmp_path / "presets.json"
    path.write_text(json.dumps({**PRESETS, "bad": {"steps": [{"op": "explode"}]}}))
    run = subprocess.run([imgjobd, f"--presets-file={path}", "--port=0"], cwd=tmp_path,
                         capture_output=True, text=True)
    assert run.returncode != 0
    assert str(path) in run.stderr and "preset 'bad': /steps/0/op: " in run.stderr
    run = subprocess.run([imgjobd, "--presets-file=absent.json", "--port=0"], cwd=tmp_path,
                         capture_output=True, text=True)
    assert run.returncode != 0 and "No such file" in run.stderr


def test_hangup_reads_the_file_again(start, presets, png):
    server = start(presets_file=presets, paused=1)

    def status(preset):
        return server.post(data=png, headers=RAW, params={"preset": preset}).status_code

    assert (status("tiny"), status("late")) == (202, 400)
    presets.write_text(json.dumps({"late": PRESETS["tiny"]}))
    server.signal(signal.SIGHUP)
    until(lambda: status("late") == 202)
    assert status("tiny") == 400
    presets.write_text("{")
    mark = len(server.lines)
    server.signal(signal.SIGHUP)
    server.wait_for_line("presets_file.*JSON", mark)
    assert status("late") == 202  # what was there stays
