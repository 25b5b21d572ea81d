"""Pixels against numpy: exact where they are moved, to a level where they are computed."""

import numpy
import PIL.Image
import pytest

from engine import bytes_of
from pictures import noise, pixels_of, png

SIZES = [(1, 1), (7, 5), (64, 33), (130, 131)]
BANDS = [1, 2, 3, 4]
COMPASS = {"northwest": (0, 0), "north": (.5, 0), "northeast": (1, 0), "west": (0, .5),
           "center": (.5, .5), "east": (1, .5), "southwest": (0, 1), "south": (.5, 1),
           "southeast": (1, 1)}


def expect_pixels(engine, pixels, step, expected, off_by=0):
    """What `step` makes of `pixels` is `expected`, alpha included where either has it."""
    made = pixels_of(engine.output(png(pixels), step))
    made, expected = as_rgba(made), as_rgba(expected)
    assert made.shape == expected.shape, step
    difference = numpy.abs(made.astype(int) - expected.astype(int))
    # what cannot be seen may have any colour
    difference[:, :, :3][(made[:, :, 3] == 0) & (expected[:, :, 3] == 0)] = 0
    assert difference.max() <= off_by, (step, pixels.shape, difference.max())


def as_rgba(pixels):
    bands = pixels.shape[2]
    alpha = pixels[:, :, -1:] if bands in (2, 4) else numpy.full_like(pixels[:, :, :1], 255)
    colours = pixels[:, :, :3] if bands >= 3 else pixels[:, :, :1].repeat(3, 2)
    return numpy.concatenate([colours, alpha], 2)


def place(outer, inner, by):
    """Where a box lies by a compass gravity; halves go down."""
    return [int((o - i) * part) for o, i, part in zip(outer, inner, COMPASS[by])]


every_size = pytest.mark.parametrize("size", SIZES)
every_band = pytest.mark.parametrize("bands", BANDS)


# ---- moved ----

MOVES = {
    "flip": ({"op": "flip"}, lambda p: p[::-1]),
    "flop": ({"op": "flop"}, lambda p: p[:, ::-1]),
    "turn by 0": ({"op": "rotate", "angle": 0}, lambda p: p),
    "turn by 90": ({"op": "rotate", "angle": 90}, lambda p: numpy.rot90(p, -1)),
    "turn by 180": ({"op": "rotate", "angle": 180}, lambda p: numpy.rot90(p, 2)),
    "turn by 270": ({"op": "rotate", "angle": 270}, numpy.rot90),
    "turn by -90": ({"op": "rotate", "angle": -90}, numpy.rot90),
    "turn by -180": ({"op": "rotate", "angle": -180}, lambda p: numpy.rot90(p, 2)),
    "turn by -270": ({"op": "rotate", "angle": -270}, lambda p: numpy.rot90(p, -1)),
    "turn by 360": ({"op": "rotate", "angle": 360}, lambda p: p),
}


@pytest.mark.parametrize("name", MOVES)
@every_size
@every_band
def test_mirrors_and_quarter_turns_move_pixels(engine, name, size, bands):
    step, move = MOVES[name]
    pixels = noise(*size, bands)
    expect_pixels(engine, pixels, step, move(pixels))


@every_size
@every_band
def test_a_crop_is_its_box(engine, size, bands):
    pixels = noise(*size, bands)
    random = numpy.random.default_rng(7)
    for _ in range(12):
        width, height = (int(random.integers(1, side + 1)) for side in size)
        x, y = (int(random.integers(0, side - length + 1))
                for side, length in zip(size, (width, height)))
        expect_pixels(engine, pixels,
                      {"op": "crop", "x": x, "y": y, "width": width, "height": height},
                      pixels[y:y + height, x:x + width])


