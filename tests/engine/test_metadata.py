"""EXIF that is kept is what came in, from every format and in every output."""

import io
import subprocess

import PIL.Image
import pytest

from engine import bytes_of
from pictures import photo

COPYRIGHT, DESCRIPTION = 0x8298, 0x010e
SAID = {COPYRIGHT: "Somebody, 2020", DESCRIPTION: "what is to be seen " * 8}


def exif():
    made = PIL.Image.Exif()
    for tag, text in SAID.items():
        made[tag] = text
    return made


def image_of(form, tmp_path):
    picture = PIL.Image.fromarray(photo(64, 48))
    if form != "AVIF":
        return bytes_of(picture, form, exif=exif())
    source, made = tmp_path / "with-exif.png", tmp_path / "with-exif.avif"
    source.write_bytes(bytes_of(picture, exif=exif()))
    if subprocess.run(["vips", "copy", source, made], capture_output=True,
                      check=False).returncode != 0:
        pytest.skip("libvips writes no avif here")
    return made


STEPS = {"nothing": [], "trim": [{"op": "trim"}], "resize": [{"op": "resize", "width": 20}]}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("steps", STEPS)
def test_every_output_keeps_what_it_is_told_to(engine, vips, tmp_path, form, steps):
    outputs = [{"name": f"{into}-{metadata}", "format": into, "metadata": metadata}
               for into in ("png", "jpeg", "webp")
               for metadata in ("all", "copyright", "strip")]
    for output in engine.outputs(image_of(form, tmp_path), {"steps": STEPS[steps],
                                                            "outputs": outputs}):
        found = PIL.Image.open(io.BytesIO(output.data)).getexif()
        kept = {"all": [COPYRIGHT, DESCRIPTION], "copyright": [COPYRIGHT], "strip": []}
        for tag, text in SAID.items():
            expected = text if tag in kept[output.name.split("-")[1]] else None
            assert found.get(tag) == expected, (output.name, tag)


@pytest.mark.parametrize("into", ["jpeg", "png", "webp", "tiff"])
def test_a_copyright_that_is_no_utf8_is_left_out(engine, into):
    """libvips stands a phrase of its own in its place."""
    made = PIL.Image.Exif()
    made[COPYRIGHT] = "\xa9 2024 M\xfcller".encode("latin-1")
    data = bytes_of(PIL.Image.fromarray(photo(64, 48)), "JPEG", exif=made)
    output, = engine.outputs(data, {"outputs": [{"format": into, "metadata": "copyright"}]})
    assert b"invalid utf-8" not in output.data
