"""Sizes by formula: random images and parameters, against tests/engine/sizes.py."""

import functools
import io

import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sizes
from engine import Refused, bytes_of

SIDE = st.integers(1, 300)
SIZE = st.tuples(SIDE, SIDE)
TARGET = st.integers(1, 400)
COMPASS = ["center", "north", "northeast", "east", "southeast", "south", "southwest", "west",
           "northwest"]

many = settings(max_examples=120)


@functools.lru_cache(maxsize=None)
def blank(size):
    return bytes_of(PIL.Image.new("RGB", size, (200, 30, 90)), compress_level=1)


def expect_size(engine, size, *steps):
    """The engine makes what the formulas say: the same size in words and in the file, or a
    refusal where the box is beyond the image."""
    expected = sizes.after(steps, size)
    try:
        output = engine.output(blank(size), *steps)
    except Refused as refusal:
        assert refusal.name == "spec" and not expected, f"{size} {steps}: {refusal}"
        return
    assert output.size in expected, f"{size} {steps}: {output.size}, not {expected}"
    assert PIL.Image.open(io.BytesIO(output.data)).size == output.size


def optional(**strategies):
    """A dictionary of some of these."""
    return st.fixed_dictionaries({}, optional=strategies)


@pytest.mark.parametrize("fit", ["fill", "inside", "cover", "contain", "outside"])
@many
@given(size=SIZE, width=TARGET, height=TARGET,
       more=optional(enlarge=st.booleans(), dpr=st.floats(.1, 4)))
def test_resize_into_a_box(engine, fit, size, width, height, more):
    expect_size(engine, size, {"op": "resize", "width": width, "height": height, "fit": fit,
                               **more})


@pytest.mark.parametrize("fit", ["fill", "inside", "cover", "contain", "outside"])
@many
@given(size=SIZE, side=st.sampled_from(["width", "height"]), length=st.integers(1, 200),
       more=optional(enlarge=st.booleans(), dpr=st.floats(.1, 2)))
def test_resize_by_one_side_keeps_the_ratio(engine, fit, size, side, length, more):
    expect_size(engine, size, {"op": "resize", side: length, "fit": fit, **more})


@many
@given(size=SIZE, width=SIDE, height=SIDE, x=st.integers(0, 300), y=st.integers(0, 300),
       by=st.one_of(st.none(), st.sampled_from(COMPASS)))
def test_crop_by_pixels(engine, size, width, height, x, y, by):
    # mostly boxes that lie within, and some that do not
    if x + y < 400:
        width, height = min(width, size[0]), min(height, size[1])
        x, y = x % (size[0] - width + 1), y % (size[1] - height + 1)
    place = {"gravity": by} if by else {"x": x, "y": y}
    expect_size(engine, size, {"op": "crop", "width": width, "height": height, **place})


PART = st.integers(1, 64).map(lambda n: n / 64)


@many
@given(size=SIZE, width=PART, height=PART, x=PART, y=PART, placed=st.booleans())
def test_crop_by_fractions(engine, size, width, height, x, y, placed):
    # in 64ths, whose sums doubles hold exactly
    place = {"x": min(x, 1 - width), "y": min(y, 1 - height)} if placed else {}
    expect_size(engine, size, {"op": "crop", "unit": "fraction", "width": width,
                               "height": height, **place})


@many
@given(size=SIZE, ratio=st.tuples(st.floats(.01, 100), st.floats(.01, 100)),
       by=st.sampled_from(COMPASS + ["attention", "entropy"]))
def test_crop_by_ratio(engine, size, ratio, by):
    expect_size(engine, size, {"op": "crop", "ratio": list(ratio), "gravity": by})


@many
@given(size=SIZE, mode=st.sampled_from(["background", "copy", "mirror"]),
       edges=optional(**dict.fromkeys(("top", "right", "bottom", "left"),
                                      st.integers(0, 200))).filter(bool))
def test_extend_by_edges(engine, size, mode, edges):
    expect_size(engine, size, {"op": "extend", "mode": mode, **edges})


@many
@given(size=SIZE, by=st.sampled_from(COMPASS),
       target=optional(width=TARGET, height=TARGET).filter(bool))
def test_extend_to_a_size(engine, size, by, target):
    expect_size(engine, size, {"op": "extend", "gravity": by, **target})


@many
@given(size=SIZE, angle=st.one_of(st.floats(-360, 360), st.integers(-4, 4).map(lambda n: n * 90)))
def test_rotate_makes_the_smallest_box_around_the_turned_image(engine, size, angle):
    expect_size(engine, size, {"op": "rotate", "angle": angle})


@many
@given(inner=SIZE, borders=st.tuples(*[st.integers(0, 60)] * 4))
def test_trim_finds_a_known_border(engine, inner, borders):
    left, top, right, bottom = borders
    picture = PIL.Image.new("RGB", (inner[0] + left + right, inner[1] + top + bottom),
                            (250, 250, 250))
    picture.paste((20, 60, 90), (left, top, left + inner[0], top + inner[1]))
    output = engine.output(bytes_of(picture), {"op": "trim", "color": "#fafafa"})
    assert output.size == inner
    assert set(output.picture.getdata()) == {(20, 60, 90)}


@many
@given(size=SIZE, width=TARGET, height=TARGET,
       second=st.sampled_from([{"op": "rotate", "angle": 90}, {"op": "rotate", "angle": -30},
                               {"op": "extend", "left": 7, "bottom": 5},
                               {"op": "crop", "ratio": [3, 2]},
                               {"op": "resize", "width": 50, "height": 70, "fit": "inside"}]))
def test_steps_go_one_after_another(engine, size, width, height, second):
    expect_size(engine, size, {"op": "resize", "width": width, "height": height,
                               "fit": "inside"}, second)


SHORT_SIDE = st.integers(1, 300)


@many
@given(size=SIZE, operation=st.sampled_from(["resize", "thumbnail"]), width=SHORT_SIDE,
       height=SHORT_SIDE, more=optional(enlarge=st.booleans()))
def test_the_short_form_is_one_step(engine, size, operation, width, height, more):
    fit = {"resize": "fill", "thumbnail": "inside"}[operation]
    expected = sizes.after([{"op": "resize", "width": width, "height": height, "fit": fit,
                             **more}], size)
    output, = engine.outputs(blank(size), {"operation": operation, "width": width,
                                           "height": height, **more})
    assert output.size in expected


# JPEG is decoded at a reduced size; what is asked for must come out all the same.
@many
@given(size=st.tuples(st.integers(1, 900), st.integers(1, 900)), width=st.integers(1, 120),
       height=st.integers(1, 120), fit=st.sampled_from(["fill", "inside", "cover", "outside"]))
def test_a_jpeg_decoded_at_reduced_size_has_the_same_size(engine, size, width, height, fit):
    image = bytes_of(PIL.Image.new("L", size, 90), "JPEG", quality=50)
    step = {"op": "resize", "width": width, "height": height, "fit": fit}
    output = engine.output(image, step)
    assert output.size in sizes.after([step], size), (size, step)
