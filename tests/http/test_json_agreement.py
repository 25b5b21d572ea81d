"""The server takes a JSON body exactly when Python's parser takes it, too, and what the
fields say is what they should."""

import base64
import json

import pytest

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import strategies  # noqa: E402

DEPTH = 8


def reject(_):
    raise ValueError("no such number in JSON")


def without_duplicates(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def accepted(text, png):
    """What the contract says about a body."""
    try:
        value = json.loads(text, object_pairs_hook=without_duplicates, parse_constant=reject)
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, dict) or not {"image_data", "operation", "width", "height"} <= \
            value.keys() <= {"image_data", "operation", "width", "height", "output_format"}:
        return False
    image = value["image_data"]
    if not isinstance(image, str) or image.replace("\r", "").replace("\n", "") != png:
        return False
    return (value["operation"] in ("resize", "thumbnail") and
            all(type(value[side]) is int and 1 <= value[side] <= 4096
                for side in ("width", "height")) and
            value.get("output_format", "png") in ("png", "jpeg", "webp"))


def written(draw, text):
    """A JSON string of this text, some characters as escapes."""
    out = []
    for c in text:
        how = draw(strategies.integers(0, 30))
        if how == 0:
            out.append(f"\\u{ord(c):04x}")
        elif how == 1 and c == "/":
            out.append("\\/")
        elif how == 2:
            out.append(json.dumps(c)[1:-1] + draw(strategies.sampled_from(["\\n", "\\r", ""])))
        else:
            out.append(json.dumps(c)[1:-1])
    return '"' + "".join(out) + '"'


@strategies.composite
def bodies(draw, png):
    space = strategies.sampled_from(["", "", " ", "\n", "\t "])
    values = strategies.sampled_from(["1", "4096", "0", "1.0", "1e1", '"1"', "null", "[]", "{}",
                                      "true", "01", "-1", "99999999999999999999", "NaN"])
    members = [("image_data", written(draw, png)), ("operation", '"resize"'),
               ("width", draw(values)), ("height", "2")]
    extra = draw(strategies.sampled_from([None, None, ("output_format", '"png"'), ("x", "1"),
                                          ("width", "3"), ("image_data", '""'),
                                          ("y", '{"image_data": [1, {"a": "}"}]}')]))
    members = draw(strategies.permutations(members + ([extra] if extra else [])))
    text = draw(space) + "{" + ",".join(
        f'{draw(space)}{written(draw, name) if draw(strategies.booleans()) else json.dumps(name)}'
        f'{draw(space)}:{draw(space)}{value}{draw(space)}' for name, value in members) + "}"
    if draw(strategies.booleans()):  # and something goes wrong on the way
        at = draw(strategies.integers(0, len(text)))
        junk = draw(strategies.sampled_from(["", "{", "}", "[", "]", ",", ":", '"', "\\", "\n",
                                             "\0", "é", "x"]))
        text = text[:at] + junk + text[at + draw(strategies.integers(0, 2)):]
    return text


def test_server_and_python_agree_on_bodies(paused, png):
    image = base64.b64encode(png).decode()

    @hypothesis.settings(max_examples=300, deadline=None, derandomize=True, database=None,
                         suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(bodies(image))
    def agree(text):
        answer = paused.post(data=text.encode(), headers={"Content-Type": "application/json"})
        if accepted(text, image):
            assert answer.status_code == 202, (text, answer.text)
            view = paused.get(f"/jobs/{answer.json()['job_id']}").json()
            assert view["width"] == json.loads(text)["width"]
        else:
            assert answer.status_code in (400, 415), (text, answer.text)

    agree()
