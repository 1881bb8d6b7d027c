"""The cards that the dialogues are written for, made once in a process and copied for each one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from apdu.piv import PublicKey
from apdu.tlv import build_tlv
from applet.os.card import Card
from applet.os.store import MemoryStore
from host.client import TokenClient
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from tests.chip.cards import cells
from tests.piv.cards import P_256, PivChip
from ushield.device.applets import Applets, note_applets
from ushield.device.assembly import SystemEntropy, assemble
from vectors import profile
from vectors.loader import Dialogue

PIV_CERTIFICATES = {0x9A: 0x5FC105, 0x9C: 0x5FC10A, 0x9D: 0x5FC10B, 0x9E: 0x5FC101}
"""The object that holds the certificate of each slot (SP 800-73-4 part 1 table 3)."""


class LabEntropy(SystemEntropy):
    """RSA keys that a dialogue has made, which cost much, are made once in this process."""

    def rsa_key(self, bits: int, exponent: int) -> rsa.RSAPrivateKey:
        """A key of this size."""
        return _rsa_key(bits, exponent)


@cache
def _rsa_key(bits: int, exponent: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


def memory_for(dialogue: Dialogue | None = None) -> Mapping[str, bytes]:
    """What a card holds for a dialogue: nothing if it asks for a blank one, else all it needs."""
    return _blank() if dialogue is not None and "blank-card" in dialogue.needs else _token()


def chip_for(dialogue: Dialogue | None = None) -> Card:
    """A card of its own for a dialogue."""
    return chip_with(memory_for(dialogue))


def chip_with(memory: Mapping[str, bytes]) -> Card:
    """A card with a copy of this memory; an unexpected exception inside it comes through."""
    return _card(MemoryStore(memory))


def _card(store: MemoryStore) -> Card:
    return assemble(store, entropy=LabEntropy(), strict=True)


@cache
def _blank() -> Mapping[str, bytes]:
    store = MemoryStore()
    note_applets(store, Applets.BOTH)
    _card(store)
    return cells(store)


@cache
def _token() -> Mapping[str, bytes]:
    """The memory of the token of `vectors.profile`."""
    store = MemoryStore(_blank())
    wanted = Profile.of(
        pin=profile.PIN,
        puk=profile.PUK,
        so_pin=profile.SO_PIN,
        keys=("rsa2048:sign", "rsa2048:decipher", "p256"),
        label=profile.LABEL,
    )
    with TokenClient(MemoryTransport(assemble(store, strict=True))) as client:
        personalise(client, wanted)
    _personalise_piv(PivChip(store))
    return cells(store)


def _personalise_piv(piv: PivChip) -> None:
    """A key on P-256 in each of the four slots, with a certificate."""
    piv.administer()
    for slot, tag in PIV_CERTIFICATES.items():
        public = piv.generate(slot, P_256)
        whole = build_tlv(0x70, _certificate(public)) + build_tlv(0x71, b"\x00")
        assert piv.put(tag, whole + build_tlv(0xFE, b"")) == 0x9000


def _certificate(public: PublicKey) -> bytes:
    """An X.509 certificate of a key by somebody; who that is says nothing here."""
    assert public.point is not None
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, profile.LABEL)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public.point),
        serial_number=x509.random_serial_number(),
        not_valid_before=now,
        not_valid_after=now + timedelta(days=365),
    )
    issuer = ec.generate_private_key(ec.SECP256R1())
    return builder.sign(issuer, hashes.SHA256()).public_bytes(Encoding.DER)
