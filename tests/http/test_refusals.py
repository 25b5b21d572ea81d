"""Bad input: each fault has its status and its sentence, and leaves nothing behind."""

import base64
import json
import random

import pytest

PNG_FIELDS = {"operation": "resize", "width": 2, "height": 2}


@pytest.fixture(autouse=True)
def nothing_is_left_behind(server):
    """What was refused is not on disk; the server still works."""
    before = server.files("uploads")
    yield
    assert server.files("uploads") == before
    assert server.get("/health/ready").status_code == 200


def refused(answer, status, words):
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert words in problem["error"], problem["error"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert {"type", "title", "detail", "code"} <= problem.keys()
    return problem


def body_with(png, **changes):
    body = {"image_data": base64.b64encode(png).decode(), **PNG_FIELDS, **changes}
    return {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize("changes, words", [
    ({"image_data": None}, "image_data is missing"),
    ({"operation": None}, "operation"),
    ({"width": None}, "width"),
    ({"height": None}, "height"),
    ({"width": 0}, "width: must be 1..4096, not 0"),
    ({"width": -1}, "width: must be 1..4096, not -1"),
    ({"height": 4097}, "height: must be 1..4096, not 4097"),
    ({"width": 10 ** 9}, "width: must be 1..4096, not 1000000000"),
    ({"width": 10 ** 30}, "number"),
    ({"width": "800"}, "width: must be a whole number"),
    ({"width": 1.5}, "width: must be a whole number"),
    ({"operation": "explode"}, "explode"),
    ({"operation": 7}, "operation"),
    ({"output_format": "bmp"}, "bmp"),
    ({"output_format": 7}, "output_format"),
    ({"image_data": "!!!!"}, "image_data: is not valid base64"),
    ({"image_data": "Y2F"}, "image_data: is not valid base64"),
    ({"image_data": ""}, "image_data: is empty"),
    ({"image_data": 5}, "image_data: must be a string"),
    ({"colour": "red"}, "colour: no such member; there are image_data, overlays, operation, "
     "width, height, output_format, enlarge, steps, outputs, load, info, preset, source_job "),
    ({"image": "x"}, "image: no such member; in JSON the image is image_data, in base64"),
    ({"spec": {"steps": []}}, "spec: no such member; in JSON what it holds, such as steps "),
    ({"operation": None, "width": None, "height": None, "spec": {}}, "spec: no such member"),
    ({"operation": None, "image_data": None, "image": "x"}, "image: no such member"),
])
def test_fault_of_the_simple_form_is_400(server, png, changes, words):
    refused(server.post(json=body_with(png, **changes)), 400, words)


@pytest.mark.parametrize("body, words", [
    (b"hello", "must be a JSON object"),
    (b"[1, 2]", "must be a JSON object"),
    (b"{", "JSON"),
    (b'{"image_data": "Y2F0"} trailing', "JSON"),
    (b'{"image_data": "Y2F0', "JSON"),
    (b'{"image_data": "Y2F0", "image_data": "Y2F0"}', "image_data: stands twice"),
    (b'{"image_data": "Y2F0", "width": 1, "width": 2}', "twice"),
    (b"\xff\xfe", "must be a JSON object"),
    (b"   ", "the body is empty"),
    (b"", "the body is empty"),
])
def test_what_is_not_json_is_400(server, body, words):
    answer = server.post(data=body, headers={"Content-Type": "application/json",
                                             "Content-Length": str(len(body))})
    refused(answer, 400, words)


def test_long_spec_that_is_wrong_is_422_with_a_pointer(server, png):
    spec = {"steps": [{"op": "resize", "width": 0, "height": 5, "fit": "fill"}],
            "outputs": [{"name": "image", "format": "png"}]}
    answer = server.post(json={"image_data": base64.b64encode(png).decode(), **spec})
    problem = refused(answer, 422, "must be 1..16384, not 0")
    assert problem["errors"][0]["pointer"] == "/steps/0/width"
    assert problem["errors"][0]["detail"] == "must be 1..16384, not 0"


@pytest.mark.parametrize("member, pointer, words", [
    ("operation", "/operation", "stands beside steps, outputs, load or info; either is enough"),
    ("spec", "/spec", "no such member; in JSON what it holds, such as steps and outputs, "),
    ("image", "/image", "no such member; in JSON the image is image_data, in base64"),
    ("a/b~c", "/a~1b~0c", "no such member; there are image_data, "),
    ("a" + "\u00e9" * 100, "/a\u00e9", "no such member; there are image_data, "),
])
def test_member_beside_a_long_spec_is_422_with_a_pointer(server, png, member, pointer, words):
    answer = server.post(json={"image_data": base64.b64encode(png).decode(), "outputs": [],
                               "info": True, member: "resize"})
    problem = refused(answer, 422, words)
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert problem["errors"][0]["detail"].startswith(words)


RESIZE = {"op": "resize", "width": 4, "height": 4}


@pytest.mark.parametrize("spec, pointer, words", [
    ({"outputs": [{"name": f"o{i}"} for i in range(17)]}, "/outputs", "17"),
    ({"outputs": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, "/outputs/2/name", "a"),
    ({"outputs": [{"name": "a"}, {}]}, "/outputs/1/name", ""),
    ({"outputs": [{"name": "A"}]}, "/outputs/0/name", ""),
    ({"outputs": [{"name": "n" * 65}]}, "/outputs/0/name", ""),
    ({"outputs": [{"name": "../a"}]}, "/outputs/0/name", ""),
    ({"outputs": []}, "/outputs", "info"),
    ({"outputs": [{"format": "gif", "quality": 80}]}, "/outputs/0/quality", "gif"),
    ({"outputs": [{"format": "png", "loop": 1}]}, "/outputs/0/loop", "png"),
    ({"outputs": [{"format": "bmp"}]}, "/outputs/0/format", "bmp"),
    ({"outputs": [{"format": "webp", "quality": 101}]}, "/outputs/0/quality", "101"),
    ({"outputs": [{"format": "webp", "colour": 1}]}, "/outputs/0/colour", ""),
    ({"outputs": [{"steps": [RESIZE] * 17}]}, "/outputs/0/steps", "17"),
    ({"outputs": [{"steps": [RESIZE, {"op": "explode"}]}]}, "/outputs/0/steps/1/op", "explode"),
    ({"steps": [RESIZE] * 17}, "/steps", "17"),
    ({"steps": [{**RESIZE, "colour": 1}]}, "/steps/0/colour", ""),
    ({"load": {"pages": 257}}, "/load/pages", "257"),
    ({"info": 1}, "/info", ""),
])
def test_long_spec_over_a_limit_is_422_with_a_pointer(server, png, spec, pointer, words):
    answer = server.post(json={"image_data": base64.b64encode(png).decode(), **spec})
    problem = refused(answer, 422, words)
    assert problem["errors"][0]["pointer"] == pointer, problem
    files = {"spec": (None, json.dumps(spec)), "image": ("a.png", png)}
    assert refused(server.post(files=files), 422, words)["errors"] == problem["errors"]


def test_what_is_no_image_is_415(server, images):
    for name, words in (("picture.svg", "is svg, which is not read here"),
                        ("document.pdf", "is pdf, which is not read here")):
        data = (images / name).read_bytes()
        refused(server.post(data=data, params=PNG_FIELDS, headers={"Content-Type": "image/png"}),
                415, words)
    for data in (b"hello, world", random.Random(1).randbytes(1000)):
        refused(server.post(json=body_with(data)), 415, "no format that is read here")


def test_unknown_content_type_is_415(server):
    answer = server.post(data=b"x", headers={"Content-Type": "text/plain"})
    refused(answer, 415, "Content-Type must be application/json")


def test_body_over_the_limit_is_refused_before_it_is_read(server):
    head = ("POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\n"
            "Content-Length: 20000000\r\n\r\n")
    for content_type in ("application/json", "image/png", "multipart/form-data; boundary=x"):
        # not one byte of the body is sent: the answer cannot have waited for it
        answer = server.raw(head.format(content_type).encode(), half_close=True)
        assert answer.startswith(b"HTTP/1.1 413 Content Too Large\r\n")
        assert b"max_upload_size is 10485760" in answer


def test_client_that_sends_a_large_body_still_hears_the_refusal(server):
    data = bytes(20_000_000)
    for content_type in ("application/json", "image/png"):
        answer = server.post(data=data, headers={"Content-Type": content_type})
        refused(answer, 413, "max_upload_size is 10485760")


def test_image_just_over_the_limit_is_refused_while_it_arrives(server):
    large = b"\xff\xd8\xff" + bytes(10485758)
    refused(server.post(json=body_with(large)), 413, "10485760")
    files = {"image": ("x.jpg", large), "operation": (None, "resize")}
    refused(server.post(files=files), 413, "10485760")


def test_json_that_is_large_without_an_image_is_refused(server):
    answer = server.post(data=json.dumps({"image_data": "Y2F0", "x": "x" * 100000}),
                         headers={"Content-Type": "application/json"})
    refused(answer, 413, "more than 65536 bytes")


def test_length_must_be_given(server):
    answer = server.raw(b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 411 Length Required\r\n")
    assert b'"error":"Content-Length is missing"' in answer


@pytest.mark.parametrize("fields, words", [
    ({"operation": "resize", "width": "2", "height": "2", "colour": "red"}, "colour"),
    ({"operation": "resize", "width": "2", "height": "x"}, "height: must be a whole number"),
    ({"operation": "resize", "width": "2"}, "height"),
    ({"operation": "resize", "width": "0", "height": "2"}, "width: must be 1..4096, not 0"),
    ({"spec": "{}", "width": "2"}, "spec: stands beside plain fields such as operation"),
    ({"spec": "{"}, "JSON"),
    ({"spec": ""}, "JSON"),
])
def test_faulty_multipart_fields_are_400(server, png, fields, words):
    files = {name: (None, value) for name, value in fields.items()}
    refused(server.post(files={**files, "image": ("a.png", png)}), 400, words)


def test_multipart_without_an_image_is_400(server, png):
    refused(server.post(files={"width": (None, "2")}), 400, "image is missing")
    refused(server.post(files={"image": ("a.png", b""), "width": (None, "2")}), 400,
            "image: is empty")
    twice = [("image", ("a.png", png)), ("image", ("b.png", png))]
    refused(server.post(files=twice), 400, "image: stands twice")


def test_broken_multipart_is_400(server):
    for content_type, body, words in (
            ("multipart/form-data", b"x", "boundary"),
            ("multipart/form-data; boundary=cut", b"--cut\r\n", "closing boundary"),
            ("multipart/form-data; boundary=cut", b"no boundary at all", "closing boundary")):
        refused(server.post(data=body, headers={"Content-Type": content_type}), 400, words)


@pytest.mark.parametrize("query, words", [
    ("operation=resize&width=2&width=2&height=2", "width: stands twice"),
    ("operation=resize&width=2&height=2&colour=red", "colour: no such field"),
    ("operation=resize&width=-2&height=2", "width: must be a whole number"),
    ("", "operation"),
])
def test_faulty_query_of_a_raw_image_is_400(server, png, query, words):
    answer = server.post(f"/jobs?{query}", data=png, headers={"Content-Type": "image/png"})
    refused(answer, 400, words)


def test_bad_percent_sign_is_400(server, png):
    answer = server.raw(b"POST /jobs?width=%zz HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
                        b"Content-Length: 1\r\n\r\nx")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"query: bad percent sign" in answer


def test_full_queue_is_503_and_says_when_to_come_back(start, png):
    server = start(paused=1, max_queued_jobs=2)
    server.submit(png)
    server.submit(png)
    answer = server.post(data=png, headers={"Content-Type": "image/png"}, params=PNG_FIELDS)
    refused(answer, 503, "queue is full")
    assert int(answer.headers["Retry-After"]) >= 1
    assert len(server.files("uploads")) == 2
    assert server.get("/health/ready").json()["checks"]["queue"]["ok"] is False


def test_disk_floor_is_507(start, png):
    server = start(min_free_bytes=1 << 50)
    answer = server.post(data=png, headers={"Content-Type": "image/png"}, params=PNG_FIELDS)
    refused(answer, 507, "min_free_bytes")
    assert server.get("/health/ready").json()["checks"]["disk"]["ok"] is False


def test_wrong_method_is_405_and_says_which_are_right(server):
    answer = server.get("/info")
    refused(answer, 405, "GET is not allowed here")
    assert answer.headers["Allow"] == "POST"
    answer = server.post("/health", data=b"x")
    refused(answer, 405, "POST is not allowed here")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_unknown_path_is_404(server):
    refused(server.get("/nowhere"), 404, "no such path")
    refused(server.get("/jobs/a/../../etc/passwd/b"), 404, "")


def test_boundary_with_endless_padding_is_refused(server):
    """The line after a boundary may hold spaces; here they begin before the end of one 64 KiB
    piece and would have to be kept for the next."""
    start = b"\r\n--B" + b" " * 4096 + b"\r"
    for more in range(3):
        body = b"x" * (65536 - len(start) + more) + start + b"y" * 65536
        answer = server.post(data=body, headers={"Content-Type": "multipart/form-data; boundary=B"})
        refused(answer, 400, "multipart body: ")
    assert server.get("/health").status_code == 200


def test_absolute_target_is_answered(server):
    host = f"{server.address[0]}:{server.address[1]}"
    answer = server.raw(f"GET http://{host}/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 ")
