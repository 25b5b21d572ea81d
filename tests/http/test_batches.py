"""POST /batches: many jobs in one commit; and what can be done with them together."""

import json
import select
import socket

import pytest
import requests

from imgjobd import PATIENCE, until
from test_refusals import refused

FIELDS = {"operation": (None, "resize"), "width": (None, "2"), "height": (None, "2")}
SHORT = {"operation": "resize", "width": 3, "height": 2}


def post_images(server, images, fields=None, **options):
    files = [*(FIELDS if fields is None else fields).items(),
             *(("image", (f"{i}.png", image)) for i, image in enumerate(images))]
    return server.post("/batches", files=files, **options)


def delete(server, path):
    return requests.delete(server.url + path, timeout=PATIENCE)


def made(answer):
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert batch["status"] == "pending"
    assert answer.headers["Location"] == f"/batches/{batch['batch_id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    return batch


def done(server, batch):
    """The batch once all its jobs have ended."""
    path = f"/batches/{batch['batch_id']}"
    until(lambda: server.get(path).json()["done"])
    return server.get(path).json()


@pytest.fixture
def nothing_is_left_behind(server):
    before = server.files("uploads")
    yield
    assert server.files("uploads") == before


def test_images_of_a_form_become_jobs_of_one_batch(server, images):
    names = ("1x1.png", "rgba.png", "photo-640x480.jpg")
    batch = made(post_images(server, [(images / name).read_bytes() for name in names]))
    assert len(set(batch["jobs"])) == 3
    counts = done(server, batch)
    assert counts["id"] == batch["batch_id"] and counts["total"] == 3
    assert counts["counts"] == {"pending": 0, "processing": 0, "completed": 3, "failed": 0,
                                "cancelled": 0}
    for job, name in zip(batch["jobs"], names):
        view = server.get(f"/jobs/{job}").json()
        assert view["batch"] == batch["batch_id"]
        assert (server.directory / view["input_path"]).read_bytes() == \
            (images / name).read_bytes()


def test_jobs_of_a_batch_are_listed(server, png):
    batch = made(post_images(server, [png, png]))
    url = server.get(f"/batches/{batch['batch_id']}").json()["jobs_url"]
    assert url == f"/jobs?batch={batch['batch_id']}"
    listed = server.get(url).json()["jobs"]
    assert {job["id"] for job in listed} == set(batch["jobs"])


def test_spec_and_options_are_those_of_all(paused, png):
    spec = {"spec": (None, json.dumps({"steps": [{"op": "flip"}]})), "queue": (None, "bulk"),
            "tags": (None, "a,b"), "priority": (None, "9")}
    batch = made(post_images(paused, [png, png], spec))
    for job in batch["jobs"]:
        view = paused.get(f"/jobs/{job}").json()
        assert (view["queue"], view["priority"], sorted(view["tags"])) == ("bulk", 9, ["a", "b"])
    counts = paused.get(f"/batches/{batch['batch_id']}")
    assert counts.json()["counts"]["pending"] == 2 and not counts.json()["done"]
    assert int(counts.headers["Retry-After"]) >= 1


def test_one_that_fails_is_counted_as_such(server, png, images):
    batch = made(post_images(server, [png, (images / "truncated.jpg").read_bytes()]))
    counts = done(server, batch)["counts"]
    assert (counts["completed"], counts["failed"]) == (1, 1)


def test_list_of_earlier_jobs_becomes_a_batch(server, png, images):
    sources = [server.submit(png), server.submit((images / "rgba.png").read_bytes())]
    body = {"queue": "again", "jobs": [{"source_job": sources[0], **SHORT},
                                       {"source_job": sources[1],
                                        "outputs": [{"name": "x", "format": "webp"}]}]}
    batch = made(server.post("/batches", json=body))
    assert done(server, batch)["counts"]["completed"] == 2
    first, second = (server.get(f"/jobs/{job}").json() for job in batch["jobs"])
    assert first["outputs"][0]["width"] == 3 and first["queue"] == "again"
    assert second["outputs"][0]["name"] == "x"


