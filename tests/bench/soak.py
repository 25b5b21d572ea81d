"""Whether the server's memory stands still.

Mixed jobs in a row: photos, other formats, broken and truncated ones and what is no image
at all. The server's resident memory after the first thousand is the measure for the end.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import process
from imgjobd import Broken, Server
from measure import Failed, Load

APART_MAX = 0.10
IMAGES = ["small.jpg", "small.png", "small.webp", "small.gif", "pixel.png", "truncated.jpg",
          "broken.png", "text.txt", "small.jpg", "pixel.png"]
STEP = 1000


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/soak.sh", description=__doc__)
    parser.add_argument("jobs", nargs="?", type=int, default=10000)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    if args.jobs < 2 * STEP:
        parser.error(f"at least {2 * STEP} jobs, or there is nothing to compare")
    return args


def load(args, server, images, jobs):
    program = os.path.join(args.build, "tests", "bench", "bench-client")
    flags = {"port": server.port, "jobs": jobs, "clients": args.clients, "width": 200,
             "height": 150, "image": [os.path.join(images, name) for name in IMAGES]}
    with Load(program, flags) as running:
        running.expect()
        figures = running.run()
        running.end()
    return figures


def check(figures):
    """Broken input must fail and nothing else may."""
    jobs = figures["jobs"]
    expected = {"refused": jobs // 10, "failed": jobs // 10 * 2, "completed": jobs // 10 * 7}
    for outcome, count in expected.items():
        if figures[outcome] != count:
            raise Failed(f"{figures[outcome]} of {jobs} jobs {outcome}, not {count}")


def soak(args, server, images):
    rss = []
    for begun in range(0, args.jobs - STEP + 1, STEP):
        check(load(args, server, images, STEP))
        rss.append(process.status_kib(server.pid, "VmRSS"))
        workers = [process.status_kib(pid, "VmRSS") // 1024 for pid in server.workers()]
        print(f"{begun + STEP} jobs: server {rss[-1]} KiB, workers {workers} MiB",
              file=sys.stderr, flush=True)
    return rss


def main():
    args = arguments()
    bench = os.path.join(args.build, "tests", "bench", "bench-images")
    program = os.path.join(args.build, "server", "imgjobd")
    with tempfile.TemporaryDirectory(prefix="soak-", dir=args.build) as directory:
        subprocess.run([bench, directory], check=True)
        with Server(program, os.path.join(directory, "server"), "--worker-pool-size",
                    str(args.workers)) as server:
            server.start()
            rss = soak(args, server, directory)
            server.stop()
    apart = rss[-1] / rss[0] - 1
    print(f"{args.jobs} mixed jobs: server RSS {rss[0]} KiB after {STEP}, {rss[-1]} KiB at the "
          f"end, {apart:+.1%} (bound: {APART_MAX:.0%} apart)")
    if abs(apart) > APART_MAX:
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except (Broken, Failed) as failure:
        sys.exit(f"soak failed: {failure}")
