"""Further images beside the image: overlay1 to overlay8, which steps take as "input"."""

import base64
import io
import itertools
import json
import socket

import pytest
from PIL import Image

from imgjobd import PATIENCE, read_all, until
from test_refusals import refused

RESIZE = {"op": "resize", "width": 8, "height": 6}


def png_of(size, colour):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def colour_of(k):
    return (20 * k + 40, 255 - 25 * k, 10 * k)


BASE = png_of((64, 48), (10, 20, 30))


def overlay(k):
    """A square of its own colour for each input."""
    return png_of((4, 4), colour_of(k))


def stamp(k, x=None):
    """Lay input k at (x, 0); x grows with k unless told otherwise."""
    return {"op": "composite", "input": k, "gravity": "northwest", "x": 4 * k if x is None else x,
            "y": 0}


def spec_of(*inputs):
    return {"steps": [stamp(k) for k in inputs], "outputs": [{"format": "png"}]}


def coded(image):
    return base64.b64encode(image).decode()


def name_of(k):
    return f"overlay{k}"


def finished(server, answer):
    """The picture that the accepted job made."""
    assert answer.status_code == 202, answer.text
    view = server.ended(answer.json()["job_id"])
    assert view["status"] == "completed", view
    answer = server.get(f"/jobs/{view['id']}/download")
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content)).convert("RGB")


def expect_stamps(picture, inputs):
    assert picture.size == (64, 48)
    for k in range(1, 9):
        expected = colour_of(k) if k in inputs else (10, 20, 30)
        assert picture.getpixel((4 * k + 1, 1)) == expected, k
    assert picture.getpixel((1, 1)) == picture.getpixel((40, 40)) == (10, 20, 30)


@pytest.fixture
def nothing_is_left_behind(server):
    """What was refused is not on disk; the server still works."""
    before = server.files("uploads")
    yield
    assert server.files("uploads") == before
    assert server.get("/health/ready").status_code == 200


# ---- what is taken ----

def test_composite_in_multipart_whatever_the_order(server):
    parts = [("image", ("a.png", BASE)), ("overlay", ("b.png", overlay(1))),
             ("overlay2", ("c.png", overlay(2))), ("spec", (None, json.dumps(spec_of(1, 2))))]
    for order in itertools.permutations(parts):
        expect_stamps(finished(server, server.post(files=list(order))), {1, 2})


def test_composite_in_json_whatever_the_order(server):
    members = [("image_data", coded(BASE)), ("overlay1", coded(overlay(1))),
               ("overlay2", "data:image/png;base64," + coded(overlay(2))),
               *spec_of(1, 2).items()]
    for order in ((0, 1, 2, 3, 4), (2, 3, 1, 4, 0), (4, 2, 3, 0, 1), (1, 0, 3, 4, 2)):
        answer = server.post(json=dict(members[i] for i in order))
        expect_stamps(finished(server, answer), {1, 2})


def test_eight_overlays_beside_the_image(server):
    inputs = range(1, 9)
    files = {name_of(k): ("x.png", overlay(k)) for k in inputs}
    files["spec"] = (None, json.dumps(spec_of(*inputs)))
    expect_stamps(finished(server, server.post(files={**files, "image": ("a.png", BASE)})),
                  set(inputs))
    body = {name_of(k): coded(overlay(k)) for k in inputs}
    answer = server.post(json={**body, "image_data": coded(BASE), **spec_of(*inputs)})
    expect_stamps(finished(server, answer), set(inputs))


def test_overlay_is_short_for_the_first_one(server):
    step = {key: value for key, value in stamp(1).items() if key != "input"}
    spec = {"steps": [step], "outputs": [{"format": "png"}]}
    for name in ("overlay", "overlay1"):
        body = {"image_data": coded(BASE), name: coded(overlay(1)), **spec}
        expect_stamps(finished(server, server.post(json=body)), {1})


def test_one_overlay_may_be_taken_often_and_by_an_output(server):
    spec = {"outputs": [{"name": "one", "format": "png", "steps": [stamp(1)]},
                        {"name": "two", "format": "png", "steps": [stamp(1), stamp(1, 40)]}]}
    answer = server.post(files={"image": ("a.png", BASE), "overlay": ("b.png", overlay(1)),
                                "spec": (None, json.dumps(spec))})
    view = server.ended(answer.json()["job_id"])
    assert view["status"] == "completed", view
    for name, expected in (("one", (10, 20, 30)), ("two", colour_of(1))):
        picture = Image.open(io.BytesIO(
            server.get(f"/jobs/{view['id']}/download/{name}").content)).convert("RGB")
        assert picture.getpixel((5, 1)) == colour_of(1)
        assert picture.getpixel((41, 1)) == expected


