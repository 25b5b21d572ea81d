"""The two ends of a webhook as programs, listened to line by line."""

import json
import re
import subprocess
import threading

PATIENCE = 45  # seconds after which something that should happen will not happen any more


class Lines:
    """What a program writes to one of its outputs, as it comes."""

    def __init__(self, stream):
        self.all = []
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._listen, args=[stream], daemon=True).start()

    def _listen(self, stream):
        for line in stream:
            with self._changed:
                self.all.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait(self, find, what):
        """What `find` makes of the lines so far, once that is something."""
        with self._changed:
            self._changed.wait_for(lambda: find(self.all) or self._ended, PATIENCE)
            assert find(self.all), f"no {what} in:\n" + "\n".join(self.all)
            return find(self.all)


class Program:
    def __init__(self, *command, **options):
        self.process = subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **options)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)
        self._read = 0

    def next_line(self):
        self._read += 1
        at = self._read
        return self.out.wait(lambda lines: len(lines) >= at and lines[:at],
                             f"line {at}; stderr: {self.err.all}; ")[-1]

    def close(self):
        """@return its exit status"""
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Receiver(Program):
    def __init__(self, node, directory, secrets):
        super().__init__(node, "receiver.js", *secrets, cwd=directory)
        self.url = f"http://127.0.0.1:{self.next_line()}"

    def requests(self, path):
        return [one for one in map(json.loads, self.out.all[1:]) if one["path"] == path]

    def wait(self, path, count=1):
        """The first `count` requests to a path, once they have come."""
        self.out.wait(lambda _: len(self.requests(path)) >= count, f"{count} x {path}")
        return self.requests(path)[:count]


class Sender(Program):
    def __init__(self, program, directory, *secrets, timeout_ms=20000, allow_private=1,
                 **options):
        super().__init__(program, directory, str(timeout_ms), str(allow_private), *secrets,
                         **options)
        self.first = self.next_line()

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        line = self.next_line()
        assert not line.startswith("error: "), line
        return line

    def end_one(self, image, url):
        """A job that has ended at once, and has to be told to the URL. @return its id"""
        job = self.ask("submit", str(image), url)
        self.ask("cancel", job)
        return job

    def page(self, status="-", job="-", cursor="-", limit="-"):
        return json.loads(self.ask("list", status, job, cursor, limit))

    def delivery(self, job):
        """The one delivery about a job."""
        [delivery] = self.page(job=job)["deliveries"]
        return delivery

    def wait_for_try(self, job, number=1):
        """The delivery about a job, once the outcome of that try is written down."""
        name = self.delivery(job)["id"]
        pattern = rf"webhook: delivery {name}, try {number}: "
        self.err.wait(lambda lines: any(re.match(pattern, line) for line in lines), pattern)
        return self.delivery(job)