@pytest.mark.parametrize("by", COMPASS)
@every_size
def test_a_crop_lies_where_gravity_says(engine, by, size):
    pixels = noise(*size)
    for width, height in ((1, 1), (size[0], 1), (size[0] // 2 + 1, size[1] // 3 + 1)):
        width, height = min(width, size[0]), min(height, size[1])
        x, y = place(size, (width, height), by)
        expect_pixels(engine, pixels,
                      {"op": "crop", "width": width, "height": height, "gravity": by},
                      pixels[y:y + height, x:x + width])


def test_a_crop_by_fractions_goes_to_the_nearest_pixels(engine):
    pixels = noise(101, 57)
    expect_pixels(engine, pixels, {"op": "crop", "unit": "fraction", "x": .25, "y": .5,
                                   "width": .5, "height": .25},
                  pixels[29:43, 25:76])  # 25.25 to 75.75, 28.5 to 42.75


@pytest.mark.parametrize("mode, like", [("copy", "edge"), ("mirror", "symmetric"),
                                        ("background", "constant")])
@every_band
def test_extend_adds_to_the_edges(engine, mode, like, bands):
    pixels = noise(21, 16, bands)
    if like == "constant":
        pixels = as_rgba(pixels)
    for top, right, bottom, left in ((0, 0, 0, 1), (3, 5, 7, 11), (0, 20, 1, 0), (15, 0, 0, 0)):
        expected = numpy.pad(pixels, ((top, bottom), (left, right), (0, 0)), like)
        expect_pixels(engine, pixels, {"op": "extend", "mode": mode, "top": top, "right": right,
                                       "bottom": bottom, "left": left}, expected)


@pytest.mark.parametrize("by", COMPASS)
def test_extend_lays_the_image_where_gravity_says(engine, by):
    pixels = as_rgba(noise(10, 7))
    expected = numpy.zeros((14, 23, 4), numpy.uint8) + numpy.uint8([255, 0, 0, 255])
    x, y = place((23, 14), (10, 7), by)
    expected[y:y + 7, x:x + 10] = pixels
    expect_pixels(engine, pixels, {"op": "extend", "width": 23, "height": 14, "gravity": by,
                                   "background": "#f00"}, expected)


# ---- resize: where things lie ----

@pytest.mark.parametrize("by", COMPASS)
def test_contain_puts_the_picture_where_gravity_says(engine, by):
    pixels = noise(20, 10)
    for box in ((20, 33), (45, 10), (20, 11)):
        expected = numpy.zeros((box[1], box[0], 4), numpy.uint8) + numpy.uint8([0, 0, 255, 255])
        x, y = place(box, (20, 10), by)
        expected[y:y + 10, x:x + 20] = as_rgba(pixels)
        expect_pixels(engine, pixels, {"op": "resize", "width": box[0], "height": box[1],
                                       "fit": "contain", "gravity": by, "background": "blue"},
                      expected)


@pytest.mark.parametrize("by", COMPASS)
def test_cover_keeps_what_gravity_says(engine, by):
    pixels = noise(20, 10)
    for box in ((20, 4), (7, 10), (13, 10)):
        x, y = place((20, 10), box, by)
        expect_pixels(engine, pixels, {"op": "resize", "width": box[0], "height": box[1],
                                       "fit": "cover", "gravity": by},
                      pixels[y:y + box[1], x:x + box[0]])


@pytest.mark.parametrize("focus", [0, .1, .3, .5, .77, 1])
def test_cover_keeps_the_focal_point_nearest_to_the_middle(engine, focus):
    pixels = noise(100, 10)
    x = min(max(round(focus * 100 - 15), 0), 70)
    expect_pixels(engine, pixels, {"op": "resize", "width": 30, "height": 10, "fit": "cover",
                                   "focal_x": focus, "focal_y": .5}, pixels[:, x:x + 30])


def test_contain_pads_with_transparency_unless_told(engine):
    made = pixels_of(engine.output(png(noise(8, 8)), {"op": "resize", "width": 8, "height": 12,
                                                      "fit": "contain"}))
    assert (made[:2, :, 3] == 0).all() and (made[10:, :, 3] == 0).all()
    assert (made[2:10, :, 3] == 255).all()


def test_nearest_repeats_pixels(engine):
    pixels = noise(9, 6)
    expect_pixels(engine, pixels, {"op": "resize", "width": 27, "height": 18,
                                   "kernel": "nearest"}, pixels.repeat(3, 0).repeat(3, 1))


@pytest.mark.parametrize("kernel", ["nearest", "linear", "cubic", "mitchell", "lanczos2",
                                    "lanczos3"])
def test_no_kernel_moves_the_picture(engine, kernel):
    """A step from black to white in the middle is in the middle still, but for the half pixel
    that is left where it falls into one."""
    pixels = numpy.zeros((16, 16, 3), numpy.uint8)
    pixels[:, 8:] = 255
    for width in (2, 5, 8, 15, 31, 32, 100, 101):
        made = pixels_of(engine.output(png(pixels), {"op": "resize", "width": width,
                                                     "height": 16, "kernel": kernel}))
        black = (1 - made[8, :, 0] / 255).sum()
        assert abs(black - width / 2) < .6, width


# ---- computed ----

def in_windows(pixels, side):
    """Every square of that side around a pixel, edges repeated: h × w × bands × side²."""
    padded = numpy.pad(pixels, ((side // 2,) * 2, (side // 2,) * 2, (0, 0)), "edge")
    return numpy.lib.stride_tricks.sliding_window_view(padded, (side, side), (0, 1)).reshape(
        *pixels.shape, side * side)


def test_negate_turns_every_level(engine):
    pixels = noise(40, 30)
    expect_pixels(engine, pixels, {"op": "negate"}, 255 - pixels)


def test_negate_leaves_alpha(engine):
    pixels = noise(40, 30, 4)
    expect_pixels(engine, pixels, {"op": "negate"},
                  numpy.dstack([255 - pixels[:, :, :3], pixels[:, :, 3]]))


@pytest.mark.parametrize("exponent", [.1, .5, 1, 2.2, 10])
def test_gamma_raises_levels_to_its_inverse(engine, exponent):
    pixels = noise(40, 30)
    expect_pixels(engine, pixels, {"op": "gamma", "gamma": exponent},
                  numpy.rint(255 * (pixels / 255) ** (1 / exponent)).astype(numpy.uint8), 1)


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_threshold_makes_black_and_white_of_grey(engine, value):
    pixels = noise(40, 30, 1)
    expect_pixels(engine, pixels, {"op": "threshold", "value": value},
                  numpy.where(pixels >= value, 255, 0).astype(numpy.uint8))


@pytest.mark.parametrize("side", [3, 5, 15])
def test_median_takes_the_middle_of_each_square(engine, side):
    pixels = noise(41, 30)
    expected = numpy.median(in_windows(pixels, side), 3).astype(numpy.uint8)
    expect_pixels(engine, pixels, {"op": "median", "size": side}, expected)


@pytest.mark.parametrize("weights, scale, offset", [
    ([[1, 2, 1], [2, 4, 2], [1, 2, 1]], None, 0),
    ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], None, 128),
    ([[0, 0, 0], [0, 0, 1], [0, 0, 0]], 1, 0),
    ([[1, 2, 3, 4, 5]], 20, -7)])
def test_convolve_weighs_the_neighbours(engine, weights, scale, offset):
    pixels = noise(41, 30)
    weights = numpy.array(weights)
    rows, columns = weights.shape
    side = max(rows, columns)
    square = numpy.zeros((side, side))
    top, left = (side - rows) // 2, (side - columns) // 2
    square[top:top + rows, left:left + columns] = weights
    exact = in_windows(pixels, side).astype(float) @ square.ravel()
    exact = exact / (scale or weights.sum() or 1) + offset
    step = {"op": "convolve", "kernel": weights.ravel().tolist(), "width": columns,
            "offset": offset, **({"scale": scale} if scale else {})}
    expect_pixels(engine, pixels, step,
                  numpy.rint(exact.clip(0, 255)).astype(numpy.uint8), 1)


def blurred(pixels, sigma):
    """Each pixel the mean of all, by weights of a Gaussian; edges repeated. Not rounded."""
    reach = int(4 * sigma) + 1
    weights = numpy.exp(-numpy.arange(-reach, reach + 1) ** 2 / (2 * sigma ** 2))
    weights /= weights.sum()
    exact = pixels.astype(float)
    for axis in (0, 1):
        padding = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        exact = numpy.apply_along_axis(numpy.convolve, axis, numpy.pad(exact, padding, "edge"),
                                       weights, "valid")
    return exact


@pytest.mark.parametrize("sigma, off_by", [(.5, 1), (1, 1), (3, 1), (4, 1), (8, 1), (20, 1),
                                           (50, 2)])
def test_blur_is_a_gaussian(engine, sigma, off_by):
    pixels = noise(120, 110)
    exact = blurred(pixels, sigma)
    made = pixels_of(engine.output(png(pixels), {"op": "blur", "sigma": sigma})).astype(float)
    assert numpy.abs(made - exact).max() <= off_by
    assert abs(made.mean() - exact.mean()) < .2  # neither lighter nor darker


@pytest.mark.parametrize("bands", [2, 4])
def test_blur_weighs_colours_by_their_alpha(engine, bands):
    pixels = noise(120, 110, bands)
    alpha = pixels[:, :, -1:].astype(float)
    colours = blurred(pixels[:, :, :-1] * alpha, 3) / blurred(alpha, 3)
    exact = numpy.dstack([colours, blurred(alpha, 3)])
    expect_pixels(engine, pixels, {"op": "blur", "sigma": 3},
                  numpy.rint(exact).astype(numpy.uint8), 1)


@pytest.mark.parametrize("side", [2, 5, 16, 300])
def test_pixelate_makes_squares_of_the_mean(engine, side):
    pixels = noise(41, 30)
    expected = numpy.empty_like(pixels)
    whole = numpy.pad(pixels, ((0, -30 % side), (0, -41 % side), (0, 0)), "edge")
    for y in range(0, 30, side):
        for x in range(0, 41, side):
            square = whole[y:y + side, x:x + side]
            expected[y:y + side, x:x + side] = numpy.rint(square.mean((0, 1)))
    expect_pixels(engine, pixels, {"op": "pixelate", "size": side}, expected, 1)


def test_redact_fills_boxes_and_nothing_else(engine):
    pixels = noise(41, 30)
    expected = pixels.copy()
    expected[3:8, 5:20] = expected[20:30, 35:41] = expected[0:4, 0:3] = (255, 0, 128)
    expect_pixels(engine, pixels, {"op": "redact", "color": "#ff0080", "boxes": [
        [5, 3, 15, 5], [35, 20, 100, 100], [-10, -10, 13, 14]]}, expected)


@pytest.mark.parametrize("bands", [2, 4])
def test_flatten_lays_the_image_on_a_colour(engine, bands):
    pixels = noise(40, 30, bands)
    rgba = as_rgba(pixels).astype(float)
    part = rgba[:, :, 3:] / 255
    exact = rgba[:, :, :3] * part + numpy.array([10, 200, 90]) * (1 - part)
    expect_pixels(engine, pixels, {"op": "flatten", "background": "#0ac85a"},
                  numpy.rint(exact).astype(numpy.uint8), 1)


def test_duotone_goes_from_shadow_to_highlight(engine):
    ramp = numpy.arange(256, dtype=numpy.uint8)[None, :, None]
    part = numpy.arange(256)[None, :, None] / 255
    exact = numpy.array([20, 0, 60]) * (1 - part) + numpy.array([250, 220, 100]) * part
    expect_pixels(engine, ramp, {"op": "duotone", "shadow": "#14003c", "highlight": "#fadc64"},
                  numpy.rint(exact).astype(numpy.uint8), 1)


def test_grayscale_is_grey_and_as_bright(engine):
    pixels = noise(40, 30)
    made = as_rgba(pixels_of(engine.output(png(pixels), {"op": "grayscale"}))).astype(int)
    assert (made[:, :, 0] == made[:, :, 1]).all() and (made[:, :, 1] == made[:, :, 2]).all()
    for level in (0, 77, 255):
        flat = numpy.full((4, 4, 3), level, numpy.uint8)
        expect_pixels(engine, flat, {"op": "grayscale"}, flat, 1)


def test_round_clears_the_corners_of_a_circle(engine):
    pixels = noise(60, 60)
    made = pixels_of(engine.output(png(pixels), {"op": "round", "circle": True}))
    y, x = numpy.mgrid[0:60, 0:60] + .5
    distance = numpy.hypot(x - 30, y - 30)
    assert (made[:, :, 3][distance > 31] == 0).all()
    assert (made[:, :, 3][distance < 29] == 255).all()
    assert (made[:, :, :3][distance < 29] == pixels[distance < 29]).all()


def test_trim_cuts_what_differs_by_no_more_than_the_threshold(engine):
    pixels = numpy.full((30, 40, 3), 100, numpy.uint8)
    pixels[2:28, 2:38] = 110     # by 10: still border
    pixels[10:20, 15:30] = 130   # by 30
    made = pixels_of(engine.output(png(pixels), {"op": "trim", "threshold": 10}))
    assert made.shape == (10, 15, 3) and (made == 130).all()


def test_steps_of_a_palette_image_see_its_colours(engine):
    picture = PIL.Image.fromarray(noise(30, 20)).quantize(16)
    expected = numpy.asarray(picture.convert("RGB"))[:, ::-1]
    made = pixels_of(engine.output(bytes_of(picture), {"op": "flop"}))
    assert (as_rgba(made)[:, :, :3] == expected).all()
