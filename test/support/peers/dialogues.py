"""A server of one old protocol, for one client after the other: dialogues.py smtp|pop3|ftp [CERT KEY]."""
import socket
import ssl
import sys

MODE, FILES = sys.argv[1], sys.argv[2:]
MAIL = ['From: ada@example.test', 'Subject: engines', '', '.a line with a dot in front', 'the end']


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.lines = sock.makefile('rb')

    def say(self, *lines):
        self.sock.sendall(''.join(line + '\r\n' for line in lines).encode())

    def hear(self):
        return self.lines.readline().decode().rstrip('\r\n')

    def secure(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*FILES)
        self.__init__(context.wrap_socket(self.sock, server_side=True))


def smtp(client):
    client.say('220 mail.example.test ESMTP')
    secure = False
    while True:
        verb, _, rest = client.hear().partition(' ')
        if verb == 'EHLO':
            client.say(f'250-mail.example.test greets {rest}', '250-8BITMIME', '250 AUTH' if secure else '250 STARTTLS')
        elif verb == 'STARTTLS':
            client.say('220 go ahead')
            client.secure()
            secure = True
        elif verb == 'QUIT':
            return client.say('221 bye')
        else:
            return


def pop3(client):
    client.say('+OK ready')
    while True:
        verb, _, rest = client.hear().partition(' ')
        if verb == 'USER':
            client.say('+OK send PASS')
        elif verb == 'PASS':
            client.say('+OK 1 message' if rest == 'secret' else '-ERR no')
        elif verb == 'RETR':
            stuffed = ['.' + line if line.startswith('.') else line for line in MAIL]
            client.say('+OK follows', *stuffed, '.')
        else:
            return client.say('+OK bye')


def ftp(client):
    client.say('220-welcome', '220 ready')
    while True:
        verb, _, rest = client.hear().partition(' ')
        if verb == 'USER':
            client.say(f'331 password for {rest}')
        elif verb == 'PASS':
            client.say('230 logged in')
        elif verb == 'SYST':
            client.say('215 UNIX Type: L8')
        else:
            return client.say('221 bye')


with socket.create_server(('127.0.0.1', 0)) as server:
    print('port', server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            client = Client(connection)
            try:
                globals()[MODE](client)
                if isinstance(client.sock, ssl.SSLSocket):
                    client.sock.unwrap()
            except OSError as error:
                print('error', error, flush=True)
            client.lines.close()
            client.sock.close()
