"""Says what stood in the IP header of what it receives: of one TCP connection, or of one datagram."""

import json
import socket
import sys

IP_RECVTTL, IP_RECVTOS, IP_PKTOPTIONS = 12, 13, 9


def say(found, hops, traffic_class):
    print(json.dumps({"event": "headers", "ttl": found.get(hops), "tos": found.get(traffic_class)}), flush=True)


def of_connection():
    listener = socket.create_server(("127.0.0.1", 0))
    for option in IP_RECVTTL, IP_RECVTOS:
        listener.setsockopt(socket.IPPROTO_IP, option, 1)
    print("READY", listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    # A stream has no packets to ask for: IP_PKTOPTIONS answers for the last segment, as control messages.
    control = connection.getsockopt(socket.IPPROTO_IP, IP_PKTOPTIONS, 256)
    found, at = {}, 0
    while at + 16 <= len(control):
        length = int.from_bytes(control[at : at + 8], "little")
        kind = int.from_bytes(control[at + 12 : at + 16], "little")
        found[kind] = control[at + 16]
        at += (length + 7) & ~7
    say(found, socket.IP_TTL, socket.IP_TOS)
    sys.stdin.read()


def of_datagram(address):
    ipv6 = ":" in address
    receiver = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
    level = socket.IPPROTO_IPV6 if ipv6 else socket.IPPROTO_IP
    for option in (socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVTCLASS) if ipv6 else (IP_RECVTTL, IP_RECVTOS):
        receiver.setsockopt(level, option, 1)
    receiver.bind((address, 0))
    print("READY", receiver.getsockname()[1], flush=True)
    _, control, _, _ = receiver.recvmsg(1024, 256)
    found = {kind: data[0] for _, kind, data in control}
    say(found, *((socket.IPV6_HOPLIMIT, socket.IPV6_TCLASS) if ipv6 else (socket.IP_TTL, socket.IP_TOS)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        of_datagram(sys.argv[1])
    else:
        of_connection()
