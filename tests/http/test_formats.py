"""Formats that have to be switched on, and JPEG XL out: through real workers."""

import io
import json
import subprocess

import pytest

RAW = {"Content-Type": "application/octet-stream"}
SVG = (b'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50">'
       b'<rect width="50" height="50" fill="#f00"/></svg>')


def pdf(*colors):
    """A PDF of 100 x 50 points a page, the left half of each in its colour."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>",
               b"<< /Type /Pages /Kids [%s] /Count %d >>" % (
                   b" ".join(b"%d 0 R" % (3 + 2 * i) for i in range(len(colors))), len(colors))]
    for i, color in enumerate(colors):
        content = b"%s rg 0 0 50 50 re f" % color
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 50] /Contents %d 0 R"
                       b" /Resources << >> >>" % (4 + 2 * i))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    file, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return file + (b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
                   b"startxref\n%d\n%%%%EOF\n" % (len(places) + 1, table, len(places) + 1,
                                                 len(file)))


def pixels(png):
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(png))
    return image.convert("RGBA")


def vips(*arguments):
    try:
        subprocess.run(["vips", *map(str, arguments)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no program vips (libvips-tools)")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"vips cannot: {error.stderr.decode()}")


@pytest.fixture
def on(start):
    return start(extra_formats="svg,pdf, jxl,jp2")


def made(server, data, spec):
    """The bytes of a job's first output."""
    answer = server.post(files={"image": ("a", data), "spec": (None, json.dumps(spec))})
    assert answer.status_code == 202, answer.text
    job = answer.json()["job_id"]
    view = server.ended(job)
    assert view["status"] == "completed", view
    return server.get(f"/jobs/{job}/download").content


PNG_OF_400 = {"steps": [{"op": "resize", "width": 400}], "outputs": [{"format": "png"}]}


def test_extra_formats_are_refused_until_they_are_switched_on(start):
    server = start(extra_formats="pdf")
    for name, data in (("svg", SVG), ("jxl", b"\xff\x0a" + bytes(100)),
                       ("jp2", b"\xff\x4f\xff\x51" + bytes(100))):
        answer = server.post(data=data, headers=RAW,
                             params={"operation": "resize", "width": 4, "height": 4})
        assert answer.status_code == 415, name
        assert answer.json()["error"] == (
            f"the image is {name}, which is not read here (switch on with extra_formats); "
            "jpeg, png, webp, gif, tiff, avif, heic, pdf are")
    assert server.files("uploads") == set()
    assert server.submit(pdf(b"1 0 0"))


def test_svg_is_drawn_at_the_size_that_is_asked_for(on):
    content = made(on, SVG, PNG_OF_400)
    image = pixels(content)
    assert image.size == (400, 200)
    assert image.getpixel((199, 100)) == (255, 0, 0, 255)
    assert image.getpixel((200, 100))[3] == 0


def test_svg_is_drawn_inline_too(start):
    server = start(extra_formats="svg", isolation="inline")
    assert pixels(made(server, SVG, PNG_OF_400)).getpixel((199, 100)) == (255, 0, 0, 255)


def test_page_of_a_pdf_is_drawn(on):
    data = pdf(b"1 0 0", b"0 1 0")
    content = made(on, data, {"load": {"page": 1}, **PNG_OF_400})
    image = pixels(content)
    assert image.size == (400, 200)
    assert image.getpixel((199, 100)) == (0, 255, 0, 255)
    assert image.getpixel((200, 100)) == (255, 255, 255, 255)