def test_every_input_is_stored_as_it_came_and_goes_with_the_job(start, images):
    server = start(result_ttl_s=1, paused=1)  # or it might have gone before it is looked at
    large = (images / "photo-2725x2225.jpg").read_bytes()  # many pieces of 64 KiB, alternating
    body = {"image_data": coded(large), "overlay2": coded(overlay(2)), "overlay": coded(large),
            **spec_of(1, 2)}
    answer = server.post(json=body)
    assert answer.status_code == 202, answer.text
    job = answer.json()["job_id"]
    stored = {path.rsplit("/", 1)[-1]: (server.directory / "uploads" / path).read_bytes()
              for path in (name.removeprefix("uploads/") for name in server.files("uploads"))}
    assert stored == {f"{job}.in0": large, f"{job}.in1": large, f"{job}.in2": overlay(2)}
    server.put("/pool", json={"paused": False})
    view = server.ended(job)
    assert view["status"] == "completed", view["error"]
    until(lambda: server.files("uploads") == set())


def test_job_with_overlays_survives_a_kill(start):
    server = start(paused=1)
    answer = server.post(files={"image": ("a.png", BASE), "overlay": ("b.png", overlay(1)),
                                "spec": (None, json.dumps(spec_of(1)))})
    server.kill()
    server = start()
    expect_stamps(finished(server, answer), {1})


# ---- what is refused ----

@pytest.mark.parametrize("given, steps, pointer, words", [
    ([], [stamp(1)], "/steps/0/input", "takes input 1, which was not given"),
    ([1], [RESIZE, stamp(1), stamp(2)], "/steps/2/input", "takes input 2, which was not given"),
    ([1], [RESIZE], "/steps", "no step takes input 1"),
    ([1, 2], [stamp(1)], "/steps", "no step takes input 2"),
    ([2], [stamp(2)], "/steps/0/input", "no step takes input 1"),
    ([1], [stamp(0)], "/steps/0/input", "0"),
    ([1], [stamp(9)], "/steps/0/input", "9"),
])
def test_inputs_must_be_those_that_steps_take(server, nothing_is_left_behind, given, steps,
                                              pointer, words):
    files = {name_of(k): ("x.png", overlay(k)) for k in given}
    files |= {"image": ("a.png", BASE), "spec": (None, json.dumps({"steps": steps}))}
    body = {name_of(k): coded(overlay(k)) for k in given}
    for answer in (server.post(files=files),
                   server.post(json={**body, "image_data": coded(BASE), "steps": steps})):
        assert refused(answer, 422, words)["errors"][0]["pointer"] == pointer


def test_step_of_an_output_is_pointed_to(server, nothing_is_left_behind):
    outputs = [{"name": "a"}, {"name": "b", "steps": [RESIZE, stamp(1)]}]
    answer = server.post(json={"image_data": coded(BASE), "outputs": outputs})
    problem = refused(answer, 422, "takes input 1, which was not given")
    assert problem["errors"][0]["pointer"] == "/outputs/1/steps/1/input"


def test_short_form_takes_no_overlay(server, nothing_is_left_behind):
    fields = {"operation": "resize", "width": 8, "height": 6}
    body = {"image_data": coded(BASE), "overlay": coded(overlay(1)), **fields}
    refused(server.post(json=body), 400, "no step takes input 1")
    files = {name: (None, str(value)) for name, value in fields.items()}
    files |= {"image": ("a.png", BASE), "overlay": ("b.png", overlay(1))}
    refused(server.post(files=files), 400, "no step takes input 1")


def test_raw_image_comes_alone(server, nothing_is_left_behind):
    answer = server.post(data=BASE, headers={"Content-Type": "image/png"},
                         params={"operation": "resize", "width": 8, "height": 6, "overlay": "x"})
    refused(answer, 400, "overlay: no such field")


@pytest.mark.parametrize("name", ["overlay0", "overlay9", "overlay10", "overlay01", "overlay123"])
def test_number_of_an_overlay_is_1_to_8(server, nothing_is_left_behind, name):
    words = f"{name}: no such input; an overlay's number is 1 to 8"
    large = coded(bytes(200_000))  # too long to be any other field
    refused(server.post(json={"image_data": coded(BASE), name: large}), 400, words)
    refused(server.post(files={"image": ("a.png", BASE), name: ("b.png", overlay(1))}), 400, words)


