"""Options of a token of the second generation: how its holder is asked."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ushield.cli.complaint import Complaint

if TYPE_CHECKING:
    from apdu.payload import Asked, ConsentSettings

_PANEL = "Generation 2"


class AskedChoice(StrEnum):
    """What needs Confirm beside the use of keys."""

    PIN_CHANGE = "pin-change"
    DELETION = "deletion"
    LAST_TRIES = "last-tries"
    NOTHING = "nothing"


class LanguageChoice(StrEnum):
    """What the display speaks."""

    EN_US = "en_US"
    ZH_CN = "zh_CN"
    ZH_TW = "zh_TW"


class HiddenChoice(StrEnum):
    """What becomes of a message with parts that are signed and not shown."""

    REFUSE = "refuse"
    SHOW_COUNT = "show-count"


AskedFor = Annotated[
    list[AskedChoice] | None,
    typer.Option(
        "--confirm",
        help="What needs Confirm beside the use of keys: a new PIN, deleting or replacing a key or "
        "a certificate, a PIN try when one or two are left. Give it again for more; by default "
        "all three.",
        rich_help_panel=_PANEL,
    ),
]
ConfirmSeconds = Annotated[
    int | None,
    typer.Option(
        "--confirm-seconds",
        min=1,
        max=900,
        help="How long the key waits for a button; by default 60 seconds.",
        rich_help_panel=_PANEL,
    ),
]
DisplayLanguage = Annotated[
    LanguageChoice | None,
    typer.Option(
        "--language", help="What the display speaks; by default en_US.", rich_help_panel=_PANEL
    ),
]
Hidden = Annotated[
    HiddenChoice | None,
    typer.Option(
        "--hidden-fields",
        help="What becomes of a message with parts that are signed and not shown: it is refused, "
        "which is the default, or the display says how many there are.",
        rich_help_panel=_PANEL,
    ),
]


def check_keys(keys: list[str] | None) -> list[str] | None:
    """Refuse keys that no token can have, before anything else is asked for."""
    if keys:
        from host.errors import UnsupportedError
        from host.keyspec import specs

        try:
            specs(keys)
        except UnsupportedError as error:
            raise typer.BadParameter(str(error)) from None
    return keys


def consent_settings(
    generation: int,
    asked: list[AskedChoice] | None,
    seconds: int | None,
    language: LanguageChoice | None,
    hidden: HiddenChoice | None,
) -> ConsentSettings | None:
    """The settings that these options are; None for a token that asks nobody."""
    if generation == 1:
        if any(option is not None for option in (asked, seconds, language, hidden)):
            raise Complaint("only a token with a display asks: add --generation 2")
        return None
    from apdu.payload import ConsentSettings, HiddenFields, Language
    from host.personalise import EVERYTHING_ASKED

    return ConsentSettings(
        seconds=EVERYTHING_ASKED.seconds if seconds is None else seconds,
        language=Language[(language or LanguageChoice.EN_US).name],
        asked=EVERYTHING_ASKED.asked if asked is None else _bits(asked),
        hidden=HiddenFields.COUNTED if hidden is HiddenChoice.SHOW_COUNT else HiddenFields.REFUSED,
    )


def _bits(choices: list[AskedChoice]) -> Asked:
    from apdu.payload import NOTHING_ASKED, Asked

    if AskedChoice.NOTHING in choices and len(choices) > 1:
        raise Complaint("--confirm nothing stands alone")
    bits = NOTHING_ASKED
    for choice in choices:
        if choice is not AskedChoice.NOTHING:
            bits |= Asked[choice.name]
    return bits
