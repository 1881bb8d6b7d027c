"""Making and changing a PIV token: keys, certificates, objects. It takes the management key."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from hmac import compare_digest

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from apdu.errors import ApduError
from apdu.piv import (
    DataObject,
    DynamicAuthentication,
    ImportedKey,
    KeyTemplate,
    NewManagementKey,
    PivINS,
    build_dynamic_authentication,
    build_imported_key,
    build_key_template,
    build_new_management_key,
    build_object,
    parse_dynamic_authentication,
    parse_public_key,
)
from apdu.pivedge import (
    AES,
    CERTIFICATES,
    DES_KEY_LENGTH,
    EC_PARTS,
    MANAGEMENT,
    RSA_PARTS,
    PinPolicy,
    TouchPolicy,
)
from apdu.pivkey import FACTORY_KEY, ManagementKey
from apdu.tlv import Tlv
from host.errors import AnswerError, UnsupportedError
from host.importing import PrivateKey, describe_key, key_parts
from host.link import ALL
from host.piv.client import PivClient
from host.piv.keys import KEY_TYPES, algorithm_for, public_key
from host.piv.objects import certificate_object
from host.publickey import PublicKey

_CURRENT_APPLICATION = 0x3FFF
_NO_TOUCH = 0xFFFF

_ALGORITHMS = {
    **{length: algorithm for algorithm, length in AES.items() if length != DES_KEY_LENGTH},
    DES_KEY_LENGTH: FACTORY_KEY.algorithm,
}
"""By the bytes of the key; 24 bytes are for 3DES, as a card from the factory has it."""


def read_management_key(text: str) -> ManagementKey:
    """A key in hexadecimal digits: 16 or 32 bytes for AES, 24 for 3DES.

    UnsupportedError, which does not show it, for other text.
    """
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise UnsupportedError("a management key is written in hexadecimal digits") from None
    if len(key) not in _ALGORITHMS:
        lengths = " or ".join(map(str, sorted(_ALGORITHMS)))
        raise UnsupportedError(f"a management key has {lengths} bytes, not {len(key)}")
    return ManagementKey(_ALGORITHMS[len(key)], key)


class PivManager:
    """What a personaliser does with the token of a client, once `authenticate` has succeeded."""

    def __init__(self, client: PivClient, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self.client = client
        self._link = client.link
        self._entropy = entropy

    def authenticate(self, key: ManagementKey = FACTORY_KEY) -> None:
        """Prove the management key, and see the card prove it (part 2 appendix A.2).

        SecurityStatusError: it is another one. WrongData: it is for another algorithm.
        """
        with self._link.transaction():
            witness = self._ask(key, DynamicAuthentication(witness=b"")).witness
            if witness is None or len(witness) != key.block:
                raise AnswerError("the card's answer holds no witness")
            challenge = self._entropy(key.block)
            proof = DynamicAuthentication(witness=key.decipher(witness), challenge=challenge)
            response = self._ask(key, proof).response
        if response is None or not compare_digest(response, key.encipher(challenge)):
            raise AnswerError("the card has not the management key that it asks for")

    def set_management_key(self, key: ManagementKey) -> None:
        """Have another management key from now on."""
        new = build_new_management_key(NewManagementKey(key.algorithm, key.key))
        self._link.command(PivINS.SET_MANAGEMENT_KEY, _NO_TOUCH, new)

    def write_object(self, tag: int, content: bytes) -> None:
        """Keep a data object; without content it is removed."""
        data = build_object(DataObject(tag, content))
        self._link.command(PivINS.PUT_DATA, _CURRENT_APPLICATION, data)

    def write_certificate(self, slot: int, certificate: x509.Certificate) -> None:
        """Keep the certificate of a key; one that was there before is replaced."""
        _check_slot(slot)
        self.write_object(CERTIFICATES[slot], certificate_object(certificate))

    def generate_key(
        self,
        slot: int,
        key_type: str,
        *,
        pin_policy: PinPolicy | None = None,
        touch_policy: TouchPolicy | None = None,
    ) -> PublicKey:
        """Make a key in a slot (`key_type`: see `host.piv.keys.KEY_TYPES`); its public half.

        The policies are Yubico's; without them the slot's own rule holds.
        """
        if key_type not in KEY_TYPES:
            raise UnsupportedError(f"no key {key_type!r}; there are {', '.join(KEY_TYPES)}")
        _check_slot(slot)
        algorithm = KEY_TYPES[key_type]
        template = build_key_template(
            KeyTemplate(algorithm, pin_policy=pin_policy, touch_policy=touch_policy)
        )
        answer = self._link.command(PivINS.GENERATE_KEY, slot, template, ALL)
        self.client.refresh()
        try:
            return public_key(algorithm, parse_public_key(answer))
        except ApduError as error:
            raise AnswerError(f"the public key is wrong: {error}") from None

    def import_key(
        self,
        slot: int,
        key: PrivateKey,
        *,
        pin_policy: PinPolicy | None = None,
        touch_policy: TouchPolicy | None = None,
    ) -> None:
        """Bring a key to a slot, or that of attestation (Yubico's IMPORT ASYMMETRIC KEY)."""
        _check_slot(slot)
        algorithm = algorithm_for(*describe_key(key))
        if isinstance(key, rsa.RSAPrivateKey) and key.private_numbers().public_numbers.e != 65537:
            raise UnsupportedError("a PIV card takes RSA keys with the exponent 65537 only")
        parts = build_imported_key(ImportedKey(_parts(key), pin_policy, touch_policy))
        self._link.command(PivINS.IMPORT_KEY, algorithm << 8 | slot, parts)
        self.client.refresh()

    def _ask(self, key: ManagementKey, request: DynamicAuthentication) -> DynamicAuthentication:
        p1p2 = key.algorithm << 8 | MANAGEMENT
        data = build_dynamic_authentication(request)
        answer = self._link.command(PivINS.GENERAL_AUTHENTICATE, p1p2, data, ALL)
        try:
            return parse_dynamic_authentication(answer)
        except ApduError as error:
            raise AnswerError(f"the card's answer is wrong: {error}") from None


def _check_slot(slot: int) -> None:
    if slot not in CERTIFICATES:
        raise UnsupportedError(f"PIV has no slot {slot:02X}")


def _parts(key: PrivateKey) -> tuple[Tlv, ...]:
    """RSA by its primes and what goes with them, each as long as a prime; a curve by its value."""
    known: Mapping[int, int] = EC_PARTS
    size = -(-key.key_size // 8)
    if isinstance(key, rsa.RSAPrivateKey):
        known, size = RSA_PARTS, size // 2
    values = dict(key_parts(key))
    return tuple(
        Tlv(tag, values[part].lstrip(b"\x00").rjust(size, b"\x00")) for tag, part in known.items()
    )
