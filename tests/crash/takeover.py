"""A server that was asleep must change nothing when it wakes.

Two servers share a store. In each round both run long jobs, no commit is in flight, and one
of them is stopped past its lease. The other takes its jobs over and ends them. When the
first one is let go on, it still believes that the jobs are its own: everything it then
writes must be refused, and its workers must take jobs again.

A stop may still land inside a commit, since running jobs tell of their progress: then the
other one answers 503 and goes on once the first one does. Such rounds are counted and
done again.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))

import picture  # noqa: E402
import verify  # noqa: E402
from imgjobd import Broken, Server  # noqa: E402
from load import Job, Unanswered, request  # noqa: E402

LEASE_MS = 10000  # the shortest there is
WORKERS = 2
JOBS = 2 * WORKERS  # of a round: as many as both servers have workers
ROUND_SECONDS = 180
LONG_STEPS = [{"op": "median", "size": 15}]


def arguments():
    parser = argparse.ArgumentParser(prog="tests/crash/takeover.sh", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--imgjobd", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1 << 31)
    return args


def progress(text):
    print(text, file=sys.stderr, flush=True)


def get(server, path):
    status, body = request(server.port, "GET", path)
    if status != 200:
        raise Broken(f"GET {path} answered {status}: {body[:300]!r}")
    return json.loads(body)


def metric(server, name):
    status, body = request(server.port, "GET", "/metrics")
    found = re.search(rf"^{name} (\S+)$", body.decode(), re.M)
    if status != 200 or not found:
        raise Broken(f"GET /metrics answered {status} and has no {name}")
    return float(found.group(1))


def wait_until(what, condition):
    until = time.monotonic() + ROUND_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise Broken(f"not within {ROUND_SECONDS} s: {what}")
        time.sleep(0.05)


def submit_long(server, number):
    """@return (id, Job), or None when the server has no answer but 503"""
    width, height = picture.output_size(number)
    spec = {"steps": LONG_STEPS + [{"op": "resize", "width": width, "height": height,
                                    "fit": "fill"}],
            "outputs": [{"name": "image", "format": "png"}]}
    boundary = "takeover"
    parts = [b'name="spec"\r\nContent-Type: application/json\r\n\r\n'
             + json.dumps(spec).encode(),
             b'name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
             + picture.write(number)]
    body = b"".join(b"--takeover\r\nContent-Disposition: form-data; " + part + b"\r\n"
                    for part in parts) + b"--takeover--\r\n"
    status, answer = request(server.port, "POST", "/jobs", body,
                             f"multipart/form-data; boundary={boundary}")
    if status == 503:
        return None
    if status != 202:
        raise Broken(f"submit answered {status}: {answer[:300]!r}")
    return (json.loads(answer)["job_id"],
            Job(number, picture.output_size(number), False))


class Round:
    """One stop of `sleeper` while `other` stays awake."""

    def __init__(self, number, sleeper, other):
        self.first = number
        self.sleeper = sleeper
        self.other = other
        self.jobs = {}

    def begin(self):
        """Give both as many long jobs as they have workers, and wait until all run."""
        for number in range(self.first, self.first + 4 * JOBS, 4):
            submitted = submit_long(self.other, number)
            if not submitted:
                raise Broken("503 while nobody sleeps")
            self.jobs[submitted[0]] = submitted[1]
        wait_until("all workers have a job",
                   lambda: get(self.sleeper, "/stats")["pool"]["busy"] == WORKERS)

    def is_other_blocked(self):
        """Whether the sleeper holds the database: submits are refused then."""
        probe = submit_long(self.other, self.first + 4 * JOBS)
        if probe:
            self.jobs[probe[0]] = probe[1]
        return not probe

    def run(self):
        """@return (stale writes refused, whether the stop hit a commit)"""
        self.begin()
        before = metric(self.sleeper, "imgjob_stale_writes_refused_total")
        os.kill(self.sleeper.pid, signal.SIGSTOP)
        try:
            if self.is_other_blocked():
                return 0, True
            wait_until("the other server has ended all jobs", self.have_ended)
        finally:
            os.kill(self.sleeper.pid, signal.SIGCONT)
        wait_until("the sleeper's workers are free again",
                   lambda: get(self.sleeper, "/stats")["pool"]["busy"] == 0)
        refused = metric(self.sleeper, "imgjob_stale_writes_refused_total") - before
        return int(refused), False

    def have_ended(self):
        try:
            return all(get(self.other, f"/jobs/{job_id}")["status"] == "completed"
                       for job_id in self.jobs)
        except Unanswered:
            return False

    def finish(self):
        wait_until("all jobs have ended", self.have_ended)


def run_rounds(args, servers, acknowledged):
    chance = random.Random(args.seed)
    missed = done = in_commit = refused_all = 0
    number = 4  # every fourth picture is a large one
    begun = time.monotonic()
    while done < args.rounds:
        sleeper, other = chance.sample(servers, 2)
        one = Round(number, sleeper, other)
        number += 4 * (JOBS + 1)
        refused, hit_commit = one.run()
        one.finish()
        acknowledged.update(one.jobs)
        if hit_commit:
            in_commit += 1
            continue
        if refused < WORKERS:  # a job had ended before the stop came
            missed += 1
            if missed > args.rounds:
                raise Broken(f"{missed} rounds had fewer than {WORKERS} stale writes refused")
            continue
        done += 1
        refused_all += refused
        progress(f"{done}/{args.rounds} rounds, {refused_all} stale writes refused, "
                 f"{in_commit} stops inside a commit, {missed} too late, {time.monotonic() - begun:.0f} s")
    return refused_all, in_commit


def lease_faults(path):
    with verify.connect(path) as jobs:
        return [f"a job was claimed {gen} times with {losses} losses"
                for gen, losses in jobs.execute("SELECT gen,losses FROM job")
                if gen != 1 + losses]


def main():
    args = arguments()
    directory = tempfile.mkdtemp(prefix="imgjob-takeover-")
    progress(f"seed {args.seed}, files in {directory}")
    flags = ["--multi-process", "1", "--lease-ms", str(LEASE_MS),
             "--worker-pool-size", str(WORKERS), "--job-timeout-ms", "120000",
             "--job-cpu-ms", "120000"]
    acknowledged = {}
    with Server(args.imgjobd, directory, *flags, name="a") as first, \
            Server(args.imgjobd, directory, *flags, name="b") as second:
        first.start()
        second.start()
        refused, in_commit = run_rounds(args, [first, second], acknowledged)
        faults = verify.acknowledged_faults(first.port, acknowledged)
        first.stop()
        second.stop()
        faults += lease_faults(first.path("jobs.db")) + verify.audit_faults(first)
    for fault in faults:
        print(fault)
    print(f"{args.rounds} rounds, {len(acknowledged)} jobs, each completed once, {refused} "
          f"stale writes refused, {in_commit} stops inside a commit, {len(faults)} faults, "
          f"seed {args.seed}")
    if faults:
        print(f"files kept in {directory}")
        sys.exit(1)
    shutil.rmtree(directory)


if __name__ == "__main__":
    try:
        main()
    except Broken as failure:
        sys.exit(f"takeover test failed: {failure}")
