"""A real server that does what a test wants, and certificates made by nobody."""

import ipaddress
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

OAUTH = "/oauth/v1/generate?grant_type=client_credentials"
TOKEN = "CANARY/token"


class Request:
    """One request as it came."""

    def __init__(self, head, body):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ")
        self.headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def whole(self):
        return f"{self.headers} {self.body.decode('latin-1')}"


class Server:
    """A real server on a port of its own; ``answer`` and ``token_answer`` decide what it does.

    Each is called with the connection and the request. What comes is kept in ``requests``.
    """

    def __init__(self, context=None):
        self.requests = []
        self.tokens = 0
        self.answer = says(200, {"ResponseCode": "0", "ResponseDescription": "Success"})
        self.token_answer = self.give_token
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.02)
        self._open = True
        self._lock = threading.Lock()
        self._over = threading.Event()
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def asked(self):
        """The requests other than those for a token."""
        return [each for each in self.requests if each.path != OAUTH]

    def give_token(self, connection, request):
        with self._lock:
            self.tokens += 1
            value = f"{TOKEN}{self.tokens}"
        says(200, {"access_token": value, "expires_in": "3599"})(connection, request)

    def pause(self, seconds):
        """Wait, but not past the end of the test."""
        self._over.wait(seconds)

    def close(self):
        self._open = False
        self._over.set()
        self._thread.join()
        self._listening.close()

    def _serve(self):
        while self._open:
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection):
        connection.settimeout(5)
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                request = heard(connection)
                if request is None:
                    return
                with self._lock:
                    self.requests.append(request)
                is_oauth = request.path == OAUTH
                (self.token_answer if is_oauth else self.answer)(connection, request)
        except OSError:
            connection.close()


def heard(connection):
    came = b""
    while b"\r\n\r\n" not in came:
        piece = connection.recv(65536)
        if not piece:
            return None
        came += piece
    head, _, body = came.partition(b"\r\n\r\n")
    request = Request(head, body)
    length = int(request.headers.get("content-length", "0"))
    while len(request.body) < length:
        request.body += connection.recv(65536)
    return request


def says(status, body, *, content_type="application/json", headers=""):
    """Answer in one go."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(connection, _request):
        head = (
            f"HTTP/1.1 {status} Whatever\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(text)}\r\n{headers}Connection: close\r\n\r\n"
        )
        connection.sendall(head.encode() + text)

    return answer


class Certificate(NamedTuple):
    """The files of a self-made certificate, and its key."""

    pem: Path
    der: Path
    private: Path
    key: object


def self_made(folder, *, host="127.0.0.1", days=(-10, 10)):
    """Make a certificate and its key; return their paths (PEM, DER, key) and the key itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pretended")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(today + timedelta(days=days[0]))
        .not_valid_after(today + timedelta(days=days[1]))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem, der, private = folder / "made.pem", folder / "made.cer", folder / "made.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    der.write_bytes(made.public_bytes(serialization.Encoding.DER))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Certificate(pem, der, private, key)
