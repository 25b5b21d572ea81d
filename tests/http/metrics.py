"""The text format of Prometheus (0.0.4), read strictly: what a scraper might forgive fails."""

import collections
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN")
SUFFIXES = ("_bucket", "_sum", "_count")


class Family:
    def __init__(self, name, text):
        self.name = name
        self.help = text
        self.type = None
        self.samples = {}  # (name, labels) → value


def unescape(text):
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def read_labels(text):
    labels, at = [], 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, f"no label at {text[at:]!r}"
        assert found[3] == "" or found.end() < len(text), f"a comma at the end of {text!r}"
        labels.append((found[1], unescape(found[2])))
        at = found.end()
    names = [name for name, _ in labels]
    assert len(set(names)) == len(names), f"a label stands twice in {text!r}"
    return tuple(sorted(labels))


def family_of(families, name):
    """The family that a sample of this name belongs to."""
    if name in families:
        return families[name]
    for suffix in SUFFIXES:
        base = families.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if base and base.type == "histogram":
            return base
    raise AssertionError(f"{name} has no TYPE before it")


def parse(text):
    """Families by name."""
    assert text.endswith("\n")
    families, current = {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, words = re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line).groups()
            assert name not in families, f"{name} is described twice"
            current = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            name, kind = re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line).groups()
            assert current.name == name and current.type is None and not current.samples, line
            current.type = kind
        else:
            found = SAMPLE.fullmatch(line)
            assert found, f"no sample: {line!r}"
            name, labels, value = found.groups()
            assert NUMBER.fullmatch(value), line
            assert family_of(families, name) is current, f"{line!r} stands among {current.name}"
            key = (name, read_labels(labels or ""))
            assert key not in current.samples, f"{line!r} stands twice"
            current.samples[key] = float(value)
    for family in families.values():
        check(family)
    return families


def check(family):
    assert family.type, f"{family.name} has no type"
    if family.type == "counter":
        assert family.name.endswith("_total"), family.name
    else:
        assert not family.name.endswith(("_total", *SUFFIXES)), family.name
    if family.type != "gauge":
        assert all(value >= 0 for value in family.samples.values()), family.name
    if family.type == "histogram":
        check_histogram(family)


def check_histogram(family):
    buckets, others = collections.defaultdict(list), {}
    for (name, labels), value in family.samples.items():
        bound = dict(labels).get("le")
        rest = tuple(label for label in labels if label[0] != "le")
        assert (bound is not None) == name.endswith("_bucket"), (name, labels)
        if bound is None:
            others[name, rest] = value
        else:
            buckets[rest].append((float(bound), value))
    assert len(others) == 2 * len(buckets), family.name
    for rest, bounds in buckets.items():
        assert bounds == sorted(bounds), f"{family.name}: bounds must rise"
        counts = [count for _, count in bounds]
        assert counts == sorted(counts), f"{family.name}: buckets must hold those below them"
        assert bounds[-1][0] == float("inf"), f"{family.name}: the last bucket is +Inf"
        assert others[family.name + "_count", rest] == counts[-1], family.name
        total = others[family.name + "_sum", rest]
        assert total == 0 if counts[-1] == 0 else total >= 0, family.name


class Scrape:
    """One reading of /metrics."""

    def __init__(self, server):
        answer = server.get("/metrics")
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        self.text = answer.text
        self.families = parse(answer.text)

    def __call__(self, name, **labels):
        """The value of one series; None when there is none."""
        family = family_of(self.families, name)
        return family.samples.get((name, tuple(sorted(labels.items()))))

    def labels(self, name):
        """What labels the samples of a name have, as dicts."""
        family = family_of(self.families, name)
        return [dict(labels) for sample, labels in family.samples if sample == name]
