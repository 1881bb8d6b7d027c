"""A token's chip in a body: plain, or with a display and buttons if it was made to have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from applet.consent.desk import ConsentDesk
from applet.os.card import Card
from applet.os.keys.entropy import Entropy
from applet.os.store import Store
from ushield.device.assembly import assemble
from ushield.device.display.model import MODELS, Style

if TYPE_CHECKING:
    from ushield.device.display.key import KeyWithDisplay


def embody(
    store: Store, style: Style = Style.LCD, *, entropy: Entropy | None = None
) -> Card | KeyWithDisplay:
    """What is put into a reader for the token whose state is in `store`."""
    if not ConsentDesk(store).has_settings:
        return assemble(store, entropy=entropy)
    from ushield.device.display.key import KeyWithDisplay
    from ushield.device.display.panel import Panel

    panel = Panel(MODELS[style])
    return KeyWithDisplay(assemble(store, entropy=entropy, panel=panel), panel)
