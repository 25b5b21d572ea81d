"""Each limit: what is just within passes, what is just beyond is refused by name, with its
value, the limit and the setting."""

import pytest

from engine import Refused
from pictures import noise, png
from test_frames import DURATIONS, animation

WIDTH, HEIGHT = 64, 48
PLAIN = {"outputs": [{"format": "png"}]}


def image():
    return png(noise(WIDTH, HEIGHT))


def expect_limit(engine, data, spec, name, most):
    """`most` of what the limit counts pass, one less than that is refused."""
    engine.outputs(data, spec, **{name: most})
    with pytest.raises(Refused) as refused:
        engine.outputs(data, spec, **{name: most - 1})
    assert refused.value.name == "limit"
    text = refused.value.text
    assert name in text and str(most) in text and str(most - 1) in text, text


def test_max_upload_size(engine):
    expect_limit(engine, image(), PLAIN, "max_upload_size", len(image()))


def test_max_output_size(engine):
    output, = engine.outputs(image(), PLAIN)
    expect_limit(engine, image(), PLAIN, "max_output_size", len(output.data))


def test_max_output_size_counts_all_outputs(engine):
    spec = {"outputs": [{"name": "a", "format": "png"}, {"name": "b", "format": "png"}]}
    sizes = [len(output.data) for output in engine.outputs(image(), spec)]
    engine.outputs(image(), spec, max_output_size=sum(sizes))
    with pytest.raises(Refused, match="max_output_size"):
        engine.outputs(image(), spec, max_output_size=sum(sizes) - 1)


def test_max_pixels_of_an_input(engine):
    expect_limit(engine, image(), PLAIN, "max_pixels", WIDTH * HEIGHT)


@pytest.mark.parametrize("step, pixels", [
    ({"op": "resize", "width": 100, "height": 90}, 9000),
    ({"op": "extend", "left": 10}, 74 * 48), ({"op": "rotate", "angle": 45}, 80 * 80)])
def test_max_pixels_of_a_step(engine, step, pixels):
    expect_limit(engine, image(), {"steps": [step], **PLAIN}, "max_pixels", pixels)


def test_max_pixels_counts_pages(engine):
    spec = {"load": {"pages": "all"}, "outputs": [{"format": "webp"}]}
    data = animation("GIF")
    pixels = 40 * 30 * len(DURATIONS)
    engine.outputs(data, spec, max_pages=10, max_pixels=pixels)
    with pytest.raises(Refused, match=f"{pixels}.*{pixels - 1}.*max_pixels"):
        engine.outputs(data, spec, max_pages=10, max_pixels=pixels - 1)


@pytest.mark.parametrize("name", ["progressive.jpg", "interlaced.png"])
def test_max_progressive_pixels(engine, images, name):
    expect_limit(engine, images / name, PLAIN, "max_progressive_pixels", 64 * 48)


def test_max_progressive_pixels_is_not_for_plain_images(engine):
    engine.outputs(image(), PLAIN, max_progressive_pixels=1)


@pytest.mark.parametrize("size", [(64, 20), (20, 64)])
def test_max_side(engine, size):
    expect_limit(engine, png(noise(*size)), PLAIN, "max_side", 64)


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_max_pages(engine, form):
    spec = {"load": {"pages": "all"}, "outputs": [{"format": "webp"}]}
    expect_limit(engine, animation(form), spec, "max_pages", len(DURATIONS))


@pytest.mark.parametrize("name, most, words", [
    ("max_pages", 256, "must be 1..256"), ("max_side", 10_000_000, "must be 1..10000000"),
    ("max_pixels", 2 ** 63 - 1, "must be at most 9223372036854775807")])
def test_a_limit_has_its_own_range(engine, name, most, words):
    engine.outputs(image(), PLAIN, **{name: most})
    with pytest.raises(Refused) as refused:
        engine.outputs(image(), PLAIN, **{name: most + 1})
    assert refused.value.name == "invalid"
    assert refused.value.text == f"{name}: {words}, not {most + 1}"


def line(length, edge):
    """A spec's steps that make one pixel a line of that length."""
    step = 16384
    return [{"op": "extend", edge: min(step, length - 1 - done)}
            for done in range(0, length - 1, step)]


@pytest.mark.parametrize("form, most", [("webp", 16383), ("avif", 16384), ("jpeg", 65500),
                                        ("gif", 65535)])
@pytest.mark.parametrize("edge, size", [("left", "{} x 1"), ("top", "1 x {}")])
def test_a_side_that_a_format_cannot_hold_is_refused(engine, form, most, edge, size):
    data, outputs = png(noise(1, 1)), [{"format": form}]
    output, = engine.outputs(data, {"steps": line(most, edge), "outputs": outputs})
    assert size.format(most) == f"{output.size[0]} x {output.size[1]}"
    with pytest.raises(Refused) as refused:
        engine.outputs(data, {"steps": line(most + 1, edge), "outputs": outputs})
    assert refused.value.name == "limit"
    assert refused.value.text == (f"/outputs/0: {size.format(most + 1)} px: "
                                  f"a side of {form} has at most {most} px")


def test_an_output_that_its_format_cannot_hold_is_told_by_its_place(engine):
    outputs = [{"name": "a", "format": "png"}, {"name": "b", "format": "webp"}]
    with pytest.raises(Refused) as refused:
        engine.outputs(png(noise(1, 1)), {"steps": line(16384, "left"), "outputs": outputs})
    assert refused.value.name == "limit"
    assert refused.value.text == (
        "/outputs/1: 16384 x 1 px: a side of webp has at most 16383 px")


def test_boxes_over_each_other_have_a_bound(engine):
    """Each is held in memory until all are laid on."""
    boxes = [[0, 0, 1000, 1000]] * 5
    data = png(noise(1000, 1000))
    engine.outputs(data, {"steps": [{"op": "redact", "boxes": boxes[:4]}]})
    with pytest.raises(Refused) as refused:
        engine.outputs(data, {"steps": [{"op": "redact", "boxes": boxes}]})
    assert refused.value.name == "spec"
    assert refused.value.text == ("/steps/0: redact: the boxes cover 5000000 px, more than 4 "
                                  "times those of an image of 1000 x 1000")


@pytest.mark.parametrize("name", ["rgb.png", "rgb.avif"])
def test_a_text_without_ink_is_refused(engine, images, name):
    """Of AVIF too, whose reader leaves words in libvips that are no fault."""
    data = (images / name).read_bytes()
    with pytest.raises(Refused) as refused:
        engine.outputs(data, {"steps": [{"op": "text", "text": "\u3164"}]})
    assert refused.value.name == "spec"
    assert refused.value.text == "/steps/0: text: no letter of the text leaves a mark"
