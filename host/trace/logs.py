"""The logs of OpenSC and of pcscd, read as a trace, and redacted while they are read.

OpenSC writes APDUs with `OPENSC_DEBUG=9`, or `debug = 9;` in opensc.conf: a line that says how many
bytes follow, and lines of 16 bytes. pcscd writes them when it runs with `--apdu`, one line each.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from host.trace.record import CardEvent, Entry, Happening, TraceHead, TraceRecord
from host.trace.redaction import Redactor

_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_LONGEST_LINE = 1 << 20

_OPENSC_STAMP = re.compile(r"(?:^|\s)(\d\d):(\d\d):(\d\d)\.(\d{3}) \[")
_OPENSC_READER = re.compile(r"pcsc_transmit: reader '(.*)'$")
_OPENSC_ATR = re.compile(r"ATR\s+: ((?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2})$")
_OPENSC_APDU = re.compile(r"^(Outgoing|Incoming) APDU (?:data )?[(\[] *(\d+) bytes[)\]]")
_BYTE = re.compile(r"([0-9A-Fa-f]{2})(?: |$)")
_BYTES_A_LINE = 16

_PCSCD_LINE = re.compile(r"^(\d{8}) (?:\[\d+\] )?(.*)$")
_PCSCD_APDU = re.compile(r"^(APDU|SW): ((?:[0-9A-F]{2} ?)*)$")
_PCSCD_INSERTED = re.compile(r"Card inserted into (.*)$")
_PCSCD_REMOVED = re.compile(r"Card Removed From (.*)$", re.IGNORECASE)
_PCSCD_ATR = re.compile(r"Card ATR: ((?:[0-9A-F]{2} ?)+)$")

_LONGEST_APDU = 0x10100


class LogParser:
    """Reads a log: bytes in as they come, entries out."""

    def __init__(self) -> None:
        self.head = TraceHead()
        self._held = b""
        self._clock = _Clock()
        self._reader = ""
        self._atr = b""
        self._by = ""
        self._redactors: dict[str, Redactor] = {}
        self._entries: list[Entry] = []
        self._found = False
        self._sending = False
        self._wanted = 0
        self._collected = b""

    def feed(self, data: bytes) -> list[Entry]:
        """The entries that are complete now."""
        *lines, self._held = (self._held + data).split(b"\n")
        self._held = self._held[:_LONGEST_LINE]
        self._entries = []
        for line in lines:
            self._read(_COLOUR.sub(b"", line).decode(errors="replace").rstrip("\r"))
        return self._entries

    def end(self) -> str:
        """Nothing more comes. What is wrong with the log; empty if it is whole."""
        if self._held:
            self.feed(b"\n")
        if self._wanted:
            return f"the log ends within an APDU: {self._wanted} bytes of it are missing"
        if not self._found:
            return (
                "this is no trace, no capture, and no log with APDUs in it "
                "(OPENSC_DEBUG=9, pcscd --apdu)"
            )
        return ""

    def _read(self, line: str) -> None:
        if self._wanted:
            self._collect(line)
            return
        self._clock.look(line)
        for pattern, read in self._patterns():
            if match := pattern.search(line):
                read(*match.groups())
                return

    def _patterns(self) -> tuple[tuple[re.Pattern[str], Callable[..., None]], ...]:
        return (
            (_OPENSC_APDU, self._announced),
            (_OPENSC_READER, self._named),
            (_OPENSC_ATR, self._connected),
            (_PCSCD_LINE, self._of_pcscd),
        )

    def _announced(self, way: str, size: str) -> None:
        self._by = "OpenSC"
        self._sending = way == "Outgoing"
        self._wanted = int(size) if int(size) <= _LONGEST_APDU else 0
        self._collected = b""

    def _collect(self, line: str) -> None:
        """A line of a dump: at most 16 bytes, and then the same as text."""
        at, found = 0, 0
        while found < min(_BYTES_A_LINE, self._wanted) and (byte := _BYTE.match(line, at)):
            self._collected += bytes.fromhex(byte[1])
            at, found = byte.end(), found + 1
        if not found:
            # The log has something else in the middle of its dump.
            self._wanted = 0
            return
        self._wanted -= found
        if not self._wanted:
            self._apdu(self._collected)

    def _named(self, reader: str) -> None:
        self._reader = reader

    def _of_pcscd(self, _stamp: str, text: str) -> None:
        self._by = "pcscd"
        if match := _PCSCD_APDU.search(text):
            self._sending = match[1] == "APDU"
            self._apdu(bytes.fromhex(match[2]))
        elif match := _PCSCD_INSERTED.search(text):
            self._reader = match[1]
        elif match := _PCSCD_ATR.search(text):
            self._event(Happening.POWER_ON, match[1])
        elif match := _PCSCD_REMOVED.search(text):
            self._event(Happening.POWER_OFF, "")

    def _connected(self, atr: str) -> None:
        """OpenSC says so many times over, and only later in which reader the card is."""
        self._atr = bytes.fromhex(atr.replace(":", ""))

    def _event(self, happening: Happening, atr: str) -> None:
        raw = bytes.fromhex(atr)
        self._redactor().started(raw)
        self._add(CardEvent(happening, raw))

    def _redactor(self) -> Redactor:
        redactor = self._redactors.get(self._reader)
        if redactor is None:
            redactor = self._redactors[self._reader] = Redactor()
            redactor.started()
        return redactor

    def _apdu(self, raw: bytes) -> None:
        redactor = self._redactor()
        if self._atr:
            self._event(Happening.CONNECTED, self._atr.hex())
            self._atr = b""
        self._add(redactor.command(raw) if self._sending else redactor.answer(raw))

    def _add(self, what: TraceRecord | CardEvent) -> None:
        if not self._found:
            self._found = True
            self._clock.begin()
            atr = what.atr if isinstance(what, CardEvent) else b""
            self.head = TraceHead(by=self._by, reader=self._reader, atr=atr)
        self._entries.append(Entry(self._clock.now, self._reader, what))


class _Clock:
    """The time that the lines of a log tell, in microseconds since it began."""

    def __init__(self) -> None:
        self._at = 0
        self._begin = 0

    @property
    def now(self) -> int:
        return max(0, self._at - self._begin)

    def begin(self) -> None:
        """This is time 0."""
        self._begin = self._at

    def look(self, line: str) -> None:
        """Take the time of a line: OpenSC's is that of the day, pcscd's since the line before."""
        if match := _PCSCD_LINE.match(line):
            self._at += int(match[1])
        elif match := _OPENSC_STAMP.search(line):
            hours, minutes, seconds, thousandths = map(int, match.groups())
            self._at = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + thousandths * 1000
