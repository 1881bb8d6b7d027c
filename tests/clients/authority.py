"""An authority that issues certificates for tests: to servers, and to the holders of tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from applet.os.store import MemoryStore
from host.client import TokenClient
from host.manage import TokenManager
from host.memory import MemoryTransport
from host.publickey import PublicKey
from tests.clients.cards import PIN, copy
from tests.clients.tokens import with_keys
from ushield.device.assembly import assemble

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
NAME = "CN=Bank of the tests"
SITE = "localhost"

_ISSUES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Its key and its own certificate, which it has signed itself."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=None)
        builder = _begin(NAME, self._key.public_key(), basic)
        self.certificate = self._sign(builder.add_extension(_ISSUES, critical=True))

    @property
    def pem(self) -> bytes:
        """Its certificate, for those who trust it."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(
        self, subject: str, key: PublicKey, usage: x509.ObjectIdentifier = CLIENT
    ) -> x509.Certificate:
        """A certificate for a key; one for a server names `SITE` too."""
        builder = _begin(subject, key, x509.BasicConstraints(ca=False, path_length=None))
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if usage is SERVER:
            names = x509.SubjectAlternativeName([x509.DNSName(SITE)])
            builder = builder.add_extension(names, critical=False)
        return self._sign(builder)

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        issuer = x509.Name.from_rfc4514_string(NAME)
        builder = builder.issuer_name(issuer).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
            critical=False,
        )
        return builder.sign(self._key, hashes.SHA256())


def _begin(subject: str, key: PublicKey, basic: x509.BasicConstraints) -> x509.CertificateBuilder:
    """What all of its certificates say: since yesterday, and for a month."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(subject))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(basic, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


@cache
def bank() -> Authority:
    """The one of this process."""
    return Authority()


def customer(*keys: str) -> MemoryStore:
    """The memory of a token whose keys have certificates of the bank; ids are 01, 02 and so on."""
    return copy(_customer(keys))


@cache
def _customer(keys: tuple[str, ...]) -> MemoryStore:
    store = with_keys(*keys)
    client = TokenClient(MemoryTransport(assemble(store)))
    client.verify_pin(PIN)
    for key in client.keys():  # noqa: SIM118
        name = f"CN=Li Lei {keys[key.reference - 1]},O=Example"
        certificate = bank().issue(name, client.public_key(key.reference))
        TokenManager(client).write_certificate(certificate, key)
    return store
