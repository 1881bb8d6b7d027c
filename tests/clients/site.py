"""The bank's site: it lets in who shows a certificate of the bank, and proves to have its key.

HTTPS on loopback, with Python's `ssl`. Every connection is a full handshake, in a thread of its
own. The page's title tells who came, and what was signed how.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import SHUT_RDWR, create_server, socket
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.clients.authority import SERVER, SITE, bank

SCHEMES = {
    0x0201: "rsa_pkcs1_sha1",
    0x0401: "rsa_pkcs1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0403: "ecdsa_secp256r1_sha256",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
}
"""How a client signs what it has said to the server (RFC 8446 section 4.2.3)."""

COLOUR = "#e3f0e6"
"""What the page is painted with."""

PAGE = """\
HTTP/1.0 200 OK\r
Content-Type: text/html; charset=utf-8\r
\r
<!doctype html>
<html lang="en"><head><title>{title}</title><link rel="icon" href="data:,"></head>
<body style="font: 20px sans-serif; margin: 3em; background: {colour}">
<h1>Welcome</h1><p>{subject}</p><p>{version}, {signature}</p>
</body></html>
"""


class Visit(NamedTuple):
    """Who was let in: the certificate's subject, the protocol, and how the client signed."""

    subject: str
    version: str
    signature: str

    @property
    def title(self) -> str:
        """What the page is called."""
        return "Welcome, " + ", ".join(self)


class Site:
    """A server at a port of loopback. `visits` and `refusals` are in the order they came."""

    def __init__(self, folder: Path, version: ssl.TLSVersion) -> None:
        self._server = create_server(("127.0.0.1", 0))
        self._version = version
        self._identity = folder / "site.pem"
        self._identity.write_bytes(_identity())
        self.visits: list[Visit] = []
        self.refusals: list[str] = []

    @property
    def port(self) -> int:
        """The port, which is free when it begins."""
        port: int = self._server.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://{SITE}:{self.port}/"

    def run(self) -> None:
        """Serve until `stop`."""
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        """Let nobody in any more."""
        self._server.shutdown(SHUT_RDWR)
        self._server.close()

    def _serve(self, connection: socket) -> None:
        heard: list[bytes] = []
        connection.settimeout(60)
        try:
            with self._context(heard).wrap_socket(connection, server_side=True) as client:
                self._greet(client, heard)
        except OSError as error:
            self.refusals.append(str(error))

    def _context(self, heard: list[bytes]) -> ssl.SSLContext:
        """Settings of one connection, which notes what the client says in the handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = self._version
        # Keys of 1024 bits are under what OpenSSL takes by itself.
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        context.load_cert_chain(self._identity)
        context.load_verify_locations(cadata=bank().pem.decode())
        context.verify_mode = ssl.CERT_REQUIRED

        def note(_connection: object, direction: str, *rest: Any) -> None:
            *_, data = rest
            if direction == "read":
                heard.append(data)

        context._msg_callback = note  # type: ignore[attr-defined]
        return context

    def _greet(self, client: ssl.SSLSocket, heard: list[bytes]) -> None:
        certificate = client.getpeercert(binary_form=True)
        assert certificate is not None
        subject = x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
        visit = Visit(subject, client.version() or "", _scheme(heard))
        # It has heard all of the request before it answers, or the client would miss the answer.
        request = b""
        while b"\r\n\r\n" not in request and (more := client.recv(4096)):
            request += more
        self.visits.append(visit)
        page = PAGE.format(title=visit.title, colour=COLOUR, **visit._asdict())
        client.sendall(page.encode())
        # It says that this was all, and does not wait until the client says so too.
        client.setblocking(False)
        with suppress(OSError):
            client.unwrap()


def _scheme(heard: list[bytes]) -> str:
    """How the client's CertificateVerify (message 15) is signed."""
    (message,) = (data for data in heard if data[:1] == b"\x0f")
    return SCHEMES[int.from_bytes(message[4:6], "big")]


def _identity() -> bytes:
    """Key and certificate of the server."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = bank().issue(f"CN={SITE}", key.public_key(), SERVER)
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ) + certificate.public_bytes(Encoding.PEM)


@contextmanager
def open_site(folder: Path, version: ssl.TLSVersion) -> Iterator[Site]:
    """A site that is there until the end of the context."""
    site = Site(folder, version)
    thread = threading.Thread(target=site.run)
    thread.start()
    try:
        yield site
    finally:
        site.stop()
        thread.join()
