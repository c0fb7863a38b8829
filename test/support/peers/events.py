"""Follows the events of Sockeye with nothing but python's library, and says each as one JSON object a line.

events.py sse URL [LAST_EVENT_ID]      server-sent events
events.py watch HOST:PORT FILTER       /v1/stream, after `watch` with that filter (JSON)
"""
import base64
import json
import os
import socket
import struct
import sys
import urllib.request


def say(event, **data):
    print(json.dumps({"event": event, **data}), flush=True)


def sse(url, last_event_id=None):
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as stream:
        fields = {}
        for line in stream:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
                continue
            if "data" in fields:
                data = json.loads(fields["data"])
                say(fields["event"], id=int(fields["id"]), **{"said": data})
            elif "retry" in fields:
                say("ready")
            fields = {}
    say("end")


def frame(text):
    """A masked text frame (RFC 6455, 5.2); shorter than 126 bytes."""
    payload, mask = text.encode(), os.urandom(4)
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([0x81, 0x80 | len(payload)]) + mask + masked


def messages(stream):
    """The text messages of the server, until it closes."""
    while True:
        first, length = stream.read(2)
        if length >= 126:
            size = 2 if length == 126 else 8
            (length,) = struct.unpack(">H" if size == 2 else ">Q", stream.read(size))
        payload = stream.read(length)
        if first & 0x0F == 8:
            return struct.unpack(">H", payload[:2])[0]
        if first & 0x0F == 1:
            yield json.loads(payload)


def watch(address, wanted):
    host, port = address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET /v1/stream HTTP/1.1", f"Host: {address}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Protocol: sockeye.v1"]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    stream = connection.makefile("rb")
    while stream.readline() != b"\r\n":
        pass
    connection.sendall(frame(json.dumps({"event": "watch", "data": json.loads(wanted), "ref": 1})))
    for message in messages(stream):
        data = message["data"]
        if message["event"] == "event":
            say(data["name"], id=data["id"], said=data)
        else:
            say("ready" if message["event"] == "watching" else message["event"], said=data)
    say("end")


{"sse": sse, "watch": watch}[sys.argv[1]](*sys.argv[2:])