@pytest.mark.parametrize("first, second", [("overlay", "overlay"), ("overlay", "overlay1"),
                                           ("overlay1", "overlay"), ("overlay5", "overlay5")])
def test_overlay_twice_is_400(server, nothing_is_left_behind, first, second):
    parts = [("image", ("a.png", BASE)), (first, ("b.png", overlay(1))),
             (second, ("c.png", overlay(2)))]
    refused(server.post(files=parts), 400, f"{second}: stands twice")
    text = coded(overlay(1))
    body = f'{{"image_data": "{coded(BASE)}", "{first}": "{text}", "{second}": "{text}"}}'
    refused(server.post(data=body, headers={"Content-Type": "application/json"}), 400,
            f"{second}: stands twice")


@pytest.mark.parametrize("value, words", [
    ("", "overlay3: is empty"),
    ("!!!!", "overlay3: is not valid base64"),
    ("Y2F", "overlay3: is not valid base64"),
    (7, "overlay3: must be a string"),
    (None, "overlay3: must be a string"),
    (["Y2F0"], "overlay3: must be a string"),
])
def test_overlay_that_is_no_base64_is_400(server, nothing_is_left_behind, value, words):
    refused(server.post(json={"image_data": coded(BASE), "overlay3": value}), 400, words)
    refused(server.post(json={"overlay3": value, "image_data": coded(BASE)}), 400, words)


def test_empty_overlay_part_is_400(server, nothing_is_left_behind):
    files = {"image": ("a.png", BASE), "overlay2": ("", b"")}
    refused(server.post(files=files), 400, "overlay2: is empty")


def test_overlay_without_an_image_is_400(server, nothing_is_left_behind):
    refused(server.post(files={"overlay": ("b.png", overlay(1))}), 400, "image is missing")
    refused(server.post(json={"overlay": coded(overlay(1))}), 400, "image_data is missing")


def test_overlay_that_is_no_image_is_415(server, images, nothing_is_left_behind):
    spec = json.dumps(spec_of(1, 2))
    for name in ("text.txt", "picture.svg"):
        files = {"image": ("a.png", BASE), "overlay": ("b.png", overlay(1)),
                 "overlay2": ("c", (images / name).read_bytes()), "spec": (None, spec)}
        refused(server.post(files=files), 415, "input 2 ")


def test_overlay_that_is_truncated_fails_the_job(server, images):
    answer = server.post(files={
        "image": ("a.png", BASE), "overlay": ("b.png", (images / "truncated.png").read_bytes()),
        "spec": (None, json.dumps(spec_of(1)))})
    assert answer.status_code == 202, answer.text
    view = server.ended(answer.json()["job_id"])
    assert view["status"] == "failed" and view["reason"] == "truncated", view
    assert view["outputs"] == []


def test_limit_counts_the_bytes_of_all_images(start):
    server = start(max_upload_size=3000)
    fits, over = BASE + bytes(1400 - len(BASE)), BASE + bytes(1601 - len(BASE))
    for second, status in ((fits, 202), (over, 413)):
        files = {"image": ("a.png", fits), "overlay": ("b.png", second),
                 "spec": (None, json.dumps(spec_of(1)))}
        body = {"image_data": coded(fits), "overlay": coded(second), **spec_of(1)}
        for answer in (server.post(files=files), server.post(json=body)):
            assert answer.status_code == status, answer.text
    refused(server.post(json=body), 413, "max_upload_size")
    assert len(server.files("uploads")) == 4  # of the two jobs that were taken


def test_body_that_ends_within_an_overlay_leaves_nothing(server, nothing_is_left_behind):
    multipart = b"".join(b"--cut\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % part
                         for part in ((b"image", BASE), (b"overlay", overlay(1))))
    body = b'{"image_data": "%s", "overlay": "%s' % (coded(BASE).encode(),
                                                      coded(overlay(1)).encode())
    for content_type, data, words in (
            ("multipart/form-data; boundary=cut", multipart[:-9], "closing boundary"),
            ("application/json", body, "ends within a string")):
        refused(server.post(data=data, headers={"Content-Type": content_type}), 400, words)
        # and once more, promising more than comes
        head = (f"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\n"
                f"Content-Length: {len(data) + 100}\r\n\r\n")
        with socket.create_connection(server.address, PATIENCE) as connection:
            connection.sendall(head.encode() + data)
            connection.shutdown(socket.SHUT_WR)
            assert b" 202 " not in read_all(connection)[:20]
