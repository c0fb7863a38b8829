"""Multicast and broadcast between the service and plain sockets, in a network that somebody made for both.

Usage: multicast.py dist/main.js. Starts the service, prints one JSON object of what it saw, and stops it.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

URL = "http://127.0.0.1:3999"
ALLOWED = {
    "SOCKEYE_PORT": "3999",
    "SOCKEYE_BIND_ALLOW": "0.0.0.0/0,::/0",
    "SOCKEYE_EGRESS_ALLOW": "239.0.0.0/8,ff00::/8",
    "SOCKEYE_LOG_LEVEL": "error",
}
SIOCGIFFLAGS = 0x8913
IFF_RUNNING = 0x40
INDEX = socket.if_nametoindex("near0")


def call(method, path, body=None):
    data, headers = (None, {}) if body is None else (json.dumps(body).encode(), {"content-type": "application/json"})
    request = urllib.request.Request(URL + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def receive(name):
    return [d["data"] for d in call("POST", f"/v1/sockets/{name}/receive", {"waitMs": 5000})[1]["datagrams"]]


def refusal(outcome):
    status, problem = outcome
    return [status, problem.get("code")]


def sender(family):
    made = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", b"", b"", INDEX))
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, INDEX)
    return made


def member(family, group, port):
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind(("", port))
    made.settimeout(5)
    packed = socket.inet_pton(family, group)
    if family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("=4s4si", packed, b"", INDEX))
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, struct.pack("=16si", packed, INDEX))
    return made


def through_group(name, family, host, group, marker):
    """Joined: what is sent to the group comes. Left: it does not, but what is sent to the socket does."""
    created = call("POST", "/v1/listeners", {"protocol": "udp", "host": host, "name": name})[1]
    port = created["localAddress"]["port"]
    path = f"/v1/sockets/{name}/memberships"
    joined = call("PUT", f"{path}/{group}?interface=near0")
    again = call("PUT", f"{path}/{group}?interface={INDEX}")
    listed = call("GET", path)[1]["items"]
    plain = sender(family)
    plain.sendto(b"to the group", (group, port))
    came = receive(name)
    left = call("DELETE", f"{path}/{group}?interface=near0")[0]
    plain.sendto(b"nobody's", (group, port))
    plain.sendto(b"to the socket", (marker, port))
    return {
        "joined": joined,
        "again": again == joined,
        "listed": listed,
        "came": came,
        "left": left,
        "after": receive(name),
        "twice": refusal(call("DELETE", f"{path}/{group}?interface=near0")),
        "empty": call("GET", path)[1]["items"],
    }


def to_group(name, family, group, options):
    there = member(family, group, 0)
    call("PATCH", f"/v1/sockets/{name}/options", options)
    to = {"address": group, "port": there.getsockname()[1]}
    sent = call("POST", f"/v1/sockets/{name}/data", {"data": "from the service", "to": to})[1]
    return {"sent": sent, "came": there.recv(100).decode()}


def broadcast(name):
    there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    there.bind(("", 0))
    there.settimeout(5)
    to = {"address": "10.9.9.255", "port": there.getsockname()[1]}
    body = {"data": "everybody", "to": to}
    without = refusal(call("POST", f"/v1/sockets/{name}/data", body))
    call("PATCH", f"/v1/sockets/{name}/options", {"SO_BROADCAST": True})
    call("POST", f"/v1/sockets/{name}/data", body)
    return {"without": without, "came": there.recv(100).decode()}


def refused(name):
    path = f"/v1/sockets/{name}/memberships"
    return {
        "denied": call("PUT", f"{path}/224.0.0.251")[1]["rule"],
        "no group": refusal(call("PUT", f"{path}/10.9.9.1")),
        "no address": refusal(call("PUT", f"{path}/everybody")),
        "no interface": refusal(call("PUT", f"{path}/239.1.1.1?interface=none0")),
        "no such address": refusal(call("PUT", f"{path}/239.1.1.1?interface=10.9.9.77")),
        "by address": call("PUT", f"{path}/239.1.1.1?interface=10.9.9.1")[1],
    }


def is_running():
    with socket.socket() as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh14x", b"near0", 0))
    return struct.unpack("16sh14x", answer)[1] & IFF_RUNNING != 0


def until_ready():
    # Nobody tells when the link carries and its addresses have passed their check (flag 0x40: tentative).
    while True:
        with open("/proc/net/if_inet6") as addresses:
            own = [line.split() for line in addresses if line.split()[5] == "near0"]
        if is_running() and len(own) == 2 and not any(int(address[4], 16) & 0x40 for address in own):
            return
        time.sleep(0.02)


def main():
    until_ready()
    service = subprocess.Popen(["node", sys.argv[1]], env={**os.environ, **ALLOWED}, stdout=subprocess.PIPE, text=True)
    try:
        while "Sockeye listens" not in service.stdout.readline():
            pass
        v4 = through_group("v4", socket.AF_INET, "0.0.0.0", "239.1.1.1", "10.9.9.1")
        v6 = through_group("v6", socket.AF_INET6, "::", "ff15::1", "fd00:9::1")
        seen = {
            "v4": v4,
            "v6": v6,
            "toV4": to_group("v4", socket.AF_INET, "239.1.1.2", {"IP_MULTICAST_TTL": 1}),
            "toV6": to_group("v6", socket.AF_INET6, "ff15::2", {"IPV6_MULTICAST_IF": INDEX}),
            "broadcast": broadcast("v4"),
            "refused": refused("v4"),
        }
        print(json.dumps(seen), flush=True)
    finally:
        service.terminate()
        service.wait(20)


if __name__ == "__main__":
    main()
