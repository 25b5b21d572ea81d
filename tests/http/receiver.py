"""Who webhooks are sent to: keeps what it was sent, and answers as it is told."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import threading


class Receiver:
    """Answers each message with the next of `answers`, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers) or [204]
        self.messages = []  # (headers, body)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.messages.append((dict(self.headers.items()), body))
                answers = receiver.answers
                self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
                self.end_headers()

            def log_message(self, *_):
                pass

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.listener.server_port}/hook"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()


@contextlib.contextmanager
def receiver(*answers):
    one = Receiver(*answers)
    try:
        yield one
    finally:
        one.close()


def is_signed(message, secret):
    """Whether one of the signatures of a message is by this secret."""
    headers, body = message
    headers = {name.lower(): value for name, value in headers.items()}
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
    return wanted in headers["webhook-signature"].split(" ")
