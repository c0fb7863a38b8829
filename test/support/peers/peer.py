"""One TCP connection, driven by commands: a JSON object a line on stdin, its outcome a line on stdout.

Ends when its stdin does, so that it never outlives the test that started it.
"""

import argparse
import fcntl
import hashlib
import json
import random
import socket
import ssl
import struct
import sys
import termios
import time


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def drain(connection):
    digest, count = hashlib.sha256(), 0
    while chunk := connection.recv(65536):
        digest.update(chunk)
        count += len(chunk)
    say("eof", bytes=count, sha256=digest.hexdigest())


def receive(connection, count):
    data = b""
    while len(data) < count and (chunk := connection.recv(count - len(data))):
        data += chunk
    say("received", hex=data.hex())


def receive_text(connection, count, charset):
    data = connection.recv(count, socket.MSG_WAITALL)
    say("received", text=data.decode(charset), hex=data.hex())


def send_random(connection, count, seed):
    data = random.Random(seed).randbytes(count)
    connection.sendall(data)
    say("sent", bytes=count, sha256=hashlib.sha256(data).hexdigest())


def flush(connection):
    # No event says that the other kernel has taken everything; the length of the send queue does.
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0] > 0:
        time.sleep(0.01)
    say("flushed")


def reset(connection):
    # Linger on, for 0 seconds: close() sends RST instead of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    say("closed")


def start_tls(connection, command):
    server = command["role"] == "server"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    if "certificate" in command:
        context.load_cert_chain(command["certificate"], command["key"])
    if "ca" in command:
        context.load_verify_locations(command["ca"])
        context.verify_mode = ssl.CERT_REQUIRED
    if "alpn" in command:
        context.set_alpn_protocols(command["alpn"])
    name = None if server else command["servername"]
    secured = context.wrap_socket(connection, server_side=server, server_hostname=name)
    say("secured", version=secured.version(), alpn=secured.selected_alpn_protocol())
    return secured


def notify(connection):
    # close_notify, and nothing else: the answer of the other side is not waited for.
    connection.setblocking(False)
    try:
        connection.unwrap()
    except ssl.SSLWantReadError:
        pass
    connection.setblocking(True)
    say("notified")


def obey(connection, command):
    match command["do"]:
        case "send":
            connection.sendall(bytes.fromhex(command["hex"]))
            say("sent", bytes=len(command["hex"]) // 2)
        case "send-text":
            data = command["text"].encode(command["charset"])[command["from"] : command.get("to")]
            connection.sendall(data)
            say("sent", bytes=len(data))
        case "receive-text":
            receive_text(connection, command["bytes"], command["charset"])
        case "send-random":
            send_random(connection, command["bytes"], command["seed"])
        case "send-urgent":
            connection.send(bytes.fromhex(command["hex"]), socket.MSG_OOB)
            say("sent", bytes=len(command["hex"]) // 2)
        case "receive-urgent":
            say("received", hex=connection.recv(1, socket.MSG_OOB).hex())
        case "message":
            say("received", hex=connection.recv(1 << 20).hex())
        case "receive":
            receive(connection, command["bytes"])
        case "drain":
            drain(connection)
        case "flush":
            flush(connection)
        case "shutdown":
            # Over TLS: FIN without a close_notify before it.
            connection.shutdown(socket.SHUT_WR)
            say("shut-down")
        case "close":
            connection.close()
            say("closed")
        case "reset":
            reset(connection)
        case "start-tls":
            return start_tls(connection, command)
        case "notify":
            notify(connection)
    return connection


def open_unix(arguments):
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET if arguments.seqpacket else socket.SOCK_STREAM)
    if arguments.unix_connect:
        end.connect(arguments.unix_connect)
        return end
    end.bind(arguments.unix_listen)
    end.listen()
    print("READY 0", flush=True)
    return end.accept()[0]


def open_connection(arguments):
    if arguments.unix_connect or arguments.unix_listen:
        return open_unix(arguments)
    if arguments.connect:
        host, port = arguments.connect.rsplit(":", 1)
        return socket.create_connection((host, int(port)))
    family = socket.AF_INET6 if ":" in arguments.listen else socket.AF_INET
    # With a zone (fe80::1%eth0) only the resolver makes a whole address of it.
    address = socket.getaddrinfo(arguments.listen, 0, family, socket.SOCK_STREAM)[0][4]
    listener = socket.create_server(address, family=family)
    print("READY", listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    listener.close()
    return connection


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    end = parser.add_mutually_exclusive_group(required=True)
    end.add_argument("--connect", metavar="HOST:PORT")
    end.add_argument("--listen", metavar="HOST")
    end.add_argument("--unix-connect", metavar="PATH")
    end.add_argument("--unix-listen", metavar="PATH")
    parser.add_argument("--seqpacket", action="store_true")
    connection = open_connection(parser.parse_args())
    if connection.family == socket.AF_UNIX:
        say("connected")
    else:
        say("connected", localPort=connection.getsockname()[1], remotePort=connection.getpeername()[1])
    for line in sys.stdin:
        try:
            connection = obey(connection, json.loads(line))
        except OSError as error:
            say("error", errno=error.errno, message=str(error))


if __name__ == "__main__":
    main()
