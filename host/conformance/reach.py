"""What a dialogue works on, read off its commands and its clause.

So it is known what a card must have beside the needs that the dialogue itself names, which PINs
are presented, and whether the last try of one would be spent.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from apdu import pivedge
from apdu.command import Command, parse_command
from apdu.edge import PKCS15_AID, Data, Operation
from apdu.errors import ApduError
from apdu.filecontrol import parse_file_control
from apdu.instruction import INS
from apdu.pivedge import DES_KEY_LENGTH
from apdu.pivnames import PIV_AID
from host.conformance.pins import PIN_OF
from host.conformance.survey import Edge
from vectors.cipher import MANAGEMENT_KEY
from vectors.loader import Dialogue, Step
from vectors.pattern import Ciphered, Literal, Use, fill, walk
from vectors.profile import LABEL

PRESENTING = frozenset({INS.VERIFY, INS.CHANGE_REFERENCE, INS.RESET_RETRY})
"""Commands that may spend a try, of a PIN or, the last one, of its PUK."""

BLOCK = 8
"""Bytes of a PIN as it travels."""

_BY_CLAUSE = {
    "U-Shield profile": Edge.USHIELD,
    "OpenSC driver myeid": Edge.MYEID,
    "ISO 7816-15": Edge.PKCS15,
    "SP 800-73": Edge.PIV,
}
_OWN_OBJECTS = frozenset({Data.SERIAL, Data.LABEL, Data.PHASE, Data.TRIES, Data.BY_TAG_LIST})
_WRITING = frozenset(
    {
        *(INS.CREATE_FILE, INS.DELETE_FILE, INS.UPDATE_BINARY, INS.PUT_DATA, INS.GENERATE_KEY),
        *(INS.ACTIVATE, INS.DEACTIVATE, INS.TERMINATE),
    }
)
"""What changes a card is sent only to one of the kind that it is written for."""

_BY_NAME = 0x04
_MASTER_FILE = bytes.fromhex("3F00")
_OLD_CLASS = 0xA0
_BLOCKED = (0x63C0, 0x6983)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a dialogue works on.

    `names` are the values that it uses, `references` those of the PINs that it presents, `counts`
    the PINs and PUKs whose tries it counts from the first one, `spends` those whose last try it
    means to spend, `blocks` the PINs that are written in it, `creates` the identifiers of the files
    that it makes. `label` is whether the label of the vectors' own token stands in it.
    """

    edges: frozenset[Edge]
    names: frozenset[str]
    references: frozenset[int]
    counts: frozenset[str]
    spends: frozenset[str]
    blocks: frozenset[bytes]
    creates: frozenset[int]
    label: bool


def reach_of(dialogue: Dialogue) -> Reach:
    """Look through a dialogue."""
    steps = [step for step in dialogue.steps if isinstance(step, Step)]
    pairs = [(step, command) for step in steps if (command := command_of(step)) is not None]
    presented = [(step, command) for step, command in pairs if command.ins in PRESENTING]
    edges = {edge for words, edge in _BY_CLAUSE.items() if words in dialogue.clause}
    edges |= {edge for step, command in pairs for edge in _edges(step, command)}
    return Reach(
        edges=frozenset({Edge.PIV} if Edge.PIV in edges else edges),
        names=frozenset(name for step in steps for name in _names(step)),
        references=frozenset(command.p2 for _, command in presented if command.data),
        counts=frozenset(spent(c) for s, c in presented if _expects(s, range(0x63C0, 0x63D0))),
        spends=frozenset(spent(c) for s, c in presented if c.data and _expects(s, _BLOCKED)),
        blocks=frozenset(_blocks(command for _, command in presented)),
        creates=frozenset(fid for s, c in pairs if _served(s) and (fid := created(c)) is not None),
        label=any(_has_label(step) for step in steps),
    )


def command_of(step: Step) -> Command | None:
    """The command of a step, whatever is captured before; None when it is malformed."""
    try:
        return parse_command(fill(step.command, _Anything({MANAGEMENT_KEY: bytes(DES_KEY_LENGTH)})))
    except ApduError:
        return None


def created(command: Command) -> int | None:
    """The identifier of the file that a command would make, if it makes one."""
    if command.ins != INS.CREATE_FILE:
        return None
    try:
        return parse_file_control(command.data).fid
    except ApduError:
        return None


def only_selects(step: Step) -> bool:
    """Whether a step does no more than select the PKCS#15 application, as most begin."""
    command = command_of(step)
    return (
        command is not None
        and (command.ins, command.p1, command.data) == (INS.SELECT, _BY_NAME, PKCS15_AID)
        and not step.data
        and _served(step)
        and command.le == 0
    )


class _Anything(dict[str, bytes]):
    """A value for every name."""

    def __missing__(self, name: str) -> bytes:
        return bytes(BLOCK)


def _edges(step: Step, command: Command) -> Iterator[Edge]:
    """What one command works on."""
    if command.cla == _OLD_CLASS:
        yield Edge.MYEID
    # Also a refusal is due only from a card that has the function.
    if command.ins == INS.READ_BINARY or (command.ins == INS.SELECT and command.p1 != _BY_NAME):
        yield Edge.FILES
    match command.ins:
        case INS.SELECT if _served(step) and not only_selects(step):
            yield from _edges_selected(command)
        case INS.GET_DATA | INS.PUT_DATA if command.p1 == Data.STORE >> 8:
            yield Edge.USHIELD if command.p1p2 in _OWN_OBJECTS else Edge.MYEID
        case INS.GET_CHALLENGE:
            yield Edge.CHALLENGE
        case INS.PSO if command.p1p2 == Operation.HASH and _served(step):
            yield Edge.HASH
        case _ if command.ins in _WRITING:
            yield Edge.MYEID
        case INS.GET_DATA_ODD:
            yield Edge.USHIELD
        case _:
            pass


def _edges_selected(command: Command) -> Iterator[Edge]:
    if command.p1 != _BY_NAME:
        yield from [Edge.PKCS15] * (command.data not in (b"", _MASTER_FILE))
    elif command.data.startswith(PIV_AID):
        yield Edge.PIV
    else:
        yield Edge.PKCS15


def _served(step: Step) -> bool:
    """Whether the card is expected to do what it is told."""
    return any(status.first == 0x9000 or status.first >> 8 == 0x61 for status in step.statuses)


def _names(step: Step) -> Iterator[str]:
    for item in walk((*step.command, *step.data)):
        if isinstance(item, Use):
            yield item.name
        if isinstance(item, Ciphered):
            yield MANAGEMENT_KEY


def _expects(step: Step, words: Container[int]) -> bool:
    """Whether a certain status word that is among these is expected."""
    return any(s.first in words for s in step.statuses if s.first == s.last)


def spent(command: Command) -> str:
    """Whose tries a command may spend, by the name of the PIN or PUK; empty for a PIN unknown."""
    if command.p2 == pivedge.PUK:
        return "piv-puk"
    pin = PIN_OF.get(command.p2)
    if pin is None:
        return ""
    return pin.puk if command.ins == INS.RESET_RETRY else pin.name


def _has_label(step: Step) -> bool:
    literals = (item.value for item in walk(step.data) if isinstance(item, Literal))
    return any(LABEL.encode() in value for value in literals)


def _blocks(commands: Iterable[Command]) -> Iterator[bytes]:
    """The PINs that are written in commands, as they travel; also in pieces of a chain."""
    whole = b""
    for command in commands:
        whole += command.data
        if not command.chained:
            yield from (whole[at : at + BLOCK] for at in range(0, len(whole) - BLOCK + 1, BLOCK))
            whole = b""
