"""Whether a long queue makes the store slow.

Claiming is paused in both measurements, so that nothing but the queue's length differs.
The same number of jobs is submitted to an empty store and behind a full queue, and the
status of jobs at random is read at the full one.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from imgjobd import Broken, Server
from measure import Failed, Load

SUBMIT_RATIO_MAX = 3
STATUS_MS_MAX = 5


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/queue.sh", description=__doc__)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--queued", type=int, default=10000)
    parser.add_argument("--jobs", type=int, default=1000, help="submits measured at each end")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


class Queue:
    """A paused server and the ids of all that waits in it."""

    def __init__(self, args, server, image):
        self.args = args
        self.server = server
        self.image = image
        self.ids = server.path("ids")

    def load(self, mode, jobs, measured=True):
        program = os.path.join(self.args.build, "tests", "bench", "bench-client")
        flags = {"mode": mode, "port": self.server.port, "jobs": jobs, "ids": self.ids,
                 "clients": self.args.clients if measured else 16, "raw": True}
        if mode == "submit":
            flags["image"] = self.image
        with Load(program, flags) as load:
            load.expect()
            figures = load.run()
            load.end()
        return figures


def run_round(args, directory, image):
    room = str(args.queued + 2 * args.jobs)
    program = os.path.join(args.build, "server", "imgjobd")
    with Server(program, directory, "--paused", "1", "--max-queued-jobs", room) as server:
        server.start()
        queue = Queue(args, server, image)
        empty = queue.load("submit", args.jobs)["submit_ms"]
        queue.load("submit", args.queued - args.jobs, measured=False)
        full = queue.load("submit", args.jobs)["submit_ms"]
        status = queue.load("status", args.jobs)["submit_ms"]
        server.stop()
    return empty, full, status


def verdict(name, value, bound):
    print(f"  {name:45}{value:8.2f}  <= {bound:<4} {'met' if value <= bound else 'MISSED'}")


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="queue-", dir=args.build) as directory:
        subprocess.run([os.path.join(args.build, "tests", "bench", "bench-images"), directory],
                       check=True)
        image = os.path.join(directory, "pixel.png")
        rounds = []
        for number in range(args.rounds):
            rounds.append(run_round(args, os.path.join(directory, str(number)), image))
            empty, full, status = rounds[-1]
            print(f"round {number + 1}/{args.rounds}: submit p50/p99 {empty['p50']:.2f}/"
                  f"{empty['p99']:.2f} ms empty, {full['p50']:.2f}/{full['p99']:.2f} ms with "
                  f"{args.queued} queued; status p50/p99 {status['p50']:.2f}/"
                  f"{status['p99']:.2f} ms", file=sys.stderr, flush=True)
    print(f"{args.queued} jobs queued, {args.clients} clients, {args.jobs} calls each")
    verdict("submit p99, full queue / empty queue",
            statistics.median(full["p99"] / empty["p99"] for empty, full, _ in rounds),
            SUBMIT_RATIO_MAX)
    verdict("status of a random job, median, ms",
            statistics.median(status["p50"] for _, _, status in rounds), STATUS_MS_MAX)


if __name__ == "__main__":
    try:
        main()
    except (Broken, Failed) as failure:
        sys.exit(f"queue benchmark failed: {failure}")
