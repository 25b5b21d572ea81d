"""Animations: every frame kept, with its time, and changed as if it were alone."""

import io

import numpy
import PIL.Image
import PIL.ImageSequence
import pytest

from engine import Refused, bytes_of
from pictures import psnr

SIZE = 40, 30
DURATIONS = [50, 120, 300, 80]


def frames():
    """Each frame a field of 16 squares of few colours, none like another."""
    made = []
    for number in range(len(DURATIONS)):
        random = numpy.random.default_rng(number)
        squares = random.integers(0, 2, (6, 8, 3), numpy.uint8) * 180 + 40
        made.append(PIL.Image.fromarray(squares.repeat(5, 0).repeat(5, 1)))
    return made


def animation(form):
    """Played three times."""
    first, *others = frames()
    more = {"lossless": True} if form == "WEBP" else {}
    return bytes_of(first, form, save_all=True, append_images=others, duration=DURATIONS,
                    loop=3 if form == "WEBP" else 2, **more)


def frames_of(output):
    """Frames, times, and how often it plays; 0 is for ever."""
    picture = PIL.Image.open(io.BytesIO(output.data))
    made, durations = [], []
    for frame in PIL.ImageSequence.Iterator(picture):
        made.append(numpy.asarray(frame.convert("RGB")))
        durations.append(frame.info["duration"])
    plays = picture.info.get("loop")
    if output.format == "gif":  # which counts how often it starts again
        plays = 1 if plays is None else plays and plays + 1
    return made, durations, plays


def run(engine, form, steps, into, load=None, **settings):
    spec = {"load": {"pages": "all", **(load or {})}, "steps": steps,
            "outputs": [{"format": into, **settings}]}
    output, = engine.outputs(animation(form), spec, max_pages=10)
    return output


STEPS = {
    "nothing": ([], lambda p: p),
    "crop": ([{"op": "crop", "x": 5, "y": 3, "width": 20, "height": 11}],
             lambda p: p[3:14, 5:25]),
    "flip": ([{"op": "flip"}], lambda p: p[::-1]),
    "flop": ([{"op": "flop"}], lambda p: p[:, ::-1]),
    "turn": ([{"op": "rotate", "angle": 90}], lambda p: numpy.rot90(p, -1)),
    "extend": ([{"op": "extend", "top": 2, "left": 6, "mode": "copy"}],
               lambda p: numpy.pad(p, ((2, 0), (6, 0), (0, 0)), "edge")),
    "mirror": ([{"op": "extend", "bottom": 9, "right": 1, "mode": "mirror"}],
               lambda p: numpy.pad(p, ((0, 9), (0, 1), (0, 0)), "symmetric")),
    "negate": ([{"op": "negate"}], lambda p: 255 - p),
    "redact": ([{"op": "redact", "boxes": [[4, 20, 10, 100]], "color": "#dc2828"}],
               lambda p: covered(p)),
    "pixelate": ([{"op": "pixelate", "size": 10}],
                 lambda p: numpy.rint(p.reshape(3, 10, 4, 10, 3).mean((1, 3)))
                 .repeat(10, 0).repeat(10, 1).astype(numpy.uint8)),
    "two": ([{"op": "flip"}, {"op": "rotate", "angle": 180}], lambda p: p[:, ::-1]),
    "nearest": ([{"op": "resize", "width": 120, "height": 90, "kernel": "nearest"}],
                lambda p: p.repeat(3, 0).repeat(3, 1)),
}