def test_spec_beside_the_list_is_that_of_all_without_one(server, png):
    source = server.submit(png)
    body = {**SHORT, "jobs": [{"source_job": source},
                              {"source_job": source, "operation": "resize", "width": 5,
                               "height": 4}]}
    batch = made(server.post("/batches", json=body))
    done(server, batch)
    widths = [server.get(f"/jobs/{job}").json()["outputs"][0]["width"] for job in batch["jobs"]]
    assert widths == [3, 5]


# ---- all or nothing ----

def test_one_bad_image_refuses_all(server, png, nothing_is_left_behind):
    refused(post_images(server, [png, b"no image" * 20, png]), 415,
            "image[1]: the image has no format that is read")
    refused(post_images(server, [png, b""]), 400, "image[1]: is empty")


def test_one_bad_entry_refuses_all_and_is_pointed_to(server, png):
    source = server.submit(png)
    before = server.files("uploads")
    good = {"source_job": source, **SHORT}
    absent = source[:-4] + ("0000" if source[-4:] != "0000" else "1111")

    def post(*jobs, **common):
        return server.post("/batches", json={"jobs": list(jobs), **common})

    problem = refused(post(good, {"source_job": source, "steps": [{"op": "explode"}]}), 422,
                      "/jobs/1/steps/0/op")
    assert problem["errors"][0]["pointer"] == "/jobs/1/steps/0/op"
    refused(post(good, {"source_job": source, "operation": "resize"}), 422, "/jobs/1")
    refused(post(good, {"source_job": absent, **SHORT}), 404, "jobs[1]")
    refused(post(good, SHORT), 400, "jobs[1]: source_job is missing")
    refused(post(good, {**good, "priority": 1}), 400, "jobs[1]: priority: is for all jobs")
    refused(post(good, {**good, "image_data": "x"}), 400, "jobs[1]: image_data: a list takes no ")
    refused(post(good, {**good, "image": "x"}), 422, "/jobs/1/image: no such member; a list takes")
    refused(post(good, {**good, "colour": 1}), 422, "/jobs/1/colour: no such member; there are op")
    refused(post(good, **{"colour": 1}), 422, "/colour: no such member; there are operation, ")
    refused(post(good, **{"image_data": "x"}), 400, "image_data: a list takes no images but ")
    refused(post(good, 7), 400, "jobs[1]: must be an object, not")
    refused(post(good, **{"source_job": source}), 400, "source_job: stands in each")
    refused(post(good, **{"priority": 10}), 400, "priority: must be 0..9, not 10")
    refused(post(), 400, "jobs: must be an array of 1 to 100 objects")
    refused(server.post("/batches", json={"jobs": {}}), 400, "jobs: must be an array")
    refused(server.post("/batches", json=[]), 400, "the body must be a JSON object")
    refused(server.post("/batches", data="{", headers={"Content-Type": "application/json"}),
            400, "JSON")
    assert server.files("uploads") == before


def test_batch_is_bounded(start, png):
    server = start(paused=1, batch_max=3)
    made(post_images(server, [png] * 3))
    before = server.files("uploads")
    refused(post_images(server, [png] * 4), 413, "image: more than 3 of them (batch_max)")
    source = server.submit(png)
    jobs = [{"source_job": source, **SHORT}] * 4
    refused(server.post("/batches", json={"jobs": jobs}), 413, "jobs: 4 of them, but batch_max is 3")
    assert len(server.files("uploads")) == len(before) + 1


def test_hundred_images_are_one_batch(paused, png):
    assert len(set(made(post_images(paused, [png] * 100))["jobs"])) == 100


def test_batch_that_would_overfill_the_queue_is_refused_whole(start, png):
    server = start(paused=1, max_queued_jobs=2)
    server.submit(png)
    before = server.files("uploads")
    refused(post_images(server, [png, png]), 503, "1 more fit, max_queued_jobs is 2")
    assert server.files("uploads") == before
    made(post_images(server, [png]))


