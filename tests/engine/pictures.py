"""Pictures to work on, and how alike two are."""

import numpy
import PIL.Image

from engine import bytes_of


def noise(width, height, bands=3, seed=1):
    """Every pixel unlike its neighbours, the same every time."""
    random = numpy.random.default_rng(seed)
    return random.integers(0, 256, (height, width, bands), numpy.uint8)


def png(pixels, **options):
    """Pixels as a PNG file."""
    flat = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    return bytes_of(PIL.Image.fromarray(flat), compress_level=1, **options)


def pixels_of(output):
    """Of an output, with all its bands."""
    pixels = numpy.asarray(output.picture)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def photo(width, height, seed=3):
    """What a photo has: smooth ground, edges at all angles, fine texture, faint grain."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width] / max(width, height)
    light = numpy.zeros((height, width, 3))
    for _ in range(6):
        turn, phase = random.uniform(0, 6.28, 2)
        along = x * numpy.cos(turn) + y * numpy.sin(turn)
        wave = numpy.cos(along * random.uniform(4, 14) + phase)
        light += wave[:, :, None] * random.uniform(-30, 30, 3)
    for _ in range(25):
        centre, radius = random.uniform(0, 1, 2), random.uniform(.02, .15)
        # an edge of one and a half pixels, as a lens makes it
        depth = (radius - numpy.hypot(x - centre[0], y - centre[1])) * max(width, height) / 1.5
        light += numpy.clip(depth, 0, 1)[:, :, None] * random.uniform(-70, 70, 3)
    texture = numpy.sin(x * 300) * numpy.sin(y * 260) * (y > .5) * 14
    light += texture[:, :, None] + random.normal(0, 2, light.shape)
    return numpy.clip(light + 128, 0, 255).astype(numpy.uint8)


def luma(pixels):
    return pixels[:, :, :3].astype(float) @ [.299, .587, .114] if pixels.shape[2] >= 3 \
        else pixels[:, :, 0].astype(float)


def box_mean(values, side):
    """The mean of every square of that side within the picture."""
    sums = numpy.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side]
            + sums[:-side, :-side]) / side ** 2


def ssim(one, other, side=7):
    """The mean structural similarity of brightness (Wang et al. 2004), in squares."""
    one, other = luma(one), luma(other)
    assert one.shape == other.shape
    side = min(side, *one.shape)
    mean_one, mean_other = box_mean(one, side), box_mean(other, side)
    variance_one = box_mean(one * one, side) - mean_one ** 2
    variance_other = box_mean(other * other, side) - mean_other ** 2
    covariance = box_mean(one * other, side) - mean_one * mean_other
    c1, c2 = (.01 * 255) ** 2, (.03 * 255) ** 2
    return float(((2 * mean_one * mean_other + c1) * (2 * covariance + c2)
                  / ((mean_one ** 2 + mean_other ** 2 + c1)
                     * (variance_one + variance_other + c2))).mean())


def psnr(one, other):
    """Peak signal to noise in dB; infinite for equal pictures."""
    assert one.shape == other.shape
    error = ((one.astype(float) - other.astype(float)) ** 2).mean()
    return float("inf") if error == 0 else 10 * numpy.log10(255 ** 2 / error)
