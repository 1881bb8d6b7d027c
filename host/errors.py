"""Every exception of this package, and the one place where a status word becomes one.

All are a `HostError`. A `CardError` is the card's own refusal and carries the status word; a
`TransportError` says that the way to the card is broken. None holds a PIN or any data.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from apdu.status import SW, describe


class HostError(Exception):
    """Anything that goes wrong between this package and a card."""


class PinFormatError(HostError, ValueError):
    """A PIN or PUK that no card of this kind can hold; nothing was sent and no try is spent."""


class KeyChoiceError(HostError, LookupError):
    """No key, or more than one, is what the caller asked for."""


class UnsupportedError(HostError, ValueError):
    """An algorithm, padding, curve or size that these keys do not have."""


class DecipherError(HostError, ValueError):
    """A cryptogram that was not made for this key, or is damaged."""


class AnswerError(HostError):
    """The card answered 9000, with something that cannot be understood."""


# --- refusals of the card ---------------------------------------------------------------------


class CardError(HostError):
    """The card refused a command. `sw` is its status word, `command` the command's name."""

    def __init__(self, sw: int, command: str) -> None:
        super().__init__(sw, command)
        self.sw = sw
        self.command = command

    def __str__(self) -> str:
        return f"{self.command}: {self.sw:04X}, {describe(self.sw)}"


class WrongPin(CardError):
    """A wrong PIN or PUK (63Cx). `tries_left` more may be wrong before it is blocked."""

    @property
    def tries_left(self) -> int:
        """Tries that are left now."""
        return self.sw & 0x0F


class PinBlocked(CardError):
    """No try is left (6983): a PIN needs the PUK, a blocked PUK ends the matter."""


class SecurityStatusError(CardError):
    """The PIN that allows this was not verified since the card was selected or reset (6982)."""


class PinEachTime(SecurityStatusError):
    """The key wants its PIN anew for each use, and this one came without: `pin=` takes it along."""

    def __str__(self) -> str:
        return f"{self.command}: {self.sw:04X}, this key wants the PIN anew for each use"


class ConditionsError(CardError):
    """Not in this phase of the card's life, not with this key, or not in this order (6985)."""


class ConsentCancelled(ConditionsError):
    """The holder pressed Cancel at the key; nothing was done."""

    def __str__(self) -> str:
        return f"{self.command}: cancelled at the key"


class ConsentTimedOut(ConditionsError):
    """Nobody pressed a button at the key in time; nothing was done."""

    def __str__(self) -> str:
        return f"{self.command}: nobody pressed Confirm at the key in time"


class NoDisplay(ConditionsError):
    """The key wants its holder to press Confirm, and has neither display nor buttons here."""

    def __str__(self) -> str:
        return f"{self.command}: this wants Confirm at the key, which has no display here"


class NotShowable(ConditionsError):
    """The key signs only messages that it hashes and shows itself; this was something else."""

    def __str__(self) -> str:
        return f"{self.command}: this key signs only messages that it can show"


class NotFound(CardError):
    """No such file, application, object or reference (6A82, 6A83, 6A88)."""


class NoApplication(NotFound):
    """The application that was selected is not on this card (6A82)."""

    def __init__(self, sw: int, command: str, application: str) -> None:
        super().__init__(sw, command)
        self.application = application

    def __str__(self) -> str:
        return f"this card has no {self.application} application"


class NoCertificate(NotFound):
    """There is no certificate of this key on the token, or none at all (6A82, 6A88)."""

    def __str__(self) -> str:
        return "the token has no certificate of this key"


class FileExists(CardError):
    """A file of this identifier is there already (6A89)."""


class NoSpace(CardError):
    """It does not fit into the file or the card (6A84)."""


class WrongLength(CardError):
    """The card takes no data, or answer, of this length here (6700)."""


class WrongData(CardError):
    """The data or parameters mean nothing to the card (6A80, 6A85, 6A86, 6A87, 6B00)."""


class MessageRefused(WrongData):
    """The key cannot show this message, and so does not sign it. `reason` says what is wrong."""

    def __init__(self, sw: int, command: str, reason: str) -> None:
        super().__init__(sw, command)
        self.reason = reason

    def __str__(self) -> str:
        return f"the key cannot show this message: {self.reason}"


class NotSupported(CardError):
    """The card does not know such a command (6D00, 6E00, 68xx, 6A81)."""


class CardFault(CardError):
    """The card's memory or program failed (64xx, 65xx, 6Fxx)."""


# --- the way to the card ----------------------------------------------------------------------


class TransportError(HostError):
    """The card could not be reached, or not any more."""


class PcscMissing(TransportError):
    """Python's PC/SC bindings are not installed."""


class NoService(TransportError):
    """The PC/SC service (pcscd) does not run."""


class NoReader(TransportError):
    """No reader of this name, or none at all."""


class AmbiguousReader(TransportError):
    """More than one reader may be meant; `candidates` are their names."""

    def __init__(self, message: str, candidates: tuple[str, ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class NoCard(TransportError):
    """There is no card in the reader, or none that answers."""


class CardRemoved(TransportError):
    """The card was taken out of the reader."""


class CardReset(TransportError):
    """Somebody else reset the card; what was verified is forgotten. `reset()` goes on with it."""


class SharingViolation(TransportError):
    """Another program holds the card for itself."""


class TransportClosed(TransportError):
    """The transport was closed by this program."""


_BY_STATUS: Mapping[int, type[CardError]] = MappingProxyType(
    {
        SW.AUTH_BLOCKED: PinBlocked,
        SW.SECURITY_STATUS: SecurityStatusError,
        SW.CONDITIONS: ConditionsError,
        SW.NOT_FOUND: NotFound,
        SW.RECORD_NOT_FOUND: NotFound,
        SW.REFERENCE_NOT_FOUND: NotFound,
        SW.FILE_EXISTS: FileExists,
        SW.NO_SPACE: NoSpace,
        SW.WRONG_LENGTH: WrongLength,
        SW.WRONG_DATA: WrongData,
        SW.LENGTH_INCONSISTENT: WrongData,
        SW.WRONG_P1P2: WrongData,
        SW.LC_INCONSISTENT: WrongData,
        SW.WRONG_OFFSET: WrongData,
        SW.FUNCTION_UNSUPPORTED: NotSupported,
        SW.INS_UNSUPPORTED: NotSupported,
        SW.CLA_UNSUPPORTED: NotSupported,
    }
)

_BY_FIRST_BYTE: Mapping[int, type[CardError]] = MappingProxyType(
    {0x64: CardFault, 0x65: CardFault, 0x68: NotSupported, 0x6F: CardFault}
)


def card_error(sw: int, command: str) -> CardError:
    """The exception for a status word other than 9000 (ISO 7816-4 §5.6)."""
    if sw & 0xFFF0 == 0x63C0:
        return WrongPin(sw, command)
    kind = _BY_STATUS.get(sw) or _BY_FIRST_BYTE.get(sw >> 8, CardError)
    return kind(sw, command)
