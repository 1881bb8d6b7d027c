"""The applet's commands, decoded: what is asked, with its fields apart and already checked.

Each says which ability of the life cycle it needs. Secrets have no repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from apdu.edge import Use
from apdu.filecontrol import FileControl
from apdu.payload import (
    ConsentSettings,
    Cryptogram,
    FormatCard,
    PinRecord,
    SecurityEnvironment,
    SignatureInput,
)
from applet.os.lifecycle import Ability


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT by path or identifier (ISO 7816-4 §11.1.1); `mode` is P1."""

    mode: int
    template: int | None
    path: bytes
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class ReadBinary:
    """READ BINARY of the current file."""

    offset: int
    length: int
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class UpdateBinary:
    """UPDATE BINARY of the current file."""

    offset: int
    data: bytes = field(repr=False)
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class CreateFile:
    """CREATE FILE under the current DF (ISO 7816-9 §6.1)."""

    control: FileControl
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """DELETE FILE: the current file, or one under the current DF (ISO 7816-9 §6.2)."""

    fid: bytes | None
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class Verify:
    """VERIFY a PIN, a block of 8 bytes."""

    reference: int
    block: bytes = field(repr=False)
    ability: ClassVar[Ability] = Ability.VERIFY


@dataclass(frozen=True, slots=True)
class AskPin:
    """VERIFY without data: the state of a PIN, which costs nothing in any phase."""

    reference: int
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class ChangePin:
    """CHANGE REFERENCE DATA."""

    reference: int
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    ability: ClassVar[Ability] = Ability.VERIFY


@dataclass(frozen=True, slots=True)
class Unblock:
    """RESET RETRY COUNTER with the PUK, and a new PIN unless the old one is kept."""

    reference: int
    puk: bytes = field(repr=False)
    new: bytes | None = field(repr=False)
    ability: ClassVar[Ability] = Ability.UNBLOCK


@dataclass(frozen=True, slots=True)
class Logout:
    """One PIN, or every PIN (reference 0), counts as not verified."""

    reference: int
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class GetChallenge:
    """GET CHALLENGE of so many bytes."""

    length: int
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class GetObject:
    """GET DATA of one of the applet's own objects; the tag is P1-P2."""

    tag: int
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class GetCertificate:
    """GET DATA of the certificate of a key; without a reference, of the first one."""

    reference: int | None
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class Format:
    """Erase everything and lay the two directories anew."""

    data: FormatCard
    ability: ClassVar[Ability] = Ability.FORMAT


@dataclass(frozen=True, slots=True)
class StorePin:
    """Keep a new PIN with its PUK."""

    reference: int
    record: PinRecord
    ability: ClassVar[Ability] = Ability.SET_PIN


@dataclass(frozen=True, slots=True)
class SetConsent:
    """PUT DATA: how the holder of a key with a display is asked."""

    settings: ConsentSettings
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class ImportPart:
    """One part of a key that is being imported into the current key file."""

    component: int
    value: bytes = field(repr=False)
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class GenerateKey:
    """GENERATE ASYMMETRIC KEY PAIR in the current key file (ISO 7816-8 §5.4)."""

    exponent: int | None
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class SetEnvironment:
    """MANAGE SECURITY ENVIRONMENT SET: which key, with which algorithm, for what."""

    use: Use
    environment: SecurityEnvironment
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class Sign:
    """PSO: compute digital signature; without data, over the digest made by PSO HASH."""

    data: bytes
    ability: ClassVar[Ability] = Ability.USE_KEY


@dataclass(frozen=True, slots=True)
class Decipher:
    """PSO: decipher."""

    cryptogram: Cryptogram = field(repr=False)
    ability: ClassVar[Ability] = Ability.USE_KEY


@dataclass(frozen=True, slots=True)
class Encipher:
    """PSO: encipher with a public key."""

    plain: bytes = field(repr=False)
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class Hash:
    """PSO: hash a whole message; the digest stays on the chip, and is answered when asked for."""

    message: bytes
    answer: bool
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class VerifySignature:
    """PSO: verify a digital signature."""

    data: SignatureInput
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class Agree:
    """GENERAL AUTHENTICATE as ECDH: the other side's point in, the shared x coordinate out."""

    point: bytes
    ability: ClassVar[Ability] = Ability.USE_KEY


@dataclass(frozen=True, slots=True)
class Authenticate:
    """INTERNAL AUTHENTICATE: a signature over a challenge that the chip hashes itself."""

    reference: int
    challenge: bytes
    ability: ClassVar[Ability] = Ability.USE_KEY


@dataclass(frozen=True, slots=True)
class Activate:
    """ACTIVATE: end of personalisation, or of a deactivation."""

    ability: ClassVar[Ability] = Ability.ACTIVATE


@dataclass(frozen=True, slots=True)
class Deactivate:
    """DEACTIVATE: no key works until the card is activated again."""

    ability: ClassVar[Ability] = Ability.DEACTIVATE


@dataclass(frozen=True, slots=True)
class Terminate:
    """TERMINATE CARD USAGE: for good."""

    ability: ClassVar[Ability] = Ability.TERMINATE


FileCommand = Select | ReadBinary | UpdateBinary | CreateFile | DeleteFile
PinCommand = Verify | AskPin | ChangePin | Unblock | Logout
KeyMaking = ImportPart | GenerateKey
KeyUse = Sign | Decipher | Agree | Authenticate | SetEnvironment | Hash | Encipher | VerifySignature
ObjectCommand = GetObject | GetCertificate
CardCommand = Format | StorePin | SetConsent | Activate | Deactivate | Terminate
Typed = KeyUse | GetChallenge | FileCommand | PinCommand | ObjectCommand | KeyMaking | CardCommand
