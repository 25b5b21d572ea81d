"""Colour profiles: converted as Pillow's LittleCMS does, or kept byte by byte."""

import io

import numpy
import PIL.Image
import PIL.ImageCms
import pytest

from engine import bytes_of, picture_of
from pictures import noise, photo, pixels_of

WIDE = ["adobe", "gamma22"]


def with_profile(images, name, form="PNG", **options):
    icc = (images / f"{name}.icc").read_bytes()
    picture = PIL.Image.fromarray(photo(96, 64))
    return picture, icc, bytes_of(picture, form, icc_profile=icc, **options)


@pytest.mark.parametrize("form, options", [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
@pytest.mark.parametrize("name", WIDE)
def test_colours_become_srgb_as_elsewhere(engine, images, name, form, options):
    picture, icc, image = with_profile(images, name, form, **options)
    expected = PIL.ImageCms.profileToProfile(
        picture, io.BytesIO(icc), PIL.ImageCms.createProfile("sRGB"),
        renderingIntent=PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC)
    made = pixels_of(engine.output(image)).astype(int)
    difference = numpy.abs(made - numpy.asarray(expected))
    assert numpy.abs(made - numpy.asarray(picture)).mean() > 1  # something was done
    assert difference.mean() < 1 and difference.max() <= 6


def test_a_converted_image_does_not_carry_the_old_profile(engine, images):
    _, icc, image = with_profile(images, "adobe")
    assert engine.output(image).picture.info.get("icc_profile") != icc


@pytest.mark.parametrize("into", ["png", "jpeg", "webp", "tiff"])
@pytest.mark.parametrize("metadata", ["strip", "copyright", "all"])
def test_keep_keeps_the_profile_byte_by_byte(engine, images, into, metadata):
    _, icc, image = with_profile(images, "adobe")
    output, = engine.outputs(image, {"load": {"profile": "keep"},
                                     "steps": [{"op": "resize", "width": 48}],
                                     "outputs": [{"format": into, "metadata": metadata}]})
    assert PIL.Image.open(io.BytesIO(output.data)).info["icc_profile"] == icc


def test_keep_leaves_levels_as_they_are(engine, images):
    icc = (images / "adobe.icc").read_bytes()
    pixels = noise(40, 30)
    image = bytes_of(PIL.Image.fromarray(pixels), icc_profile=icc)
    output, = engine.outputs(image, {"load": {"profile": "keep"}, "steps": [{"op": "flop"}],
                                     "outputs": [{"format": "png"}]})
    assert numpy.array_equal(pixels_of(output), pixels[:, ::-1])


def test_cmyk_becomes_rgb(engine, images):
    path = images / "cmyk.jpg"
    output = engine.output(path)
    made = numpy.asarray(output.picture.convert("RGB")).astype(int)
    assert output.picture.mode == "RGB"
    # red, green, blue and white, each the strongest in its corner
    corners = [made[4, 4], made[4, -4], made[-4, 4]]
    assert [int(corner.argmax()) for corner in corners] == [0, 1, 2]
    assert made[-4, -4].min() > 200


@pytest.mark.parametrize("name", ["rgb16.png", "rgba16.png", "grey16.png"])
def test_sixteen_bits_become_eight(engine, images, name):
    path = images / name
    eight = picture_of(path, (images / name.replace("16", "")).read_bytes()).convert("RGBA")
    made = engine.output(path).picture.convert("RGBA")
    seen = numpy.asarray(eight)[:, :, 3] > 0
    difference = numpy.asarray(made).astype(int) - numpy.asarray(eight)
    assert numpy.abs(difference[seen]).max() <= 1
