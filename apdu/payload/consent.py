"""How the holder of a key with a display is asked, and how the last question ended."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from construct import Int8ub, Int16ub

from apdu.errors import PayloadError
from apdu.layout import Layout

SHORTEST_WAIT, LONGEST_WAIT = 1, 900
"""Seconds for which a question may stand."""


class Language(IntEnum):
    """What language the display speaks."""

    EN_US = 0x00
    ZH_CN = 0x01
    ZH_TW = 0x02


class Asked(IntFlag):
    """What needs Confirm at the key, beside the keys that want it for each use."""

    PIN_CHANGE = 0x01
    """A new value for a PIN."""
    DELETION = 0x02
    """Deleting a certificate or a key, making another key in its place, erasing the token."""
    LAST_TRIES = 0x04
    """A try of a PIN that has no more than two left."""


NOTHING_ASKED = Asked(0)


class HiddenFields(IntEnum):
    """What becomes of a message with parts that are signed and not shown."""

    REFUSED = 0x00
    COUNTED = 0x01
    """The display says how many there are."""


@dataclass(frozen=True, slots=True)
class ConsentSettings:
    """How the holder is asked. `seconds` is how long a question stands, 1 to 900."""

    seconds: int = 60
    language: Language = Language.EN_US
    asked: Asked = NOTHING_ASKED
    hidden: HiddenFields = HiddenFields.REFUSED


_SETTINGS = Layout(
    PayloadError,
    "consent settings",
    "seconds" / Int16ub,
    "language" / Int8ub,
    "asked" / Int8ub,
    "hidden" / Int8ub,
)
_ALL_ASKED = sum(Asked)


def parse_consent_settings(data: bytes) -> ConsentSettings:
    """Read the 5 bytes of settings."""
    fields = _SETTINGS.parse(data)
    if fields["asked"] & ~_ALL_ASKED:
        raise PayloadError(3, "an unknown thing is to be asked")
    try:
        settings = ConsentSettings(
            fields["seconds"],
            Language(fields["language"]),
            Asked(fields["asked"]),
            HiddenFields(fields["hidden"]),
        )
    except ValueError as error:
        raise PayloadError(2, str(error)) from None
    _check_wait(settings)
    return settings


def build_consent_settings(settings: ConsentSettings) -> bytes:
    """Write settings."""
    _check_wait(settings)
    return _SETTINGS.build(
        seconds=settings.seconds,
        language=settings.language,
        asked=settings.asked,
        hidden=settings.hidden,
    )


def _check_wait(settings: ConsentSettings) -> None:
    if not SHORTEST_WAIT <= settings.seconds <= LONGEST_WAIT:
        raise PayloadError(
            0, f"a question stands {SHORTEST_WAIT} to {LONGEST_WAIT} s, not {settings.seconds}"
        )


class Outcome(IntEnum):
    """How the last command that needed the holder ended."""

    NOT_ASKED = 0x00
    """The last command needed nobody."""
    CONFIRMED = 0x01
    CANCELLED = 0x02
    TIMED_OUT = 0x03
    GONE = 0x04
    """The key was pulled out or reset while it waited."""
    NO_DISPLAY = 0x05
    """The key has neither display nor buttons."""
    REFUSED = 0x06
    """The message cannot be shown; the reason says what is wrong with it."""
    NOT_SHOWABLE = 0x07
    """The key signs only messages that it hashes and shows itself; something else was asked."""


@dataclass(frozen=True, slots=True)
class ConsentReport:
    """GET DATA 01B4: how the last question ended; `reason` in English where a message is refused.

    The reason names a field by its place or its meaning and never holds its content.
    """

    outcome: Outcome = Outcome.NOT_ASKED
    reason: str = ""


def parse_consent_report(data: bytes) -> ConsentReport:
    """Read the outcome, a byte, and the reason in UTF-8."""
    if not data:
        raise PayloadError(0, "an outcome has at least one byte")
    try:
        return ConsentReport(Outcome(data[0]), data[1:].decode())
    except UnicodeDecodeError:
        raise PayloadError(1, "the reason is no UTF-8") from None
    except ValueError as error:
        raise PayloadError(0, str(error)) from None


def build_consent_report(report: ConsentReport) -> bytes:
    """Write the outcome."""
    return bytes((report.outcome,)) + report.reason.encode()
