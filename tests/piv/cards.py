"""PIV cards to try the applet with, driven by command APDUs written as in the vector files."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apdu.piv import (
    DataObject,
    DynamicAuthentication,
    ImportedKey,
    KeyTemplate,
    NewManagementKey,
    PublicKey,
    build_dynamic_authentication,
    build_imported_key,
    build_key_template,
    build_new_management_key,
    build_object,
    build_object_request,
    parse_dynamic_authentication,
    parse_object_answer,
    parse_public_key,
)
from apdu.pivcertificate import build_certificate_object
from apdu.tlv import Tlv, build_tlvs
from applet.consent.desk import ConsentDesk
from applet.os.card import Card
from applet.os.panel import Panel
from applet.os.pins import PinPolicy
from applet.os.store import MemoryStore
from applet.piv import ATR, PivApplet
from applet.pkcs15 import Pkcs15Applet
from tests.chip.cards import DIGEST_INFO, Chip, cells
from ushield.device.assembly import SystemEntropy

AID = "A000000308 000010000100"
DES_KEY = bytes(range(1, 9)) * 3
DES, AES_128, AES_192, AES_256 = 0x03, 0x08, 0x0A, 0x0C
RSA_1024, RSA_2048, RSA_3072, RSA_4096, P_256, P_384 = 0x06, 0x07, 0x05, 0x16, 0x11, 0x14
RSA_BITS = {RSA_1024: 1024, RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096}
CURVES: Mapping[int, ec.EllipticCurve] = {P_256: ec.SECP256R1(), P_384: ec.SECP384R1()}
RETIRED = range(0x82, 0x96)
SLOTS = (0x9A, 0x9C, 0x9D, 0x9E, *RETIRED)


class CachedEntropy(SystemEntropy):
    """RSA keys above 2048 bits, which cost seconds, are made once in this process."""

    def rsa_key(self, bits: int, exponent: int) -> rsa.RSAPrivateKey:
        """A key of this size."""
        return rsa_key(bits, exponent) if bits > 2048 else super().rsa_key(bits, exponent)


@cache
def rsa_key(bits: int, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """An RSA key that the tests share."""
    return rsa.generate_private_key(exponent, bits)


def ec_key(algorithm: int) -> ec.EllipticCurvePrivateKey:
    """A new key on a curve."""
    return ec.generate_private_key(CURVES[algorithm])


def encoded(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Its public point: 04 x y."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def assemble(
    store: MemoryStore, *, pkcs15: bool = False, strict: bool = True, panel: Panel | None = None
) -> Card:
    """A card with the PIV applet, and with the PKCS#15 applet behind it if wanted."""
    entropy, consent = CachedEntropy(), ConsentDesk(store, panel)
    applets: list[Any] = [PivApplet(store, entropy, consent=consent)]
    if pkcs15:
        applets.append(Pkcs15Applet(store, entropy, PinPolicy(), consent))
    return Card(applets, store, atr=ATR, strict=strict)


