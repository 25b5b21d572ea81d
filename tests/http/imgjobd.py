"""A server under test: started on a free port in a directory of its own, spoken to by
requests or by bare sockets, and listened to line by line."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import requests

PATIENCE = 30  # seconds after which something that should happen will not happen any more

SMALL = {"http_threads": 32}  # so that a server starts and stops quickly


class Server:
    def __init__(self, program, directory, environment=None, **settings):
        self.directory = pathlib.Path(directory)
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        flags = [f"--{name.replace('_', '-')}={value}"
                 for name, value in {"port": 0, **SMALL, **settings}.items()]
        self.process = subprocess.Popen(
            [program, *flags], cwd=directory, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})})
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            line = self.wait_for_line(r"listens on (http://[\d.]+:\d+)")
            self.url = re.search(r"http://[\d.]+:\d+", line).group()
        except BaseException:
            self.kill()
            raise

    def _listen(self):
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.decode().rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for_line(self, pattern, after=0):
        """The first line from number `after` on that matches."""
        def found():
            return next((line for line in self.lines[after:] if re.search(pattern, line)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._ended, PATIENCE)
            assert found(), f"no line like {pattern!r} in:\n" + "\n".join(self.lines)
            return found()

    @property
    def address(self):
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    # ---- speaking to it ----

    def get(self, path, **options):
        return requests.get(self.url + path, timeout=PATIENCE + 60, **options)

    def post(self, path="/jobs", **options):
        return requests.post(self.url + path, timeout=PATIENCE + 60, **options)

    def put(self, path, **options):
        return requests.put(self.url + path, timeout=PATIENCE + 60, **options)

    def delete(self, path, **options):
        return requests.delete(self.url + path, timeout=PATIENCE + 60, **options)

    def submit(self, image, operation="thumbnail", width=10, height=10, **fields):
        """A job of these bytes. The id."""
        answer = self.post(data=image, headers={"Content-Type": "application/octet-stream"},
                           params={"operation": operation, "width": width, "height": height,
                                   **fields})
        assert answer.status_code == 202, answer.text
        return answer.json()["job_id"]

    def ended(self, job):
        """The job once it has ended."""
        view = self.get(f"/jobs/{job}?wait=60").json()
        assert view["status"] in ("completed", "failed"), view
        return view

    def pause(self):
        """No job begins any more: a worker that looked for one just before has looked."""
        assert self.put("/pool", json={"paused": True}).status_code == 200
        until(lambda: self.get("/pool").json()["busy"] == 0)

    def raw(self, data, half_close=False):
        """What the server answers to these bytes until it closes."""
        with socket.create_connection(self.address, PATIENCE) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return read_all(connection)

    # ---- its files and its end ----

    def files(self, folder):
        """Every file of a store's directory, but for the marks that the store keeps there."""
        return {str(path.relative_to(self.directory)) for path in
                (self.directory / folder).rglob("*")
                if path.is_file() and not path.name.startswith((".imgjob", "IMGJOB", "imgjob"))}

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def stop(self):
        """An orderly end. The exit status."""
        if self.process.poll() is None:
            self.signal()
        return self.wait()

    def wait(self):
        """The exit status; all lines are there by then."""
        status = self.process.wait(PATIENCE)
        self._listener.join(PATIENCE)
        return status

    def kill(self):
        self.process.kill()
        return self.process.wait(PATIENCE)


def read_all(connection):
    data = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def until(condition):
    """Wait for what only another process can make true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
