"""Questions to a card whose answers may be anything: data and status word, never an exception."""

from __future__ import annotations

from typing import NamedTuple

from apdu.instruction import INS
from host.errors import AnswerError
from host.exchange import Transmit, continued
from host.link import ALL, build

_OK = 0x9000


class Said(NamedTuple):
    """An answer: its data, and its status word, 0 when there was none."""

    data: bytes
    sw: int

    @property
    def ok(self) -> bool:
        """Whether the card did what it was asked."""
        return self.sw == _OK


class Asking:
    """Commands to a card, long answers fetched."""

    def __init__(self, transmit: Transmit) -> None:
        self._transmit = continued(transmit)

    def raw(self, command: bytes) -> Said:
        """Any command. What is no answer at all counts as a refusal."""
        try:
            answer = self._transmit(command)
        except AnswerError:
            return Said(b"", 0)
        return Said(answer[:-2], int.from_bytes(answer[-2:], "big"))

    def command(self, ins: int, p1p2: int, data: bytes = b"", le: int = 0) -> Said:
        """A command by its fields."""
        return self.raw(build(ins, p1p2, data, le))

    def select(self, aid: bytes) -> bool:
        """Whether the card has this application; it is selected then."""
        return self.command(INS.SELECT, 0x0400, aid, 256).ok

    def object(self, tag: int) -> bytes | None:
        """What GET DATA gives for a tag, or None."""
        said = self.command(INS.GET_DATA, tag, le=ALL)
        return said.data if said.ok else None
