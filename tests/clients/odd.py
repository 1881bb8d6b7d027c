"""Certificates that are right, and that cards and programs trip over: each is one kind of odd."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LARGE = 8192
"""Bytes at least of a large certificate."""

SUBJECT = 305
"""Bytes of a long subject: its length and that of its longest part take two bytes each."""

CHAIN = ("holder", "city", "country", "root")
"""Whom the certificates of the chain name."""

_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL = datetime(2049, 12, 31, tzinfo=UTC)
"""The last year that UTCTime can tell."""
_PRIVATE = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")


@cache
def odd(kind: str) -> bytes:
    """A certificate of one of the kinds, in DER; the same one at each call."""
    return ODD[kind]().public_bytes(Encoding.DER)


class Chain(NamedTuple):
    """Certificates in DER, each signed by the next one, the last one by itself; the first's key."""

    certificates: tuple[bytes, ...]
    key: bytes


@cache
def chain() -> Chain:
    """One for the names in `CHAIN`; the key is in PEM."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in CHAIN]
    made = []
    for place, (name, key) in enumerate(zip(CHAIN, keys, strict=True)):
        above = min(place + 1, len(CHAIN) - 1)
        basic = x509.BasicConstraints(ca=place > 0, path_length=None)
        builder = _begin(_name(name), key).issuer_name(_name(CHAIN[above]))
        builder = builder.add_extension(basic, critical=True)
        made.append(builder.sign(keys[above], hashes.SHA256()).public_bytes(Encoding.DER))
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Chain(tuple(made), keys[0].private_bytes(*form))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _begin(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime = _UNTIL
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_SINCE)
        .not_valid_after(until)
    )


def _self_signed(
    subject: x509.Name, *extensions: x509.ExtensionType, until: datetime = _UNTIL
) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _begin(subject, key, until).issuer_name(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())


def _many_names() -> x509.Certificate:
    names = [x509.DNSName(f"branch-{number:03}.bank.example") for number in range(320)]
    return _self_signed(_name("many names"), x509.SubjectAlternativeName(names))


def _large_extension() -> x509.Certificate:
    return _self_signed(_name("one extension"), x509.UnrecognizedExtension(_PRIVATE, bytes(LARGE)))


def _utf8_subject() -> x509.Certificate:
    parts = {
        NameOID.COMMON_NAME: "李雷 🔑",
        NameOID.ORGANIZATION_NAME: "中国工商银行",
        NameOID.LOCALITY_NAME: "Zürich, Łódź",
    }
    return _self_signed(x509.Name([x509.NameAttribute(*part) for part in parts.items()]))


def _long_subject() -> x509.Certificate:
    """One organisation with a name as long as it takes."""
    bare = len(_organisation(256).public_bytes()) - 256
    return _self_signed(_organisation(SUBJECT - bare))


def _organisation(length: int) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "b" * length)])


def _no_subject() -> x509.Certificate:
    """Allowed where the names are in an extension (RFC 5280 §4.1.2.6)."""
    return _self_signed(
        x509.Name([]), x509.SubjectAlternativeName([x509.RFC822Name("me@x.example")])
    )


def _generalized_time() -> x509.Certificate:
    """A certificate without a well-known end (RFC 5280 §4.1.2.5)."""
    return _self_signed(_name("for ever"), until=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))


def _signed_with_pss() -> x509.Certificate:
    key = rsa.generate_private_key(65537, 2048)
    holder = ec.generate_private_key(ec.SECP256R1())
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    builder = _begin(_name("holder"), holder).issuer_name(_name("signs with PSS"))
    return builder.sign(key, hashes.SHA256(), rsa_padding=pss)


ODD: dict[str, Callable[[], x509.Certificate]] = {
    "many names": _many_names,
    "large extension": _large_extension,
    "UTF-8 subject": _utf8_subject,
    "long subject": _long_subject,
    "no subject": _no_subject,
    "GeneralizedTime": _generalized_time,
    "signed with PSS": _signed_with_pss,
}
"""How each kind is made."""
