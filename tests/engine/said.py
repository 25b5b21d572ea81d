"""What the JSON Schema of a spec says, made into values: those it allows, and those it does
not, each with the words that must stand in the refusal. New operations and settings come in
by themselves."""

import math

NOTHING = object()  # a member that is left away

# What the schema of one parameter cannot say: a step that is whole. An operation that is not
# here needs no more than its required parameters.
WHOLE = {
    "resize": {"width": 9},
    "crop": {"ratio": [1, 1]},
    "extend": {"top": 1},
    "convolve": {"kernel": [1, 2, 1, 2, 4, 2, 1, 2, 1], "width": 3},
    "round": {"radius": 3},
    "median": {"size": 3},
}


def ops(schema):
    """Each operation's parameters by name, and which are required."""
    found = {}
    for op in schema["$defs"]["step"]["oneOf"]:
        params = dict(op["properties"])
        name = params.pop("op")["const"]
        found[name] = params, [param for param in op["required"] if param != "op"]
    return found


def whole_step(schema, name):
    """A step that is accepted."""
    params, required = ops(schema)[name]
    return {"op": name, **{param: some_value(params[param]) for param in required},
            **WHOLE.get(name, {})}


def settings(schema):
    """The output settings, each with the formats that know it."""
    return {name: setting for name, setting in
            schema["$defs"]["output"]["properties"].items() if "x-formats" in setting}


def kind(param):
    """Of a parameter: integer, number, boolean, enum, colour, text or array."""
    if "enum" in param:
        return "enum"
    if "pattern" in param:
        return "colour"
    return {"string": "text"}.get(param["type"], param["type"])


def number_text(value):
    return f"{value:.15g}"


def some_value(param):
    """One that is allowed."""
    what = kind(param)
    if what == "array":
        return [some_value(param["items"])] * param["minItems"]
    if what in ("integer", "number"):
        return min(max(1, param["minimum"]), param["maximum"])
    return {"enum": param.get("enum", [0])[0], "boolean": True, "colour": "#123456",
            "text": "a"}[what]


def ends(param):
    """The first and the last that are allowed."""
    what = kind(param)
    if what in ("integer", "number"):
        return [param["minimum"], param["maximum"]]
    if what == "enum":
        return param["enum"]
    if what == "boolean":
        return [False, True]
    if what == "colour":
        return ["#fff", "#ffff", "#ffffff", "#ffffffff", "transparent", "rebeccapurple"]
    if what == "text":
        return ["a" * max(1, param.get("minLength", 0)), "a" * param["maxLength"]]
    return [[some_value(param["items"])] * count for count in
            (param["minItems"], param["maxItems"])]


WRONG_TYPES = {
    "integer": ["1", 1.5, True, None, [1], {}],
    "number": ["1", True, None, [1], {}],
    "boolean": [1, 0, "true", None, []],
    "enum": [1, True, None, []],
    "colour": [0xffffff, None, [255, 255, 255]],
    "text": [1, None, ["a"], {}],
    "array": [1, "1", None, {}],
}


def faults(param):
    """Values that are not allowed: the value, the pointer from the parameter on, and the words
    that the sentence must hold."""
    what = kind(param)
    found = [(value, "", ["must be"]) for value in WRONG_TYPES[what]]
    if what in ("integer", "number"):
        found += number_faults(param, what)
    elif what == "enum":
        first = param["enum"][0]
        found += [(word, "", ["must be one of", first, f"not '{word}'"])
                  for word in ("nosuch", first.upper(), first + " ", "")]
    elif what == "colour":
        found += [(word, "", ["must be a colour", f"not '{word}'"])
                  for word in ("#12", "#12345", "#1234567", "#ggg", "nosuch", "", "123")]
    elif what == "text":
        most = param["maxLength"]
        found.append(("a" * (most + 1), "", [f"..{most} bytes", f"not {most + 1}"]))
        found.append(("é" * (most // 2 + 1), "", [f"..{most} bytes"]))
        if param.get("minLength"):
            found.append(("", "", ["1.."]))
    elif what == "array":
        found += array_faults(param)
    return found


def number_faults(param, what):
    least, most = param["minimum"], param["maximum"]
    step = 1 if what == "integer" else max(abs(least), abs(most)) / 1000
    spans = f"{number_text(least)}..{number_text(most)}"
    beyond = [least - step, most + step, -2 ** 62, 2 ** 62]
    if what == "number":
        beyond += [math.nextafter(most, math.inf), -1e300, 1e300]
    return [(value, "", [f"must be {spans}"]) for value in beyond]


def array_faults(param):
    least, most, items = param["minItems"], param["maxItems"], param["items"]
    counts = str(least) if least == most else f"{least}..{most}"
    item = some_value(items)
    found = [([item] * count, "", [f"must have {counts} ", f"not {count}"])
             for count in (least - 1, most + 1) if count >= 0]
    for value, at, words in faults(items):
        if isinstance(value, list) and kind(items) == "array" and at == "":
            words = ["must have"]  # a row of another length, told in the row's own words
        found.append(([value] + [item] * (max(least, 1) - 1), f"/0{at}", words))
    return found


# ---- at random ----

def random_number(random, least, most):
    """Often small, sometimes an end."""
    if random.random() < .1:
        return random.choice([least, most])
    if random.random() < .7:
        most = min(most, max(least, 0) + 120)
        least = max(least, -120)
    return random.uniform(least, most)


def random_value(random, param):
    what = kind(param)
    if what == "number":
        value = random_number(random, param["minimum"], param["maximum"])
        return min(max(round(value, 3), param["minimum"]), param["maximum"])
    if what == "integer":
        return round(random_number(random, param["minimum"], param["maximum"]))
    if what == "array":
        most = min(param["maxItems"], max(param["minItems"], random.choice([1, 2, 3, 9, 15, 25])))
        return [random_value(random, param["items"]) for _ in range(most)]
    if what == "colour":
        return random.choice(["#abc", "#1234", "#010203", "#01020380", "orange", "transparent"])
    if what == "text":
        return random.choice(["a", "Ein Wort", "two words, 日本語 & <b>ümläut</b>", "x\ny"])[
            :param["maxLength"]]
    return random.choice(param.get("enum", [True, False]))


def random_step(random, schema, name):
    params, required = ops(schema)[name]
    wanted = [param for param in params if param in required or random.random() < .4]
    return {"op": name, **{param: random_value(random, params[param]) for param in wanted}}


def random_output(random, schema, number):
    form = random.choice(schema["$defs"]["output"]["properties"]["format"]["enum"] + ["png"] * 4)
    known = [name for name, setting in settings(schema).items() if form in setting["x-formats"]]
    return {"name": f"o{number}", "format": form,
            **{name: random_value(random, settings(schema)[name]) for name in known
               if random.random() < .25}}
