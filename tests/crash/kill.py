"""Pull the plug, again and again, under load; then account for everything.

SIGKILL hits the server, also while it starts, or one of its workers, at random moments. In
the end every job that was ever acknowledged must have completed exactly once with the right
picture, or was cancelled since somebody asked; whoever wanted a webhook has got it, always
with the same words; and the disk must hold that and nothing else.
"""
import argparse
import base64
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))

import verify  # noqa: E402
from imgjobd import Broken, Server  # noqa: E402
from load import Client, Ledger  # noqa: E402
from receiver import Receiver  # noqa: E402

# A job is poison after three crashes. Its next worker begins at once, so kills of workers
# keep a distance in which thousands of such jobs end.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.2, 0.5
START_KILL_SHARE = 0.25  # of the server's kills: once more before it is ready
START_KILL_SECONDS = 0.08
FAULTS_SHOWN = 20


def arguments():
    parser = argparse.ArgumentParser(prog="tests/crash/kill.sh", description=__doc__)
    parser.add_argument("kills", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--imgjobd", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1 << 31)
    return args


def progress(text):
    print(text, file=sys.stderr, flush=True)


class Killer:
    def __init__(self, args, server, is_up):
        self.random = random.Random(args.seed)
        self.args = args
        self.server = server
        self.is_up = is_up
        self.server_kills = 0
        self.worker_kills = 0

    @property
    def kills(self):
        return self.server_kills + self.worker_kills

    def kill_server(self):
        """Its own death by another cause would be a fault that the kill would hide."""
        self.is_up.clear()
        if not self.server.kill():
            raise Broken("imgjobd had ended by itself:\n" + self.server.log_tail())
        self.server_kills += 1
        while self.kills < self.args.kills and self.random.random() < START_KILL_SHARE:
            self.server.spawn()
            time.sleep(self.random.uniform(0, START_KILL_SECONDS))
            if not self.server.kill():
                raise Broken("imgjobd ended while it started:\n" + self.server.log_tail())
            self.server_kills += 1
        self.server.start()
        self.is_up.set()

    def kill_worker(self):
        workers = self.server.workers()
        if not workers:
            return
        try:
            os.kill(self.random.choice(workers), signal.SIGKILL)
        except ProcessLookupError:  # it was recycled just now
            return
        self.worker_kills += 1

    def run(self, ledger):
        begun, told = time.monotonic(), 0
        while self.kills < self.args.kills:
            time.sleep(self.random.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
            if self.random.random() < 0.5:
                self.kill_server()
            else:
                self.kill_worker()
            if self.kills >= told + 10 or self.kills >= self.args.kills:
                told = self.kills
                progress(f"{self.kills}/{self.args.kills} kills ({self.server_kills} server, "
                         f"{self.worker_kills} worker), {len(ledger.acknowledged)} jobs "
                         f"acknowledged, {time.monotonic() - begun:.0f} s")
            if ledger.faults:
                raise Broken(ledger.faults[0])


def load_and_kill(args, server, ledger):
    is_up, is_over = threading.Event(), threading.Event()
    server.start()
    is_up.set()
    clients = [Client(server, ledger, is_up, is_over) for _ in range(args.clients)]
    for client in clients:
        client.start()
    killer = Killer(args, server, is_up)
    try:
        killer.run(ledger)
    finally:
        is_over.set()
        for client in clients:
            client.join()
    return killer


def account(server, ledger, receiver):
    """All checks; the last two lives of the server are clean ones, and the second begins
    with the sweep that a boot does."""
    faults = list(ledger.faults)
    faults += verify.wait_for_end(server.path("jobs.db"))
    progress(f"all jobs have ended; checking {len(ledger.acknowledged)} of them")
    faults += verify.acknowledged_faults(server.port, ledger.acknowledged)
    faults += verify.wait_for_webhooks(server.port)
    faults += receiver.faults_for({job_id: job.status
                                   for job_id, job in ledger.acknowledged.items()
                                   if job.has_callback})
    server.stop()
    server.start()
    server.stop()
    return faults + verify.stored_faults(server, ledger) + verify.audit_faults(server)


def write_secrets(directory):
    path = os.path.join(directory, "secrets")
    with open(path, "w", encoding="ascii") as file:
        file.write("whsec_" + base64.b64encode(os.urandom(32)).decode() + "\n")
    return path


def main():
    args = arguments()
    directory = tempfile.mkdtemp(prefix="imgjob-kill-")
    progress(f"seed {args.seed}, files in {directory}")
    receiver = Receiver(args.seed)
    ledger = Ledger(os.path.join(directory, "ledger"), args.seed, receiver.url)
    flags = ["--worker-pool-size", str(args.workers), "--webhook-allow-private", "1",
             "--webhook-secrets-file", write_secrets(directory)]
    with Server(args.imgjobd, directory, *flags) as server:
        killer = load_and_kill(args, server, ledger)
        faults = account(server, ledger, receiver)
    ledger.close()
    receiver.close()
    rows, crashes, losses, most = verify.totals(server.path("jobs.db"))
    for fault in faults[:FAULTS_SHOWN]:
        print(fault)
    cancelled = sum(job.status == "cancelled" for job in ledger.acknowledged.values())
    print(f"{killer.kills} kills ({killer.server_kills} server, {killer.worker_kills} worker), "
          f"{len(ledger.acknowledged)} jobs acknowledged, {rows} ended, {cancelled} of them "
          f"cancelled, {receiver.count} webhooks came for {len(receiver.bodies)} ends, "
          f"{crashes} worker kills and {losses} server kills hit a running job (at most "
          f"{most} crashes of one job), {len(faults)} faults, seed {args.seed}")
    if faults:
        print(f"files kept in {directory}")
        sys.exit(1)
    shutil.rmtree(directory)


if __name__ == "__main__":
    try:
        main()
    except Broken as failure:
        sys.exit(f"kill test failed: {failure}")
