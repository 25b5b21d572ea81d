"""The benchmark of the image engine, without server and store.

Operations and formats against the same work by hand on libvips, in one process and in
turn; several renditions from one job against a job for each; how many encodes a search
takes and how near it comes; the peak of memory of a worker process. Times are processor
time, user and system.
"""
import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile

import process
from hot_spots import hot_spots
from measure import Failed, Load

RATIO_MAX = 1.10
SSIM_MIN = 0.98
SSIM_APART_MIN = 0.95
PSNR_MIN = 40  # dB: above it no eye tells two images apart
RENDITIONS_MAX = {"jpeg": 0.70, "webp": 1.0}
ENCODES_MAX = {"budget": 6, "target": 7}
BUDGET_USED_MIN = 0.90
SEARCHES = {"jpeg": 800, "webp": 800, "avif": 480}  # px wide
SUBJECTS = ("photo", "smooth", "drawing")
RSS = {
    "50 Mpx JPEG to 800 px": {
        "image": "large.jpg", "max_mib": 120,
        "spec": {"steps": [{"op": "resize", "width": 800}], "outputs": [{"format": "jpeg"}]},
    },
    "GIF of 200 frames to 200 px WebP": {
        "image": "frames.gif", "max_mib": 250,
        "spec": {"load": {"pages": "all"}, "steps": [{"op": "resize", "width": 200}],
                 "outputs": [{"format": "webp"}]},
    },
}
PROFILE_SECONDS = 8
SPOTS_SHOWN = 20


def progress(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/engine.sh", description=__doc__)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--part", action="append", choices=list(PARTS),
                        help="only this; may be repeated")
    parser.add_argument("--case", action="append", default=[],
                        help="only cases that begin so; may be repeated")
    parser.add_argument("--pairs", type=int, default=21, help="measurements of each case")
    parser.add_argument("--quick", action="store_true", help="few measurements")
    parser.add_argument("--profile", metavar="CASE", help="where the time of a case goes")
    args = parser.parse_args()
    if args.quick:
        args.pairs = min(args.pairs, 5)
    return args


