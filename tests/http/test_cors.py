"""Pages of other origins: preflights, and who may read an answer."""

import re
import subprocess

import pytest
import requests

from imgjobd import PATIENCE
from test_options import RAW

PAGE = "https://app.example"


def options(server, path, **headers):
    return requests.options(server.url + path, timeout=PATIENCE,
                            headers={name.replace("_", "-"): value
                                     for name, value in headers.items()})


def paths(server):
    """A path of each route."""
    return {re.sub(r"\{\w+\}", "x", route["path"]) for route in server.get("/").json()["routes"]}


def cors_headers(answer):
    return {name for name in answer.headers if name.startswith("Access-Control-")}


def test_options_says_what_a_path_allows(server):
    for path in paths(server):
        answer = options(server, path, Origin=PAGE, Access_Control_Request_Method="GET")
        assert answer.status_code == 204, path
        assert answer.content == b"" and "Content-Length" not in answer.headers
        assert answer.headers["Allow"]
        assert cors_headers(answer) == set() and "Vary" not in answer.headers
    allowed = set(options(server, "/jobs").headers["Allow"].split(", "))
    assert {"GET", "HEAD", "POST"} <= allowed
    assert options(server, "/nowhere").status_code == 404


def test_without_a_list_no_answer_speaks_of_origins(server, png):
    for answer in (server.get("/health", headers={"Origin": PAGE}),
                   server.get("/nowhere", headers={"Origin": PAGE})):
        assert cors_headers(answer) == set() and "Vary" not in answer.headers


def test_page_of_the_list_may_ask_and_read(start, png):
    server = start(cors_origins=f"https://other.example, {PAGE}")
    for path in paths(server):
        answer = options(server, path, Origin=PAGE, Access_Control_Request_Method="POST",
                         Access_Control_Request_Headers="idempotency-key")
        assert answer.status_code == 204, path
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert answer.headers["Vary"] == "Origin"
        assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
        assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
        assert int(answer.headers["Access-Control-Max-Age"]) > 0
        assert "Access-Control-Allow-Credentials" not in answer.headers
    answer = server.post(data=png, headers={**RAW, "Origin": PAGE},
                         params={"operation": "resize", "width": 2, "height": 2})
    assert answer.status_code == 202
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {"Location", "Retry-After", "ETag", "Idempotency-Replayed", "Deduplicated",
                       "X-Request-Id", "X-Job-Id", "Link", "Content-Range", "Accept-Ranges",
                       "Content-Disposition"}
    refusal = server.get("/nowhere", headers={"Origin": PAGE})
    assert refusal.status_code == 404
    assert refusal.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.evil", "null",
                                    "http://app.example", None])
def test_other_pages_may_not(start, origin):
    server = start(cors_origins=PAGE)
    headers = {"Origin": origin} if origin else {}
    answer = server.get("/health", headers=headers)
    assert answer.status_code == 200
    assert cors_headers(answer) == set() and answer.headers["Vary"] == "Origin"
    answer = requests.options(server.url + "/jobs", timeout=PATIENCE, headers={
        **headers, "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 204 and cors_headers(answer) == set()


def test_star_lets_every_page_read(start):
    server = start(cors_origins="*")
    answer = server.get("/health", headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in answer.headers


@pytest.mark.parametrize("origins", ["https://app.example/", "app.example"])
def test_list_that_no_browser_could_match_stops_the_start(imgjobd, tmp_path, origins):
    run = subprocess.run([imgjobd, f"--cors-origins={origins}", "--port=0"], cwd=tmp_path,
                         capture_output=True, text=True)
    assert run.returncode == 2
    assert "cors_origins: " in run.stderr and origins in run.stderr
