"""Fetching an image in parts, and only when it is needed."""

import hashlib
import re
import socket
from email.utils import parsedate_to_datetime

import pytest

from imgjobd import until


@pytest.fixture(scope="module")
def done(server, png):
    """The address of an image, and its bytes."""
    view = server.ended(server.submit(png, "resize", 50, 40, output_format="png"))
    path = f"/jobs/{view['id']}/download"
    return path, server.get(path).content, view


@pytest.fixture(scope="module")
def large(server, images):
    """The same of one that does not go out in one write."""
    photo = (images / "photo-2725x2225.jpg").read_bytes()
    view = server.ended(server.submit(photo, "resize", 1200, 900, output_format="png"))
    assert view["status"] == "completed", view
    path = f"/jobs/{view['id']}/download"
    content = server.get(path).content
    assert len(content) == view["outputs"][0]["bytes"] > 300000
    assert hashlib.sha256(content).hexdigest() == view["outputs"][0]["sha256"]
    return path, content


def parts(length):
    """Ranges and what they mean."""
    return [("bytes=0-9", 0, 9), ("bytes=10-10", 10, 10), ("bytes=5-", 5, length - 1),
            (f"bytes=0-{length - 1}", 0, length - 1), (f"bytes=3-{10 ** 30}", 3, length - 1),
            ("bytes=-7", length - 7, length - 1), (f"bytes=-{length + 5}", 0, length - 1),
            ("BYTES=1-2", 1, 2), (f"bytes={length - 1}-", length - 1, length - 1)]


def test_part_of_an_image(server, done):
    path, content, _ = done
    for header, first, last in parts(len(content)):
        answer = server.get(path, headers={"Range": header})
        assert answer.status_code == 206, header
        assert answer.content == content[first:last + 1], header
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
        assert answer.headers["Content-Length"] == str(last - first + 1)
        assert answer.headers["Content-Type"] == "image/png"


def test_part_of_a_large_image(server, large):
    path, content = large
    for first, last in [(0, 99), (1, len(content) - 1), (70000, 250000), (len(content) - 3, None)]:
        answer = server.get(path, headers={"Range": f"bytes={first}-{'' if last is None else last}"})
        assert answer.status_code == 206
        assert answer.content == content[first:len(content) if last is None else last + 1]


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=0-1,", "bytes=9-3", "bytes=", "bytes=-",
                                    "bytes=x-3", "bytes=3-x", "lines=1-2", "bytes 1-2", "1-2",
                                    "bytes=1", "bytes=--3", "bytes=+1-3"])
def test_several_ranges_or_none_that_can_be_read_are_the_whole(server, done, header):
    path, content, _ = done
    answer = server.get(path, headers={"Range": header})
    assert answer.status_code == 200
    assert answer.content == content
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("header", ["bytes={}-", "bytes={}-{}", "bytes=99999999999999999999999-",
                                    "bytes=-0"])
def test_range_behind_the_end_is_not_satisfiable(server, done, header):
    path, content, _ = done
    answer = server.get(path, headers={"Range": header.format(len(content), len(content) + 9)})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(content)}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "range"
    assert "ETag" not in answer.headers and "Content-Disposition" not in answer.headers


def test_resume_only_of_the_same_image(server, done):
    path, content, _ = done
    etag = server.get(path).headers["ETag"]
    part = {"Range": "bytes=5-9"}
    assert server.get(path, headers={**part, "If-Range": etag}).status_code == 206
    for other in ('"something else"', f"W/{etag}", server.get(path).headers["Last-Modified"], "*",
                  ""):
        answer = server.get(path, headers={**part, "If-Range": other})
        assert answer.status_code == 200, other
        assert answer.content == content