class Bench:
    def __init__(self, args, directory):
        self.args = args
        self.directory = directory
        self.images = os.path.join(directory, "images")

    def program(self, name):
        return os.path.join(self.args.build, "tests", "bench", name)

    def run(self, name, *words):
        done = subprocess.run([self.program(name), *map(str, words)], text=True,
                              stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Failed(f"{name} {' '.join(map(str, words))} ended with {done.returncode}")
        return done.stdout

    def make_images(self):
        os.mkdir(self.images)
        self.run("bench-engine-images", self.images)

    def all_cases(self):
        return self.run("bench-engine", "list").split()

    def cases(self):
        wanted = tuple(self.args.case)
        found = [name for name in self.all_cases() if not wanted or name.startswith(wanted)]
        if not found:
            raise Failed(f"no case begins with {' or '.join(wanted)}")
        return found


# ---- operations and formats ----

def operations_of(schema):
    """The names under `op` of every kind of step."""
    found = set()

    def walk(node):
        if isinstance(node, dict):
            constant = node.get("properties", {}).get("op", {})
            found.update([constant["const"]] if "const" in constant else [])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    return found


def compare_cases(bench):
    results = []
    for name in bench.cases():
        case = json.loads(bench.run("bench-engine", "compare", bench.images, name,
                                    bench.args.pairs))
        results.append(case)
        progress(f"{name}: {case['ours_ms']:.1f} ms, {case['ratio']:.2f} x by hand")
    known = operations_of(json.loads(bench.run("bench-engine", "operations")))
    listed = {name.split("/")[0] for name in bench.all_cases()}
    return {"cases": results, "not_compared": sorted(known - listed)}


def is_alike(case):
    """Of another way to the same end, less is asked: a kernel or a half pixel differs."""
    if case["is_apart"]:
        return case["ssim"] >= SSIM_APART_MIN
    return case["is_same_size"] and (case["psnr"] >= PSNR_MIN or case["ssim"] >= SSIM_MIN)


def print_cases(report):
    print(f"\noperations and formats: CPU ms of the engine and by hand, median of "
          f"{report['cases'][0]['pairs']} pairs")
    print(f"  {'':20}{'ours':>9}{'by hand':>9}{'x':>7}{'quartiles':>14}"
          f"{'px':>12}{'PSNR':>7}{'SSIM':>8}{'bytes':>9}{'x':>6}")
    for case in report["cases"]:
        low, high = case["ratio_quartiles"]
        notes = [] if case["ratio"] <= RATIO_MAX else ["SLOWER"]
        notes += [] if is_alike(case) else ["NOT ALIKE"]
        print(f"  {case['case']:20}{case['ours_ms']:9.2f}{case['other_ms']:9.2f}"
              f"{case['ratio']:7.2f}{f'{low:.2f}-{high:.2f}':>14}"
              f"{case['width']:>7}x{case['height']}{case['psnr']:7.1f}{case['ssim']:8.4f}"
              f"{case['ours_bytes']:9}{case['ours_bytes'] / case['hand_bytes']:6.2f}"
              f"  {' '.join(notes)}")
    if report["not_compared"]:
        print(f"  not compared: {', '.join(report['not_compared'])}")
    verdict("CPU ratio to libvips by hand, the worst",
            max(case["ratio"] for case in report["cases"]), "<=", RATIO_MAX)


# ---- renditions ----

def compare_renditions(bench):
    results = []
    for name in RENDITIONS_MAX:
        results.append(json.loads(bench.run("bench-engine", "renditions", bench.images, name,
                                            max(3, bench.args.pairs // 2))))
        progress(f"renditions {name}: {results[-1]['ratio']:.2f} x six jobs")
    return results


def print_renditions(report):
    print("\nrenditions: one job of six outputs against six jobs, CPU ms; SSIM of the pixels to "
          "an ideal resize\nof all pixels of the photo, of the one job and of each of the six; "
          "bytes to those of the six")
    for result in report:
        print(f"  {result['format']:6}{result['ours_ms']:9.1f}{result['other_ms']:9.1f}  "
              f"x {result['ratio']:.2f}")
        for made, encoded in zip(result["pixels"], result["encoded"]):
            print(f"  {made['width']:6} px{made['ssim']:9.4f}{made['single_ssim']:9.4f}"
                  f"   bytes x {encoded['bytes'] / encoded['single_bytes']:.2f}")
    for result in report:
        name = result["format"]
        verdict(f"{name}: one job to six", result["ratio"], "<=", RENDITIONS_MAX[name])
    verdict("SSIM of the pixels, the worst",
            min(made["ssim"] for made in report[0]["pixels"]), ">=", SSIM_MIN)


# ---- searches ----

def run_searches(bench):
    results = []
    for name, width in SEARCHES.items():
        for subject in SUBJECTS:
            lines = bench.run("bench-engine-search",
                              os.path.join(bench.images, subject + ".jpg"), name, width)
            found = [json.loads(line) for line in lines.splitlines()]
            for search in found:
                search["image"] = subject
            results += found
            progress(f"search {name} {subject}: at most "
                     f"{max(search['encodes'] for search in found)} encodes")
    return results


def share(search):
    return search["bytes"] / search["budget"]


def print_searches(report):
    print("\nsearches: encodes, the most and the mean; CPU of the costliest, to a job of one "
          "encode")
    print(f"  {'':24}{'searches':>9}{'encodes':>14}{'x one job':>12}{'budget used':>16}"
          f"{'over':>6}{'under 90 %':>12}{'SSIM above':>13}")
    for kind in ENCODES_MAX:
        for name in SEARCHES:
            print_search_group(kind, name, [search for search in report if kind in search
                                            and search["format"] == name])
    budgets = [search for search in report if "budget" in search]
    for kind, most in ENCODES_MAX.items():
        verdict(f"encodes to meet a {kind}, the worst",
                max(search["encodes"] for search in report if kind in search), "<=", most)
    verdict("part of a budget used, the most", max(map(share, budgets)), "<=", 1)
    verdict("part of a budget used, the least", min(map(share, budgets)), ">=",
            BUDGET_USED_MIN)
    missed = [search for search in report if "target" in search and
              not search["is_over"] and search["ssim"] < search["target"] - .001]
    verdict("targets that were not met and not told so", len(missed), "<=", 0)


def print_search_group(kind, name, searches):
    encodes = [search["encodes"] for search in searches]
    cost = [search["ms"] / search["one_encode_ms"] for search in searches]
    line = f"  {kind + ' ' + name:24}{len(searches):9}" \
           f"{f'{max(encodes)} / {sum(encodes) / len(encodes):.1f}':>14}{max(cost):12.1f}"
    if kind == "budget":
        used = [share(search) for search in searches]
        line += f"{f'{min(used):.3f}-{max(used):.3f}':>16}" \
                f"{sum(part > 1 for part in used):6}" \
                f"{sum(part < BUDGET_USED_MIN for part in used):12}"
    else:
        above = [search["ssim"] - search["target"] for search in searches
                 if not search["is_over"]]
        line += f"{'':16}{sum(search['is_over'] for search in searches):6}{'':12}" \
                f"{f'{min(above, default=math.nan):.3f}-{max(above, default=math.nan):.3f}':>13}"
    print(line)


# ---- memory ----

def measure_memory(bench):
    results = {}
    worker = os.path.join(bench.args.build, "lib", "pool", "imgjob-worker")
    for name, job in RSS.items():
        directory = tempfile.mkdtemp(dir=bench.directory)
        flags = {"dir": directory, "image": os.path.join(bench.images, job["image"]),
                 "spec": json.dumps(job["spec"]), "worker": worker}
        with Load(bench.program("bench-engine-memory"), flags) as load:
            if load.expect() != "ready":
                raise Failed(f"{name}: the pool did not become ready")
            pid, = process.children(load.pid)
            before = process.status_kib(pid, "VmHWM")
            load.run()
            if process.children(load.pid) != [pid]:
                raise Failed(f"{name}: the worker was replaced")
            results[name] = {"before_mib": before / 1024, "max_mib": job["max_mib"],
                             "peak_mib": process.status_kib(pid, "VmHWM") / 1024}
            load.end()
        progress(f"{name}: {results[name]['peak_mib']:.0f} MiB")
    return results


def print_memory(report):
    print("\npeak RSS of a worker process, MiB (before the job)")
    for name, result in report.items():
        verdict(f"{name} ({result['before_mib']:.0f})", result["peak_mib"], "<=",
                result["max_mib"])


# ---- where the time goes ----

def profile(bench):
    """Both ways of doing a case; of renditions/FORMAT, one job and six."""
    if not shutil.which("perf"):
        raise Failed("--profile needs perf")
    known = bench.all_cases() + [f"renditions/{name}" for name in RENDITIONS_MAX]
    if bench.args.profile not in known:
        raise Failed(f"--profile: no case {bench.args.profile}; there are {', '.join(known)}")
    for side in ("ours", "hand"):
        recording = os.path.join(bench.directory, side + ".perf")
        subprocess.run(["perf", "record", "-q", "-F", "997", "-e", "cpu-clock", "-o",
                        recording, bench.program("bench-engine"), "loop", bench.images,
                        bench.args.profile, side, str(PROFILE_SECONDS)], check=True)
        print(f"\n{bench.args.profile}, {side}:")
        spots = hot_spots(recording)
        for share_of_all, library, name in spots[:SPOTS_SHOWN]:
            print(f"  {share_of_all:6.1%}  {library:26} {name}")


# ---- the program ----

PARTS = {
    "cases": (compare_cases, print_cases),
    "renditions": (compare_renditions, print_renditions),
    "searches": (run_searches, print_searches),
    "memory": (measure_memory, print_memory),
}


def verdict(name, value, relation, bound):
    """A bound that the project has set itself: told, not enforced, as the machine may be
    noisy."""
    is_met = value <= bound if relation == "<=" else value >= bound
    print(f"  {name:50}{value:8.3f}  {relation} {bound:<6} {'met' if is_met else 'MISSED'}")


def measure_parts(bench):
    report = {"machine": {"cpus": len(os.sched_getaffinity(0)),
                          "system": platform.platform(), "load_before": os.getloadavg()}}
    parts = [part for part in PARTS if not bench.args.part or part in bench.args.part]
    for part in parts:
        report[part] = PARTS[part][0](bench)
    with open(bench.args.json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    for part in parts:
        PARTS[part][1](report[part])
    print(f"\nload {report['machine']['load_before'][0]:.1f} before it began; all figures: "
          f"{bench.args.json}")


def main():
    args = arguments()
    directory = tempfile.mkdtemp(prefix="engine-", dir=args.build)
    try:
        bench = Bench(args, directory)
        bench.make_images()
        if args.profile:
            profile(bench)
        else:
            measure_parts(bench)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.CalledProcessError) as failure:
        sys.exit(f"engine benchmark failed: {failure}")