def test_what_makes_no_batch_is_refused(server, png, nothing_is_left_behind):
    refused(post_images(server, []), 400, "image is missing")
    refused(post_images(server, [png], {**FIELDS, "overlay": ("o.png", png)}), 400,
            "overlay: a batch takes no overlays")
    refused(post_images(server, [png], {**FIELDS, "dedup": (None, "true")}), 400,
            "dedup: means nothing here")
    refused(post_images(server, [png], {"width": (None, "0")}), 400, "")
    refused(server.post("/batches", data=png, headers={"Content-Type": "image/png"}), 415,
            "Content-Type must be multipart/form-data or application/json")
    refused(server.post("/batches", data=b"x" * 2_000_000,
                        headers={"Content-Type": "application/json"}), 413,
            "the list has 2000000 bytes, and may have 1048576")
    answer = server.raw(b"POST /batches HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 411 ")


# ---- together ----

def test_repeat_with_the_same_key_gives_the_same_batch(start, png):
    server = start(paused=1)
    headers = {"Idempotency-Key": "batch-1"}
    first = post_images(server, [png, png], headers=headers)
    again = post_images(server, [png, png], headers=headers)
    assert made(again) == made(first)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    problem = refused(post_images(server, [png], headers=headers), 422, "")
    assert problem["code"] == "idempotency_mismatch"
    assert len(server.files("uploads")) == 2


def test_job_can_join_a_batch(paused, png):
    batch = made(post_images(paused, [png]))
    paused.submit(png, batch=batch["batch_id"])
    assert paused.get(f"/batches/{batch['batch_id']}").json()["total"] == 2


def test_cancel_of_a_batch_cancels_what_has_not_ended(start, png):
    server = start(paused=1)
    batch = made(post_images(server, [png] * 100))
    for _ in range(5):  # more than a page
        server.submit(png, batch=batch["batch_id"])
    other = server.submit(png)
    answer = delete(server, f"/batches/{batch['batch_id']}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["done"] and answer.json()["counts"]["cancelled"] == 105
    assert server.get(f"/jobs/{other}").json()["status"] == "pending"
    again = delete(server, f"/batches/{batch['batch_id']}")
    assert again.status_code == 200 and again.json() == answer.json()


def test_cancel_leaves_what_has_ended(server, png):
    batch = made(post_images(server, [png]))
    done(server, batch)
    assert delete(server, f"/batches/{batch['batch_id']}").json()["counts"]["completed"] == 1


@pytest.mark.parametrize("batch", ["01890a5d-ac96-774b-bcce-b302099a8057", "x", "%00"])
def test_batch_that_is_not_there_is_404(server, batch):
    refused(server.get(f"/batches/{batch}"), 404, "Batch not found")
    refused(delete(server, f"/batches/{batch}"), 404, "Batch not found")


def test_too_many_batches_at_a_time_are_503(start, png):
    """Those that arrive hold descriptors, so only some may."""
    server = start(paused=1)
    size = 1000
    head = (b"POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; "
            b"boundary=cut\r\nContent-Length: %d\r\n\r\n--cut\r\n" % size)
    slow = []

    def begin():
        connection = socket.create_connection(server.address, PATIENCE)
        slow.append(connection)
        connection.sendall(head)

    def full():
        """The asker may have taken the place of a slow one, which then begins again."""
        answered, _, _ = select.select(slow, [], [], 0)
        for connection in answered:
            slow.remove(connection)
            connection.close()
            begin()
        return post_images(server, [png]).status_code == 503

    try:
        for _ in range(4):
            begin()
        until(full)
        answer = post_images(server, [png])
        refused(answer, 503, "4 batches arrive already")
        assert int(answer.headers["Retry-After"]) >= 1
    finally:
        for connection in slow:
            connection.close()
    until(lambda: post_images(server, [png]).status_code == 202)
