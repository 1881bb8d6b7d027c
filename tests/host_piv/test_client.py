"""What a holder does with a PIV token: PIN, signatures, secrets; and what the card refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PSS, PKCS1v15

from apdu.payload import ConsentSettings
from apdu.pivedge import SLOTS, PinPolicy, TouchPolicy
from applet.os.store import MemoryStore
from host.client import TokenClient
from host.errors import (
    AnswerError,
    CardError,
    DecipherError,
    KeyChoiceError,
    NoApplication,
    NotFound,
    NotSupported,
    PinBlocked,
    PinEachTime,
    PinFormatError,
    SecurityStatusError,
    UnsupportedError,
    WrongData,
    WrongPin,
)
from host.importing import PrivateKey
from host.memory import MemoryTransport
from host.overview import open_application
from host.padding import digest_of
from host.piv.client import PivClient
from host.piv.manage import PivManager, read_management_key
from host.trace import format_record
from tests.host_piv import tokens
from tests.host_piv.tokens import PIN, PUK
from ushield.device.assembly import assemble
from ushield.tokens import new_piv_token, new_token

MESSAGE = b"pay 100.00 CNY to Li Lei"
OAEP_256 = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)
AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD, RETIRED = 0x9A, 0x9C, 0x9D, 0x9E, 0x82


@pytest.fixture
def client() -> PivClient:
    return tokens.token()


@pytest.fixture
def holder(client: PivClient) -> PivClient:
    client.verify_pin(PIN)
    return client


@pytest.mark.parametrize("slot", [AUTHENTICATION, SIGNATURE, CARD])
@pytest.mark.parametrize("name", ["sha1", "sha256", "sha384", "sha512"])
def test_signatures(client: PivClient, slot: int, name: str) -> None:
    signature = client.sign(MESSAGE, slot, hash=name, pin=PIN)
    assert client.check_signature(signature, MESSAGE, slot, hash=name)
    assert not client.check_signature(signature, MESSAGE + b"!", slot, hash=name)


def test_a_pss_signature(holder: PivClient) -> None:
    signature = holder.sign(MESSAGE, AUTHENTICATION, padding="pss")
    assert holder.check_signature(signature, MESSAGE, AUTHENTICATION, padding="pss")


def test_the_first_key_that_signs_is_the_authentication_key(holder: PivClient) -> None:
    assert holder.check_signature(holder.sign(MESSAGE), MESSAGE, "authentication key")


def test_the_signature_key_wants_the_pin_each_time(holder: PivClient) -> None:
    holder.sign(MESSAGE, SIGNATURE)
    with pytest.raises(PinEachTime):
        holder.sign(MESSAGE, SIGNATURE)
    for _ in range(2):
        holder.sign(MESSAGE, SIGNATURE, pin=PIN)


def test_without_the_pin(client: PivClient) -> None:
    with pytest.raises(SecurityStatusError):
        client.sign(MESSAGE)
    assert client.sign(MESSAGE, CARD)


def test_a_digest_of_another_length(holder: PivClient) -> None:
    with pytest.raises(UnsupportedError, match="32 bytes, not 31"):
        holder.sign_digest(bytes(31))


def test_deciphering(holder: PivClient) -> None:
    public = holder.public_key(KEY_MANAGEMENT)
    assert isinstance(public, rsa.RSAPublicKey)
    assert holder.decipher(public.encrypt(MESSAGE, PKCS1v15())) == MESSAGE
    assert holder.decipher(public.encrypt(b"", PKCS1v15())) == b""
    assert holder.decipher(public.encrypt(b"abc", OAEP_256), padding="oaep") == b"abc"
    with pytest.raises(DecipherError, match="128 bytes, not 127"):
        holder.decipher(bytes(127))
    with pytest.raises(DecipherError, match="no PKCS#1"):
        holder.decipher(public.encrypt(b"abc", OAEP_256))
    with pytest.raises(UnsupportedError, match="on a curve"):
        holder.decipher(bytes(32), RETIRED)


def test_agreement(holder: PivClient) -> None:
    peer = ec.generate_private_key(ec.SECP256R1())
    public = holder.public_key(RETIRED)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert holder.derive(peer.public_key()) == peer.exchange(ec.ECDH(), public)
    with pytest.raises(UnsupportedError, match="RSA key"):
        holder.derive(peer.public_key(), KEY_MANAGEMENT)


def test_keys_as_cryptography_takes_them(client: PivClient) -> None:
    name = x509.Name.from_rfc4514_string("CN=me")
    for slot in (AUTHENTICATION, SIGNATURE, CARD):
        key = client.private_key(slot, pin=PIN)
        assert PIN not in repr(key)
        for _ in range(2):
            request = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
            assert request.is_signature_valid
    rsa_key = client.private_key(AUTHENTICATION, pin=PIN)
    assert isinstance(rsa_key, rsa.RSAPrivateKey)
    padding = PSS(MGF1(hashes.SHA512()), 20)
    signature = rsa_key.sign(MESSAGE, padding, hashes.SHA512())
    rsa_key.public_key().verify(signature, MESSAGE, padding, hashes.SHA512())


def test_pin_and_puk(client: PivClient) -> None:
    with pytest.raises(WrongPin) as wrong:
        client.verify_pin("000000")
    assert wrong.value.tries_left == 5 == client.info().pin_tries_left
    client.change_pin(PIN, "246802")
    client.verify_pin("246802")
    client.change_puk(PUK, "13579246")
    with pytest.raises(WrongPin):
        client.unblock_pin(PUK, PIN)
    assert client.info().puk_tries_left == 9
    for _ in range(5):
        with pytest.raises(WrongPin):
            client.verify_pin("000000")
    with pytest.raises(PinBlocked):
        client.verify_pin("000000")
    assert client.info().pin_tries_left == 0
    client.unblock_pin("13579246", PIN)
    client.verify_pin(PIN)
    client.logout()
    with pytest.raises(SecurityStatusError):
        client.sign(MESSAGE)


@pytest.mark.parametrize("pin", ["12345", "123456789", ""])
def test_a_pin_that_cannot_be_is_not_sent(client: PivClient, pin: str) -> None:
    with pytest.raises(PinFormatError):
        client.change_pin(PIN, pin)
    assert client.info().pin_tries_left == 6


def test_what_is_not_there(client: PivClient) -> None:
    with pytest.raises(KeyChoiceError):
        client.key(0x83)
    with pytest.raises(NotFound):
        client.read_object(0x5FC106)


def test_a_card_without_the_application() -> None:
    with pytest.raises(NoApplication, match="this card has no PIV application"):
        PivClient(MemoryTransport(assemble(MemoryStore())))
    with pytest.raises(NoApplication, match="this card has no PKCS#15 application"):
        TokenClient(MemoryTransport(assemble(tokens.factory_store())))


@pytest.mark.parametrize(
    ("store", "applet", "kind"),
    [
        (MemoryStore, None, TokenClient),
        (MemoryStore, "pkcs15", TokenClient),
        (tokens.factory_store, None, PivClient),
        (tokens.factory_store, "piv", PivClient),
    ],
)
def test_a_client_for_whatever_the_card_has(
    store: Callable[[], MemoryStore], applet: Literal["pkcs15", "piv"] | None, kind: type
) -> None:
    client = open_application(MemoryTransport(assemble(store())), applet)
    assert type(client) is kind
    assert client.consent_settings() == ConsentSettings()


@pytest.mark.parametrize(
    ("applet", "name"), [(None, "PKCS#15 or PIV"), ("pkcs15", "PKCS#15"), ("piv", "PIV")]
)
def test_a_card_with_neither(applet: Literal["pkcs15", "piv"] | None, name: str) -> None:
    with pytest.raises(NoApplication, match=f"this card has no {name} application"):
        open_application(NoCardOfOurs(), applet)


class NoCardOfOurs(MemoryTransport):
    """Knows no application."""

    def __init__(self) -> None:
        super().__init__(assemble(MemoryStore()))

    def transmit(self, command: bytes) -> bytes:
        return b"\x6a\x82"


class OldCard(MemoryTransport):
    """Knows only what the standard has: no metadata, no version."""

    def __init__(self) -> None:
        super().__init__(assemble(MemoryStore(tokens._made())))

    def transmit(self, command: bytes) -> bytes:
        return b"\x6d\x00" if command[1] >= 0xF0 else super().transmit(command)


def test_a_card_that_knows_nothing_of_yubicos_additions() -> None:
    """Its keys are those that have a certificate; 9C wants the PIN each time by the standard."""
    old, new = PivClient(OldCard()), tokens.token()
    known = old.keys()
    assert known == new.keys()
    for key in known:
        assert old.public_key(key.reference) == new.public_key(key.reference)
    assert old.info().version is None
    assert (old.info().pin_tries_left, old.info().puk_tries_left) == (6, None)
    old.verify_pin(PIN)
    assert old.info().pin_tries_left is None
    assert old.check_signature(old.sign(MESSAGE, SIGNATURE, pin=PIN), MESSAGE, SIGNATURE)


class Damaged(MemoryTransport):
    """Answers one instruction with something else."""

    def __init__(self, ins: int, answer: bytes) -> None:
        super().__init__(assemble(MemoryStore(tokens._made())))
        self.ins, self.answer = ins, answer

    def transmit(self, command: bytes) -> bytes:
        return self.answer if command[1] == self.ins else super().transmit(command)


@pytest.mark.parametrize(
    ("ins", "use"),
    [
        (0xF7, PivClient.keys),
        (0x87, lambda client: client.sign(MESSAGE, CARD)),
        (0xCB, lambda client: client.certificate(CARD)),
    ],
)
@pytest.mark.parametrize("answer", ["9000", "FFFFFF9000", "0101119000", "7C009000", "53009000"])
def test_nonsense_of_the_card_is_said_to_be_that(
    ins: int, use: Callable[[PivClient], object], answer: str
) -> None:
    client = PivClient(Damaged(ins, bytes.fromhex(answer)))
    if (ins, answer) == (0xF7, "0101119000"):
        # Metadata without a public key: the certificates have them.
        assert use(client) == tokens.token().info().keys
        return
    with pytest.raises((AnswerError, CardError)):
        use(client)


def test_no_secret_is_in_the_trace() -> None:
    lines: list[str] = []
    client = tokens.token(trace=lambda record: lines.append(format_record(record)))
    client.change_pin(PIN, "246802")
    client.sign(MESSAGE, SIGNATURE, pin="246802")
    text = "\n".join(lines).replace(" ", "").upper()
    assert "0087119C" in text and len(lines) == 10
    for secret in (PIN, "246802"):
        assert secret not in text and secret.encode().hex().upper() not in text


def test_every_slot_has_a_name(client: PivClient) -> None:
    known = client.keys()
    assert len({key.label for key in known}) == len(known) == 5
    assert {key.reference for key in known} <= set(SLOTS)


def test_a_card_of_ours_says_that_its_keys_were_made_on_it() -> None:
    client = new_piv_token(pin=PIN, keys=["p256", "rsa1024"])
    issuer = client.attestation_issuer()
    assert issuer.subject.rfc4514_string() == f"CN=U-Shield PIV Attestation {client.serial()}"
    issuer.verify_directly_issued_by(issuer)
    for slot in (AUTHENTICATION, SIGNATURE):
        found = client.attestation(slot)
        found.verify_directly_issued_by(issuer)
        assert found.public_key() == client.public_key(slot)
    with pytest.raises(KeyChoiceError):
        client.attestation(RETIRED)
    with pytest.raises(NotFound):
        tokens.token().attestation(AUTHENTICATION)


def test_no_word_for_a_key_that_was_brought() -> None:
    client = new_piv_token(pin=PIN, keys=["p256"])
    manager = PivManager(client)
    manager.authenticate()
    manager.import_key(SIGNATURE, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(WrongData):
        client.attestation(SIGNATURE)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 1024),
        rsa.generate_private_key(65537, 2048),
    ],
)
def test_keys_that_are_brought(client: PivClient, key: PrivateKey) -> None:
    manager = PivManager(client)
    manager.authenticate(read_management_key(tokens.ADMIN))
    manager.import_key(0x83, key, pin_policy=PinPolicy.NEVER)
    assert client.public_key(0x83) == key.public_key()
    digest = digest_of(MESSAGE, "sha256")
    signature = client.sign_digest(digest, 0x83)
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, MESSAGE, PKCS1v15(), hashes.SHA256())
    else:
        public.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))


def test_policies_of_a_key_that_is_made(client: PivClient) -> None:
    manager = PivManager(client)
    manager.authenticate(read_management_key(tokens.ADMIN))
    manager.generate_key(0x83, "p256", pin_policy=PinPolicy.ALWAYS)
    assert client.key(0x83).pin_each
    with pytest.raises(NotSupported):
        manager.generate_key(0x83, "p256", touch_policy=TouchPolicy.ALWAYS)


@pytest.mark.parametrize("slot", [0x19A, 0x99, 0])
def test_a_slot_that_is_none(client: PivClient, slot: int) -> None:
    """None is taken for another one: its number is part of a byte of the command."""
    manager = PivManager(client)
    manager.authenticate(read_management_key(tokens.ADMIN))
    before = client.public_key(AUTHENTICATION)
    for act in (
        lambda: manager.import_key(slot, ec.generate_private_key(ec.SECP256R1())),
        lambda: manager.generate_key(slot, "p256"),
        lambda: manager.write_certificate(slot, client.certificate(AUTHENTICATION)),
    ):
        with pytest.raises(UnsupportedError, match="PIV has no slot"):
            act()
    client.refresh()
    assert client.public_key(AUTHENTICATION) == before


def test_an_exponent_that_piv_does_not_take(client: PivClient) -> None:
    with pytest.raises(UnsupportedError, match="65537"):
        PivManager(client).import_key(0x83, rsa.generate_private_key(3, 1024))


def test_errors_name_the_commands_of_piv(client: PivClient) -> None:
    with pytest.raises(SecurityStatusError, match="IMPORT KEY: 6982"):
        PivManager(client).import_key(0x83, ec.generate_private_key(ec.SECP256R1()))


def test_a_single_text_is_no_list_of_keys() -> None:
    for make in (new_token, new_piv_token):
        with pytest.raises(UnsupportedError, match=r"keys is a list, such as \['p256'\]"):
            make(keys="p256")
