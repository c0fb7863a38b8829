"""What python's socket, ipaddress and struct say. One JSON question a line in, one JSON answer a line out."""
import ipaddress
import json
import socket
import struct
import sys


def or_none(ask, *arguments):
    try:
        return ask(*arguments).hex()
    except (OSError, ValueError):
        return None


def facts(packed):
    address = ipaddress.ip_address(bytes.fromhex(packed))
    answer = {
        "decimal": str(int(address)),
        "exploded": address.exploded,
        "reverse": address.reverse_pointer,
        "loopback": address.is_loopback,
        "multicast": address.is_multicast,
        "linkLocal": address.is_link_local,
        "unspecified": address.is_unspecified,
        "reserved": address.is_reserved,
        "private": address.is_private,
    }
    if address.version == 6:
        answer["mapped"] = address.ipv4_mapped and str(address.ipv4_mapped)
        answer["sixToFour"] = address.sixtofour and str(address.sixtofour)
        answer["teredo"] = address.teredo and [str(one) for one in address.teredo]
        answer["siteLocal"] = address.is_site_local
    return answer


def network(text, member, other, new_prefix):
    one, two = ipaddress.ip_network(text, False), ipaddress.ip_network(other, False)
    parts = []
    for part in one.subnets(new_prefix=new_prefix) if new_prefix is not None else []:
        parts.append(part.exploded)
        if len(parts) == 3:
            break
    return {
        "text": one.exploded,
        "first": one.network_address.packed.hex(),
        "last": one.broadcast_address.packed.hex(),
        "netmask": one.netmask.packed.hex(),
        "wildcard": one.hostmask.packed.hex(),
        "size": str(one.num_addresses),
        "member": ipaddress.ip_address(member) in one,
        "within": one.subnet_of(two),
        "contains": one.supernet_of(two),
        "overlaps": one.overlaps(two),
        "parts": parts,
    }


def swapped(value, bits):
    """As it lies in memory, on the wire, and what the wire's bytes are read as here."""
    code = {16: "H", 32: "I", 64: "Q"}[bits]
    host, wire = struct.pack("=" + code, value), struct.pack("!" + code, value)
    call = {16: socket.htons, 32: socket.htonl}.get(bits, lambda _: struct.unpack("=" + code, wire)[0])
    return [host.hex(), wire.hex(), str(call(value))]


def or_absent(ask, *arguments):
    try:
        return ask(*arguments)
    except OSError:
        return None


def or_code(ask, *arguments):
    """The answer, or the name of the resolver's error."""
    try:
        return ask(*arguments)
    except socket.gaierror as error:
        names = (name for name in dir(socket) if name.startswith("EAI_") and getattr(socket, name) == error.errno)
        return next(names, str(error.errno))
    except socket.herror as error:
        return {1: "EAI_NONAME", 2: "EAI_AGAIN", 4: "EAI_NONAME"}.get(error.errno, "EAI_FAIL")


QUESTIONS = {
    "aton": lambda text: or_none(socket.inet_aton, text),
    "pton6": lambda text: or_none(lambda t: socket.inet_pton(socket.AF_INET6, t), text),
    "ntop": lambda packed: socket.inet_ntop(
        socket.AF_INET if len(packed) == 8 else socket.AF_INET6, bytes.fromhex(packed)
    ),
    "facts": facts,
    "network": network,
    "getservbyname": lambda name, protocol: or_absent(socket.getservbyname, name, protocol),
    "getservbyport": lambda port, protocol: or_absent(socket.getservbyport, port, protocol),
    "getprotobyname": lambda name: or_absent(socket.getprotobyname, name),
    "gethostbyname_ex": lambda name: or_absent(socket.gethostbyname_ex, name),
    "getaddrinfo": lambda *arguments: or_code(socket.getaddrinfo, *arguments),
    "gethostbyaddr": lambda address: or_code(socket.gethostbyaddr, address),
    "getnameinfo": lambda end, flags: or_code(socket.getnameinfo, tuple(end), flags),
    "swapped": lambda value, bits: swapped(int(value), bits),
}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(QUESTIONS[name](*arguments)))
