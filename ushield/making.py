"""Tokens made: which applets they carry, and what is in each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from applet.os.store import Store
from host.client import TokenClient
from host.memory import MemoryTransport
from host.personalise import Profile, personalise
from ushield.device.applets import Applets, note_applets
from ushield.device.assembly import assemble

if TYPE_CHECKING:
    from applet.os.keys.entropy import Entropy
    from host.piv.personalise import PivProfile
    from host.trace import Tracer


@dataclass(frozen=True, slots=True)
class Making:
    """What a token shall be. An applet without a profile is left as it comes from the factory."""

    applets: Applets = Applets.PKCS15
    pkcs15: Profile | None = None
    piv: PivProfile | None = None


def make(
    store: Store,
    making: Making,
    *,
    entropy: Entropy | None = None,
    tracer: Tracer | None = None,
) -> None:
    """Make a token with its state in `store`, which is empty; its keys come from `entropy`.

    With a tracer the dialogue is listened to.
    """
    note_applets(store, making.applets)
    card = assemble(store, entropy=entropy)
    with MemoryTransport(tracer.card(card) if tracer else card) as transport:
        # PIV first: once PKCS#15 has said what the token asks its holder for, PIV asks too.
        if making.applets.has_piv:
            # Only now: most tokens have none, and `ushield run` has to start fast.
            from host.piv.attestation import preload_attestation
            from host.piv.client import PivClient
            from host.piv.personalise import personalise_piv

            client = PivClient(transport)
            preload_attestation(client)
            if making.piv is not None:
                personalise_piv(client, making.piv)
        if making.pkcs15 is not None:
            personalise(TokenClient(transport), making.pkcs15)