def test_image_that_the_client_has_is_not_sent_again(server, done):
    path, content, view = done
    etag = server.get(path).headers["ETag"]
    assert etag == f'"{view["outputs"][0]["sha256"]}"' == f'"{hashlib.sha256(content).hexdigest()}"'
    for seen in (etag, f"W/{etag}", "*", f'"a", {etag}', f'"a",W/"b",{etag},"c"'):
        answer = server.get(path, headers={"If-None-Match": seen, "Range": "bytes=0-1"})
        assert answer.status_code == 304, seen
        assert answer.content == b""
        assert answer.headers["ETag"] == etag
        assert not {"Content-Length", "Content-Type"} & set(answer.headers)
        assert "max-age" in answer.headers["Cache-Control"]
    for other in ('"a"', '"a", "b"', etag[:-1], etag.strip('"'), "", ","):
        assert server.get(path, headers={"If-None-Match": other}).status_code == 200, other


def test_tags_on_several_lines_are_one_list(server, done):
    path, _, _ = done
    etag = server.get(path).headers["ETag"]
    answer = server.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"a\"\r\n"
                        f"If-None-Match: {etag}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 304 Not Modified\r\n")


def test_image_that_must_be_another_is_refused(server, done):
    path, _, _ = done
    etag = server.get(path).headers["ETag"]
    assert server.get(path, headers={"If-Match": etag}).status_code == 200
    assert server.get(path, headers={"If-Match": "*"}).status_code == 200
    for other in ('"a"', f"W/{etag}"):
        answer = server.get(path, headers={"If-Match": other})
        assert answer.status_code == 412
        assert answer.json()["code"] == "precondition"


def test_head_is_the_whole_without_its_bytes(server, done):
    path, content, _ = done
    answer = server.raw(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n".encode())
    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and body == b""
    assert f"Content-Length: {len(content)}".encode() in head
    assert b"Accept-Ranges: bytes" in head and b"ETag: " in head


def test_image_may_be_kept_until_it_expires(server, done):
    path, _, view = done
    headers = server.get(path).headers
    assert headers["Accept-Ranges"] == "bytes"
    age = re.fullmatch(r"private, max-age=(\d+), immutable", headers["Cache-Control"])
    assert 0 < int(age.group(1)) <= 7 * 24 * 3600
    finished = parsedate_to_datetime(headers["Last-Modified"]).strftime("%Y-%m-%dT%H:%M:%S")
    assert view["updated_at"].startswith(finished)


def test_image_runs_nothing_in_a_browser(server, done):
    headers = server.get(done[0]).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_image_to_be_saved_is_an_attachment_with_our_name(server, done):
    path, _, view = done
    name = f"filename=\"{view['id']}.png\""
    assert server.get(path).headers["Content-Disposition"] == f"inline; {name}"
    for query in ("download=1", "v=3&download=1", "download"):
        answer = server.get(f"{path}?{query}")
        assert answer.headers["Content-Disposition"] == f"attachment; {name}", query
    for query in ("download=0", "v=3"):
        assert server.get(f"{path}?{query}").headers["Content-Disposition"] == f"inline; {name}"


def test_expired_image_is_gone(start, png):
    server = start(result_ttl_s=1)
    job = server.submit(png)
    server.ended(job)
    until(lambda: server.get(f"/jobs/{job}/download").status_code == 410)
    answer = server.get(f"/jobs/{job}/download", headers={"Range": "bytes=0-1"})
    assert answer.status_code == 410
    assert answer.json()["error"] == "Image has expired"
    assert server.get(f"/jobs/{job}").json()["outputs"] == []


def test_reader_that_takes_nothing_is_let_go(server, images):
    photo = (images / "photo-2725x2225.jpg").read_bytes()
    view = server.ended(server.submit(photo, "resize", 2725, 2225, output_format="png"))
    length = view["outputs"][0]["bytes"]
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(server.address)
        reader.sendall(f"GET /jobs/{view['id']}/download HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        line = server.wait_for_line(rf"{view['id']}/download 200, \d+ bytes")
    assert int(re.search(r"200, (\d+) bytes", line).group(1)) < length