def covered(pixels):
    pixels = pixels.copy()
    pixels[20:, 4:14] = (220, 40, 40)
    return pixels


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
@pytest.mark.parametrize("name", STEPS)
def test_each_frame_is_changed_as_if_alone(engine, form, name):
    steps, move = STEPS[name]
    output = run(engine, form, steps, "webp", lossless=True)
    made, durations, plays = frames_of(output)
    expected = [move(numpy.asarray(frame)) for frame in frames()]
    assert durations == DURATIONS and plays == 3
    assert [frame.shape for frame in made] == [frame.shape for frame in expected]
    assert output.size == expected[0].shape[1::-1]  # of one frame
    for number, (one, other) in enumerate(zip(made, expected)):
        assert numpy.abs(one.astype(int) - other).max() <= 1, (name, number)


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
@pytest.mark.parametrize("name", ["nothing", "crop", "flip", "turn", "extend"])
def test_a_gif_keeps_frames_and_times(engine, form, name):
    steps, move = STEPS[name]
    made, durations, plays = frames_of(run(engine, form, steps, "gif", dither=0))
    assert durations == DURATIONS and plays == 3
    for one, frame in zip(made, frames()):
        assert psnr(one, move(numpy.asarray(frame))) > 35


def test_frames_are_resized_one_by_one(engine):
    """No colour of a frame gets into its neighbours."""
    made, _, _ = frames_of(run(engine, "WEBP", [{"op": "resize", "width": 13, "height": 17}],
                               "webp", lossless=True))
    for one, frame in zip(made, frames()):
        other = numpy.asarray(frame.resize((13, 17), PIL.Image.Resampling.LANCZOS))
        assert psnr(one, other) > 28
        alone = engine.output(bytes_of(frame), {"op": "resize", "width": 13, "height": 17})
        assert psnr(one, numpy.asarray(alone.picture)) > 40


@pytest.mark.parametrize("page, pages", [(0, 1), (2, 1), (1, 2), (1, "all"), (3, 1), (0, 4),
                                         (0, 9), (2, 9), (3, "all")])
def test_load_takes_the_pages_asked_for(engine, page, pages):
    """Or as many of them as there are."""
    output = run(engine, "GIF", [], "webp", {"page": page, "pages": pages}, lossless=True)
    expected = frames()[page:][:len(DURATIONS) if pages == "all" else pages]
    picture = PIL.Image.open(io.BytesIO(output.data))
    assert getattr(picture, "n_frames", 1) == len(expected)
    for frame, other in zip(PIL.ImageSequence.Iterator(picture), expected):
        assert numpy.array_equal(numpy.asarray(frame.convert("RGB")), numpy.asarray(other))


@pytest.mark.parametrize("form, settings", [("png", {}), ("jpeg", {"chroma": "444"}),
                                            ("avif", {"chroma": "444"})])
def test_a_format_without_frames_takes_the_first(engine, form, settings):
    output = run(engine, "GIF", [], form, **settings)
    assert output.size == SIZE and output.picture.size == SIZE
    assert psnr(numpy.asarray(output.picture.convert("RGB")), numpy.asarray(frames()[0])) > 20


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
@pytest.mark.parametrize("pages", [1, 2, "all"])
def test_a_page_that_is_not_there_is_refused(engine, form, pages):
    with pytest.raises(Refused) as refused:
        run(engine, form, [], "webp", {"page": 4, "pages": pages})
    assert refused.value.name == "spec"
    assert refused.value.text == (
        "/load/page: the image has 4 pages, counted from 0, so there is no page 4")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_more_pages_than_there_are_is_no_fault_of_the_file(engine, form):
    data = bytes_of(frames()[0], form)
    spec = {"load": {"pages": 2}, "outputs": [{"format": "webp", "lossless": True}]}
    output, = engine.outputs(data, spec, max_pages=10)
    made, = frames_of(output)[0]
    expected = numpy.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    assert numpy.abs(made.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("search", [{}, {"target_ssim": .9}, {"max_bytes": 100_000}])
def test_frames_that_became_equal_are_no_fault(engine, search):
    """An encoder may make one of them."""
    output = run(engine, "GIF", [{"op": "threshold", "value": 255}], "webp", **search)
    made, _, _ = frames_of(output)
    assert all(frame.max() == 0 for frame in made)


@pytest.mark.parametrize("into", ["gif", "webp"])
@pytest.mark.parametrize("loop", [0, 1, 2, 7])
def test_loop_and_delay_are_the_callers(engine, into, loop):
    _, durations, plays = frames_of(run(engine, "GIF", [], into, loop=loop, delay=200))
    assert durations == [200] * len(DURATIONS) and plays == loop
