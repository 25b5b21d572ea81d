"""Two hundred specs made at random from the schema, each on images of every kind: no crash,
the size that was predicted, or a refusal in words."""

import io
import random

import PIL.Image
import pytest

import said
import sizes
from engine import Refused
from pictures import noise, png

SPECS, IMAGES_MIN = 200, 20
TRIES = 2000  # at a step or output that is accepted

# file → the size of one page, upright
IMAGES = {
    "rgb.png": (64, 48), "rgba.png": (64, 48), "palette.png": (64, 48),
    "grey-alpha.png": (64, 48), "one-bit.png": (64, 48), "grey16.png": (64, 48),
    "rgba16.png": (64, 48), "1x1.png": (1, 1), "4000x1.png": (4000, 1),
    "icc-adobe.png": (64, 48), "grey.jpg": (64, 48), "progressive.jpg": (64, 48),
    "cmyk.jpg": (64, 48), "orientation-6.jpg": (320, 240), "rgb.tif": (64, 48),
    "lab.tif": (64, 48), "rgb.webp": (64, 48), "rgba.webp": (64, 48), "rgb.gif": (64, 48),
    "animated.gif": (32, 32), "animated.webp": (32, 32), "rgb.avif": (64, 48),
}
TURNED = {"orientation-6.jpg"}

# so that no case takes long; what is larger is refused, which is a case too
LIMITS = {"max_pixels": 120_000, "max_pages": 8}

PILLOW = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "tiff": "TIFF"}


def accepted(engine, spec):
    try:
        return engine.parse(spec)
    except Refused as refused:
        assert refused.name == "spec", f"{spec}: {refused}"
        return None


def first_accepted(engine, make, wrap):
    for _ in range(TRIES):
        one = make()
        if accepted(engine, wrap(one)):
            return one
    raise AssertionError(f"none of {TRIES} is accepted, such as {one}")


def make_spec(engine, schema, rng, number):
    """The first step goes through all operations, and so through all of them many times."""
    ops = list(said.ops(schema))

    def step(name=None):
        name = name or rng.choice(ops)
        return first_accepted(engine, lambda: said.random_step(rng, schema, name),
                              lambda one: {"steps": [one]})

    spec = {"steps": [step(ops[number % len(ops)])] + [step() for _ in range(rng.randrange(4))],
            "outputs": [first_accepted(engine, lambda: said.random_output(rng, schema, index),
                                       lambda one: {"outputs": [one]})
                        for index in range(rng.randrange(1, 4))]}
    for output in spec["outputs"]:
        if rng.random() < .3:
            output["steps"] = [step()]
    if rng.random() < .4:
        spec["load"] = {"upright": rng.random() < .5, "profile": rng.choice(["srgb", "keep"]),
                        "pages": rng.choice([1, "all"])}
    return spec


def inputs_of(spec, schema):
    """Number the further inputs that steps take from 1 on, since each must be taken. How
    many there are."""
    ops = said.ops(schema)
    steps = [step for holder in (spec, *spec["outputs"]) for step in holder.get("steps", [])]
    taking = [step for step in steps if "input" in ops[step["op"]][0]]
    taken = sorted({step.get("input", 1) for step in taking})
    for step in taking:
        step["input"] = taken.index(step.get("input", 1)) + 1
    return len(taken)


@pytest.fixture(scope="module")
def specs(engine, schema):
    rng = random.Random(20)
    made = [make_spec(engine, schema, rng, number) for number in range(SPECS)]
    return [(spec, inputs_of(spec, schema)) for spec in made]


@pytest.fixture(scope="module")
def further():
    """Images for further inputs, eight as there may be."""
    return [png(noise(30, 20, 4)), png(noise(16, 16, 1)), png(noise(9, 50, 3))] * 2 + [
        png(noise(1, 1, 2)), png(noise(200, 3, 4))]


def size_of(name, spec):
    size = IMAGES[name]
    upright = spec.get("load", {}).get("upright", True)
    return size[::-1] if name in TURNED and not upright else size


def check_output(output, asked, predicted, context):
    if asked["format"] != "auto":
        form = {"jpg": "jpeg"}.get(asked["format"], asked["format"])
        assert output.format == form, context
    assert output.name == asked["name"], context
    if predicted is not None:
        assert output.size in predicted, f"{context}: {output.size}, not {predicted}"
    if output.format in PILLOW:
        picture = PIL.Image.open(io.BytesIO(output.data))
        assert (picture.format, picture.size) == (PILLOW[output.format], output.size), context


def check_refusal(refused, predicted, context):
    """In words, and for a reason: none of these images is broken."""
    assert refused.name in ("spec", "limit"), f"{context}: {refused}"
    assert len(refused.text) > 20 and refused.text[-1] not in ".\n", f"{context}: {refused}"
    if refused.name == "spec":
        assert not all(predicted), f"{context}: {refused}"
    else:
        assert "max_pixels" in refused.text or "max_output_size" in refused.text, (
            f"{context}: {refused}")


def test_every_operation_is_among_them(specs, schema):
    used = {step["op"] for spec, _ in specs for step in spec["steps"]}
    assert used == set(said.ops(schema))


def test_the_canonical_text_means_the_same(engine, specs):
    for spec, _ in specs:
        canonical = engine.parse(spec)
        assert engine.parse(canonical) == canonical


@pytest.mark.parametrize("name", IMAGES)
def test_no_spec_does_worse_than_a_refusal(engine, images, specs, further, name):
    if not (images / name).exists():
        pytest.skip(f"libvips writes no {name} here")
    made = 0
    for number, (spec, inputs) in enumerate(specs):
        context = f"{name}, spec {number}: {spec}"
        size = size_of(name, spec)
        predicted = [sizes.after(spec["steps"] + output.get("steps", []), size)
                     for output in spec["outputs"]]
        try:
            outputs = engine.outputs(images / name, spec, further[:inputs], **LIMITS)
        except Refused as refused:
            check_refusal(refused, predicted, context)
            continue
        made += 1
        assert len(outputs) == len(spec["outputs"]), context
        for output, asked, one in zip(outputs, spec["outputs"], predicted):
            check_output(output, asked, one, context)
            output.path.unlink()
    assert made > SPECS / 4


def test_there_are_images_of_every_kind(images):
    assert sum((images / name).exists() for name in IMAGES) >= IMAGES_MIN