class PivChip(Chip):
    """A PIV card in a test."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        pkcs15: bool = False,
        strict: bool = True,
        panel: Panel | None = None,
    ) -> None:
        self.store = MemoryStore() if store is None else store
        self.card = assemble(self.store, pkcs15=pkcs15, strict=strict, panel=panel)
        self.card.power_on()

    def copy(self) -> PivChip:
        """Another card with the same memory, powered on afresh."""
        return PivChip(MemoryStore(cells(self.store)))

    def verify(self) -> None:
        """Present the PIN."""
        self.ok("00 20 00 80 [ {pin} ]")

    def block_pin(self) -> None:
        """Use up the tries of the PIN."""
        _use_up(self, "00 20 00 80 [ {wrong} ]")

    def block_puk(self) -> None:
        """Use up the tries of the PUK."""
        _use_up(self, "00 2C 00 80 [ {wrong} {pin} ]")

    def administer(self, algorithm: int = DES, key: bytes = DES_KEY) -> None:
        """Prove the management key, by the card's challenge."""
        challenge = self.ask(algorithm, 0x9B, challenge=b"").challenge
        assert challenge is not None
        assert self.ask_bare(algorithm, response=encipher(algorithm, key, challenge)) == 0x9000

    def ask(self, algorithm: int, key: int, **objects: bytes) -> DynamicAuthentication:
        """GENERAL AUTHENTICATE, in a chain where it is long; what the card answers."""
        data, sw = self.try_to_ask(algorithm, key, **objects)
        assert sw == 0x9000, f"answered {sw:04X}"
        return parse_dynamic_authentication(data)

    def try_to_ask(self, algorithm: int, key: int, **objects: bytes) -> tuple[bytes, int]:
        """GENERAL AUTHENTICATE; data and status word."""
        template = build_dynamic_authentication(DynamicAuthentication(**objects))
        return self.chain(f"87 {algorithm:02X} {key:02X}", template)

    def ask_bare(self, algorithm: int, **objects: bytes) -> int:
        """GENERAL AUTHENTICATE with the management key; the status word."""
        return self.try_to_ask(algorithm, 0x9B, **objects)[1]

    def use(self, algorithm: int, slot: int, **objects: bytes) -> bytes:
        """What a key makes of a challenge or a point."""
        response = self.ask(algorithm, slot, **{"response": b"", **objects}).response
        assert response is not None
        return response

    def sign(self, slot: int, algorithm: int = P_256) -> str:
        """Sign something; the status word."""
        block = hashlib.sha256(b"order").digest()
        if algorithm in RSA_BITS:
            block = padded(block, RSA_BITS[algorithm] // 8)
        return f"{self.try_to_ask(algorithm, slot, response=b'', challenge=block)[1]:04X}"

    def generate(self, slot: int, algorithm: int, **more: int) -> PublicKey:
        """Make a key; its public half."""
        template = build_key_template(KeyTemplate(algorithm, **more))
        return parse_public_key(self.ok(f"00 47 00 {slot:02X} [ {{t}} ] 00", t=template))

    def bring(self, slot: int, algorithm: int, parts: Mapping[int, bytes], **more: int) -> int:
        """Import a key; the status word."""
        key = ImportedKey(tuple(Tlv(*part) for part in parts.items()), **more)
        return self.chain(f"FE {algorithm:02X} {slot:02X}", build_imported_key(key))[1]

    def put(self, tag: int, content: bytes) -> int:
        """PUT DATA; the status word."""
        return self.chain("DB 3F FF", build_object(DataObject(tag, content)))[1]

    def get(self, tag: int) -> bytes:
        """GET DATA; the content."""
        answer = self.ok("00 CB 3F FF [ {tag} ] 00", tag=build_object_request(tag))
        return parse_object_answer(tag, answer).content

    def set_management_key(self, algorithm: int, key: bytes) -> str:
        """Yubico's SET MANAGEMENT KEY; the status word."""
        new = build_new_management_key(NewManagementKey(algorithm, key))
        return self.sw("00 FF FF FF [ {new} ]", new=new)

    def sw(self, command: str, **values: bytes) -> str:
        """The status word alone; {wrong} is a wrong PIN."""
        return super().sw(command, **{"wrong": b"999999\xff\xff", **values})


def _use_up(chip: PivChip, command: str) -> None:
    while chip.sw(command) != "6983":
        pass


def encipher(algorithm: int, key: bytes, block: bytes) -> bytes:
    """A block under a management key."""
    kind = TripleDES if algorithm == DES else algorithms.AES
    encryptor = Cipher(kind(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def decipher(algorithm: int, key: bytes, block: bytes) -> bytes:
    """A block back from under a management key."""
    kind = TripleDES if algorithm == DES else algorithms.AES
    decryptor = Cipher(kind(key), modes.ECB()).decryptor()
    return decryptor.update(block) + decryptor.finalize()


def padded(digest: bytes, size: int) -> bytes:
    """A SHA-256 digest as PKCS#1 v1.5 signs it, `size` bytes long."""
    info = DIGEST_INFO + digest
    return b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info


def rsa_parts(key: rsa.RSAPrivateKey) -> dict[int, bytes]:
    """The parts of a key as Yubico's tools send them, each half as long as the modulus."""
    numbers, half = key.private_numbers(), key.key_size // 16
    parts = (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    return {tag: part.to_bytes(half, "big") for tag, part in enumerate(parts, 1)}


def ec_parts(key: ec.EllipticCurvePrivateKey) -> dict[int, bytes]:
    """The one part of a key on a curve."""
    return {6: key.private_numbers().private_value.to_bytes(key.key_size // 8, "big")}


def prepare_attestation(
    chip: PivChip, algorithm: int = RSA_1024, *, packed: bool = False
) -> x509.Certificate:
    """Bring a key of attestation and its certificate, as a factory does."""
    key = rsa_key(RSA_BITS[algorithm]) if algorithm in RSA_BITS else ec_key(algorithm)
    name = x509.Name.from_rfc4514_string("CN=Attestation of a test")
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin.replace(year=2045))
        .sign(key, SHA256())
    )
    der = certificate.public_bytes(Encoding.DER)
    content = build_certificate_object(der)
    if packed:
        content = build_tlvs(Tlv(0x70, gzip.compress(der)), Tlv(0x71, b"\x01"))
    chip.administer()
    parts = rsa_parts(key) if isinstance(key, rsa.RSAPrivateKey) else ec_parts(key)
    assert chip.bring(0xF9, algorithm, parts) == 0x9000
    assert chip.put(0x5FFF01, content) == 0x9000
    chip.card.reset()
    chip.ok(f"00 A4 04 00 [ {AID} ]")
    return certificate


def born() -> PivChip:
    """A card from the factory."""
    return PivChip(MemoryStore(_born_cells()))


def full() -> PivChip:
    """A card with a P-256 key in 9A, 9C, 9D, 9E and 82, an RSA-1024 key in 95, and objects."""
    return PivChip(MemoryStore(_full_cells()))


@cache
def _born_cells() -> Mapping[str, bytes]:
    return cells(PivChip().store)


@cache
def _full_cells() -> Mapping[str, bytes]:
    chip = born()
    chip.administer()
    for slot in (0x9A, 0x9C, 0x9D, 0x9E, 0x82):
        chip.generate(slot, P_256)
    chip.generate(0x95, RSA_1024)
    for tag, size in {0x5FC102: 10, 0x5FC105: 256, 0x5FC109: 5, 0x7F61: 3}.items():
        assert chip.put(tag, bytes(range(size))) == 0x9000
    return cells(chip.store)
