"""A reader of server-sent events that can be cut off, made to wait, and come back."""

import json
import socket

from imgjobd import PATIENCE


class Stream:
    """One connection; a context manager, and an iterator over its events."""

    def __init__(self, server, path, last_id=None, receive_buffer=None):
        self.last_id = last_id
        self._buffer = b""
        self._socket = socket.socket()
        self._socket.settimeout(PATIENCE + 30)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect(server.address)
        resume = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n"
                             f"Accept: text/event-stream\r\n{resume}\r\n".encode())
        head = self._block(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(head[0].split(" ")[1])
        self.headers = dict(line.split(": ", 1) for line in head[1:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _block(self, end):
        """Everything up to `end`; EOFError when the server closes before."""
        while end not in self._buffer:
            try:
                piece = self._socket.recv(65536)
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise EOFError
            self._buffer += piece
        block, self._buffer = self._buffer.split(end, 1)
        return block

    def block(self):
        """The fields of the next block, an event or not; "" is the key of comments."""
        fields = {}
        for line in self._block(b"\n\n").decode().split("\n"):
            name, _, value = line.partition(": ") if not line.startswith(":") else ("", "", line)
            assert name not in fields, f"{name} stands twice in {fields}"
            fields[name] = value
        self.last_id = fields.get("id", self.last_id)
        return fields

    def __iter__(self):
        """Events as (name, data) until the server ends the stream."""
        while True:
            try:
                fields = self.block()
            except EOFError:
                return
            if "data" in fields:
                yield fields["event"], json.loads(fields["data"])

    def rest(self):
        """The body of an answer that is no stream."""
        try:
            while True:
                self._buffer += self._block(b"\0")
        except EOFError:
            return self._buffer
