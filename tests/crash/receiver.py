"""A place that webhooks are sent to, and what it was told."""
import hashlib
import http.server
import json
import random
import threading

REFUSED_SHARE = 0.1  # answered 500 the first time, to be sent again


class Receiver:
    """Listens until closed. What it has is read once nothing comes any more."""

    def __init__(self, seed):
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.bodies = {}  # webhook-id → (digest, type, job id)
        self.faults = []
        self.count = 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(self.headers["webhook-id"], body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, webhook_id, body):
        """@return the status to answer with"""
        message = json.loads(body)
        told = (hashlib.sha256(body).hexdigest(), message["type"], message["data"]["id"])
        with self.lock:
            self.count += 1
            is_first = webhook_id not in self.bodies
            if self.bodies.setdefault(webhook_id, told) != told:
                self.faults.append(f"webhook {webhook_id} came with two bodies")
            return 500 if is_first and self.random.random() < REFUSED_SHARE else 204

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def faults_for(self, ended):
        """@param ended of the jobs with a callback: id → status"""
        faults, told = list(self.faults), {}
        for webhook_id, (_, kind, job_id) in self.bodies.items():
            if job_id in told:
                faults.append(f"job {job_id} was told as {told[job_id]} and, by {webhook_id}, "
                              f"as {kind}")
            told[job_id] = kind
        for job_id, status in ended.items():
            if told.get(job_id) != f"job.{status}":
                faults.append(f"job {job_id} is {status}, and was told as {told.get(job_id)}")
        return faults
