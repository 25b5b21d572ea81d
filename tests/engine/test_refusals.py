"""What a spec may not say, for every operation, parameter and setting that the schema lists:
the refusal points to the place and says what is allowed there."""

import json

import pytest

import said
from engine import Refused


def refusal(engine, spec):
    with pytest.raises(Refused) as refused:
        engine.parse(spec)
    assert refused.value.name == "spec", f"{spec}: {refused.value}"
    return refused.value.text


def expect_refusal(engine, spec, pointer, words):
    text = refusal(engine, spec)
    assert text.startswith(pointer + ": "), f"{spec}: {text}"
    for word in words:
        # a long list of names ends in "…"
        assert word in text or (word.startswith("not ") and "…" in text), f"{spec}: {text}"


def expect_faults(engine, params, make, pointer):
    """All that is wrong with any of the parameters; make(name, value) is a spec."""
    tried = 0
    for name, param in params.items():
        for value, at, words in said.faults(param):
            expect_refusal(engine, make(name, value), f"{pointer}/{name}{at}", words)
            tried += 1
    return tried


def accepts(engine, spec):
    try:
        engine.parse(spec)
        return True
    except Refused:
        return False


def step_spec(step):
    return {"steps": [step]}


# ---- operations ----

def test_every_operation_has_a_whole_step(engine, schema):
    for name in said.ops(schema):
        assert accepts(engine, step_spec(said.whole_step(schema, name))), name


def test_a_wrong_value_of_a_step_is_refused_at_its_place(engine, schema):
    tried = 0
    for name, (params, _) in said.ops(schema).items():
        whole = said.whole_step(schema, name)
        tried += expect_faults(engine, params,
                               lambda param, value: step_spec({**whole, param: value}),
                               "/steps/0")
    assert tried > 400


# Ends of ranges that ask for more than a whole step has: what is said without it, and the
# rest of a step that has it.
POINT = "focal_x and focal_y go together: one is missing"
PLACE = "needs both of x and y, or none"
BOX = "ratio stands instead of width and height"
EITHER = "needs either edges (top, right, bottom, left) or a size (width, height)"
OF_A_STEP = {
    "resize/focal_x": (": " + POINT, {"width": 9, "focal_y": .5}),
    "resize/focal_y": (": " + POINT, {"width": 9, "focal_x": .5}),
    "crop/x": (": " + PLACE, {"y": 1, "width": 2, "height": 2}),
    "crop/y": (": " + PLACE, {"x": 1, "width": 2, "height": 2}),
    "crop/width": (": " + BOX, {"height": 2}),
    "crop/height": (": " + BOX, {"width": 2}),
    "extend/width": (": " + EITHER, {"height": 2}),
    "extend/height": (": " + EITHER, {"width": 2}),
    "convolve/kernel of 1": ("/kernel: must have an odd number of rows of 3, at most 15; "
                             "1 numbers have not", {"width": 1}),
    "convolve/kernel of 225": ("/kernel: must have an odd number of rows of 3, at most 15; "
                               "225 numbers have not", {"width": 15}),
    "convolve/width of 15": ("/kernel: must have an odd number of rows of 15, at most 15; "
                             "9 numbers have not", {"kernel": [1] * 15}),
    "round/circle of true": ("/radius: must be absent with circle", {}),
}
# its schema says "minimum", and has no way to say that the least itself is not within
OPEN = {"crop/width of 0", "crop/height of 0"}

OF_AN_OUTPUT = {
    "tiff/quality": ("/quality: needs compression jpeg", {"compression": "jpeg"}),
    "tiff/background": ("/background: needs compression jpeg", {"compression": "jpeg"}),
    "png/colors": ("/colors: needs palette", {"palette": True}),
    "png/dither": ("/dither: needs palette", {"palette": True}),
    **{f"{form}/min_quality": ("/min_quality: needs max_bytes or target_ssim",
                               {"max_bytes": 1000}) for form in ("jpeg", "webp", "avif", "jxl")},
}


