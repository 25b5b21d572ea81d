"""What must hold after the last kill. Each check gives the list of its faults."""
import collections
import hashlib
import json
import os
import sqlite3
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import picture
from load import request

END_SECONDS = 120
WEBHOOK_SECONDS = 180
SUCCEEDED, CANCELED = 4, 6


def connect(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def wait_for_end(path):
    """Come back once no job waits or runs; unacknowledged ones included."""
    until = time.monotonic() + END_SECONDS
    with connect(path) as jobs:
        while True:
            left = jobs.execute("SELECT count(*) FROM job WHERE state<4").fetchone()[0]
            if left == 0:
                return []
            if time.monotonic() > until:
                return [f"{left} jobs had not ended after {END_SECONDS} s"]
            time.sleep(0.05)


def wait_for_webhooks(port):
    """Come back once none waits to be sent."""
    until = time.monotonic() + WEBHOOK_SECONDS
    while True:
        status, body = request(port, "GET", "/deliveries?status=pending")
        if status == 200 and not json.loads(body)["deliveries"]:
            return []
        if time.monotonic() > until:
            return [f"webhooks still wait after {WEBHOOK_SECONDS} s: {status} {body[:300]!r}"]
        time.sleep(0.5)


def end_faults(job_id, job, status):
    """Whether it may have ended so, from what a client saw of it before."""
    if status == "cancelled" and not job.cancel_asked:
        return [f"job {job_id} is cancelled, and nobody asked for it"]
    if status == "completed" and job.cancelled:
        return [f"job {job_id} was told to be cancelled, and completed"]
    if job.status and job.status != status:
        return [f"job {job_id} was {job.status}, and is {status}"]
    job.status = status
    return []


def job_faults(port, job_id, job):
    """One acknowledged job, as a client sees it."""
    status, body = request(port, "GET", f"/jobs/{job_id}?wait=20")
    if status != 200:
        return [f"job {job_id}: status answered {status}: {body[:200]!r}"]
    view = json.loads(body)
    if view["status"] not in ("completed", "cancelled"):
        return [f"job {job_id} is {view['status']}: {body[:400]!r}"]
    faults = end_faults(job_id, job, view["status"])
    if view["status"] == "completed":
        faults += image_faults(port, job_id, job, view)
    return faults


def image_faults(port, job_id, job, view):
    status, image = request(port, "GET", f"/jobs/{job_id}/download")
    if status != 200:
        return [f"job {job_id}: download answered {status}: {image[:200]!r}"]
    faults = []
    wrong = picture.fault(image, job.number, job.size)
    if wrong:
        faults.append(f"job {job_id}: {wrong}")
    told = [(it["sha256"], it["bytes"]) for it in view["outputs"]]
    if told != [(hashlib.sha256(image).hexdigest(), len(image))]:
        faults.append(f"job {job_id}: digest or length is not that of the image: {told}")
    return faults


def acknowledged_faults(port, acknowledged):
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda it: job_faults(port, *it), acknowledged.items())
        return [fault for faults in found for fault in faults]


def row_faults(jobs, acknowledged):
    """Every row: ended well; each claim more than its attempt is a crash of its worker, a
    death of the server or a release, all of them counted."""
    faults = []
    for row in jobs.execute("SELECT id,state,reason,attempt,crashes,losses,releases,gen,"
                            "finished,lease_until FROM job"):
        job_id, state, reason, attempt, crashes, losses, releases, gen = row[:8]
        name = str(uuid.UUID(bytes=job_id))
        job = acknowledged.get(name)
        is_cancelled = state == CANCELED and (not job or job.cancel_asked)
        if state != SUCCEEDED and not is_cancelled:
            faults.append(f"row {name}: state {state}, reason {reason}, crashes {crashes}, "
                          f"losses {losses}")
        attempts = (0, 1) if is_cancelled else (1,)
        if attempt not in attempts or gen != attempt + crashes + losses + releases:
            faults.append(f"row {name}: claimed {gen} times, attempt {attempt}, crashes "
                          f"{crashes}, losses {losses}, releases {releases}")
    return faults


