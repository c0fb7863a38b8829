"""A WebSocket client that makes its frames by hand (RFC 6455, 5.2), driven by commands as peer.py is.

Ends when its stdin does.
"""

import hashlib
import json
import os
import random
import socket
import struct
import sys
import threading

CONTINUATION, BINARY, CLOSE, PING, PONG = 0, 2, 8, 9, 10


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def masked(data, mask):
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")


def frame(fin, opcode, data):
    mask, first, size = os.urandom(4), (0x80 if fin else 0) | opcode, len(data)
    if size < 126:
        head = struct.pack(">BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack(">BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", first, 0x80 | 127, size)
    return head + mask + masked(data, mask)


class Client:
    def __init__(self, host, port, path, subprotocols):
        self.socket = socket.create_connection((host, int(port)))
        self.sending = threading.Lock()
        self.file = self.socket.makefile("rb", 1 << 20)
        offered = f"Sec-WebSocket-Protocol: {subprotocols}\r\n" if subprotocols else ""
        # As websockify's own client does: no port in Host, small letters in Connection.
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            f"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n".encode()
        )
        status = self.file.readline().split()[1].decode()
        headers = {}
        while line := self.file.readline().strip().decode():
            name, value = line.split(": ", 1)
            headers[name.lower()] = value
        say("upgraded", status=int(status), subprotocol=headers.get("sec-websocket-protocol"))

    def send(self, fin, opcode, data):
        with self.sending:
            self.socket.sendall(frame(fin, opcode, data))

    def next(self):
        """fin, opcode, payload; None at EOF. A server must not mask. Its pings are answered in between."""
        got = self.read()
        while got is not None and got[1] == PING:
            self.send(True, PONG, got[2])
            got = self.read()
        return got

    def read(self):
        head = self.file.read(2)
        if len(head) < 2:
            return None
        size = head[1]
        assert size < 128, "a masked frame from the server"
        if size == 126:
            size = struct.unpack(">H", self.file.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.file.read(8))[0]
        return head[0] >= 0x80, head[0] & 15, self.file.read(size)


def send_random(client, count, seed, outcome):
    """In messages of several fragments, of which one may be empty, with a ping in the middle of each message."""
    rest, digest, pings = random.Random(seed), hashlib.sha256(), 0
    left = count
    while left > 0:
        parts = [rest.randbytes(min(left, size)) for size in (rest.randrange(100_000), 0, 1, 65_536)]
        parts = trimmed(parts, left)
        for index, part in enumerate(parts):
            digest.update(part)
            left -= len(part)
            client.send(index == len(parts) - 1, CONTINUATION if index else BINARY, part)
            if index == 1:
                client.send(True, PING, str(pings).encode())
                pings += 1
    outcome.update(sentSha256=digest.hexdigest(), pings=pings)


def trimmed(parts, limit):
    kept = []
    for part in parts:
        kept.append(part[:limit])
        limit -= len(kept[-1])
    return kept


def exchange(client, count, seed):
    """Both ways at once."""
    outcome = {}
    sender = threading.Thread(target=send_random, args=(client, count, seed, outcome))
    sender.start()
    digest, received, pongs = hashlib.sha256(), 0, 0
    # Pongs that answer the last pings may come after the last byte.
    while received < count or sender.is_alive() or pongs < outcome["pings"]:
        fin, opcode, data = client.next()
        if opcode == PONG:
            assert int(data) >= pongs, "a pong out of order"
            pongs = int(data) + 1
        else:
            assert opcode == BINARY, f"opcode {opcode} {data[:100]}"
            digest.update(data)
            received += len(data)
            if received >= count:
                sender.join()
    say("exchanged", bytes=received, sha256=digest.hexdigest(), pongs=pongs, **outcome)


def obey(client, command):
    match command["do"]:
        case "frames":
            frames = [frame(fin, opcode, bytes.fromhex(data)) for fin, opcode, data in command["frames"]]
            client.socket.sendall(b"".join(frames))
        case "next":
            got = client.next()
            if got is None:
                say("end")
            else:
                say("frame", fin=got[0], opcode=got[1], hex=got[2].hex())
        case "exchange":
            exchange(client, command["bytes"], command["seed"])
        case "reset":
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.file.close()
            client.socket.close()
            say("closed")


def main():
    client = Client(*sys.argv[1:])
    for line in sys.stdin:
        obey(client, json.loads(line))


main()
