"""What a submit may say beside its spec, in every form of body, and what becomes of it."""

import base64
import datetime
import json

import pytest

from imgjobd import until
from test_refusals import refused

RAW = {"Content-Type": "application/octet-stream"}
FIELDS = {"operation": "resize", "width": 2, "height": 2}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def moment(seconds):
    """So many seconds from now, as RFC 3339 has it."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


def as_text(value):
    """An option's value as a field has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)


def post_json(server, png, options, path="/jobs", **request):
    body = {**FIELDS, **options, "image_data": base64.b64encode(png).decode()}
    return server.post(path, json=body, **request)


def post_form(server, png, options, path="/jobs", **request):
    fields = {name: (None, as_text(value)) for name, value in {**FIELDS, **options}.items()}
    return server.post(path, files={**fields, "image": ("a.png", png)}, **request)


def post_raw(server, png, options, path="/jobs", headers=None, **request):
    params = {name: as_text(value) for name, value in {**FIELDS, **options}.items()}
    return server.post(path, data=png, params=params, headers={**RAW, **(headers or {})},
                       **request)


FORMS = [post_json, post_form, post_raw]


@pytest.fixture(params=FORMS, ids=["json", "multipart", "raw"])
def post(request):
    return request.param


def view_of(server, answer):
    assert answer.status_code == 202, answer.text
    return server.get(f"/jobs/{answer.json()['job_id']}").json()


def test_every_option_is_kept_whatever_the_form_of_the_body(paused, png, post):
    run_at, deadline = moment(3600), moment(7200)
    batch = "01890a5d-ac96-774b-bcce-b302099a8057"
    view = view_of(paused, post(paused, png, {
        "priority": 0, "run_at": run_at, "max_attempts": 7, "timeout_ms": 1000,
        "deadline": deadline, "result_expires_in": 60, "expires_in": 3600,
        "tags": ["b", "a.1"], "queue": "bulk", "batch": batch}))
    assert view["priority"] == 0 and view["max_attempts"] == 7
    assert view["queue"] == "bulk" and view["batch"] == batch
    assert sorted(view["tags"]) == ["a.1", "b"]
    assert milliseconds(view["run_at"]) == milliseconds(run_at)
    assert milliseconds(view["deadline"]) == milliseconds(deadline)
    assert view["state"] == "scheduled" and view["status"] == "pending"


def test_without_options_a_job_has_the_defaults(paused, png, post):
    view = view_of(paused, post(paused, png, {}))
    assert (view["priority"], view["queue"], view["state"]) == (5, "default", "ready")
    assert view["max_attempts"] == 3


def test_delayed_job_waits_for_its_time(start, png, post):
    server = start()
    answer = post(server, png, {"delay_ms": 3600000})
    assert view_of(server, answer)["state"] == "scheduled"
    assert server.ended(view_of(server, post(server, png, {"delay_ms": 1}))["id"])[
        "status"] == "completed"
    assert view_of(server, answer)["state"] == "scheduled"


def test_job_that_did_not_begin_in_time_fails(paused, png, post):
    view = view_of(paused, post(paused, png, {"deadline": moment(-1)}))
    view = paused.ended(view["id"])
    assert (view["status"], view["reason"]) == ("failed", "deadline")


def test_job_lives_as_long_as_it_says(start, png):
    server = start()
    answer = post_json(server, png, {"result_expires_in": 1, "expires_in": 1})
    job = answer.json()["job_id"]
    until(lambda: server.get(f"/jobs/{job}").status_code == 404)
    until(lambda: server.files("uploads") == set() and server.files("outputs") == set())


# ---- refusals ----

@pytest.fixture
def nothing_is_left_behind(paused):
    before = paused.files("uploads")
    yield
    assert paused.files("uploads") == before


@pytest.mark.parametrize("options, words", [
    ({"priority": 10}, "priority: must be 0..9, not 10"),
    ({"delay_ms": 36501 * 86400 * 1000}, "delay_ms: must be 0..3153600000000, not"),
    ({"max_attempts": 21}, "max_attempts: must be 1..20, not 21"),
    ({"timeout_ms": 9}, "timeout_ms: must be 10..3600000, not 9"),
    ({"result_expires_in": 0}, "result_expires_in: must be 1..3153600000, not 0"),
    ({"run_at": "2026-02-30T00:00:00Z"}, "run_at: must be a time of RFC 3339"),
    ({"deadline": "noon"}, "deadline: must be a time of RFC 3339 such as"),
    ({"run_at": "2026-03-01T12:00:00Z", "delay_ms": 1}, "run_at: stands beside delay_ms"),
    ({"tags": ["a", "a"]}, "tags: 'a' stands twice"),
    ({"tags": ["no spaces"]}, "tags: must be 1..64 of the characters"),
    ({"tags": [f"t{i}" for i in range(17)]}, "tags: must be 0..16 of them"),
    ({"queue": "a/b"}, "queue: must be 1..64 of the characters"),
    ({"batch": "B"}, "batch: must be an id, a UUID in lower case, not 'B'"),
    ({"callback_url": "https://example.org/"}, "WEBHOOK_SECRETS_FILE"),
    ({"preset": "none"}, "preset: members stand beside it that are no options"),
])
def test_option_out_of_range_is_400(paused, png, post, options, words, nothing_is_left_behind):
    refused(post(paused, png, options), 400, words)


