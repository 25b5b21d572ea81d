"""Resized photos beside those of two other programs, and sizes made together beside sizes
made alone."""

import subprocess

import numpy
import PIL.Image
import pytest

from engine import bytes_of, picture_of
from pictures import photo, pixels_of, png, psnr, ssim

SIZE = 640, 480
# how alike two programs are that weigh with the same kernel, each with its own edges and
# rounding; a shift by a pixel or the kernel "nearest" is below
ALIKE, DECIBELS = .995, 44
ENLARGED = .98, 38  # where libvips places pixels up to half a pixel away

TARGETS = [(320, 240), (213, 160), (64, 48), (17, 11), (500, 375), (640, 100), (900, 675)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "photo.png"
    path.write_bytes(png(photo(*SIZE)))
    return path


def of_program(path):
    return numpy.asarray(picture_of(path, path.read_bytes()).convert("RGB"))


def expect_alike(one, other, alike=ALIKE, decibels=DECIBELS):
    assert one.shape == other.shape
    if one.shape[1] > SIZE[0]:
        alike, decibels = ENLARGED
    assert ssim(one, other) >= alike
    assert psnr(one, other) >= decibels


def resized(engine, source, size, **more):
    return pixels_of(engine.output(source, {"op": "resize", "width": size[0], "height": size[1],
                                            **more}))


@pytest.mark.parametrize("size", TARGETS)
def test_as_vipsthumbnail(engine, source, vipsthumbnail, tmp_path, size):
    made = tmp_path / "made.png"
    subprocess.run([vipsthumbnail, source, "--size", "%dx%d!" % size, "-o", made], check=True)
    expect_alike(resized(engine, source, size), of_program(made))


@pytest.mark.parametrize("size", TARGETS)
def test_as_imagemagick(engine, source, convert, tmp_path, size):
    made = tmp_path / "made.png"
    subprocess.run([convert, source, "-filter", "Lanczos", "-resize", "%dx%d!" % size, made],
                   check=True)
    expect_alike(resized(engine, source, size), of_program(made))


KERNELS = {"lanczos3": PIL.Image.Resampling.LANCZOS, "cubic": PIL.Image.Resampling.BICUBIC,
           "linear": PIL.Image.Resampling.BILINEAR}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [(320, 240), (160, 120), (100, 75)])
def test_each_kernel_as_pillow(engine, source, kernel, size):
    with PIL.Image.open(source) as picture:
        other = numpy.asarray(picture.resize(size, KERNELS[kernel]))
    expect_alike(resized(engine, source, size, kernel=kernel), other)


@pytest.mark.parametrize("size", [(320, 240), (120, 90), (40, 30)])
def test_a_jpeg_decoded_at_reduced_size_looks_the_same(engine, tmp_path, size):
    path = tmp_path / "photo.jpg"
    PIL.Image.fromarray(photo(*SIZE)).save(path, quality=95)
    with PIL.Image.open(path) as picture:
        other = numpy.asarray(picture.resize(size, PIL.Image.Resampling.LANCZOS))
    expect_alike(resized(engine, path, size), other, .97, 28)


def test_linear_light_keeps_the_light_of_fine_lines(engine):
    """Lines of black and white a pixel wide are half the light, which is no level 128."""
    lines = numpy.zeros((64, 64, 3), numpy.uint8)
    lines[:, ::2] = 255
    step = {"op": "resize", "width": 8, "height": 8, "kernel": "linear"}
    plain = pixels_of(engine.output(png(lines), step)).mean()
    linear = pixels_of(engine.output(png(lines), {**step, "linear": True})).mean()
    assert abs(plain - 127.5) < 3
    assert abs(linear - 187.5) < 3  # sRGB of one half: 188


def test_clear_pixels_lend_no_colour(engine):
    """Green that nobody sees does not show beside red once both are mixed."""
    pixels = numpy.zeros((40, 40, 4), numpy.uint8)
    pixels[:, :, 1] = 255
    pixels[:, :21] = (255, 0, 0, 255)
    made = pixels_of(engine.output(png(pixels), {"op": "resize", "width": 13, "height": 13}))
    seen = made[:, :, 3] > 16
    assert made[seen][:, 1].max() <= 2


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_sizes_made_together_are_like_those_made_alone(engine, form):
    picture = PIL.Image.fromarray(photo(*SIZE))
    image = png(photo(*SIZE))
    if form == "jpeg":
        image = bytes_of(picture, "JPEG", quality=92)
    widths = [500, 320, 200, 120, 64, 32]
    together = engine.outputs(image, {"outputs": [
        {"name": f"w{width}", "format": "png", "steps": [{"op": "resize", "width": width}]}
        for width in widths]})
    assert [output.name for output in together] == [f"w{width}" for width in widths]
    for output, width in zip(together, widths):
        alone = engine.output(image, {"op": "resize", "width": width})
        assert output.size == alone.size == (width, width * 3 // 4)
        assert ssim(pixels_of(output), pixels_of(alone)) >= .98, width
