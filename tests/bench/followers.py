"""Whether submits are slower while many clients follow.

In turns, the same number of jobs is submitted at a steady pace with nobody else there, and
with N streams of GET /events and N long polls on a job that does not end. The followers are
a process of their own that only reads. Beyond the places that there are, both are refused.
"""
import argparse
import http.client
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from imgjobd import Broken, Server

P50_RATIO_MAX, P99_RATIO_MAX = 1.5, 2
PACE_SECONDS = 0.02


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/followers.sh", description=__doc__)
    parser.add_argument("--build", help=argparse.SUPPRESS)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--polls", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--follow", nargs=2, metavar=("PORT", "JOB"), help=argparse.SUPPRESS)
    return parser.parse_args()


def follow(port, job, streams, polls):
    """The other process: open all, say so, and read until it is killed."""
    selector = selectors.DefaultSelector()
    heads = []
    for number in range(streams + polls):
        path = "/events" if number < streams else f"/jobs/{job}?wait=60"
        peer = socket.create_connection(("127.0.0.1", port))
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        if number < streams:
            heads.append(peer.recv(64))
        selector.register(peer, selectors.EVENT_READ)
    refused = sum(b" 503 " in head for head in heads)
    print(f"{len(heads) - refused} {refused}", flush=True)
    while True:
        for key, _ in selector.select():
            if not key.fileobj.recv(65536):
                selector.unregister(key.fileobj)


class Followers:
    def __init__(self, args, server, job):
        self.child = subprocess.Popen(
            [sys.executable, __file__, "--streams", str(args.streams), "--polls",
             str(args.polls), "--follow", str(server.port), job],
            stdout=subprocess.PIPE, text=True)
        served, refused = self.child.stdout.readline().split()
        if int(refused) or int(served) != args.streams:
            raise Broken(f"{refused} of {args.streams} streams were refused")

    def __enter__(self):
        time.sleep(0.5)
        return self

    def __exit__(self, *exception):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()


def submit(server, image, query=""):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", f"/jobs?operation=resize&width=2&height=2{query}", image,
                           {"Content-Type": "image/png"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 202:
        raise Broken(f"submit answered {answer.status}: {body[:200]!r}")
    return answer.getheader("Location").rsplit("/", 1)[1]


def time_submits(server, image, jobs):
    times = []
    for _ in range(jobs):
        begun = time.perf_counter()
        submit(server, image)
        times.append((time.perf_counter() - begun) * 1000)
        time.sleep(PACE_SECONDS)
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.99)]


def verdict(name, value, bound):
    print(f"  {name:45}{value:8.2f}  <= {bound:<4} {'met' if value <= bound else 'MISSED'}")


def main():
    args = arguments()
    if args.follow:
        follow(int(args.follow[0]), args.follow[1], args.streams, args.polls)
    places = args.streams + args.polls
    with tempfile.TemporaryDirectory(prefix="followers-", dir=args.build) as directory:
        subprocess.run([os.path.join(args.build, "tests", "bench", "bench-images"), directory],
                       check=True)
        with open(os.path.join(directory, "pixel.png"), "rb") as file:
            image = file.read()
        program = os.path.join(args.build, "server", "imgjobd")
        rounds = []
        with Server(program, os.path.join(directory, "store"), "--http-threads",
                    str(2 * places), "--max-waiters", str(places)) as server:
            server.start()
            job = submit(server, image, "&delay_ms=36000000")
            for number in range(args.rounds):
                alone = time_submits(server, image, args.jobs)
                with Followers(args, server, job):
                    followed = time_submits(server, image, args.jobs)
                rounds.append((alone, followed))
                print(f"round {number + 1}/{args.rounds}: submit p50/p99 {alone[0]:.2f}/"
                      f"{alone[1]:.2f} ms alone, {followed[0]:.2f}/{followed[1]:.2f} ms followed",
                      file=sys.stderr, flush=True)
                time.sleep(3)  # the server finds out that they have gone
            server.stop()
    print(f"{args.streams} streams, {args.polls} long polls, {args.jobs} submits each")
    verdict("submit p50, followed / alone",
            statistics.median(followed[0] / alone[0] for alone, followed in rounds),
            P50_RATIO_MAX)
    verdict("submit p99, followed / alone",
            statistics.median(followed[1] / alone[1] for alone, followed in rounds),
            P99_RATIO_MAX)


if __name__ == "__main__":
    try:
        main()
    except Broken as failure:
        sys.exit(f"followers benchmark failed: {failure}")
