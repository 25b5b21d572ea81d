"""What a spec may not say, for every operation, parameter and setting that the schema lists:
the refusal points to the place and says what is allowed there."""

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


def test_the_ends_of_each_range_are_within(engine, schema):
    """What one parameter's end makes of the others may be refused, but not as out of range."""
    refused = 0
    tried = 0
    for name, (params, _) in said.ops(schema).items():
        whole = said.whole_step(schema, name)
        for param, described in params.items():
            for value in said.ends(described):
                tried += 1
                try:
                    engine.parse(step_spec({**whole, param: value}))
                except Refused as refusal_:
                    refused += 1
                    assert ".." not in refusal_.text and "one of" not in refusal_.text, (
                        name, param, value, refusal_.text)
    assert refused < tried / 4


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
def test_an_unknown_operation_is_refused_with_those_there_are(engine, op):
    words = ["must be one of", "resize", "crop"] if isinstance(op, str) else ["must be"]
    expect_refusal(engine, step_spec({"op": op}), "/steps/0/op", words)


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
    accepted = tried = 0
    for name, setting in said.settings(schema).items():
        for form in setting["x-formats"]:
            for value in said.ends(setting):
                tried += 1
                try:
                    engine.parse(output_spec(format=form, **{name: value}))
                    accepted += 1
                except Refused as refused:
                    assert ".." not in refused.text and "one of" not in refused.text, refused
    assert accepted > tried * .7


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


@pytest.mark.parametrize("spec", [[], 1, "resize", None, {}])
def test_a_spec_is_an_object_that_says_something(engine, spec):
    assert refusal(engine, spec)


@pytest.mark.parametrize("text", ["", "{", '{"steps": []', '{"steps": [],}', "{'steps': []}",
                                  '{"steps": [], "steps": []}', "nul", '{"steps": [1e999]}',
                                  "[" * 1000, '{"a": "\\ud800"}', " " * 70000])
def test_what_is_no_json_is_refused(engine, text):
    with pytest.raises(Refused) as refused:
        engine.ask(f"parse {text}")
    assert refused.value.name in ("spec", "invalid") and refused.value.text
