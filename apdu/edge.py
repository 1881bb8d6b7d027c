"""The numbers of the PKCS#15 card edge, which host and chip have to agree upon.

They are those of OpenSC's driver ``myeid`` (src/libopensc/card-myeid.c), with our own beside them.
Numbers of the standards are in `apdu.instruction` and `apdu.status`; what is in a data field is in
`apdu.payload`.
"""

from enum import IntEnum, IntFlag

PKCS15_AID = bytes.fromhex("A000000063504B43532D3135")
"""The application's identifier (ISO 7816-15 §5)."""

USHIELD_AID = bytes.fromhex("F0555348 49454C44 01")
"""The same application by its name of our own: "USHIELD", 01."""

USER_PIN, SO_PIN = 1, 3
"""References of the holder's PIN and of the security officer's."""

KEY_FILES = 0x4B00
"""Identifier of key file 0; the low byte is the key's reference."""

CERTIFICATE = 0x7F21
"""Tag of a certificate (ISO 7816-6): what GET DATA 3FFF is asked for, and answers."""


class Phase(IntEnum):
    """Where in its life a token is: its life cycle status byte (ISO 7816-4 §7.4.10)."""

    MANUFACTURED = 0x01
    PERSONALISED = 0x03
    DEACTIVATED = 0x04
    ACTIVATED = 0x05
    PIN_BLOCKED = 0x07
    TERMINATED = 0x0C

    @property
    def words(self) -> str:
        """The phase as people read it."""
        return _WORDS[self]


_WORDS = {
    Phase.MANUFACTURED: "manufactured: blank, to be personalised",
    Phase.PERSONALISED: "personalised: has its PINs, to be activated",
    Phase.DEACTIVATED: "deactivated: no key works until the security officer activates it",
    Phase.ACTIVATED: "activated: in use",
    Phase.PIN_BLOCKED: "PIN blocked: the PUK unblocks it",
    Phase.TERMINATED: "terminated: for good",
}


class Usage(IntFlag):
    """What a key may do: tag 95 in A5 of its key file. Any other use is refused (6985)."""

    SIGN = 0x01
    DECIPHER = 0x02
    DERIVE = 0x04
    AUTHENTICATE = 0x08
    """INTERNAL AUTHENTICATE: sign a challenge that the chip hashes itself."""


class Consent(IntEnum):
    """Who has to agree before a key works: tag 96 in A5 of its key file, fixed when it is made."""

    NONE = 0x00
    """Nobody: the PIN is enough."""
    PRESS = 0x01
    """The holder presses Confirm for each use, at the key itself."""
    CONTENT = 0x02
    """As PRESS, and the key signs nothing but a message that the chip has hashed and shown."""


class Use(IntEnum):
    """What MANAGE SECURITY ENVIRONMENT prepares a key for: P1-P2 (ISO 7816-4 §11.5.11)."""

    SIGN = 0x41B6
    DECIPHER = 0x41B8
    AGREE = 0x41A4
    VERIFY = 0x81B6
    ENCIPHER = 0x81B8


class Algorithm(IntEnum):
    """How a prepared key works (tag 80)."""

    RAW = 0x00
    """The block as given."""
    PKCS1 = 0x02
    """PKCS#1 v1.5, padded by the chip."""
    EC = 0x04
    """ECDSA or ECDH."""


class Operation(IntEnum):
    """What PERFORM SECURITY OPERATION does: P1-P2 (ISO 7816-8 §5)."""

    SIGN = 0x9E9A
    DECIPHER = 0x8086
    HASH = 0x9080
    ENCIPHER = 0x8680
    VERIFY = 0x00A8


class Data(IntEnum):
    """What GET DATA gives and PUT DATA takes: P1-P2."""

    STORE = 0x0100
    """PUT DATA: the low byte is a PIN's reference, or a `RsaPart` or an `EcPart` of a key."""
    MODULUS = 0x0101
    EXPONENT = 0x0102
    POINT = 0x0186
    APPLET_INFO = 0x01A0
    FILES = 0x01A1
    CAPABILITIES = 0x01AA
    SERIAL = 0x01B0
    LABEL = 0x01B1
    PHASE = 0x01B2
    TRIES = 0x01B3
    CONSENT = 0x01B4
    """GET DATA: how the last question to the holder ended."""
    CONSENT_SETTINGS = 0x01B5
    """GET DATA, and PUT DATA until activation: how the holder is asked."""
    FORMAT = 0x01E0
    """PUT DATA: erase and lay out anew."""
    BY_TAG_LIST = 0x3FFF
    """GET DATA in its odd form: the objects whose tags are in the data field."""


class RsaPart(IntEnum):
    """The parts of an RSA key that is brought to the card."""

    MODULUS = 0x80
    EXPONENT = 0x81
    P = 0x83
    Q = 0x84
    DP = 0x85
    DQ = 0x86
    Q_INVERSE = 0x87


class EcPart(IntEnum):
    """The parts of a key on a curve that is brought to the card."""

    POINT = 0x86
    PRIVATE = 0x87
