"""Cards with certificates, read by OpenSC's tools and by our client, which have to agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from applet.os.store import MemoryStore
from host.client import TokenClient
from host.directory import CertificateInfo
from host.memory import MemoryTransport
from tests.clients.cards import PIN, copy
from tests.clients.tool import Tool
from tests.clients.ways import Way
from ushield.device.assembly import assemble

ORDER = b"Pay 12,345.67\n"


class Card(NamedTuple):
    """A card in the reader, and its memory."""

    tool: Tool
    store: MemoryStore

    def certificates(self) -> list[CertificateInfo]:
        """What our client finds on a card of the same content."""
        client = TokenClient(MemoryTransport(assemble(copy(self.store), strict=True)))
        return list(client.certificates())

    def certificate(self, ident: str) -> CertificateInfo:
        """The only one of this identifier, in hex, as our client finds it."""
        found = [entry for entry in self.certificates() if entry.id.hex() == ident]
        assert len(found) == 1
        return found[0]


@contextmanager
def inserted(store: MemoryStore, way: Way, folder: Path) -> Iterator[Card]:
    """A card with this memory in the reader."""
    with way.inserted(assemble(store, strict=True)):
        yield Card(Tool(folder, way.variables), store)


def content(entry: CertificateInfo) -> bytes:
    """A certificate in DER."""
    return entry.certificate.public_bytes(Encoding.DER)


def check_read_back(card: Card, ident: str, expected: bytes) -> CertificateInfo:
    """Both of OpenSC's tools and our client find a certificate byte for byte as it was written."""
    tool = card.tool
    tool.run(f"pkcs15-tool --read-certificate {ident} -o found.pem")
    tool.run("openssl x509 -in found.pem -outform DER -out found.der")
    assert tool.read("found.der") == expected
    tool.run(f"pkcs11-tool --read-object --type cert --id {ident} -o found.der")
    assert tool.read("found.der") == expected
    entry = card.certificate(ident)
    assert content(entry) == expected
    return entry


def check_signs(card: Card, ident: str, key: str) -> None:
    """The key of this identifier, on a curve, is the one in this file."""
    card.tool.write("order.txt", ORDER)
    card.tool.run(
        f"pkcs11-tool -l -p {PIN} -s -m ECDSA-SHA256 --signature-format openssl --id {ident} "
        "-i order.txt -o order.sig"
    )
    check = f"openssl dgst -sha256 -prverify {key} -signature order.sig order.txt"
    card.tool.see(check, "Verified OK")