def database_faults(jobs):
    faults = [f"integrity: {row[0]}" for row in jobs.execute("PRAGMA integrity_check")
              if row[0] != "ok"]
    faults += [f"a foreign key is broken: {row}"
               for row in jobs.execute("PRAGMA foreign_key_check")]
    counted = {(queue, state): n for queue, state, n in
               jobs.execute("SELECT queue,state,n FROM counter WHERE queue>0 AND n<>0")}
    real = {(queue, state): n for queue, state, n in
            jobs.execute("SELECT queue,state,count(*) FROM job GROUP BY queue,state")}
    if counted != real:
        faults.append(f"counters say {counted}, the rows are {real}")
    left = jobs.execute("SELECT count(*) FROM gc").fetchone()[0]
    if left:
        faults.append(f"{left} keys are left in gc")
    return faults


def files_in(directory):
    return {os.path.relpath(os.path.join(path, name), directory)
            for path, _, names in os.walk(directory) for name in names
            if name != ".imgjob-store"}


def place_of(key):
    """Blobs lie in directories named by the last byte of their job's id."""
    return os.path.join(key[34:36], key)


def blob_faults(jobs, uploads, outputs):
    """The files are exactly those that the rows name."""
    keys = [key for row in jobs.execute("SELECT keys FROM job_doc")
            for key in row[0].split("\n") if key]
    inputs = {place_of(key) for key in keys if key[36:].startswith(".in")}
    results = {place_of(key) for key in keys} - inputs
    faults = []
    for directory, named in ((uploads, inputs), (outputs, results)):
        found = files_in(directory)
        faults += [f"{directory}: {name} is named by a row and missing"
                   for name in sorted(named - found)]
        faults += [f"{directory}: {name} is an orphan" for name in sorted(found - named)]
    return faults


def picture_faults(outputs, acknowledged, sent):
    """No picture stands under two jobs, and none that was never sent."""
    jobs_of = collections.defaultdict(set)
    faults = []
    for name in files_in(outputs):
        job_id = os.path.basename(name)[:36]
        with open(os.path.join(outputs, name), "rb") as file:
            try:
                number = picture.read(file.read())[2]
            except ValueError as error:
                faults.append(f"{name}: {error}")
                continue
        jobs_of[number].add(job_id)
        if number not in sent:
            faults.append(f"{name} shows picture {number}, which was never sent")
        job = acknowledged.get(job_id)
        if job and job.number != number:
            faults.append(f"{name} shows {number}, not {job.number}")
    faults += [f"picture {number} was sent once and stands under {sorted(ids)}"
               for number, ids in jobs_of.items() if len(ids) > 1]
    return faults


def row_ids(jobs):
    return {str(uuid.UUID(bytes=row[0])) for row in jobs.execute("SELECT id FROM job")}


def stored_faults(server, ledger):
    """All that can be seen on the disk once the server has ended."""
    uploads, outputs = server.path("uploads"), server.path("outputs")
    with connect(server.path("jobs.db")) as jobs:
        lost = set(ledger.acknowledged) - row_ids(jobs)
        faults = [f"job {job_id} was acknowledged and has no row" for job_id in lost]
        faults += row_faults(jobs, ledger.acknowledged) + database_faults(jobs)
        faults += blob_faults(jobs, uploads, outputs)
    return faults + picture_faults(outputs, ledger.acknowledged, ledger.sent)


def audit_faults(server):
    """What the server's own check says, with nobody else there."""
    told = subprocess.run(server.command("--audit"), capture_output=True, text=True,
                          check=False)
    return [] if told.returncode == 0 else [f"audit ended with {told.returncode}: "
                                            + told.stdout[-2000:] + told.stderr[-500:]]


def totals(path):
    """Rows, and how often a worker crashed or a server died under one of them."""
    with connect(path) as jobs:
        return jobs.execute("SELECT count(*),coalesce(sum(crashes),0),"
                            "coalesce(sum(losses),0),coalesce(max(crashes),0) "
                            "FROM job").fetchone()
