"""Options that several commands share, each described once.

What is wrong with a file is said where it is opened, so none is looked at here (`readable`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ushield.device.display.model import Style

_PANEL = "Where the token is"
DISPLAY_PANEL = "Tokens with a display"

Token = Annotated[
    Path | None,
    typer.Option(
        "--token",
        metavar="IMAGE",
        readable=False,
        help="A token image, used in memory.",
        rich_help_panel=_PANEL,
    ),
]
Reader = Annotated[
    str | None,
    typer.Option(
        "--reader",
        metavar="NAME",
        help="A PC/SC reader; a part of its name that no other has is enough. "
        "With neither option: the only reader that holds a card.",
        rich_help_panel=_PANEL,
    ),
]
Applet = Annotated[
    Literal["pkcs15", "piv"] | None,
    typer.Option(
        "--applet",
        help="Which application of a card that has both; by default PKCS#15.",
        rich_help_panel=_PANEL,
    ),
]
Trace = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        readable=False,
        help="Write the dialogue with the card to a file, .jsonl (for `ushield trace show`) or "
        ".pcapng (for Wireshark). PINs, keys and what is deciphered are not in it.",
    ),
]
PinFile = Annotated[
    Path | None,
    typer.Option(
        "--pin-file",
        metavar="FILE",
        readable=False,
        help="A file with the PIN, the PUK, the new PIN and the SO PIN, one a line, as far as "
        "needed. Else USHIELD_PIN, USHIELD_PUK, USHIELD_NEW_PIN, USHIELD_SO_PIN; else a prompt.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The key's number, slot or label, as `ushield info` shows them. "
        "By default the first one that may do this.",
    ),
]
Input = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", readable=False, help="What to read; standard input by default."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        readable=False,
        help="What to write; standard output by default.",
    ),
]
ReaderNames = Annotated[
    list[str] | None,
    typer.Option(
        "--reader-name",
        metavar="NAME",
        help="What programs call the first reader; give it again for the second, and so on. "
        "A name more than there are tokens makes an empty reader.",
    ),
]
DisplayStyle = Annotated[
    Style,
    typer.Option(help="What kind of display it is.", rich_help_panel=DISPLAY_PANEL),
]
DisplayScript = Annotated[
    Path | None,
    typer.Option(
        "--display-script",
        metavar="FILE",
        readable=False,
        help='Rules that press the buttons, such as: confirm if payee == "Li Lei" and '
        "amount < 1000. docs/display.md has all of them.",
        rich_help_panel=DISPLAY_PANEL,
    ),
]
