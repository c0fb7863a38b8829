"""websockify's own client class: sends random bytes, takes the echo, says what came, closes.

usage: websockify_client.py ws://HOST:PORT PATH BYTES
"""

import hashlib
import json
import random
import select
import sys

from websockify.websocket import WebSocket, WebSocketWantReadError, WebSocketWantWriteError


class Client(WebSocket):
    """With what its release 0.10 gets wrong put right: it drops the query, and cannot make a mask."""

    request_path = "/"

    def _queue_str(self, string):
        super()._queue_str(string.replace("GET / ", f"GET {self.request_path} "))

    def _sendmsg(self, opcode, msg):
        self._send(self._encode_hybi(opcode, msg, random.randbytes(4)))


def main():
    uri, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    client = Client()
    client.request_path = path
    client.connect(uri, protocols=["binary", "base64"])
    client.setblocking(False)
    data = random.Random(7).randbytes(count)
    received, sent, digest = 0, 0, hashlib.sha256()
    while received < count:
        # What stands in its queue already, no select tells of.
        select.select([client], [client] if sent < count else [], [], 0 if client.pending() else None)
        try:
            chunk = client.recv()
            if chunk is None:
                break
            digest.update(chunk)
            received += len(chunk)
        except WebSocketWantReadError:
            pass
        try:
            if sent < count:
                sent += client.send(data[sent : sent + 16_000])
        except WebSocketWantWriteError:
            pass
    expected = hashlib.sha256(data).hexdigest()
    print(json.dumps({"subprotocol": client.protocol, "bytes": received, "same": digest.hexdigest() == expected}))
    client.close()


main()
