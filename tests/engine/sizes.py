"""What size a step makes, computed from what its documentation says.

A size is a set of candidates: where a side lies on the edge between two whole numbers
within what doubles can tell, both will do. No candidate means that the step must be
refused for an image of that size; None, that only the pixels can tell."""

import itertools
import math
from fractions import Fraction

TIE = Fraction(1, 10 ** 7)
SIDE_MAX = 16384  # px, of what resize makes

# what changes pixels and not the size
KEEPS_SIZE = {"flip", "flop", "blur", "sharpen", "pixelate", "median", "convolve", "redact",
              "modulate", "gamma", "normalize", "equalize", "grayscale", "sepia", "tint",
              "duotone", "negate", "threshold", "flatten", "round", "composite", "mask", "text",
              "colorspace"}


def nearest(value):
    """Whole numbers that a side of `value` px may be, halves up, at least 1."""
    value = Fraction(value)
    return {max(1, math.floor(value + Fraction(1, 2) + shift)) for shift in (-TIE, 0, TIE)}


def boxes(widths, heights):
    return set(itertools.product(widths, heights))


# ---- resize ----

def scaled(size, scale):
    return boxes(nearest(size[0] * scale), nearest(size[1] * scale))


def box_asked_for(step, size):
    """Width and height with dpr; one that is absent keeps the ratio."""
    dpr = Fraction(step.get("dpr", 1))
    width, height = (nearest(step[side] * dpr) if side in step else None
                     for side in ("width", "height"))
    if width is None:
        width = {w for h in height for w in nearest(Fraction(size[0] * h, size[1]))}
    if height is None:
        height = {h for w in width for h in nearest(Fraction(size[1] * w, size[0]))}
    return boxes(width, height)


def resize_into(step, size, box):
    enlarge = step.get("enlarge", True)
    fit = step.get("fit", "fill")
    if fit == "contain":
        return {box}
    if fit in ("fill", "cover"):
        return {box if enlarge else (min(box[0], size[0]), min(box[1], size[1]))}
    ratios = Fraction(box[0], size[0]), Fraction(box[1], size[1])
    scale = min(ratios) if fit == "inside" else max(ratios)
    return scaled(size, scale if enlarge else min(scale, 1))


def resize(step, size):
    one_side = "width" not in step or "height" not in step
    sizes = set()
    for box in box_asked_for(step, size):
        enlarges = max(Fraction(box[0], size[0]), Fraction(box[1], size[1])) > 1
        if one_side and step.get("fit") != "contain":
            # the ratio is kept whatever the fit; the side that was given is the one made
            sizes.add(size if enlarges and not step.get("enlarge", True) else box)
        else:
            sizes |= resize_into(step, size, box)
    return {made for made in sizes if max(made) <= SIDE_MAX}


# ---- crop, extend, rotate ----

def largest_of_ratio(ratio, size):
    want = Fraction(ratio[0]) / Fraction(ratio[1])
    if Fraction(*size) >= want:
        return boxes(nearest(size[1] * want), {size[1]})
    return boxes({size[0]}, nearest(size[0] / want))


def edges(start, length, side):
    """Start and length in px of a fraction of a side: both edges go to the nearest px."""
    if start is None:
        return {(0, n) for n in nearest(Fraction(length) * side)}
    rounded = [math.floor(Fraction(part) * side + Fraction(1, 2))
               for part in (start, Fraction(start) + Fraction(length))]
    return {(rounded[0], max(1, rounded[1] - rounded[0]))}


def crop(step, size):
    if "ratio" in step:
        return largest_of_ratio(step["ratio"], size)
    asked = [(step.get(start), step[length])
             for start, length in (("x", "width"), ("y", "height"))]
    if step.get("unit", "px") == "fraction":
        spans = [edges(*span, side) for span, side in zip(asked, size)]
    else:
        spans = [{(start or 0, length)} for start, length in asked]
    return {(x[1], y[1]) for x, y in itertools.product(*spans)
            if x[0] + x[1] <= size[0] and y[0] + y[1] <= size[1]}


def extend(step, size):
    if "width" in step or "height" in step:
        made = step.get("width", size[0]), step.get("height", size[1])
        return {made} if made[0] >= size[0] and made[1] >= size[1] else set()
    return {(size[0] + step.get("left", 0) + step.get("right", 0),
             size[1] + step.get("top", 0) + step.get("bottom", 0))}


def rotate(step, size):
    """The smallest box around the turned image."""
    angle = step["angle"] % 360
    if angle % 90 == 0:
        return {size if angle % 180 == 0 else size[::-1]}
    sine, cosine = (abs(f(math.radians(angle))) for f in (math.sin, math.cos))
    exact = size[0] * cosine + size[1] * sine, size[0] * sine + size[1] * cosine
    return boxes(*({math.ceil(side - 1e-6), math.ceil(side + 1e-6)} for side in exact))


BY_OP = {"resize": resize, "crop": crop, "extend": extend, "rotate": rotate}


def after(steps, size):
    """The sizes that steps may make of an image of `size`, one after another."""
    sizes = {tuple(size)}
    for step in steps:
        op = step["op"]
        if op in KEEPS_SIZE:
            continue
        if op not in BY_OP:
            return None
        sizes = {made for one in sizes for made in BY_OP[op](step, one)}
    return sizes