@pytest.mark.parametrize("suffix", ["jxl", "jp2"])
def test_jxl_and_jp2_are_read(on, images, tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    vips("copy", images / "1x1.png", tmp_path / "one.png")
    vips("embed", tmp_path / "one.png", file, 0, 0, 40, 20, "--extend", "copy")
    content = made(on, file.read_bytes(), {"outputs": [{"format": "png"}]})
    assert pixels(content).size == (40, 20)


def test_jxl_is_written_though_it_is_not_read(start, png):
    server = start()
    answer = server.post(files={
        "image": ("a.png", png),
        "spec": (None, json.dumps({"outputs": [{"format": "jxl", "lossless": True}]}))})
    job = answer.json()["job_id"]
    view = server.ended(job)
    if view["status"] == "failed" and "no encoder" in view["error"]:
        pytest.skip(view["error"])
    assert view["status"] == "completed", view
    output = server.get(f"/jobs/{job}/download")
    assert output.headers["Content-Type"] == "image/jxl"
    assert f'filename="{job}.jxl"' in output.headers["Content-Disposition"]
    assert output.content.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))
    again = server.post(data=output.content, headers=RAW,
                        params={"operation": "resize", "width": 4, "height": 4})
    assert again.status_code == 415


def laughs():
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    return (f'<?xml version="1.0"?><!DOCTYPE svg [{entities}]>'
            '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&a9;</text></svg>')


def used_up():
    """Groups of groups, ten to the ninth squares at the end."""
    groups = '<g id="a0"><rect width="1" height="1"/></g>' + "".join(
        f'<g id="a{i}">{f"""<use href="#a{i - 1}"/>""" * 10}</g>' for i in range(1, 10))
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
            f'<defs>{groups}</defs><use href="#a9"/></svg>')


@pytest.mark.parametrize("text, code, words", [
    (laughs(), "corrupt", "svg of"),
    (used_up(), "corrupt", "svg of"),
    ('<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
     '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&x;</text></svg>',
     "corrupt", "svg of"),
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900000 900000"/>',
     "too_large", "(max_side)"),
    ('<svg xmlns="http://www.w3.org/2000/svg" width="9e11" height="9e11"/>',
     "too_large", "far too long"),
    ("<?xml version='1.0'?><html/>", "corrupt", "svg of"),
], ids=["entities of entities", "groups of groups", "entity of a file", "large", "overflow",
        "no svg"])
def test_hostile_svg_fails_its_job_and_nothing_else(on, text, code, words):
    job = on.submit(text.encode())
    view = on.ended(job)
    assert view["status"] == "failed"
    assert words in view["error"], view
    assert view["failure"]["reason"] == code, view
    assert made(on, SVG, PNG_OF_400)


def test_svg_shows_no_file_of_the_server(on, png, images):
    """Not by an absolute name, nor by one from where the server or its worker runs."""
    (on.directory / "secret.png").write_bytes(png)
    names = [f"file://{images}/1x1.png", f"{images}/1x1.png", "secret.png",
             f"file://{on.directory}/secret.png", "file:///etc/passwd", f"{on.url}/"]
    shown = "".join(f'<image width="9" height="9" href="{name}"/>'
                    f'<image width="9" height="9" xlink:href="{name}"/>' for name in names)
    text = ('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" '
            f'xmlns:xlink="http://www.w3.org/1999/xlink">{shown}</svg>')
    content = made(on, text.encode(), {"outputs": [{"format": "png"}]})
    assert set(pixels(content).getdata()) == {(0, 0, 0, 0)}


def test_job_of_a_format_that_is_on_no_more_fails_in_words(start):
    first = start(extra_formats="svg", paused=1)
    job = first.submit(SVG)
    assert first.stop() == 0
    view = start().ended(job)
    assert view["status"] == "failed"
    assert view["error"] == "svg is not read here (switch on with extra_formats)"


@pytest.mark.parametrize("value", ["bmp", "svg,", "svg pdf", ",", "SVG", "svg,,pdf", " "])
def test_unknown_extra_format_stops_the_start(imgjobd, value):
    answer = subprocess.run([imgjobd, f"--extra-formats={value}"], capture_output=True, text=True,
                            timeout=30)
    assert answer.returncode == 2
    assert (f"extra_formats = '{value}' (flag): must be any of svg, pdf, jxl, jp2, with a comma "
            "between") in answer.stderr


def test_extra_formats_are_shown_as_they_are_in_force(imgjobd):
    shown = subprocess.run([imgjobd, "--extra-formats= jp2 , svg", "--print-config"],
                           capture_output=True, text=True, timeout=30).stdout
    assert "extra_formats = svg,jp2 # flag" in shown.splitlines()
