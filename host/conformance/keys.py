"""Which of the keys that dialogues ask for a card has, and whether they have certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apdu.edge import CERTIFICATE, KEY_FILES, Data, Usage
from apdu.errors import ApduError
from apdu.filecontrol import FileControl, FileKind, parse_file_control
from apdu.instruction import INS
from apdu.tlv import build_tlv
from host.conformance.asking import Asking

_FROM_MF = 0x0800
_APPLICATION = bytes.fromhex("5015")
_KINDS = {FileKind.RSA_KEY: "RSA", FileKind.EC_KEY: "elliptic curve"}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the key of a need must be, and what it must and must not be for."""

    reference: int
    kind: FileKind
    bits: int
    may: Usage
    may_not: int = 0

    def why_not(self, control: FileControl | None) -> str:
        """What the card's key lacks to be this one; empty when it is."""
        if control is None:
            return f"the card shows no key file {KEY_FILES | self.reference:04X}"
        if (control.kind, control.size) != (self.kind, self.bits):
            return f"key {self.reference} is no {_KINDS[self.kind]} key of {self.bits} bits"
        if control.usage is None:
            return f"the card does not say what key {self.reference} may be used for"
        if control.usage & self.may != self.may or control.usage & self.may_not:
            return f"key {self.reference} may be used for other things"
        if control.consent:
            return f"key {self.reference} asks its holder at the token itself"
        if control.proprietary and control.proprietary[0] >> 4:
            return f"key {self.reference} wants its PIN anew for every use"
        return ""


_WANTED = {
    "sign-key-rsa": _Wanted(1, FileKind.RSA_KEY, 2048, Usage.SIGN, Usage.DECIPHER),
    "decipher-key-rsa": _Wanted(2, FileKind.RSA_KEY, 2048, Usage.DECIPHER, Usage.SIGN),
    "key-ec": _Wanted(3, FileKind.EC_KEY, 256, Usage.SIGN | Usage.DERIVE),
}


@dataclass(frozen=True, slots=True)
class KeySurvey:
    """Why a key or its certificate is not there, by the need; and the keys that are, in words."""

    lacking: Mapping[str, str]
    words: tuple[str, ...]


def survey_keys(ask: Asking) -> KeySurvey:
    """Look at the key files of the selected application, and ask for the certificates."""
    controls = {need: _control(ask, key.reference) for need, key in _WANTED.items()}
    lacking = {need: key.why_not(controls[need]) for need, key in _WANTED.items()}
    there = {
        key.reference: control
        for need, key in _WANTED.items()
        if (control := controls[need]) is not None
    }
    lacking["certificate"] = _why_no_certificate(ask, list(there))
    words = [f"{reference}: {_words(control)}" for reference, control in there.items()]
    return KeySurvey(lacking, tuple(words))


def has_file(ask: Asking, fid: int) -> bool:
    """Whether the card has a file of this identifier in its root, or in the application."""
    places = (fid.to_bytes(2, "big"), _APPLICATION + fid.to_bytes(2, "big"))
    return any(ask.command(INS.SELECT, _FROM_MF, path, 256).ok for path in places)


def _control(ask: Asking, reference: int) -> FileControl | None:
    path = _APPLICATION + (KEY_FILES | reference).to_bytes(2, "big")
    said = ask.command(INS.SELECT, _FROM_MF, path, 256)
    if not said.ok:
        return None
    try:
        return parse_file_control(said.data)
    except ApduError:
        return None


def _why_no_certificate(ask: Asking, references: list[int]) -> str:
    if not references:
        return "the card shows no key that could have a certificate"
    for reference in references:
        wanted = build_tlv(0x5C, CERTIFICATE.to_bytes(2, "big")) + build_tlv(
            0x83, bytes((reference,))
        )
        if not ask.command(INS.GET_DATA_ODD, Data.BY_TAG_LIST, wanted, 256).ok:
            return f"the card gives no certificate for key {reference}"
    return ""


def _words(control: FileControl) -> str:
    kinds: dict[int, str] = {kind.value: words for kind, words in _KINDS.items()}
    kind = kinds.get(control.kind or 0, "of an unknown kind")
    return f"{kind}, {control.size or 0} bits"
