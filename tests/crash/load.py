"""Clients that submit pictures and keep a ledger of what was acknowledged.

A line is in the ledger, and on the disk, only after its 202 was read whole; a request that
broke off may or may not have become a job, and is remembered as sent.

The load is mixed: at once and delayed, at all priorities, alone and in batches, some with
an Idempotency-Key that are sent until they are answered, some with a webhook, some
cancelled at a random moment.
"""
import base64
import http.client
import itertools
import json
import os
import random
import threading

import picture

TIMEOUT_SECONDS = 30
WINDOW = 8  # jobs a client leaves unwatched behind it: a queue for the kills to hit
PACE_SECONDS = 0.02
BATCH = 3
BATCH_SIZE = 20, 18  # of all outputs of a batch
BATCH_SHARE, CANCEL_SHARE, DELAY_SHARE, KEY_SHARE, CALLBACK_SHARE = 0.05, 0.15, 0.2, 0.25, 0.3
DELAY_MS = 3000


class Unanswered(Exception):
    """The server was gone before it had answered."""


def request(port, method, path, body=None, content_type=None, headers=None):
    """@return (status, body); Unanswered when there was no whole answer"""
    headers = dict(headers or {})
    if content_type:
        headers["Content-Type"] = content_type
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unanswered(repr(error)) from error
    finally:
        connection.close()


def submit(port, number, options=None, headers=None):
    """Post picture `number`, in turn as a raw body and as JSON. @return (status, body)"""
    width, height = picture.output_size(number)
    image = picture.write(number)
    fields = {"operation": "resize", "width": width, "height": height, "output_format": "png",
              **(options or {})}
    if number % 2:
        query = "&".join(f"{name}={value}" for name, value in fields.items())
        return request(port, "POST", f"/jobs?{query}", image, "image/png", headers)
    body = json.dumps({"image_data": base64.b64encode(image).decode(), **fields})
    return request(port, "POST", "/jobs", body, "application/json", headers)


def submit_batch(port, numbers, options):
    """Post several pictures at once. @return (status, body)"""
    width, height = BATCH_SIZE
    fields = {"operation": "resize", "width": width, "height": height, "output_format": "png",
              **(options or {})}
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts += [f'name="image"; filename="{number}.png"\r\n'
              "Content-Type: image/png\r\n\r\n".encode() + picture.write(number)
              for number in numbers]
    body = b"".join(b"--mixed-load\r\nContent-Disposition: form-data; " + part + b"\r\n"
                    for part in parts) + b"--mixed-load--\r\n"
    return request(port, "POST", "/batches", body,
                   "multipart/form-data; boundary=mixed-load")


class Job:
    """What a client knows of a job it was given."""

    def __init__(self, number, size, has_callback):
        self.number = number
        self.size = size
        self.has_callback = has_callback
        self.cancel_asked = False  # sent, whatever was answered
        self.cancelled = False     # and it was told to be cancelled
        self.status = None         # once it ended


class Ledger:
    """Shared by all clients."""

    def __init__(self, path, seed, callback_url):
        self.lock = threading.Lock()
        self.file = open(path, "w", encoding="ascii")
        self.seed = seed
        self.callback_url = callback_url
        self.acknowledged = {}  # id → Job
        self.sent = set()
        self.numbers = itertools.count(1)
        self.faults = []

    def next_number(self):
        with self.lock:
            number = next(self.numbers)
            self.sent.add(number)
            return number

    def acknowledge(self, jobs):
        """@param jobs id → Job"""
        with self.lock:
            self.file.writelines(f"{job_id} {job.number}\n" for job_id, job in jobs.items())
            self.file.flush()
            os.fsync(self.file.fileno())
            for job_id, job in jobs.items():
                if job_id in self.acknowledged:
                    self.faults.append(f"job id {job_id} was given out twice")
                self.acknowledged[job_id] = job

    def complain(self, fault):
        with self.lock:
            self.faults.append(fault)

    def close(self):
        self.file.close()


class Client(threading.Thread):
    """Submits until told to stop; follows the older of its jobs to their end."""

    def __init__(self, server, ledger, is_up, is_over):
        super().__init__(daemon=True)
        self.server = server
        self.ledger = ledger
        self.is_up = is_up
        self.is_over = is_over
        self.following = []
        self.random = random.Random(f"{ledger.seed} {id(self)}")

    def chance(self, share):
        return self.random.random() < share

    def run(self):
        while not self.is_over.wait(PACE_SECONDS):
            if not self.is_up.wait(0.5):
                continue
            try:
                if self.chance(BATCH_SHARE):
                    self.submit_several()
                else:
                    self.submit_one()
                if self.following and self.chance(CANCEL_SHARE):
                    self.cancel(self.random.choice(self.following))
                if len(self.following) > WINDOW:
                    self.follow(self.following.pop(0))
            except Unanswered:
                continue

    def options(self):
        options = {"priority": self.random.randrange(10)}
        if self.chance(DELAY_SHARE):
            options["delay_ms"] = self.random.randrange(1, DELAY_MS)
        if self.chance(CALLBACK_SHARE):
            options["callback_url"] = self.ledger.callback_url
        return options

    def submit_one(self):
        number = self.ledger.next_number()
        options, headers = self.options(), {}
        if self.chance(KEY_SHARE):
            headers["Idempotency-Key"] = f"picture-{self.ledger.seed}-{number}"
        status, body = self.send(number, options, headers)
        if status == 202:
            job_id = json.loads(body)["job_id"]
            self.remember({job_id: Job(number, picture.output_size(number),
                                       "callback_url" in options)})
        elif status != 503:  # which it may say while it starts or ends
            self.ledger.complain(f"submit answered {status}: {body[:200]!r}")

    def send(self, number, options, headers):
        """One with a key is sent until it is answered."""
        while True:
            try:
                return submit(self.server.port, number, options, headers)
            except Unanswered:
                if not headers or self.is_over.is_set():
                    raise
                self.is_up.wait(0.5)

    def submit_several(self):
        numbers = [self.ledger.next_number() for _ in range(BATCH)]
        options = self.options()
        status, body = submit_batch(self.server.port, numbers, options)
        if status == 202:
            ids = json.loads(body)["jobs"]
            self.remember({job_id: Job(number, BATCH_SIZE, "callback_url" in options)
                           for job_id, number in zip(ids, numbers, strict=True)})
        elif status != 503:
            self.ledger.complain(f"a batch was answered {status}: {body[:200]!r}")

    def remember(self, jobs):
        self.ledger.acknowledge(jobs)
        self.following += jobs

    def cancel(self, job_id):
        job = self.ledger.acknowledged[job_id]
        job.cancel_asked = True
        status, body = request(self.server.port, "DELETE", f"/jobs/{job_id}")
        if status == 200:
            job.cancelled = True
        elif status not in (202, 409, 503):
            self.ledger.complain(f"cancel answered {status}: {body[:200]!r}")

    def follow(self, job_id):
        status, body = request(self.server.port, "GET", f"/jobs/{job_id}?wait=2")
        if status == 404:
            self.ledger.complain(f"job {job_id} was acknowledged and is gone")
        elif status == 200:
            self.note(job_id, json.loads(body)["status"])

    def note(self, job_id, status):
        job = self.ledger.acknowledged[job_id]
        if status == "failed" or (status == "cancelled" and not job.cancel_asked):
            self.ledger.complain(f"job {job_id} is {status}")
        if status in ("completed", "cancelled"):
            job.status = status