def names_of_end(owner, param, value):
    """As the tables above have them: this end of the parameter, and any of its ends."""
    shown = len(value) if isinstance(value, list) else json.dumps(value)
    return f"{owner}/{param} of {shown}", f"{owner}/{param}"


def expect_ends(engine, table, owner, params, make, pointer):
    """All ends of the parameters' ranges are within; make(param, value, rest) is a spec, of
    what is whole where `rest` is None. Which rows of the table were needed."""
    needed = set()
    for param, described in params.items():
        for value in said.ends(described):
            this, any_ = names_of_end(owner, param, value)
            row = this if this in table else any_
            if row not in table:
                engine.parse(make(param, value, None))
                continue
            words, rest = table[row]
            assert refusal(engine, make(param, value, None)) == pointer + words
            if this in OPEN:
                expect_refusal(engine, make(param, value, rest), f"{pointer}/{param}",
                               ["must be above 0"])
            else:
                engine.parse(make(param, value, rest))
            needed.add(row)
    return needed


def test_the_ends_of_each_range_of_a_step_are_within(engine, schema):
    needed = set()
    for name, (params, _) in said.ops(schema).items():
        whole = said.whole_step(schema, name)

        def make(param, value, rest, name=name, whole=whole):
            return step_spec({**whole, param: value} if rest is None
                             else {"op": name, **rest, param: value})

        needed |= expect_ends(engine, OF_A_STEP, name, params, make, "/steps/0")
    assert needed == set(OF_A_STEP)


def test_what_is_required_may_not_be_left_away(engine, schema):
    for name, (_, required) in said.ops(schema).items():
        for param in required:
            step = said.whole_step(schema, name)
            del step[param]
            expect_refusal(engine, step_spec(step), f"/steps/0/{param}", ["is missing"])


def test_a_default_means_the_same_as_nothing(engine, schema):
    for name, (params, _) in said.ops(schema).items():
        whole = said.whole_step(schema, name)
        for param, described in params.items():
            if "default" in described and param not in whole:
                spelled = engine.parse(step_spec({**whole, param: described["default"]}))
                assert spelled == engine.parse(step_spec(whole)), (name, param)


def test_an_unknown_key_of_a_step_is_refused_with_those_there_are(engine, schema):
    for name, (params, _) in said.ops(schema).items():
        for key in ("nosuch", "Width", "", "a/b~c"):
            step = {**said.whole_step(schema, name), key: 1}
            token = key.replace("~", "~0").replace("/", "~1")
            expect_refusal(engine, step_spec(step), f"/steps/0/{token}",
                           ["is unknown", "op", *list(params)[:1]])


@pytest.mark.parametrize("op", ["nosuch", "Resize", "", "resize ", 1, None, True, [], {}])
def test_an_unknown_operation_is_refused(engine, op):
    words = ["no operation", f"'{op}'", "--operations"] if isinstance(op, str) else ["must be"]
    expect_refusal(engine, step_spec({"op": op}), "/steps/0/op", words)


@pytest.mark.parametrize("theirs, ours", [("overlay", "composite"), ("watermark", "composite"),
                                          ("thumbnail", "resize"), ("greyscale", "grayscale")])
def test_an_operation_that_others_call_differently_is_named(engine, theirs, ours):
    expect_refusal(engine, step_spec({"op": theirs}), "/steps/0/op", [f"use '{ours}'"])


def test_a_step_is_an_object_with_an_operation(engine):
    expect_refusal(engine, {"steps": [{}]}, "/steps/0/op", ["is missing"])
    for step in ("resize", 1, None, []):
        expect_refusal(engine, {"steps": [step]}, "/steps/0", ["must be"])


