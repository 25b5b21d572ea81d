"""GET /openapi.json: every route and no other, every status tried against the server, every
answer as its schema says, every example right."""

import base64
import contextlib
import copy
import io
import json
import re
import threading
import urllib.parse

import jsonschema
import pytest
import requests

from imgjobd import PATIENCE, Server, until
from receiver import receiver

NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"
SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes or more").decode()
PNG = {"Content-Type": "image/png"}
SIMPLE = {"operation": "thumbnail", "width": 10, "height": 10}
SLEEPY = 4008  # px: see the misbehaving worker
METHODS = ("get", "put", "post", "delete", "head", "options", "patch", "trace")


# ---- the document

@pytest.fixture(scope="module")
def document(server):
    return server.get("/openapi.json").json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert method in METHODS, method
            yield method, path, operation


def resolve(document, node):
    while "$ref" in node:
        node = at_pointer(document, node["$ref"])
    return node


def at_pointer(document, pointer):
    assert pointer.startswith("#/"), pointer
    for name in pointer[2:].split("/"):
        document = document[name.replace("~1", "/").replace("~0", "~")]
    return document


def nodes(node, place="#"):
    """Every object of the document with its place."""
    if isinstance(node, dict):
        yield place, node
        for name, value in node.items():
            if name not in ("example", "examples", "const", "enum"):
                yield from nodes(value, place + "/" + name.replace("~", "~0").replace("/", "~1"))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, f"{place}/{index}")


def strict(document):
    """The same, and nothing may be in an answer that is not described."""
    document = copy.deepcopy(document)
    parts = [part for _, node in nodes(document) for part in node.get("allOf", [])]
    shared = [resolve(document, part) for part in parts]
    for _, node in nodes(document):
        is_whole = "allOf" not in node and not any(node is one for one in shared)
        if is_whole and isinstance(node.get("properties"), dict):
            node.setdefault("additionalProperties", False)
    return document


def validate(document, schema, value):
    resolver = jsonschema.RefResolver("", document)
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=checker).validate(value)


def test_routes_of_the_server_and_of_the_document_are_the_same(server, document):
    routes = {(route["method"].lower(), route["path"]) for route in server.get("/").json()["routes"]}
    assert {(method, path) for method, path, _ in operations(document)} == routes


def test_version_is_that_of_the_server(server, document):
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == server.get("/").json()["version"]


def test_schema_of_a_spec_is_that_of_the_library(server, document):
    here = json.dumps(document["components"]["schemas"]["Spec"])
    there = json.dumps(server.get("/operations").json())
    assert here.replace("#/components/schemas/Spec/$defs/", "#/$defs/") == there
    assert '"resize"' in there


def test_every_reference_leads_somewhere_and_everything_is_referred_to(document):
    pointers = {node["$ref"] for _, node in nodes(document) if "$ref" in node}
    for pointer in pointers:
        at_pointer(document, pointer)
    for kind, things in document["components"].items():
        for name in things:
            pointer = f"#/components/{kind}/{name}"
            assert any(one == pointer or one.startswith(pointer + "/") for one in pointers), pointer


def test_every_schema_is_one(document):
    for place, node in nodes(document):
        if place.endswith("/schema") or re.fullmatch(r"#/components/schemas/\w+", place):
            jsonschema.Draft202012Validator.check_schema(node)


