"""Run one of the load programs and account for its time.

The load program says `ready` after its warm-up and waits for a line at both ends of its
work, so processor time is read exactly around it; see load.h.
"""
import json
import subprocess
import threading

import process


class Failed(Exception):
    """A load did not do what it was asked to."""


class PeakWatch:
    """The highest resident memory of a process and of each child it ever had.

    A worker that is replaced takes its record with it, hence the looking in between.
    """

    PERIOD_SECONDS = 0.5

    def __init__(self, pid):
        self.pid = pid
        self.own_kib = 0
        self.children_kib = {}
        self.pss_kib = 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def look(self):
        self.own_kib = max(self.own_kib, process.status_kib(self.pid, "VmHWM"))
        for child in process.children(self.pid):
            peak = process.status_kib(child, "VmHWM")
            self.children_kib[child] = max(self.children_kib.get(child, 0), peak)

    def run(self):
        while not self.is_over.wait(self.PERIOD_SECONDS):
            self.look()

    def end(self, workers):
        """The peaks in MiB: of the process, and of the `workers` largest children."""
        self.is_over.set()
        self.thread.join()
        self.look()
        pids = [self.pid] + process.children(self.pid)
        peaks = sorted(self.children_kib.values(), reverse=True)[:workers]
        return {
            "process": self.own_kib / 1024,
            "workers": [kib / 1024 for kib in peaks],
            "sum": (self.own_kib + sum(peaks)) / 1024,
            "pss_at_end": sum(process.pss_kib(pid) for pid in pids) / 1024,
        }


class Load:
    """A load program, warmed up and waiting for its go."""

    def __init__(self, program, flags):
        words = [program]
        for name, value in flags.items():
            values = value if isinstance(value, list) else [value]
            for one in values:
                words += [f"--{name}"] if one is True else [f"--{name}", str(one)]
        self.child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)

    @property
    def pid(self):
        return self.child.pid

    def expect(self):
        line = self.child.stdout.readline()
        if not line:
            raise Failed(f"{self.child.args[0]} ended with {self.child.wait()}")
        return line.strip()

    def tell(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()

    def run(self):
        """Let it work; it then waits once more. @return what it counted"""
        self.tell()
        return json.loads(self.expect())

    def end(self):
        self.tell()
        if self.child.wait() != 0:
            raise Failed(f"{self.child.args[0]} ended with {self.child.returncode}")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


def measure(program, flags, server_pid=None, workers=1):
    """Run a load against itself, or against a server whose time then counts instead.

    @return the load's own figures and, added to them, seconds of processor time and MiB
    """
    with Load(program, flags) as load:
        if load.expect() != "ready":
            raise Failed(f"{program} did not become ready")
        pid = server_pid or load.pid
        watch = PeakWatch(pid)
        try:
            before, client_before = process.cpu_seconds(pid), process.cpu_seconds(load.pid)
            figures = load.run()
            after, client_after = process.cpu_seconds(pid), process.cpu_seconds(load.pid)
        finally:
            memory = watch.end(workers)
        load.end()
    jobs = figures["jobs"]
    figures["jobs_per_second"] = jobs / figures["seconds"]
    figures["cpu_ms_per_job"] = (after - before) * 1000 / jobs
    if server_pid:
        figures["client_cpu_ms_per_job"] = (client_after - client_before) * 1000 / jobs
    figures["rss_mib"] = memory
    return figures
