"""What a card says of itself before it is judged.

Nothing is taken for granted: a need of `vectors.loader.NEEDS` that the card does not show to be met
is lacking, with the reason in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from apdu.command import Command, build_command
from apdu.edge import PKCS15_AID, Data, Phase
from apdu.errors import ApduError
from apdu.instruction import INS
from apdu.payload import PinStatus, parse_consent_settings, parse_pin_statuses
from apdu.pivnames import PIV_AID
from host.conformance.asking import Asking
from host.conformance.keys import survey_keys
from host.conformance.outcome import Facts
from host.conformance.pins import PinSurvey, survey_pins
from host.conformance.piv import survey_piv
from host.errors import TransportError
from host.transport import Transport
from vectors.loader import NEEDS

_ALWAYS = ("reset", "destructive")
"""What every card allows; whether it is wanted is another question."""

_EXTENDED = (
    build_command(Command(0, INS.SELECT, 0x04, 0x00, PKCS15_AID, 256, extended=True)),
    build_command(Command(0, INS.GET_CHALLENGE, 0, 0, le=8, extended=True)),
)


class Edge(Enum):
    """What a card may have, or do without, as far as dialogues work on it; in words."""

    PKCS15 = "the PKCS#15 application"
    MYEID = "the objects of OpenSC's driver myeid"
    USHIELD = "the U-Shield profile"
    PIV = "the PIV application"
    FILES = "a master file that SELECT finds"
    CHALLENGE = "GET CHALLENGE"
    HASH = "a hash function, PSO HASH"


_TRIALS = {
    Edge.FILES: build_command(Command(0, INS.SELECT, 0x00, 0x0C, b"\x3f\x00")),
    Edge.CHALLENGE: build_command(Command(0, INS.GET_CHALLENGE, 0, 0, le=8)),
    Edge.HASH: build_command(Command(0, INS.PSO, 0x90, 0x80, b"abc", le=32)),
}
"""Functions that a card may do without, each with a command that changes nothing."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A card at the beginning: what it has, what it lacks and why, and facts for the report.

    `silent` is why it cannot be judged at all; empty when it can.
    """

    edges: frozenset[Edge] = frozenset()
    lacking: Mapping[str, str] = field(default_factory=dict)
    pins: PinSurvey = field(default_factory=PinSurvey)
    facts: Facts = ()
    label: str = ""
    blank: bool = False
    silent: str = ""


def survey_card(
    transport: Transport,
    values: Mapping[str, bytes],
    before: PinSurvey | None = None,
    *,
    copy: bool,
) -> Survey:
    """Ask the card, which is reset before and after. `values` are the PINs as they travel.

    Each PIN that is given is presented once, if more than one try is left: a wrong one costs one,
    also when the same card is asked again, if what is known of its PINs from `before` is given.
    With a `copy` of a card nothing is risked.
    """
    ask = Asking(transport.transmit)

    def begin(application: bytes) -> bool:
        transport.reset()
        return ask.select(application)

    has_piv = begin(PIV_AID)
    piv = survey_piv(ask, values, has_piv=has_piv)
    edges = _edges(ask) if begin(PKCS15_AID) else set[Edge]()
    edges |= {Edge.PIV} if has_piv else set()
    edges |= {edge for edge, command in _TRIALS.items() if ask.raw(command).ok}
    phase = _phase(ask) if Edge.USHIELD in edges else None
    label = _label(ask) if phase else ""
    own = _own_facts(ask, phase, label) if phase else ()
    statuses = _statuses(ask) if phase else ()
    attended = _why_attended(ask)
    keys = survey_keys(ask)
    pins = survey_pins(ask, begin, values, statuses, before or PinSurvey(), copy=copy)
    lacking = {**piv, **keys.lacking, **pins.lacking, **dict.fromkeys(_ALWAYS, "")}
    lacking["blank-card"] = _why_not_blank(phase)
    lacking["unattended"] = attended
    lacking["extended-length"] = _why_not_extended(transport)
    for need, meaning in NEEDS.items():
        lacking.setdefault(need, f"nothing here can tell whether this holds: {meaning}")
    transport.reset()
    return Survey(
        edges=frozenset(edges),
        lacking={need: why for need, why in lacking.items() if why},
        pins=pins,
        facts=(
            ("answer to reset", transport.atr.hex(" ").upper()),
            ("has", ", ".join(edge.value for edge in Edge if edge in edges) or "none known here"),
            *own,
            ("keys", "; ".join(keys.words) or "none known here"),
            *_need_facts(lacking, has_piv=has_piv),
        ),
        label=label,
        blank=phase is Phase.MANUFACTURED,
        silent=_silence(phase),
    )


def _edges(ask: Asking) -> set[Edge]:
    """What there is beside the PKCS#15 application, which is selected."""
    edges = {Edge.PKCS15}
    edges |= {Edge.MYEID} if ask.object(Data.APPLET_INFO) else set()
    edges |= {Edge.USHIELD} if _phase(ask) and ask.object(Data.SERIAL) else set()
    return edges


def _phase(ask: Asking) -> Phase | None:
    """The phase that the card tells, if it is one of ours."""
    told = ask.object(Data.PHASE)
    if told is None or len(told) != 1 or told[0] not in set(Phase):
        return None
    return Phase(told[0])


def _statuses(ask: Asking) -> tuple[PinStatus, ...]:
    try:
        return parse_pin_statuses(ask.object(Data.TRIES) or b"")
    except ApduError:
        return ()


def _label(ask: Asking) -> str:
    return _printable((ask.object(Data.LABEL) or b"").decode(errors="replace"))


def _own_facts(ask: Asking, phase: Phase, label: str) -> Facts:
    return (
        ("label", label or "none"),
        ("serial number", (ask.object(Data.SERIAL) or b"").hex()),
        ("phase", phase.words),
    )


def _need_facts(lacking: Mapping[str, str], *, has_piv: bool) -> Iterator[tuple[str, str]]:
    """What is there of all that a dialogue may need; of a PIV that is not there, no details."""
    for need in NEEDS:
        if need not in _ALWAYS and (has_piv or not need.startswith("piv-")):
            yield need, f"no: {lacking[need]}" if lacking[need] else "yes"


def _why_attended(ask: Asking) -> str:
    try:
        settings = parse_consent_settings(ask.object(Data.CONSENT_SETTINGS) or b"")
    except ApduError:
        return ""
    return "the card asks its holder by buttons of its own" if settings.asked else ""


def _why_not_blank(phase: Phase | None) -> str:
    if phase is None:
        return "the card does not tell whether it is blank"
    return "" if phase is Phase.MANUFACTURED else "the card is personalised"


def _silence(phase: Phase | None) -> str:
    if phase is None or phase in (Phase.MANUFACTURED, Phase.ACTIVATED):
        return ""
    return f"the card is in no state to be judged: {phase.words}"


def _why_not_extended(transport: Transport) -> str:
    """Whether a command in the long form is served. The reader may refuse to pass it on."""
    ask = Asking(transport.transmit)
    try:
        if any(ask.raw(command).ok for command in _EXTENDED):
            return ""
    except TransportError:
        # If the card is gone, this says so.
        transport.reset()
        return "the reader does not pass on commands with extended lengths"
    return "the card does not take commands with extended lengths"


def _printable(text: str) -> str:
    """What a card says may be meant for the terminal; it is shown, not obeyed."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
