"""Sends a pseudo-random stream as fast as the other side takes it, over one connection or many.

While nothing at all can be sent, says how far it came ("stalled", every 250 ms). When a stream is sent whole it says
its SHA-256 ("sent") and ends its sending direction. The connections stay until stdin ends.
"""

import argparse
import hashlib
import json
import os
import random
import selectors
import socket
import sys
import threading

BLOCK = 1 << 20


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Stream:
    """The bytes still to send on one connection, made a block at a time."""

    def __init__(self, address, size, seed):
        self.socket = socket.create_connection(address)
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.random = random.Random(seed)
        self.digest = hashlib.sha256()
        self.left = size
        self.sent = 0
        self.block = memoryview(b"")

    def send_some(self):
        """True when the last byte has gone."""
        if not self.block and self.left:
            data = self.random.randbytes(min(BLOCK, self.left))
            self.digest.update(data)
            self.left -= len(data)
            self.block = memoryview(data)
        if self.block:
            count = self.socket.send(self.block)
            self.sent += count
            self.block = self.block[count:]
        return not self.block and not self.left

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)
        say("sent", port=self.port, bytes=self.sent, sha256=self.digest.hexdigest())


def run(streams):
    selector = selectors.DefaultSelector()
    for stream in streams:
        selector.register(stream.socket, selectors.EVENT_WRITE, stream)
    while selector.get_map():
        ready = selector.select(timeout=0.25)
        if not ready:
            waiting = [key.data for key in selector.get_map().values()]
            say("stalled", sent=sum(s.sent for s in streams), ports=[s.port for s in waiting])
        for key, _ in ready:
            try:
                if key.data.send_some():
                    selector.unregister(key.fileobj)
                    key.data.finish()
            except OSError as error:
                selector.unregister(key.fileobj)
                say("error", port=key.data.port, errno=error.errno, sent=key.data.sent)


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connect", metavar="HOST:PORT", required=True)
    parser.add_argument("--bytes", type=int, required=True, help="of each connection")
    parser.add_argument("--seed", type=int, default=1, help="of the first connection; the others count up")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--large", type=int, default=0, help="bytes of the first connection, where it sends more")
    arguments = parser.parse_args()
    keeper = threading.Thread(target=end_with_stdin)
    keeper.start()
    host, port = arguments.connect.rsplit(":", 1)
    streams = [
        Stream((host, int(port)), arguments.large if arguments.large and index == 0 else arguments.bytes,
               arguments.seed + index)
        for index in range(arguments.connections)
    ]
    say("connected", ports=[stream.port for stream in streams])
    run(streams)
    keeper.join()


if __name__ == "__main__":
    main()
