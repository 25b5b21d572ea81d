"""Where the samples of a perf recording lie.

Distributions strip their libraries, so most functions have no name. Their place has: what
lies between two exported functions mostly is of the source file of one of them.
"""
import bisect
import collections
import os
import re
import subprocess

MAPPED = re.compile(r"PERF_RECORD_MMAP2? .*?\[0x([0-9a-f]+)\(0x([0-9a-f]+)\) @ (0x[0-9a-f]+|0)"
                    r"[^\]]*\]: r-xp (\S+)")
SAMPLE = re.compile(r"\s*([0-9a-f]+) (.+?)(?:\+0x[0-9a-f]+)? \((.*)\)$")


def output(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False).stdout


class Exports:
    """The exported functions of a library, by place."""

    def __init__(self, path):
        found = [line.split() for line in output("nm", "-D", "--defined-only",
                                                 path).splitlines()]
        symbols = sorted((int(words[0], 16), words[2].partition("@")[0]) for words in found
                         if len(words) == 3 and words[1] in "TtWwi")
        self.places = [place for place, _ in symbols]
        self.names = [name for _, name in symbols]

    def around(self, place):
        index = bisect.bisect(self.places, place)
        before = self.names[index - 1] if index else ""
        after = self.names[index] if index < len(self.names) else ""
        return f"{before} .. {after}"


def name_of(address, mapped, exports):
    for start, length, offset, path in mapped:
        if start <= address < start + length:
            if not os.path.isabs(path) or not os.path.exists(path):
                return "generated code"
            if path not in exports:
                exports[path] = Exports(path)
            return exports[path].around(address - start + offset)
    return "generated code"


def hot_spots(recording):
    """@return [(share of the samples, library, function)], the hottest first"""
    events = output("perf", "script", "-i", recording, "--show-mmap-events")
    mapped = [(int(start, 16), int(length, 16), int(offset, 16), path)
              for start, length, offset, path in MAPPED.findall(events)]
    counts, exports = collections.Counter(), {}
    for line in output("perf", "script", "-i", recording, "-F",
                       "ip,sym,symoff,dso").splitlines():
        match = SAMPLE.match(line)
        if not match:
            continue
        address, name, library = int(match[1], 16), match[2], os.path.basename(match[3])
        if name == "[unknown]":
            name = name_of(address, mapped, exports)
        counts[library, name] += 1
    samples = sum(counts.values())
    return [(count / samples, *place) for place, count in counts.most_common()]