def test_every_call_is_described(document):
    tags = {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for _, path, operation in operations(document):
        assert operation["summary"] and set(operation["tags"]) <= tags
        parameters = [resolve(document, one) for one in operation.get("parameters", [])]
        in_path = {one["name"] for one in parameters if one["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), path
        assert operation["responses"]["default"]


def test_every_example_is_right(document):
    document_strict = strict(document)
    count = 0
    for place, node in nodes(document):
        for value in node.get("examples", []) if isinstance(node.get("examples"), list) else []:
            validate(document_strict, at_pointer(document_strict, place), value)
            count += 1
        if "schema" in node:
            values = [one["value"] for one in node.get("examples", {}).values()]
            for value in values + ([node["example"]] if "example" in node else []):
                validate(document_strict, node["schema"], value)
                count += 1
    assert count > 40
    for name, schema in document["components"]["schemas"].items():
        if name != "Spec" and "Form" not in name and "properties" in schema:
            assert schema.get("examples"), f"{name} has no example"


def test_openapi_spec_validator_finds_nothing_wrong(document):
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(document)


# ---- every status of every call

CASES = {}


def case(call, *statuses):
    """The function makes the call in such a way that it is answered with the status."""
    def keep(function):
        method, path = call.split(" ")
        for status in statuses:
            assert (method, path, status) not in CASES
            CASES[method, path, status] = function
        return function
    return keep


class World:
    """Servers in the states that answers need, each started when it is first asked for."""

    def __init__(self, imgjobd, directory, png, worker):
        self.png, self._worker = png, worker
        self._imgjobd, self._directory, self._servers = imgjobd, directory, {}
        self._expired = None

    def _server(self, name, **settings):
        if name not in self._servers:
            (self._directory / name).mkdir()
            self._servers[name] = Server(self._imgjobd, self._directory / name, **settings)
        return self._servers[name]

    @property
    def plain(self):
        return self._server("plain", max_upload_size=100000)

    @property
    def paused(self):
        return self._server("paused", paused=1)

    @property
    def full(self):
        """Its only place is taken."""
        server = self._server("full", paused=1, max_queued_jobs=1)
        if server.get("/stats").json()["jobs"]["ready"] == 0:
            server.submit(self.png)
        return server

    @property
    def floor(self):
        return self._server("floor", min_free_bytes=1 << 50)

    @property
    def presets(self):
        file = self._directory / "presets.json"
        file.write_text(json.dumps({"small": {"steps": [{"op": "resize", "width": 3}]}}))
        return self._server("presets", presets_file=file, presets_only=1)

    @property
    def hooks(self):
        file = self._directory / "secrets"
        file.write_text(SECRET)
        return self._server("hooks", webhook_secrets_file=file, webhook_allow_private=1)

    @contextlib.contextmanager
    def crowded(self):
        """A server on which all who may wait do."""
        server = self._server("crowded", paused=1, max_waiters=1)
        job = server.submit(self.png)
        with requests.get(f"{server.url}/jobs/{job}/events", stream=True, timeout=PATIENCE):
            yield server, job
        until(lambda: server.get("/stats").json()["waiters"]["waiting"] == 0)

    def completed(self):
        job = self.plain.submit(self.png)
        self.plain.ended(job)
        return job

    def expired(self):
        """A job whose images have gone."""
        if not self._expired:
            self._expired = self.plain.submit(self.png, result_expires_in=1)
            self.plain.ended(self._expired)
            until(lambda: not self.plain.get(f"/jobs/{self._expired}").json()["outputs"])
        return self._expired

    def sleeping(self):
        """A server whose workers sleep over jobs of this width, and such a job that runs."""
        server = self._server("sleeping", worker_path=self._worker(), worker_pool_size=2)
        job = server.submit(self.png, width=SLEEPY)
        until(lambda: server.get(f"/jobs/{job}").json()["status"] == "processing")
        return server, job

    def close(self):
        for server in self._servers.values():
            server.kill()


@pytest.fixture(scope="module")
def world(imgjobd, tmp_path_factory, png, request):
    one = World(imgjobd, tmp_path_factory.mktemp("world"), png,
                lambda: request.getfixturevalue("misbehaving_worker"))
    yield one
    one.close()


def plain_get(path):
    case(f"GET {path}", 200)(lambda world: world.plain.get(path))


for quiet in ("/", "/pool", "/queues", "/stats", "/metrics", "/operations", "/openapi.json", "/health",
              "/health/live", "/health/ready", "/jobs", "/deliveries"):
    plain_get(quiet)


# submit: what /jobs, /process and /batches refuse in the same way

def submit(server, path, data, **options):
    """The image as a call takes it: a batch takes no raw ones."""
    if path == "/batches":
        query = options.pop("params", {})
        parts = [("image", ("a.png", data)), *((name, (None, str(value))) for name, value in query.items())]
        return server.post(path, files=parts, **options)
    return server.post(path, data=data, headers={**PNG, **options.pop("headers", {})}, **options)


def submit_again(server, path, job):
    """With the images of an earlier job."""
    if path == "/batches":
        return server.post(path, json={"jobs": [{"source_job": job}], **SIMPLE})
    return server.post(path, params={"source_job": job, **SIMPLE})


def bare(server, method, path, head="", body=b""):
    """A request that no library would make. The answer as of requests."""
    raw = server.raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + body)
    top, _, content = raw.partition(b"\r\n\r\n")
    lines = top.decode().split("\r\n")
    answer = requests.Response()
    answer.status_code = int(lines[0].split(" ")[1])
    answer.headers.update(line.split(": ", 1) for line in lines[1:])
    answer._content = content
    answer.raw = io.BytesIO(content)
    answer.request = requests.Request(method, server.url + path).prepare()
    return answer


for shared in ("/jobs", "/process", "/batches"):
    call = f"POST {shared}"
    case(call, 400)(lambda world, at=shared: submit(world.plain, at, world.png, params={"operation": "melt"}))
    case(call, 403)(lambda world, at=shared: submit(world.presets, at, world.png, params=SIMPLE))
    case(call, 404)(lambda world, at=shared: submit_again(world.plain, at, NOWHERE))
    case(call, 409)(lambda world, at=shared: submit_again(world.plain, at, world.expired()))
    case(call, 422)(lambda world, at=shared: world.plain.post(at, files={
        "image": world.png, "spec": (None, '{"steps": [{"op": "melt"}]}')}))
    case(call, 503)(lambda world, at=shared: submit(world.full, at, world.png, params=SIMPLE))

for shared in ("/jobs", "/process", "/batches", "/info"):
    call, simple = f"POST {shared}", {} if shared == "/info" else SIMPLE
    case(call, 411)(lambda world, at=shared: bare(world.plain, "POST", at, "Content-Type: image/png\r\n"
                    if at != "/batches" else "Content-Type: application/json\r\n"))
    case(call, 413)(lambda world, at=shared, query=simple: submit(
        world.plain, at, b"\x89PNG" + bytes(20 << 20), params=query))
    case(call, 415)(lambda world, at=shared, query=simple: submit(
        world.plain, at, b"no image at all", params=query))
    case(call, 507)(lambda world, at=shared, query=simple: submit(world.floor, at, world.png, params=query))


@case("POST /jobs", 202)
def _(world):
    return submit(world.paused, "/jobs", world.png, params={
        **SIMPLE, "output_format": "webp", "enlarge": "false", "priority": 2, "tags": "a,b", "queue": "bulk",
        "delay_ms": 5, "max_attempts": 2, "timeout_ms": 5000, "deadline": "2100-01-01T00:00:00Z",
        "result_expires_in": 60, "expires_in": 60}, headers={"Idempotency-Key": "one"})


@case("POST /jobs", 200)
def _(world):
    body = {"image_data": base64.b64encode(world.png).decode(), "outputs": [{"name": "a", "format": "png"}],
            "steps": [{"op": "flip"}], "tags": ["a"], "info": True}
    return world.plain.post("/jobs", json=body, headers={"Prefer": "wait=30"})


@case("POST /process", 200)
def _(world):
    return submit(world.plain, "/process", world.png, params={**SIMPLE, "output_format": "webp"})


@case("POST /info", 200)
def _(world):
    return world.plain.post("/info", json={"image_data": base64.b64encode(world.png).decode()})


@case("POST /info", 400)
def _(world):
    return world.plain.post("/info", params={"width": 5}, data=world.png, headers=PNG)


@case("POST /info", 422)
def _(world):
    return world.plain.post("/info", data=world.png[:40], headers=PNG)


@case("POST /info", 503)
def _(world):
    return world.full.post("/info", data=world.png, headers=PNG)


for shared, query in (("/process", SIMPLE), ("/info", {})):
    @case(f"POST {shared}", 504)
    def _(world, at=shared, query=query):
        return submit(world.paused, at, world.png, params=query, headers={"Prefer": "wait=1"})

    @case(f"POST {shared}", 410)
    def _(world, at=shared, query=query):
        answers = []
        before = {job["id"] for job in world.paused.get("/jobs").json()["jobs"]}
        asking = threading.Thread(target=lambda: answers.append(
            submit(world.paused, at, world.png, params=query)))
        asking.start()

        def new():
            return [job["id"] for job in world.paused.get("/jobs").json()["jobs"]
                    if job["id"] not in before]

        until(new)
        assert world.paused.delete(f"/jobs/{new()[0]}").status_code == 200
        asking.join()
        return answers[0]


@case("POST /batches", 202)
def _(world):
    job = world.completed()
    return world.plain.post("/batches", json={"jobs": [{"source_job": job}, {"source_job": job, **SIMPLE}],
                                              "outputs": [{"format": "webp"}], "queue": "bulk"})


# look, cancel, run again

@case("GET /jobs", 400)
def _(world):
    return world.plain.get("/jobs?status=lost")


@case("GET /jobs/{id}", 200)
def _(world):
    return world.plain.get(f"/jobs/{world.completed()}?wait=5")


@case("GET /jobs/{id}", 304)
def _(world):
    path = f"/jobs/{world.completed()}"
    return world.plain.get(path, headers={"If-None-Match": world.plain.get(path).headers["ETag"]})


@case("GET /jobs/{id}", 400)
def _(world):
    return world.plain.get(f"/jobs/{NOWHERE}?wait=x")


@case("GET /jobs/{id}", 404)
def _(world):
    return world.plain.get(f"/jobs/{NOWHERE}")


@case("GET /jobs/{id}", 503)
def _(world):
    with world.crowded() as (server, job):
        return server.get(f"/jobs/{job}?wait=5")


@case("DELETE /jobs/{id}", 200)
def _(world):
    return world.paused.delete(f"/jobs/{world.paused.submit(world.png)}")


@case("DELETE /jobs/{id}", 202)
def _(world):
    server, job = world.sleeping()
    return server.delete(f"/jobs/{job}")


@case("DELETE /jobs/{id}", 204)
def _(world):
    return world.plain.delete(f"/jobs/{world.completed()}?purge=1")


@case("DELETE /jobs/{id}", 400)
def _(world):
    return world.plain.delete(f"/jobs/{NOWHERE}?purge=x")


@case("DELETE /jobs/{id}", 404)
def _(world):
    return world.plain.delete(f"/jobs/{NOWHERE}")


@case("DELETE /jobs/{id}", 409)
def _(world):
    return world.plain.delete(f"/jobs/{world.completed()}")


@case("POST /jobs/{id}/retry", 202)
def _(world):
    job = world.paused.submit(world.png)
    world.paused.delete(f"/jobs/{job}")
    return world.paused.post(f"/jobs/{job}/retry")


@case("POST /jobs/{id}/retry", 404)
def _(world):
    return world.plain.post(f"/jobs/{NOWHERE}/retry")


@case("POST /jobs/{id}/retry", 409)
def _(world):
    return world.plain.post(f"/jobs/{world.completed()}/retry")


@case("POST /jobs/{id}/retry", 503)
def _(world):
    server = world.full
    job = server.get("/jobs").json()["jobs"][0]["id"]
    server.delete(f"/jobs/{job}")
    server.submit(world.png)
    return server.post(f"/jobs/{job}/retry")


# events

@case("GET /jobs/{id}/events", 200)
def _(world):
    return world.plain.get(f"/jobs/{world.completed()}/events")


@case("GET /jobs/{id}/events", 204)
def _(world):
    job = world.completed()
    version = world.plain.get(f"/jobs/{job}").headers["ETag"].strip('"')
    return world.plain.get(f"/jobs/{job}/events", headers={"Last-Event-ID": version})


@case("GET /jobs/{id}/events", 400)
def _(world):
    return world.plain.get(f"/jobs/{NOWHERE}/events", params={"last_event_id": "?"})


@case("GET /jobs/{id}/events", 404)
def _(world):
    return world.plain.get(f"/jobs/{NOWHERE}/events")


@case("GET /jobs/{id}/events", 503)
def _(world):
    with world.crowded() as (server, job):
        return server.get(f"/jobs/{job}/events")


@case("GET /events", 200)
def _(world):
    return world.plain.get("/events?queue=bulk&tag=a", stream=True)


@case("GET /events", 400)
def _(world):
    return world.plain.get("/events?colour=red")


@case("GET /events", 503)
def _(world):
    with world.crowded() as (server, _):
        return server.get("/events")


# fetch

for download, output in (("/jobs/{id}/download", ""), ("/jobs/{id}/download/{name}", "/image")):
    def fetch(world, job, output=output, **headers):
        return world.plain.get(f"/jobs/{job}/download{output}", headers=headers)

    call = f"GET {download}"
    case(call, 200)(lambda world, fetch=fetch: fetch(world, world.completed()))
    case(call, 206)(lambda world, fetch=fetch: fetch(world, world.completed(), Range="bytes=0-9"))
    case(call, 404)(lambda world, fetch=fetch: fetch(world, NOWHERE))
    case(call, 410)(lambda world, fetch=fetch: fetch(world, world.expired()))
    case(call, 412)(lambda world, fetch=fetch: fetch(world, world.completed(), **{"If-Match": '"x"'}))
    case(call, 416)(lambda world, fetch=fetch: fetch(world, world.completed(), Range="bytes=99999-"))
    case(call, 304)(lambda world, fetch=fetch: fetch(world, world.completed(), **{"If-None-Match": "*"}))
    case(call, 400)(lambda world, output=output: world.paused.get(
        f"/jobs/{world.paused.submit(world.png)}/download{output}"))


# batches

def batch_of(server, png):
    answer = server.post("/batches", files=[("image", png), ("image", png),
                                            *((name, (None, str(value))) for name, value in SIMPLE.items())])
    assert answer.status_code == 202, answer.text
    return answer.json()["batch_id"]


@case("GET /batches/{id}", 200)
def _(world):
    return world.paused.get(f"/batches/{batch_of(world.paused, world.png)}")


@case("GET /batches/{id}", 404)
def _(world):
    return world.plain.get(f"/batches/{NOWHERE}")


@case("DELETE /batches/{id}", 200)
def _(world):
    return world.paused.delete(f"/batches/{batch_of(world.paused, world.png)}")


@case("DELETE /batches/{id}", 202)
def _(world):
    server, job = world.sleeping()
    answer = server.post("/batches", json={"jobs": [{"source_job": job}], **SIMPLE, "width": SLEEPY})
    assert answer.status_code == 202, answer.text
    path = f"/batches/{answer.json()['batch_id']}"
    until(lambda: server.get(path).json()["counts"]["processing"] == 1)
    answer = server.delete(path)
    server.delete(f"/jobs/{job}")
    return answer


@case("DELETE /batches/{id}", 404)
def _(world):
    return world.plain.delete(f"/batches/{NOWHERE}")


# webhooks

@case("GET /deliveries", 400)
def _(world):
    return world.plain.get("/deliveries?status=lost")


def one_delivery(world, there):
    job = world.hooks.submit(world.png, callback_url=there.url)
    world.hooks.ended(job)
    until(lambda: there.messages)
    one, = world.hooks.get("/deliveries", params={"job": job}).json()["deliveries"]
    return one


@case("POST /deliveries/{id}/replay", 202)
def _(world):
    with receiver() as there:
        return world.hooks.post(f"/deliveries/{one_delivery(world, there)['id']}/replay")


@case("POST /deliveries/{id}/replay", 404)
def _(world):
    return world.hooks.post(f"/deliveries/{NOWHERE}/replay")


@case("POST /deliveries/{id}/replay", 409)
def _(world):
    return world.plain.post(f"/deliveries/{NOWHERE}/replay")


# operate

@case("PUT /pool", 200)
def _(world):
    return world.plain.put("/pool", json={"workers": 2, "paused": False})


@case("PUT /queues/{id}", 200)
def _(world):
    return world.plain.put("/queues/bulk", json={"limit": 0, "weight": 2, "paused": False})


for shared, real in (("/pool", "/pool"), ("/queues/{id}", "/queues/bulk")):
    call = f"PUT {shared}"
    case(call, 400)(lambda world, at=real: world.plain.put(at, json={"colour": "red"}))
    case(call, 411)(lambda world, at=real: bare(world.plain, "PUT", at))
    case(call, 413)(lambda world, at=real: world.plain.put(at, data=b" " * 5000))

for word in ("pause", "resume"):
    call = f"POST /queues/{{id}}/{word}"
    case(call, 200)(lambda world, word=word: world.paused.post(f"/queues/other/{word}"))
    case(call, 400)(lambda world, word=word: world.paused.post(f"/queues/a%20b/{word}"))


@case("GET /health/ready", 503)
def _(world):
    return world.floor.get("/health/ready")


def described(document):
    """(method, path, status) of every answer but the one for all others."""
    return {(method.upper(), path, int(status)) for method, path, operation in operations(document)
            for status in operation["responses"] if status != "default"}


def test_every_status_in_the_document_is_tried(document):
    assert described(document) == CASES.keys()


def media_type(text):
    return text.split(";")[0].strip()


def check_headers(document, described_headers, answer):
    for name, header in described_headers.items():
        header = resolve(document, header)
        value = answer.headers.get(name)
        assert value is not None or not header["required"], f"{name} is missing in {answer.headers}"
        if value is not None:
            is_number = header["schema"].get("type") == "integer"
            validate(document, header["schema"], int(value) if is_number else value)


def check_body(document, response, answer):
    if "content" not in response:
        assert answer.content == b""
        return
    kind = media_type(answer.headers["Content-Type"])
    assert kind in response["content"], f"{kind} is not described"
    if kind.endswith("json"):
        validate(document, response["content"][kind].get("schema", {}), answer.json())


def check_request(document, operation, request):
    """A request that was granted is one that the document allows."""
    parameters = [resolve(document, one) for one in operation.get("parameters", [])]
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(request.url).query)
    assert asked.keys() <= {one["name"] for one in parameters if one["in"] == "query"}
    kind = media_type(request.headers.get("Content-Type", ""))
    if not request.body:
        return
    content = operation["requestBody"]["content"]
    assert kind in content or f"{kind.split('/')[0]}/*" in content, kind
    if kind == "application/json":
        validate(document, content[kind]["schema"], json.loads(request.body))


@pytest.mark.parametrize("call", sorted(CASES), ids=lambda call: f"{call[0]} {call[1]} {call[2]}")
def test_answer_is_as_the_document_says(document, world, call):
    method, path, status = call
    operation = document["paths"][path][method.lower()]
    answer = CASES[call](world)
    with contextlib.closing(answer):
        body = "" if answer.headers.get("Content-Type") == "text/event-stream" else answer.text
        assert answer.status_code == status, body[:1000]
        assert answer.request.method == method
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
        assert re.fullmatch(pattern, urllib.parse.urlsplit(answer.request.url).path)
        response = resolve(document, operation["responses"][str(status)])
        check_headers(document, response["headers"], answer)
        if answer.headers.get("Content-Type") != "text/event-stream":
            check_body(strict(document), response, answer)
        if status < 300:
            check_request(document, operation, answer.request)


@pytest.mark.parametrize("status, head", [
    (400, "GET / HTTP/1.1\r\nHost: x\r\nHost: y"),
    (404, "GET /nowhere HTTP/1.1\r\nHost: x"),
    (405, "DELETE / HTTP/1.1\r\nHost: x"),
    (411, "POST /jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"),
    (417, "POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 200-ok"),
    (431, "GET / HTTP/1.1\r\nHost: x" + "".join(f"\r\nX-{i}: x" for i in range(60))),
])
def test_refusal_of_any_request_is_the_default_answer(server, document, status, head):
    raw = server.raw(head.encode() + b"\r\n\r\n")
    top, _, body = raw.partition(b"\r\n\r\n")
    assert top.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nContent-Type: application/problem+json" in top
    validate(strict(document), {"$ref": "#/components/schemas/Problem"}, json.loads(body))


def test_webhook_is_as_the_document_says(document, world):
    post = document["webhooks"]["jobEnded"]["post"]
    with receiver() as there:
        one_delivery(world, there)
    headers, body = there.messages[0]
    headers = {name.lower(): value for name, value in headers.items()}
    for parameter in post["parameters"]:
        validate(document, parameter["schema"], headers[parameter["name"]])
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    validate(strict(document), schema, json.loads(body))


def test_list_of_deliveries_is_as_the_document_says(document, world):
    with receiver() as there:
        one_delivery(world, there)
        validate(strict(document), {"$ref": "#/components/schemas/DeliveryList"},
                 world.hooks.get("/deliveries").json())


def test_failed_job_is_as_the_document_says(document, world, images):
    job = world.plain.submit((images / "truncated.jpg").read_bytes())
    view = world.plain.ended(job)
    assert view["status"] == "failed"
    validate(strict(document), {"$ref": "#/components/schemas/Job"}, view)


def test_events_are_jobs_as_the_document_says(document, world):
    text = world.plain.get(f"/jobs/{world.completed()}/events").text
    data, = re.findall("^data: (.*)$", text, re.M)
    validate(strict(document), {"$ref": "#/components/schemas/Job"}, json.loads(data))