@pytest.mark.parametrize("options, words", [
    ({"priority": "1"}, "priority: must be a whole number, not a string"),
    ({"dedup": 1}, "dedup: must be true or false, not"),
    ({"tags": "a,b"}, "tags: must be an array of strings, not a string"),
    ({"queue": None}, "queue: must be a string"),
])
def test_option_of_another_type_is_400_in_json(paused, png, options, words,
                                               nothing_is_left_behind):
    refused(post_json(paused, png, options), 400, words)


def test_option_stands_once(paused, png, nothing_is_left_behind):
    refused(paused.post("/jobs?priority=1&priority=1", data=png, headers=RAW), 400,
            "priority: stands twice")
    files = [("priority", (None, "1")), ("priority", (None, "1")), ("image", ("a.png", png))]
    refused(paused.post(files=files), 400, "priority: stands twice")


def test_options_stand_beside_a_spec_part(paused, png):
    files = {"spec": (None, json.dumps({"steps": [{"op": "flip"}]})),
             "queue": (None, "beside"), "image": ("a.png", png)}
    assert view_of(paused, paused.post(files=files))["queue"] == "beside"


def test_callback_is_taken_where_there_are_secrets(start, tmp_path, png, post):
    secrets = tmp_path / "secrets"
    secrets.write_text("whsec_" + base64.b64encode(bytes(range(32))).decode() + "\n")
    server = start(paused=1, webhook_secrets_file=secrets)
    url = "https://example.org/hook?" + "x" * 300
    assert view_of(server, post(server, png, {"callback_url": url}))["callback_url"] == url
    refused(post(server, png, {"callback_url": "ftp://example.org"}), 400, "callback_url: ")
    refused(post(server, png, {"callback_url": url, "dedup": True}), 400, "dedup, callback_url")


# ---- the image of an earlier job ----

@pytest.fixture
def source(server, images):
    """A job whose image can be used again."""
    job = server.submit((images / "photo-640x480.jpg").read_bytes())
    server.ended(job)
    return job


def test_image_of_an_earlier_job_is_used_again(server, source):
    spec = {"operation": "resize", "width": 33, "height": 22}
    for answer in (
            server.post(json={"source_job": source, **spec}),
            server.post(files={name: (None, str(value)) for name, value in
                               {"source_job": source, **spec}.items()}),
            server.post(params={"source_job": source, **spec}),
            server.post(params={"source_job": source, **spec}, headers=RAW)):
        assert answer.status_code == 202, answer.text
        view = server.ended(answer.json()["job_id"])
        assert view["status"] == "completed", view
        assert (view["outputs"][0]["width"], view["outputs"][0]["height"]) == (33, 22)


def test_overlays_of_an_earlier_job_are_used_again(server, images):
    text = base64.b64encode((images / "rgba.png").read_bytes()).decode()
    steps = [{"op": "composite", "input": 1}]
    first = server.post(json={"image_data": text, "overlay": text, "steps": steps}).json()
    server.ended(first["job_id"])
    again = server.post(json={"source_job": first["job_id"], "steps": steps})
    assert again.status_code == 202, again.text
    assert server.ended(again.json()["job_id"])["status"] == "completed"


def test_source_that_is_not_there_is_404(server, source):
    other = source[:-4] + ("0000" if source[-4:] != "0000" else "1111")
    before = server.files("uploads")
    refused(server.post(json={"source_job": other, **FIELDS}), 404, other)
    refused(server.post(json={"source_job": "x", **FIELDS}), 400, "source_job: must be an id")
    assert server.files("uploads") == before


def test_source_stands_instead_of_an_image(server, source, png):
    words = "source_job: stands beside an image; either is enough"
    before = server.files("uploads")
    refused(post_json(server, png, {"source_job": source}), 400, words)
    refused(post_form(server, png, {"source_job": source}), 400, words)
    refused(post_raw(server, png, {"source_job": source}), 400, words)
    text = base64.b64encode(png).decode()
    refused(server.post(json={"source_job": source, "overlay": text, **FIELDS}), 400, words)
    assert server.files("uploads") == before


def test_expired_source_is_409(start, png):
    server = start(result_ttl_s=1)
    job = server.submit(png)
    server.ended(job)
    until(lambda: server.get(f"/jobs/{job}/download").status_code == 410)
    refused(server.post(json={"source_job": job, **FIELDS}), 409, "have expired")


# ---- headers ----

def line_of(server, answer):
    """What the log says of a job that was submitted."""
    assert answer.status_code == 202, answer.text
    return server.wait_for_line(f"pending: .*job={answer.json()['job_id']}")


def test_trace_of_the_client_is_logged_with_the_job(paused, png):
    assert TRACE in line_of(paused, post_raw(paused, png, {}, headers={"traceparent": TRACE}))


@pytest.mark.parametrize("trace", ["", "x", TRACE[:-1], TRACE + "-more", TRACE.upper(),
                                   "00-" + "0" * 32 + TRACE[35:], "ff" + TRACE[2:]])
def test_trace_that_is_none_is_passed_over(paused, png, trace):
    answer = post_raw(paused, png, {}, headers={"traceparent": trace})
    assert "traceparent" not in line_of(paused, answer)


def test_every_prefer_header_is_read(server, png):
    body = base64.b64encode(png).decode()
    data = json.dumps({**FIELDS, "image_data": body}).encode()
    head = (b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Prefer: respond-async\r\nPrefer: wait=30\r\nContent-Length: %d\r\n\r\n" % len(data))
    answer = server.raw(head + data)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    assert b'"status":"completed"' in answer
