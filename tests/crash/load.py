"""Clients that submit pictures and keep a ledger of what was acknowledged.

A line is in the ledger, and on the disk, only after its 202 was read whole; a request that
broke off may or may not have become a job, and is remembered as sent.
"""
import base64
import http.client
import itertools
import json
import os
import threading

import picture

TIMEOUT_SECONDS = 30
WINDOW = 8  # jobs a client leaves unwatched behind it: a queue for the kills to hit
PACE_SECONDS = 0.02


class Unanswered(Exception):
    """The server was gone before it had answered."""


def request(port, method, path, body=None, content_type=None):
    """@return (status, body); Unanswered when there was no whole answer"""
    headers = {"Content-Type": content_type} if content_type else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unanswered(repr(error)) from error
    finally:
        connection.close()


def submit(port, number):
    """Post picture `number`, in turn as a raw body and as JSON. @return (status, body)"""
    width, height = picture.output_size(number)
    image = picture.write(number)
    if number % 2:
        return request(port, "POST", f"/jobs?operation=resize&width={width}&height={height}"
                       "&output_format=png", image, "image/png")
    body = json.dumps({"image_data": base64.b64encode(image).decode(), "width": width,
                       "operation": "resize", "height": height, "output_format": "png"})
    return request(port, "POST", "/jobs", body, "application/json")


class Ledger:
    """Shared by all clients."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "w", encoding="ascii")
        self.acknowledged = {}  # id → number
        self.sent = set()
        self.numbers = itertools.count(1)
        self.faults = []

    def next_number(self):
        with self.lock:
            number = next(self.numbers)
            self.sent.add(number)
            return number

    def acknowledge(self, job_id, number):
        with self.lock:
            self.file.write(f"{job_id} {number}\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            if job_id in self.acknowledged:
                self.faults.append(f"job id {job_id} was given out twice")
            self.acknowledged[job_id] = number

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

    def run(self):
        while not self.is_over.wait(PACE_SECONDS):
            if not self.is_up.wait(0.5):
                continue
            try:
                self.submit_one()
                if len(self.following) > WINDOW:
                    self.follow(self.following.pop(0))
            except Unanswered:
                continue

    def submit_one(self):
        number = self.ledger.next_number()
        status, body = submit(self.server.port, number)
        if status == 202:
            job_id = json.loads(body)["job_id"]
            self.ledger.acknowledge(job_id, number)
            self.following.append(job_id)
        elif status != 503:  # which it may say while it starts or ends
            self.ledger.complain(f"submit answered {status}: {body[:200]!r}")

    def follow(self, job_id):
        status, body = request(self.server.port, "GET", f"/jobs/{job_id}?wait=2")
        if status == 404:
            self.ledger.complain(f"job {job_id} was acknowledged and is gone")
        elif status == 200 and json.loads(body)["status"] in ("failed", "cancelled"):
            self.ledger.complain(f"job {job_id}: {body[:400]!r}")