def test_a_fault_is_told_where_it_stands(engine):
    good, bad = {"op": "flip"}, {"op": "blur", "sigma": 1000}
    expect_refusal(engine, {"steps": [good] * 15 + [bad]}, "/steps/15/sigma", ["0.3..100"])
    outputs = [{"name": "a"}, {"name": "b", "steps": [good, bad]}]
    expect_refusal(engine, {"outputs": outputs}, "/outputs/1/steps/1/sigma", ["0.3..100"])


# ---- outputs, load, the whole, the short form ----

def output_spec(**members):
    return {"outputs": [members]}


def test_a_wrong_output_setting_is_refused_at_its_place_for_each_format(engine, schema):
    tried = 0
    for name, setting in said.settings(schema).items():
        for form in setting["x-formats"]:
            tried += expect_faults(
                engine, {name: setting},
                lambda param, value, form=form: output_spec(format=form, **{param: value}),
                "/outputs/0")
    assert tried > 300


def test_a_setting_that_the_format_does_not_know_is_refused(engine, schema):
    forms = [form for form in schema["$defs"]["output"]["properties"]["format"]["enum"]
             if form not in ("auto", "jpg")]
    for name, setting in said.settings(schema).items():
        for form in set(forms) - set(setting["x-formats"]):
            expect_refusal(engine, output_spec(format=form, **{name: said.some_value(setting)}),
                           f"/outputs/0/{name}", [form])


def test_the_ends_of_each_setting_are_within(engine, schema):
    needed = set()
    for name, setting in said.settings(schema).items():
        for form in setting["x-formats"]:
            def make(param, value, rest, form=form):
                return output_spec(**{"format": form, **(rest or {}), param: value})

            needed |= expect_ends(engine, OF_AN_OUTPUT, form, {name: setting}, make,
                                  "/outputs/0")
    assert needed == set(OF_AN_OUTPUT)


def test_an_unknown_format_is_refused_with_those_there_are(engine):
    for form in ("bmp", "heic", "JPEG", ""):
        expect_refusal(engine, output_spec(format=form), "/outputs/0/format",
                       ["must be one of", "jpeg", "png", "webp"])
    for form in (1, None, ["png"]):
        expect_refusal(engine, output_spec(format=form), "/outputs/0/format", ["must be"])


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "-a", "a" * 65, "é", 1, None])
def test_a_name_is_short_and_plain(engine, name):
    expect_refusal(engine, output_spec(name=name), "/outputs/0/name", ["must"])


def test_names_differ(engine):
    expect_refusal(engine, {"outputs": [{"name": "a"}, {"name": "b"}, {"name": "a"}]},
                   "/outputs/2/name", ["a"])


def test_candidates_are_formats_of_auto(engine):
    expect_refusal(engine, output_spec(format="auto", candidates=["webp", "bmp"]),
                   "/outputs/0/candidates/1", ["must be one of", "webp"])
    expect_refusal(engine, output_spec(format="auto", candidates=[]), "/outputs/0/candidates",
                   ["must"])
    expect_refusal(engine, output_spec(format="png", candidates=["webp"]),
                   "/outputs/0/candidates", ["auto"])


def test_a_wrong_load_setting_is_refused_at_its_place(engine, schema):
    params = dict(schema["$defs"]["load"]["properties"])
    pages = params.pop("pages")["oneOf"][0]
    assert expect_faults(engine, params, lambda param, value: {"load": {param: value}},
                         "/load") > 10
    for value in (pages["minimum"] - 1, pages["maximum"] + 1):
        expect_refusal(engine, {"load": {"pages": value}}, "/load/pages",
                       [f"must be {pages['minimum']}..{pages['maximum']}"])
    for value in ("some", 1.5, None):
        expect_refusal(engine, {"load": {"pages": value}}, "/load/pages", ["must be"])
    for value in (pages["minimum"], pages["maximum"], "all"):
        engine.parse({"load": {"pages": value}})


