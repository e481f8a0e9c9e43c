"""One POST to a receiver, which may be anywhere an administrator typed, and may answer anything.

Only http and https, no redirects, no proxy; only to addresses in KIOSK_WEBHOOK_NETWORKS, by default those of private networks and
this machine, because events are personal and do not leave the premises unless somebody wants them to. The name is looked up once:
the address that was checked is the one that is connected to. Of the answer only the status is read.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_SILENCE_SECONDS: Final = 10.0
_WHOLE_SECONDS: Final = 20.0
_PORTS: Final = {"http": 80, "https": 443}


class NotSent(Exception):
    """No answer was had; the message says why, in a few words without anything personal."""


def check_url(url: str) -> None:
    """Raises ValidationError for what can't be the address of a receiver."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValidationError(_("This is no address.")) from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise ValidationError(_("The address must begin with http:// or https:// and name a host."))
    if parts.username is not None or parts.fragment or not url.isprintable() or " " in url:
        raise ValidationError(_("The address must not hold a user name, a fragment or blanks."))


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer. Raises NotSent."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _connected(host, port, is_secure=parts.scheme == "https") as connection:
            connection.request("POST", path, body, dict(headers))
            return int(connection.getresponse().status)
    except TimeoutError:
        raise NotSent("no answer in time") from None
    except ssl.SSLError as error:
        raise NotSent(f"TLS: {error.reason or 'failed'}") from None
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(getattr(error, "strerror", None) or type(error).__name__) from None


@contextmanager
def _connected(host: str, port: int, *, is_secure: bool) -> Iterator[http.client.HTTPConnection]:
    """A connection to an address of the host that may be connected to; cut off when everything together takes too long."""
    plain = socket.create_connection((_allowed_address(host, port), port), timeout=_SILENCE_SECONDS)
    deadline = threading.Timer(_WHOLE_SECONDS, _cut, [plain])
    deadline.daemon = True
    deadline.start()
    try:
        connected = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if is_secure else plain
        connection = http.client.HTTPConnection(host, port)
        connection.sock = connected
        try:
            yield connection
        finally:
            connection.close()
    finally:
        deadline.cancel()
        plain.close()


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _allowed_address(host: str, port: int) -> str:
    """One of the host's addresses that lies in KIOSK_WEBHOOK_NETWORKS. Raises NotSent."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotSent("the host is not known") from None
    networks = [ipaddress.ip_network(network, strict=False) for network in settings.KIOSK.webhook_networks]
    for *_kind, address in found:
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        if any(ip in network for network in networks):
            return str(ip)
    raise NotSent("the address is not in KIOSK_WEBHOOK_NETWORKS")
