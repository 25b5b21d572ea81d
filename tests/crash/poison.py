"""Whom the kills may hurt: a job that kills its worker, and nobody else.

Needs the tests' misbehaving worker: a resize to width 4002 aborts in it, one to width 4008
sleeps until it is killed; all else is the real thing.
"""
import argparse
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))

import picture  # noqa: E402
import verify  # noqa: E402
from imgjobd import Broken, Server  # noqa: E402
from load import Job, request, submit  # noqa: E402

ABORTS, SLEEPS = 4002, 4008
NEIGHBOURS = 20
SERVER_KILLS = 8
WAIT_SECONDS = 30


def post(port, width):
    status, body = request(port, "POST", f"/jobs?operation=resize&width={width}&height=10",
                           picture.write(1), "image/png")
    if status != 202:
        raise Broken(f"submit answered {status}: {body[:200]!r}")
    return json.loads(body)["job_id"]


def view(port, job_id, seconds=0):
    path = f"/jobs/{job_id}" + (f"?wait={seconds}" if seconds else "")
    status, body = request(port, "GET", path)
    if status != 200:
        raise Broken(f"status of {job_id} answered {status}: {body[:200]!r}")
    return json.loads(body)


def wait_until_processing(port, job_id):
    until = time.monotonic() + WAIT_SECONDS
    while view(port, job_id)["status"] != "processing":
        if time.monotonic() > until:
            raise Broken(f"job {job_id} did not begin: {view(port, job_id)}")
        time.sleep(0.01)


def row(server, job_id):
    with verify.connect(server.path("jobs.db")) as jobs:
        return dict(zip(("state", "crashes", "losses", "attempt"), jobs.execute(
            "SELECT state,crashes,losses,attempt FROM job WHERE lower(hex(id))=?",
            (job_id.replace("-", ""),)).fetchone()))


def expect(what, found, expected):
    if found != expected:
        raise Broken(f"{what}: {found!r}, not {expected!r}")


def job_faults(port, job_id, number):
    job = Job(number, picture.output_size(number), has_callback=False)
    return verify.job_faults(port, job_id, job)


def job_that_kills_its_worker_three_times_is_poison(server):
    server.start()
    bad = post(server.port, ABORTS)
    good = [json.loads(submit(server.port, number)[1])["job_id"]
            for number in range(1, NEIGHBOURS + 1)]
    for number, job_id in enumerate(good, 1):
        faults = job_faults(server.port, job_id, number)
        expect("faults of a neighbour", faults, [])
    ended = view(server.port, bad, WAIT_SECONDS)
    expect("status", ended["status"], "failed")
    expect("reason", ended["reason"], "poison")
    expect("crashes", row(server, bad)["crashes"], 3)
    for job_id in good:
        expect("crashes of a neighbour", row(server, job_id)["crashes"], 0)
    expect("a job afterwards", job_faults(
        server.port, json.loads(submit(server.port, 99)[1])["job_id"], 99), [])
    server.stop()


def job_under_which_the_server_dies_is_not_poison(server):
    server.start()
    slow = post(server.port, SLEEPS)
    for _ in range(SERVER_KILLS):
        wait_until_processing(server.port, slow)
        server.kill()
        server.start()
    wait_until_processing(server.port, slow)
    expect("row", row(server, slow), {"state": 3, "crashes": 0, "losses": SERVER_KILLS,
                                      "attempt": 1})
    server.stop()
    expect("row after a clean end", row(server, slow),
           {"state": 2, "crashes": 0, "losses": SERVER_KILLS, "attempt": 0})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imgjobd", required=True)
    parser.add_argument("--worker", required=True)
    args = parser.parse_args()
    for test in (job_that_kills_its_worker_three_times_is_poison,
                 job_under_which_the_server_dies_is_not_poison):
        with tempfile.TemporaryDirectory(prefix="imgjob-poison-") as directory:
            with Server(args.imgjobd, directory, "--worker-pool-size", "2", "--worker-path",
                        os.path.abspath(args.worker), "--grace-ms", "100") as server:
                test(server)
        print(f"{test.__name__}: passed")


if __name__ == "__main__":
    try:
        main()
    except Broken as failure:
        sys.exit(f"poison test failed: {failure}")
