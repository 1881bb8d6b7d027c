"""The PIV applet's commands, decoded. Each says which ability of the life cycle it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from apdu.edge import Data
from apdu.piv import (
    DataObject,
    DynamicAuthentication,
    ImportedKey,
    KeyTemplate,
    NewManagementKey,
)
from applet.os.lifecycle import Ability
from applet.os.pins import Role


@dataclass(frozen=True, slots=True)
class GetObject:
    """GET DATA of an object."""

    tag: int
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class GetConsent:
    """GET DATA of this card's own: how the last question ended, or how the holder is asked."""

    tag: Data
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class PutObject:
    """PUT DATA of an object; empty content removes it."""

    given: DataObject
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class Verify:
    """VERIFY the PIN."""

    block: bytes = field(repr=False)
    ability: ClassVar[Ability] = Ability.VERIFY


@dataclass(frozen=True, slots=True)
class AskPin:
    """VERIFY without data: the state of the PIN."""

    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class Logout:
    """VERIFY with P1 FF: the PIN counts as not verified."""

    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class Change:
    """CHANGE REFERENCE DATA of the PIN or the PUK."""

    role: Role
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    ability: ClassVar[Ability] = Ability.VERIFY


@dataclass(frozen=True, slots=True)
class Unblock:
    """RESET RETRY COUNTER of the PIN by the PUK."""

    puk: bytes = field(repr=False)
    new: bytes = field(repr=False)
    ability: ClassVar[Ability] = Ability.UNBLOCK


@dataclass(frozen=True, slots=True)
class GenerateKey:
    """GENERATE ASYMMETRIC KEY PAIR in a slot."""

    slot: int
    template: KeyTemplate
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class Authenticate:
    """GENERAL AUTHENTICATE with a key: sign, decipher, agree, or prove the management key."""

    algorithm: int
    key: int
    template: DynamicAuthentication
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class ImportKey:
    """Yubico's IMPORT ASYMMETRIC KEY into a slot."""

    algorithm: int
    slot: int
    key: ImportedKey
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class SetManagementKey:
    """Yubico's SET MANAGEMENT KEY."""

    new: NewManagementKey
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class SetTries:
    """Yubico's SET PIN RETRIES: PIN and PUK are their defaults again, with so many tries."""

    pin: int
    puk: int
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class Reset:
    """Yubico's RESET: as from the factory, once PIN and PUK are blocked."""

    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class MoveKey:
    """Yubico's MOVE KEY into another slot; without one the key is deleted."""

    source: int
    target: int | None
    ability: ClassVar[Ability] = Ability.MANAGE


@dataclass(frozen=True, slots=True)
class GetMetadata:
    """Yubico's GET METADATA of a key, a PIN or the management key."""

    reference: int
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class Attest:
    """Yubico's ATTEST of a key: a certificate which says that it was made here."""

    slot: int
    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class GetSerial:
    """Yubico's GET SERIAL."""

    ability: ClassVar[Ability] = Ability.READ


@dataclass(frozen=True, slots=True)
class GetVersion:
    """Yubico's GET VERSION."""

    ability: ClassVar[Ability] = Ability.READ


Typed = (
    Authenticate
    | GetObject
    | GetConsent
    | PutObject
    | Verify
    | AskPin
    | Logout
    | Change
    | Unblock
    | GenerateKey
    | ImportKey
    | SetManagementKey
    | SetTries
    | Reset
    | MoveKey
    | GetMetadata
    | Attest
    | GetSerial
    | GetVersion
)
