"""Google's speech service as gTTS sees it, on this machine: an HTTPS proxy that answers for whatever host is asked for."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

HOST = "translate.google.com"


class FakeGoogle:
    """Notes the texts it gets and answers as `behave` says: with bytes to send, after a while, or not at all."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "google.pem"
        _write_certificate(self.certificate)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.proxy = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.texts: list[str] = []
        self.behave: Callable[[ssl.SSLSocket], None] = refuse
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # Whoever gives up in the middle is what some of the tests are about.
        with contextlib.suppress(OSError), connection:
            _read_head(connection)
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._tls.wrap_socket(connection, server_side=True) as tls:
                self.texts.append(_read_text(tls))
                self.behave(tls)


def answer(mp3: bytes) -> Callable[[ssl.SSLSocket], None]:
    """As Google answers: the sound as base64 in JSON in JSON in a line of text."""
    inner = json.dumps([base64.b64encode(mp3).decode()])
    body = b")]}'\n\n" + json.dumps([["wrb.fr", "jQ1olc", inner, None, None, None, "generic"]], separators=(",", ":")).encode()
    return say(b"200 OK", body)


def say(status: bytes, body: bytes) -> Callable[[ssl.SSLSocket], None]:
    def behave(tls: ssl.SSLSocket) -> None:
        tls.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    return behave


def refuse(tls: ssl.SSLSocket) -> None:
    tls.close()


def hang(_tls: ssl.SSLSocket) -> None:
    time.sleep(10)


def trickle(tls: ssl.SSLSocket) -> None:
    """Never silent for long, never done."""
    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        tls.sendall(b".")
        time.sleep(0.1)


def _read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1)
        if not piece:
            raise OSError
        head += piece
    return head


def _read_text(tls: ssl.SSLSocket) -> str:
    head = _read_head(tls).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    body = b""
    while len(body) < length:
        body += tls.recv(length - len(body))
    [[[_rpc, parameters, _nothing, _kind]]] = json.loads(urllib.parse.parse_qs(body.decode())["f.req"][0])
    return str(json.loads(parameters)[0])


def _write_certificate(path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
