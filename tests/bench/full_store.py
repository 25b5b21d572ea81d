"""Whether a store full of finished jobs is slow, and whether emptying it is felt.

One real job is run; its row, documents and tags are then written N times behind the
server's back, as N jobs that finished before. All calls are timed on the empty store and
on the full one, in turns of the same length. Then every job expires at once: submits are
timed while the rows go, and the file must get smaller.
"""
import argparse
import http.client
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

from imgjobd import Broken, Server

RATIO_MAX = 2
GONE_SECONDS = 3600
TTL_SECONDS = 7 * 86400
BATCH = 50000
FIRST = 100000  # row that is written, beyond those of the calls


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/full.sh", description=__doc__)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1000000)
    parser.add_argument("--calls", type=int, default=1000)
    return parser.parse_args()


def progress(text):
    print(text, file=sys.stderr, flush=True)


class Client:
    def __init__(self, server, image):
        self.server = server
        with open(image, "rb") as file:
            self.image = file.read()

    def call(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise Broken(f"{method} {path} answered {answer.status}: {text[:200]!r}")
        return text

    def submit(self, wait=None):
        headers = {"Content-Type": "image/png"}
        if wait:
            headers["Prefer"] = f"wait={wait}"
        return self.call("POST", "/jobs?operation=resize&width=2&height=2&tags=bench",
                         self.image, headers)

    def milliseconds(self, what):
        begun = time.perf_counter()
        what()
        return (time.perf_counter() - begun) * 1000

    def time_all(self, calls):
        """@return name → sorted milliseconds"""
        whats = {
            "GET /jobs": lambda: self.call("GET", "/jobs?limit=50"),
            "GET /jobs?status=failed": lambda: self.call("GET", "/jobs?status=failed"),
            "GET /jobs?tag=bench": lambda: self.call("GET", "/jobs?tag=bench"),
            "GET /stats": lambda: self.call("GET", "/stats"),
            "GET /metrics": lambda: self.call("GET", "/metrics"),
            "submit": self.submit,
            "submit, claim, finish": lambda: self.submit(wait=10),
        }
        times = {name: [] for name in whats}
        for _ in range(calls):
            for name, what in whats.items():
                times[name].append(self.milliseconds(what))
        return {name: sorted(values) for name, values in times.items()}


def columns(database, table):
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def copy_job(database, table, fields, first, count):
    """Rows first … first+count−1 of a table, like the row of the job that was run; `fields`
    says what differs, by the row's number n."""
    names = columns(database, table)
    values = ",".join(fields.get(name, name) for name in names)
    database.execute(
        f"WITH RECURSIVE k(n) AS (SELECT {first} UNION ALL SELECT n+1 FROM k"
        f" WHERE n<{first + count - 1}) INSERT INTO {table}({','.join(names)})"
        f" SELECT {values} FROM k,{table} WHERE {table}.seq=1")


def fill(path, jobs):
    """Write `jobs` more finished jobs; their images are gone, so nothing is on the disk."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous=OFF")
    now = int(time.time() * 1000)
    for first in range(FIRST, FIRST + jobs, BATCH):
        count = min(BATCH, FIRST + jobs - first)
        database.execute("BEGIN")
        copy_job(database, "job",
                 {"seq": "n", "id": "randomblob(16)", "change": "change+n",
                  "expires": str(now + TTL_SECONDS * 1000), "result_expires": "NULL",
                  "bytes": "0"}, first, count)
        copy_job(database, "job_doc", {"seq": "n", "keys": "''"}, first, count)
        copy_job(database, "tag", {"seq": "n"}, first, count)
        database.execute("COMMIT")
        progress(f"{first - FIRST + count}/{jobs} rows written")
    database.execute(f"UPDATE counter SET n=n+{jobs} WHERE queue=1 AND state=4")
    database.execute("UPDATE counter SET n=(SELECT max(change) FROM job)"
                     " WHERE queue=0 AND state=0")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def expire(path):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("UPDATE job SET expires=1 WHERE state=4 AND result_expires IS NULL")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def p99(values):
    return values[min(len(values) - 1, int(len(values) * 0.99))]


def verdict(name, value, bound):
    print(f"  {name:48}{value:8.2f}  <= {bound:<4} {'met' if value <= bound else 'MISSED'}")


def time_emptying(client, path, jobs):
    """@return milliseconds of submits while rows went"""
    times, begun, told = [], time.monotonic(), 0
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    while reader.execute("SELECT 1 FROM job WHERE state>=4 AND result_expires IS NULL"
                         " AND expires<=1 LIMIT 1").fetchone():
        times += [client.milliseconds(client.submit) for _ in range(20)]
        if time.monotonic() > begun + GONE_SECONDS:
            raise Broken(f"some of {jobs} rows were left after {GONE_SECONDS} s")
        if time.monotonic() > told + 10:
            told = time.monotonic()
            progress(f"expiring, {told - begun:.0f} s")
    progress(f"all rows were gone after {time.monotonic() - begun:.0f} s")
    return sorted(times)


def wait_for_shrink(path, size):
    until = time.monotonic() + GONE_SECONDS
    while os.path.getsize(path) > size / 2 and time.monotonic() < until:
        time.sleep(1)
    return os.path.getsize(path)


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="full-", dir=args.build) as directory:
        subprocess.run([os.path.join(args.build, "tests", "bench", "bench-images"), directory],
                       check=True)
        program = os.path.join(args.build, "server", "imgjobd")
        with Server(program, os.path.join(directory, "store"), "--worker-pool-size", "1",
                    "--max-queued-jobs", "1000000") as server:
            client = Client(server, os.path.join(directory, "pixel.png"))
            path = server.path("jobs.db")
            server.start()
            client.submit(wait=10)
            empty = client.time_all(args.calls)
            server.stop()
            fill(path, args.jobs)
            size = os.path.getsize(path)
            server.start()
            full = client.time_all(args.calls)
            server.stop()
            expire(path)
            server.start()
            emptying = time_emptying(client, path, args.jobs)
            after = wait_for_shrink(path, size)
            server.stop()
    print(f"{args.jobs} finished jobs, {size / 2**20:.0f} MiB; {args.calls} calls each")
    for name in empty:
        print(f"  {name:48}{statistics.median(empty[name]):8.2f} ms empty, "
              f"{statistics.median(full[name]):.2f} ms full")
    print(f"  {'submit p99':48}{p99(empty['submit']):8.2f} ms empty, "
          f"{p99(emptying):.2f} ms while all expire")
    for name in empty:
        verdict(f"{name}, median, full / empty",
                statistics.median(full[name]) / statistics.median(empty[name]), RATIO_MAX)
    verdict("submit p99 while all expire / empty", p99(emptying) / p99(empty["submit"]),
            RATIO_MAX)
    verdict("size of the file after / before", after / size, 0.5)


if __name__ == "__main__":
    try:
        main()
    except Broken as failure:
        sys.exit(f"full-store benchmark failed: {failure}")
