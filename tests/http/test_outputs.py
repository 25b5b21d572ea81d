"""Several outputs of one job, each fetched by its name; and what a job may ask for."""

import base64
import io

import pytest
from PIL import Image

SIZES = {"small": 40, "medium": 80, "large": 160}


def run(server, image, **spec):
    """The job of this long spec once it has ended."""
    answer = server.post(json={**spec, "image_data": base64.b64encode(image).decode()})
    assert answer.status_code == 202, answer.text
    return server.ended(answer.json()["job_id"])


def resize(width):
    return [{"op": "resize", "width": width, "height": width * 3 // 4}]


def fetch(server, path):
    answer = server.get(path)
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


@pytest.fixture(scope="module")
def photo(images):
    return (images / "photo-640x480.jpg").read_bytes()


@pytest.fixture(scope="module")
def three(server, photo):
    """A job with three JPEGs, largest first, and a PNG between them."""
    outputs = [{"name": "large", "format": "jpeg", "steps": resize(160)},
               {"name": "grey_2-x", "format": "png", "steps": resize(50)},
               {"name": "small", "format": "jpeg", "steps": resize(40)},
               {"name": "medium", "format": "jpeg", "quality": 60, "steps": resize(80)}]
    view = run(server, photo, outputs=outputs)
    assert view["status"] == "completed", view
    return view


def test_every_output_is_fetched_by_its_name(server, three):
    assert [output["name"] for output in three["outputs"]] == ["large", "grey_2-x", "small",
                                                               "medium"]
    for output in three["outputs"]:
        assert output["url"] == f"/jobs/{three['id']}/download/{output['name']}"
        answer = server.get(output["url"])
        assert answer.status_code == 200
        assert len(answer.content) == output["bytes"]
        assert answer.headers["Content-Type"] == f"image/{output['format']}"
        extension = {"jpeg": "jpg", "png": "png"}[output["format"]]
        assert answer.headers["Content-Disposition"] == (
            f'inline; filename="{three["id"]}-{output["name"]}.{extension}"')
        image = Image.open(io.BytesIO(answer.content))
        assert image.size == (output["width"], output["height"])
        assert output["pages"] == 1
    for name, width in SIZES.items():
        assert fetch(server, f"/jobs/{three['id']}/download/{name}").size == (width,
                                                                            width * 3 // 4)


def test_a_tiff_has_the_extension_it_has_in_the_store(server, photo):
    view = run(server, photo, outputs=[{"name": "print", "format": "tiff", "steps": resize(40)}])
    assert view["status"] == "completed", view
    assert view["output_path"].endswith(".tif")
    answer = server.get(f"/jobs/{view['id']}/download")
    assert answer.headers["Content-Disposition"] == f'inline; filename="{view["id"]}.tif"'


def test_plain_download_is_the_first_output(server, three):
    path = f"/jobs/{three['id']}/download"
    assert server.get(path).content == server.get(f"{path}/large").content
    assert server.get(path).headers["Content-Disposition"].endswith(f'"{three["id"]}.jpg"')
    assert (server.directory / three["output_path"]).read_bytes() == server.get(path).content


def test_head_of_a_named_output_is_that_of_its_get(server, three):
    path = f"/jobs/{three['id']}/download/small"
    head = server.raw(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(server.get(path).content)}\r\n".encode() in head


def test_srcset_is_the_format_that_is_there_in_several_widths(three):
    at = f"/jobs/{three['id']}/download"
    assert three["srcset"] == f"{at}/small 40w, {at}/medium 80w, {at}/large 160w"


def test_no_srcset_without_two_widths_of_one_format(server, photo):
    same = run(server, photo, outputs=[{"name": "a", "format": "png", "steps": resize(40)},
                                       {"name": "b", "format": "png", "steps": resize(40)},
                                       {"name": "c", "format": "jpeg", "steps": resize(80)}])
    assert same["status"] == "completed", same
    assert "srcset" not in same
    assert "srcset" not in server.ended(server.submit(photo))


@pytest.mark.parametrize("name", ["tiny", "SMALL", "sma", "small.jpg", "small%20", "%2e%2e", "..",
                                  "s" * 64, "s" * 65, "s" * 500])
def test_unknown_output_is_not_found(server, three, name):
    answer = server.raw(f"GET /jobs/{three['id']}/download/{name} HTTP/1.1\r\nHost: x\r\n"
                        "Connection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 "), answer
    assert b"Job not found" not in answer


def test_unknown_output_is_told_from_an_unknown_job(server, three):
    answer = server.get(f"/jobs/{three['id']}/download/tiny")
    assert answer.status_code == 404
    assert "no output 'tiny'" in answer.json()["error"]
    answer = server.get("/jobs/550e8400-e29b-41d4-a716-446655440000/download/tiny")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Job not found"


def test_named_output_of_a_job_that_has_not_run_is_not_ready(paused, png):
    job = paused.submit(png)
    answer = paused.get(f"/jobs/{job}/download/image")
    assert answer.status_code == 400
    assert answer.json()["error"] == "Image not ready"


def test_sixteen_outputs_and_a_name_of_64_characters(server, photo):
    names = [f"{i:02}".ljust(64, "x") for i in range(16)]
    view = run(server, photo, outputs=[{"name": name, "steps": resize(20 + 4 * i)}
                                       for i, name in enumerate(names)])
    assert view["status"] == "completed", view
    assert [output["name"] for output in view["outputs"]] == names
    assert view["srcset"].count(", ") == 15
    for i, output in enumerate(view["outputs"]):
        assert fetch(server, output["url"]).size == (20 + 4 * i, (20 + 4 * i) * 3 // 4)
    # every link of the srcset leads somewhere
    for entry in view["srcset"].split(", "):
        url, width = entry.split(" ")
        assert fetch(server, url).size[0] == int(width.removesuffix("w"))


@pytest.mark.parametrize("isolation", ["process", "inline"])
def test_one_output_that_fails_fails_the_job_and_none_is_published(start, photo, isolation):
    server = start(max_output_size=50000, isolation=isolation)
    view = run(server, photo, outputs=[{"name": "good", "format": "jpeg", "steps": resize(40)},
                                       {"name": "bad", "format": "png", "steps": resize(1000)}])
    assert view["status"] == "failed", view
    assert view["reason"] == "output_limit"
    assert "max_output_size" in view["error"]
    assert view["outputs"] == []
    assert server.files("outputs") == set()
    assert server.get(f"/jobs/{view['id']}/download/good").status_code == 400


def test_step_that_cannot_be_done_is_pointed_to(server, photo):
    view = run(server, photo, outputs=[
        {"name": "good", "steps": resize(40)},
        {"name": "bad", "steps": [{"op": "crop", "x": 600, "y": 0, "width": 400, "height": 4}]}])
    assert view["status"] == "failed", view
    assert view["reason"] == "step"
    assert view["error"].startswith("/outputs/1/steps/0")


def test_search_for_a_size_says_what_it_took(server, photo):
    view = run(server, photo, steps=resize(320), outputs=[
        {"name": "searched", "format": "jpeg", "max_bytes": 6000},
        {"name": "like", "format": "webp", "target_ssim": 0.9},
        {"name": "plain", "format": "jpeg"}])
    assert view["status"] == "completed", view
    searched, like, plain = view["outputs"]
    assert searched["bytes"] <= 6000 and "over_budget" not in searched
    assert 1 <= searched["quality"] <= 100 and searched["encodes"] >= 1
    assert 0 < like["ssim"] <= 1 and 1 <= like["quality"] <= 100
    assert not {"encodes", "quality", "colors", "ssim", "over_budget"} & plain.keys()


def test_budget_that_cannot_be_met_is_said(server, photo):
    view = run(server, photo, outputs=[{"format": "jpeg", "max_bytes": 100}])
    assert view["status"] == "completed", view
    output, = view["outputs"]
    assert output["over_budget"] is True and output["bytes"] > 100


def test_job_that_is_stored_keeps_the_short_form_s_fields(server, photo):
    view = server.ended(server.submit(photo, "resize", 30, 20, output_format="png"))
    assert (view["operation"], view["width"], view["height"]) == ("resize", 30, 20)
    output, = view["outputs"]
    assert output["name"] == "image"
    assert server.get(output["url"]).content == server.get(f"/jobs/{view['id']}/download").content


def test_operations_are_a_json_schema(server):
    answer = server.get("/operations")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/schema+json"
    schema = answer.json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert '"const":"resize"' in answer.text.replace(" ", "")
    assert '"max_bytes"' in answer.text
    for member in ("steps", "outputs", "load", "info"):
        assert f'"{member}":' in answer.text


def test_index_lists_the_new_calls(server):
    paths = {route["path"] for route in server.get("/").json()["routes"]}
    assert {"/operations", "/jobs/{id}/download/{name}"} <= paths


def test_addresses_are_absolute_where_the_server_knows_its_own(start, photo):
    server = start(public_url="https://images.example.org/api")
    view = run(server, photo, outputs=[{"name": "a", "format": "png", "steps": resize(40)},
                                       {"name": "b", "format": "png", "steps": resize(80)}])
    at = f"https://images.example.org/api/jobs/{view['id']}/download"
    assert [output["url"] for output in view["outputs"]] == [f"{at}/a", f"{at}/b"]
    assert view["srcset"] == f"{at}/a 40w, {at}/b 80w"
