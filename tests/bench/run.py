"""The benchmark: what a job costs here, against the same pipeline on libvips alone.

Every way of doing the job runs in every round, one after the other, so that the noise of
the machine falls on all of them; a ratio is taken within its round, and the median of the
rounds is shown. Processor time is that of the server (or program) and its workers; the
HTTP client's is counted apart. All ways must give the same picture.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

from imgjobd import Broken, Server
from measure import Failed, measure

# Most that a job may cost: a factor on the direct run, or milliseconds above it.
RATIO_MAX = 1.15
EXTRA_MS_MAX = 1.5
RATE_MIN = 0.5
RSS_MIB_MAX = 160
BYTES_APART_MAX = 0.01

WAYS = {
    "direct": "libvips by hand",
    "pool": "store and pool, no HTTP",
    "http_json": "HTTP, base64 JSON, wait",
    "http_raw": "HTTP, raw body, wait",
    "http_json_polling": "HTTP, base64 JSON, 5 ms polling",
}


def progress(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh", description=__doc__)
    parser.add_argument("image", nargs="?", help="a JPEG; default: a generated photo")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, help="a round; default: 60 photos, 1000 pixels")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few jobs, two rounds")
    args = parser.parse_args()
    if args.quick:
        args.rounds = min(args.rounds, 2)
    return args


def cases(args, images):
    """The two ends: all decoding, and all overhead."""
    photo = {"image": args.image or os.path.join(images, "photo.jpg"),
             "width": 720, "height": 588, "format": "jpeg"}
    pixel = {"image": os.path.join(images, "pixel.png"),
             "width": 100, "height": 100, "format": "png"}
    few = {"photo": 10, "pixel": 100} if args.quick else {"photo": 60, "pixel": 1000}
    return {"photo": (photo, args.jobs or few["photo"]),
            "pixel": (pixel, args.jobs or few["pixel"])}


class Bench:
    def __init__(self, args, directory):
        self.args = args
        self.directory = directory
        self.bin = os.path.join(args.build, "tests", "bench")
        self.server = os.path.join(args.build, "server", "imgjobd")
        self.count = 0

    def fresh_directory(self):
        self.count += 1
        path = os.path.join(self.directory, str(self.count))
        os.mkdir(path)
        return path

    def run(self, way, case, jobs):
        flags = dict(case, jobs=jobs, clients=self.args.clients, workers=self.args.workers)
        flags["warm-up"] = 4 * self.args.workers
        if not way.startswith("http"):
            program = os.path.join(self.bin, "bench-" + way)
            directory = self.fresh_directory()
            figures = measure(program, dict(flags, dir=directory), None, self.args.workers)
        else:
            figures = self.run_http(way, flags)
        if figures["completed"] != jobs or not figures["is_same_size"]:
            raise Failed(f"{way}: {figures['completed']} of {jobs} jobs completed alike")
        if figures["output_size"] != [case["width"], case["height"]]:
            raise Failed(f"{way}: the output is {figures['output_size']} px")
        return figures

    def run_http(self, way, flags):
        directory = self.fresh_directory()
        if "raw" in way:
            flags["raw"] = True
        if "polling" in way:
            flags["poll-ms"] = 5
        program = os.path.join(self.bin, "bench-client")
        with Server(self.server, directory, "--worker-pool-size",
                    str(self.args.workers)) as server:
            server.start()
            flags["port"] = server.port
            figures = measure(program, flags, server.pid, self.args.workers)
            server.stop()
        shutil.rmtree(directory)
        return figures

    def run_case(self, name, case, jobs):
        rounds = []
        for number in range(self.args.rounds):
            figures = {}
            for way in WAYS:
                figures[way] = self.run(way, case, jobs)
                progress(f"{name} round {number + 1}/{self.args.rounds} {way}: "
                         f"{figures[way]['cpu_ms_per_job']:.2f} ms CPU/job, "
                         f"{figures[way]['jobs_per_second']:.1f} jobs/s")
            rounds.append(figures)
        return {"image": case["image"], "image_bytes": os.path.getsize(case["image"]),
                "width": case["width"], "height": case["height"],
                "format": case["format"], "jobs": jobs, "rounds": rounds,
                "ways": {way: summary(rounds, way) for way in WAYS}}


def summary(rounds, way):
    """Medians over the rounds, and medians of the ratios within each round."""
    def median(of):
        return statistics.median(of(figures[way], figures["direct"]) for figures in rounds)

    return {
        "jobs_per_second": median(lambda it, _: it["jobs_per_second"]),
        "cpu_ms_per_job": median(lambda it, _: it["cpu_ms_per_job"]),
        "cpu_ratio": median(lambda it, d: it["cpu_ms_per_job"] / d["cpu_ms_per_job"]),
        "cpu_extra_ms": median(lambda it, d: it["cpu_ms_per_job"] - d["cpu_ms_per_job"]),
        "rate_ratio": median(lambda it, d: it["jobs_per_second"] / d["jobs_per_second"]),
        "client_cpu_ms_per_job": median(lambda it, _: it.get("client_cpu_ms_per_job", 0)),
        "submit_p50_ms": median(lambda it, _: it["submit_ms"]["p50"]),
        "submit_p99_ms": median(lambda it, _: it["submit_ms"]["p99"]),
        "done_p50_ms": median(lambda it, _: it["done_ms"]["p50"]),
        "done_p99_ms": median(lambda it, _: it["done_ms"]["p99"]),
        # the worst of all rounds: a peak is a promise
        "rss_process_mib": max(it[way]["rss_mib"]["process"] for it in rounds),
        "rss_workers_mib": max(sum(it[way]["rss_mib"]["workers"]) for it in rounds),
        "rss_sum_mib": max(it[way]["rss_mib"]["sum"] for it in rounds),
        "pss_mib": max(it[way]["rss_mib"]["pss_at_end"] for it in rounds),
        "output_bytes": max(it[way]["output_bytes"][1] for it in rounds),
    }


def print_case(name, case):
    print(f"\n{name}: {os.path.basename(case['image'])} ({case['image_bytes']} bytes) to "
          f"{case['width']}x{case['height']} {case['format']}, {case['jobs']} jobs a round")
    print(f"{'':32}{'jobs/s':>8}{'x':>6}{'CPU ms':>8}{'x':>6}{'+ ms':>7}"
          f"{'submit p50/p99 ms':>20}{'done p50/p99 ms':>18}"
          f"{'peak RSS MiB':>20}{'PSS':>6}{'bytes':>8}{'client':>8}")
    for way, it in case["ways"].items():
        submit = f"{it['submit_p50_ms']:.1f} / {it['submit_p99_ms']:.1f}"
        done = f"{it['done_p50_ms']:.1f} / {it['done_p99_ms']:.1f}"
        rss = f"{it['rss_process_mib']:.0f}+{it['rss_workers_mib']:.0f}" \
              f"={it['rss_sum_mib']:.0f}"
        print(f"{WAYS[way]:32}{it['jobs_per_second']:8.1f}{it['rate_ratio']:6.2f}"
              f"{it['cpu_ms_per_job']:8.2f}{it['cpu_ratio']:6.2f}{it['cpu_extra_ms']:7.2f}"
              f"{submit if way != 'direct' else '-':>20}{done:>18}{rss:>20}"
              f"{it['pss_mib']:6.0f}{it['output_bytes']:8}"
              f"{it['client_cpu_ms_per_job']:8.2f}")


def print_verdicts(report):
    """The bounds that the project has set itself. They are told, not enforced: a noisy
    machine is no fault of the code."""
    print("\nbounds (x: ratio to libvips by hand in the same round; median of rounds)")
    photo, pixel = (report["cases"][name]["ways"] for name in ("photo", "pixel"))
    highest = max(case["ways"][way]["rss_sum_mib"] for case in report["cases"].values()
                  for way in WAYS if way.startswith("http"))
    for way in ("http_json", "http_raw"):
        verdict(f"photo, {WAYS[way]}: CPU ratio", photo[way]["cpu_ratio"], "<=", RATIO_MAX)
        verdict(f"pixel, {WAYS[way]}: CPU ms above", pixel[way]["cpu_extra_ms"], "<=",
                EXTRA_MS_MAX)
        verdict(f"pixel, {WAYS[way]}: jobs/s ratio", pixel[way]["rate_ratio"], ">=", RATE_MIN)
    verdict("peak RSS of server and workers, MiB", highest, "<=", RSS_MIB_MAX)


def verdict(name, value, relation, bound):
    is_met = value <= bound if relation == "<=" else value >= bound
    print(f"  {name:50}{value:8.2f}  {relation} {bound:<6} {'met' if is_met else 'MISSED'}")


def check_outputs(report):
    """The same picture must come out of every way, or the figures mean nothing."""
    for name, case in report["cases"].items():
        expected = case["ways"]["direct"]["output_bytes"]
        for way, it in case["ways"].items():
            if abs(it["output_bytes"] - expected) > BYTES_APART_MAX * expected:
                raise Failed(f"{name}, {way}: {it['output_bytes']} bytes came out, "
                             f"{expected} directly")


def make_images(bench, directory):
    images = os.path.join(directory, "images")
    os.mkdir(images)
    subprocess.run([os.path.join(bench.bin, "bench-images"), images], check=True)
    return images


def main():
    args = arguments()
    directory = tempfile.mkdtemp(prefix="bench-", dir=args.build)
    try:
        bench = Bench(args, directory)
        report = {"machine": {"cpus": len(os.sched_getaffinity(0)),
                              "system": platform.platform(),
                              "load_before": os.getloadavg()},
                  "clients": args.clients, "workers": args.workers, "cases": {}}
        for name, (case, jobs) in cases(args, make_images(bench, directory)).items():
            report["cases"][name] = bench.run_case(name, case, jobs)
    finally:
        shutil.rmtree(directory)
    with open(args.json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    print(f"{args.rounds} rounds, {args.clients} clients, {args.workers} workers, "
          f"{report['machine']['cpus']} CPUs, load {report['machine']['load_before'][0]:.1f} "
          f"before it began, files in {args.build}")
    for name, case in report["cases"].items():
        print_case(name, case)
    print_verdicts(report)
    check_outputs(report)
    print(f"\nall figures: {args.json}")


if __name__ == "__main__":
    try:
        main()
    except (Broken, Failed) as failure:
        sys.exit(f"benchmark failed: {failure}")
