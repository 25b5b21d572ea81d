"""One imgjobd under test: started on a port of its own in a directory of its own."""
import os
import re
import signal
import socket
import subprocess
import time

import process

START_SECONDS = 20


class Broken(Exception):
    """The server did what it must not do."""


class Server:
    """Start, stop and kill; the files stay in `directory` from one life to the next."""

    def __init__(self, program, directory, *flags, name="server"):
        self.program = os.path.abspath(program)
        self.directory = directory
        self.flags = flags
        self.name = name  # of the log: several servers may share a directory
        self.child = None
        self.port = 0
        self.lives = 0
        os.makedirs(directory, exist_ok=True)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    @property
    def log_path(self):
        return self.path(f"{self.name}-{self.lives}.log")

    def command(self, *flags):
        """The program on the files of this directory."""
        return [self.program, "--port", "0", "--db-path", self.path("jobs.db"),
                "--upload-dir", self.path("uploads"), "--output-dir", self.path("outputs"),
                *self.flags, *flags]

    def spawn(self):
        """Begin a life; it is not ready yet."""
        self.lives += 1
        self.port = 0
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log)

    def log_tail(self, lines=15):
        with open(self.log_path, errors="replace", encoding="utf-8") as log:
            return "".join(log.readlines()[-lines:])

    def find_port(self):
        with open(self.log_path, errors="replace", encoding="utf-8") as log:
            found = re.search(r"http:(?://|\\/\\/)127\.0\.0\.1:(\d+)", log.read(65536))
        return int(found.group(1)) if found else 0

    def is_ready(self):
        self.port = self.port or self.find_port()
        if not self.port:
            return False
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as peer:
                peer.sendall(b"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                             b"Connection: close\r\n\r\n")
                return b" 200 " in peer.recv(64)
        except OSError:
            return False

    def start(self):
        """Begin a life and come back once it is ready."""
        self.spawn()
        until = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.child.poll() is not None:
                raise Broken(f"imgjobd ended with {self.child.returncode} at its start:\n"
                             + self.log_tail())
            if time.monotonic() > until:
                raise Broken(f"imgjobd was not ready after {START_SECONDS} s:\n"
                             + self.log_tail())
            time.sleep(0.005)

    @property
    def pid(self):
        return self.child.pid

    def workers(self):
        return process.children(self.child.pid)

    def kill(self):
        """Pull the plug. @return whether it was still alive"""
        was_alive = self.child.poll() is None
        self.child.kill()
        self.child.wait()
        return was_alive

    def stop(self, seconds=30):
        """End it as an operator would; it must end cleanly."""
        if self.child is None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            code = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Broken(f"imgjobd did not end within {seconds} s of SIGTERM:\n"
                         + self.log_tail()) from None
        if code != 0:
            raise Broken(f"imgjobd ended with {code}:\n" + self.log_tail())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
