"""PIV cards for client programs: keys in slots with certificates, and the programs' versions."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from apdu.piv import PublicKey
from apdu.pivcertificate import build_certificate_object
from applet.os.store import MemoryStore
from tests.clients.cards import copy
from tests.clients.system import ROOT, inside, work_folder
from tests.clients.tool import Tool, ushield
from tests.clients.ways import through_service
from tests.consent.panel import ScriptedPanel
from tests.piv.cards import CURVES, PivChip, assemble, born
from ushield.device import assembly
from ushield.device.image import open_image

READER = "Yubico YubiKey CCID"
"""A name by which Yubico's programs find a reader without being told."""

SLOT_TAGS = {0x9A: 0x5FC105, 0x9C: 0x5FC10A, 0x9D: 0x5FC10B, 0x9E: 0x5FC101}
SLOT_TAGS |= {slot: 0x5FC10D + slot - 0x82 for slot in range(0x82, 0x96)}
"""Where the certificate of each slot is."""
KEY_HISTORY = 0x5FC10C
ADMIN = "3c" * 24
"""The management key of the tokens that we make; the next one is the factory's."""
MANAGEMENT_KEY = "010203040506070801020304050607080102030405060708"

_ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
_ISSUER_KEY = ec.generate_private_key(ec.SECP256R1())
_BORN, _END = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2049, 1, 1, tzinfo=dt.UTC)


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skip where there is no such program."""
    root = ROOT or Path("/")
    there = any(root.glob(f"usr/bin/{program}")) or (ROOT is None and shutil.which(program))
    return pytest.mark.skipif(
        not there, reason=f"{program} is not installed (Debian's package {package})"
    )


def version(tool: Tool, line: str) -> tuple[int, ...]:
    """The version that a program says it has."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", tool.run(line))
    assert found is not None
    return tuple(map(int, found.groups()))


def label(algorithm: str) -> str:
    """What the documentation calls a PIV key of what Yubico's programs call RSA2048 or ECCP256."""
    kind, bits = re.fullmatch(r"(RSA|ECCP)(\d+)", algorithm).groups()  # type: ignore[union-attr]
    return f"PIV {kind}-{bits}".replace("ECCP", "P")


def module(name: str) -> str:
    """The path of a PKCS#11 library."""
    found = next((ROOT or Path("/")).glob(f"usr/lib/*/{name}"), None)
    assert found is not None, f"{name} is not installed"
    return inside(found)


@contextmanager
def in_reader(
    store: MemoryStore, folder: Path, name: str = READER, **variables: str
) -> Iterator[Tool]:
    """The command line with a card of this memory in a reader of this name."""
    with (
        through_service(folder, name) as way,
        way.inserted(assemble(store)),
    ):
        yield Tool(folder, {**way.variables, **variables})


def make_token(folder: Path, options: str) -> None:
    """Leave a token of `ushield init` in `my.token`; its management key is `ADMIN`."""
    line = ushield(folder, f"init my.token {options}")
    subprocess.run(["env", f"USHIELD_MANAGEMENT_KEY={ADMIN}", *line], check=True)


@contextmanager
def our_token_in_reader(options: str, **variables: str) -> Iterator[Tool]:
    """The command line with such a token in a reader of our service."""
    with work_folder() as folder, through_service(folder, READER) as way:
        make_token(folder, options)
        with (
            closing(open_image(folder / "my.token")) as store,
            way.inserted(assembly.assemble(store)),
        ):
            yield Tool(folder, {**way.variables, **variables})


def from_factory() -> MemoryStore:
    """A card without keys."""
    return copy(born().store)


def with_keys(slots: Mapping[int, int], **policy: int) -> MemoryStore:
    """A card with a key of the algorithm and its certificate in each slot.

    With a touch policy the card has had a button where it was made.
    """
    return copy(_with_keys(tuple(slots.items()), tuple(policy.items())))


@cache
def _with_keys(
    slots: tuple[tuple[int, int], ...], policy: tuple[tuple[str, int], ...]
) -> MemoryStore:
    chip = PivChip(born().store, panel=ScriptedPanel())
    chip.administer()
    for slot, algorithm in slots:
        made = chip.generate(slot, algorithm, **dict(policy))
        put_certificate(chip, slot, certificate(_public(algorithm, made), f"slot {slot:02X}"))
    retired = sum(slot < 0x9A for slot, _ in slots)
    # How many retired keys have a certificate here, and how many elsewhere (part 1 §3.3.3).
    chip.put(KEY_HISTORY, bytes((0xC1, 1, retired, 0xC2, 1, 0, 0xFE, 0)))
    return chip.store


def put_certificate(chip: PivChip, slot: int, der: bytes) -> None:
    """Write a certificate to its object."""
    assert chip.put(SLOT_TAGS[slot], build_certificate_object(der)) == 0x9000


def certificate(
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, name: str, *, padding: int = 0
) -> bytes:
    """A certificate (DER) for a key, with so many bytes of padding in an extension."""
    builder = x509.CertificateBuilder(
        _ISSUER,
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
        key,
        x509.random_serial_number(),
        _BORN,
        _END,
    )
    if padding:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), bytes(padding))
        builder = builder.add_extension(unknown, critical=False)
    return builder.sign(_ISSUER_KEY, hashes.SHA256()).public_bytes(Encoding.DER)


@cache
def issuer() -> bytes:
    """The certificate (DER) of who signed the others."""
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    builder = x509.CertificateBuilder(
        _ISSUER, _ISSUER, _ISSUER_KEY.public_key(), x509.random_serial_number(), _BORN, _END
    ).add_extension(constraints, critical=True)
    return builder.sign(_ISSUER_KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def _public(algorithm: int, key: PublicKey) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    if key.point is not None:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVES[algorithm], key.point)
    numbers = (int.from_bytes(part or b"", "big") for part in (key.exponent, key.modulus))
    return rsa.RSAPublicNumbers(*numbers).public_key()
