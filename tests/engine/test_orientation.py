"""An image that is stored turned comes out as the one that is stored upright, in every format
that can say so."""

import subprocess

import numpy
import PIL.Image
import pytest

import heif
from engine import bytes_of
from pictures import photo, pixels_of, psnr

SIZE = 96, 64
TURN = PIL.Image.Transpose
# how a picture is stored that EXIF orientation turns upright
STORED = {1: None, 2: TURN.FLIP_LEFT_RIGHT, 3: TURN.ROTATE_180, 4: TURN.FLIP_TOP_BOTTOM,
          5: TURN.TRANSPOSE, 6: TURN.ROTATE_90, 7: TURN.TRANSVERSE, 8: TURN.ROTATE_270}


def upright():
    return PIL.Image.fromarray(photo(*SIZE))


def stored(orientation):
    turn = STORED[orientation]
    return upright() if turn is None else upright().transpose(turn)


def exif(orientation):
    made = PIL.Image.Exif()
    made[0x0112] = orientation
    return made


def jpeg(orientation):
    return bytes_of(stored(orientation), "JPEG", quality=95, subsampling=0,
                    exif=exif(orientation))


def png(orientation):
    return bytes_of(stored(orientation), "PNG", exif=exif(orientation))


def webp(orientation):
    return bytes_of(stored(orientation), "WEBP", lossless=True, exif=exif(orientation))


def tiff(orientation):
    return bytes_of(stored(orientation), "TIFF", tiffinfo={0x0112: orientation})


EXACT = {"png": png, "webp": webp, "tiff": tiff}

each_orientation = pytest.mark.parametrize("orientation", STORED)


@pytest.mark.parametrize("form", EXACT)
@each_orientation
def test_lossless_images_come_out_upright(engine, form, orientation):
    made = pixels_of(engine.output(EXACT[form](orientation)))
    assert numpy.array_equal(made, numpy.asarray(upright()))


@each_orientation
def test_a_jpeg_comes_out_upright(engine, orientation):
    made = pixels_of(engine.output(jpeg(orientation)))
    assert psnr(made, numpy.asarray(upright())) > 35


@pytest.mark.parametrize("form", [*EXACT, "jpeg"])
@each_orientation
def test_steps_see_the_upright_image(engine, form, orientation):
    make = EXACT.get(form, jpeg)
    step = {"op": "crop", "x": 8, "y": 4, "width": 60, "height": 20}
    made = pixels_of(engine.output(make(orientation), step))
    assert psnr(made, numpy.asarray(upright())[4:24, 8:68]) > 35


@pytest.mark.parametrize("form", [*EXACT, "jpeg"])
@each_orientation
def test_a_resized_image_is_upright(engine, form, orientation):
    """Decoded at reduced size and turned, or the other way round: it looks the same."""
    make = EXACT.get(form, jpeg)
    step = {"op": "resize", "width": 24, "height": 16}
    other = numpy.asarray(upright().resize((24, 16), PIL.Image.Resampling.LANCZOS))
    assert psnr(pixels_of(engine.output(make(orientation), step)), other) > 28


@pytest.mark.parametrize("form", EXACT)
@each_orientation
def test_upright_can_be_switched_off(engine, form, orientation):
    output, = engine.outputs(EXACT[form](orientation),
                             {"load": {"upright": False}, "outputs": [{"format": "png"}]})
    assert numpy.array_equal(pixels_of(output), numpy.asarray(stored(orientation)))


@each_orientation
def test_metadata_that_is_kept_does_not_turn_it_again(engine, orientation):
    output = engine.output(jpeg(orientation), format="jpeg", metadata="all", quality=95)
    assert output.picture.size == SIZE
    assert output.picture.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("form, compression", [("avif", "av1"), ("heic", "hevc")])
@each_orientation
def test_a_heif_comes_out_upright(engine, vips, tmp_path, form, compression, orientation):
    picture = tmp_path / "stored.png"
    stored(orientation).save(picture)
    path = tmp_path / f"stored.{form}"
    made = subprocess.run([vips, "heifsave", picture, path, "--compression", compression, "--Q",
                           "95", "--subsample-mode", "off"], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"libvips writes no {form} here: {made.stderr.decode().strip()}")
    turned = heif.turned(path.read_bytes(), orientation)
    made = pixels_of(engine.output(turned))
    assert psnr(made, numpy.asarray(upright())) > 32