def test_a_wrong_value_of_the_short_form_is_refused_at_its_place(engine, schema):
    short = schema["$defs"]["short"]["properties"]
    whole = {"operation": "resize", "width": 1, "height": 1}
    assert expect_faults(engine, short, lambda param, value: {**whole, param: value}, "") > 30
    for member in whole:
        left = {key: value for key, value in whole.items() if key != member}
        if member != "operation":
            expect_refusal(engine, left, f"/{member}", ["is missing"])


@pytest.mark.parametrize("spec, pointer", [
    ({"steps": [], "nosuch": 1}, "/nosuch"),
    ({"operation": "resize", "width": 1, "height": 1, "nosuch": 1}, "/nosuch"),
    ({"load": {"nosuch": 1}}, "/load/nosuch"), ({"outputs": [{"nosuch": 1}]}, "/outputs/0/nosuch")])
def test_an_unknown_key_is_refused_wherever_it_stands(engine, spec, pointer):
    expect_refusal(engine, spec, pointer, ["is unknown"])


@pytest.mark.parametrize("spec, pointer", [
    ({"steps": {}}, "/steps"), ({"steps": 1}, "/steps"), ({"steps": None}, "/steps"),
    ({"outputs": {}}, "/outputs"), ({"outputs": [1]}, "/outputs/0"), ({"load": []}, "/load"),
    ({"info": 1}, "/info")])
def test_what_is_of_the_wrong_shape_is_refused(engine, spec, pointer):
    expect_refusal(engine, spec, pointer, ["must be"])


def test_more_than_sixteen_are_refused(engine):
    steps, outputs = [{"op": "flip"}] * 17, [{"name": f"o{i}"} for i in range(17)]
    engine.parse({"steps": steps[1:], "outputs": [{"steps": steps[1:], **one}
                                                  for one in outputs[1:]]})
    expect_refusal(engine, {"steps": steps}, "/steps", ["16", "not 17"])
    expect_refusal(engine, {"outputs": outputs}, "/outputs", ["16", "not 17"])
    expect_refusal(engine, {"outputs": [{"steps": steps}]}, "/outputs/0/steps", ["16", "not 17"])


@pytest.mark.parametrize("spec, words", [
    ([], "spec: must be an object, not an array"),
    (1, "spec: must be an object, not a whole number"),
    ("resize", "spec: must be an object, not a string"),
    (None, "spec: must be an object, not null"),
    ({}, "/operation: is missing, and so are steps and outputs, which stand instead of it")])
def test_a_spec_is_an_object_that_says_something(engine, spec, words):
    assert refusal(engine, spec) == words


@pytest.mark.parametrize("text, words", [
    ("", "JSON: the text ends too early at byte 0"),
    ("{", "JSON: the text ends too early at byte 1"),
    ('{"steps": []', "JSON: the text ends too early at byte 12"),
    ('{"steps": [],}', "JSON: a key is missing at byte 13"),
    ("{'steps': []}", "JSON: a key is missing at byte 1"),
    ('{"steps": [], "steps": []}', "JSON: a key stands twice in one object"),
    ("nul", "JSON: an unexpected character at byte 0"),
    ('{"steps": [1e999]}', "JSON: a number is beyond the range of a double"),
    ("[" * 1000, "JSON: nested deeper than 8 levels at byte 8"),
    ('{"steps": []} x', "JSON: text follows the value at byte 14"),
    ('{"steps": [NaN]}', "JSON: an unexpected character at byte 11"),
    ('{"steps": [01]}', "JSON: a malformed number at byte 13"),
    ('{"steps": /* */ []}', "JSON: an unexpected character at byte 10"),
    ('{"a\\u0000": 1}', "JSON: a string holds U+0000 at byte 3"),
    ('{"a\t": 1}', "JSON: a string holds a control character at byte 3"),
    (" " * 70000, "spec: 70000 bytes are over the limit of 65536")],
    ids=lambda text: text[:40])
def test_what_is_no_json_is_refused(engine, text, words):
    with pytest.raises(Refused) as refused:
        engine.ask(f"parse {text}")
    assert refused.value.name == "spec"
    assert refused.value.text == words
