"""Which application and file of a card are selected, told from its dialogue alone."""

from __future__ import annotations

from enum import Enum

from apdu.command import Command
from apdu.edge import PKCS15_AID, USHIELD_AID
from apdu.errors import ApduError
from apdu.filecontrol import FileControl, FileKind, parse_file_control
from apdu.instruction import INS
from apdu.pivnames import PIV_AID

_MASTER_FILE = b"\x3f\x00"
_APPLICATION_DF = b"\x50\x15"
_SHORTEST_AID = 5
_BY_NAME = 0x04


class Application(Enum):
    """The applications whose commands are understood; `UNKNOWN` is any other, or not told."""

    UNKNOWN = "unknown"
    PKCS15 = "PKCS#15"
    PIV = "PIV"


class Selection:
    """Follows the SELECT commands of one card. Feed it every command and every answer.

    `path` is the selected file's from the master file, without it; None when nobody can say.
    `control` is what the card said of that file, if it did.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The card was reset: nothing is known to be selected."""
        self.application = Application.UNKNOWN
        self.aid = b""
        self.path: bytes | None = None
        self.control: FileControl | None = None
        self._df = b""
        self._asked: Command | None = None
        self._answer = b""

    def command(self, command: Command) -> None:
        """A command goes to the card; one whose data is not known is better left out."""
        if command.ins == INS.SELECT and command.cla == 0x00:
            self._asked, self._answer = command, b""
        elif command.ins != INS.GET_RESPONSE:
            self._asked = None

    def answer(self, data: bytes | None, sw: int) -> None:
        """An answer of the card."""
        asked = self._asked
        if asked is None:
            return
        more = sw >> 8 == 0x61
        if sw != 0x9000 and not more:
            self._asked = None
            return
        self._answer += data or b""
        if not more:
            self._asked = None
        self._take(asked, _control_of(self._answer))

    def _take(self, asked: Command, control: FileControl | None) -> None:
        if asked.p1 == _BY_NAME:
            self._take_application(asked.data)
            return
        path = self.path_of(asked)
        self.control, self.path = control, path
        if path is not None and _is_directory(path, control):
            self._df = path

    def _take_application(self, aid: bytes) -> None:
        self.aid, self.control = aid, None
        self.application = application_of(aid)
        is_ours = self.application is Application.PKCS15
        self.path = self._df = _APPLICATION_DF if is_ours else b""

    def path_of(self, asked: Command) -> bytes | None:
        """The file that a SELECT is for, by its P1 (ISO 7816-4 §11.2.2, table 63)."""
        fid = asked.data
        match asked.p1:
            case 0 if fid in (b"", _MASTER_FILE):
                return b""
            case 0 if fid == self._df[-2:]:
                return self._df
            case 0 | 1 | 2 | 9:
                return self._df + fid
            case 3:
                return self._df[:-2]
            case 8:
                return fid.removeprefix(_MASTER_FILE)
            case _:
                return None


def application_of(aid: bytes) -> Application:
    """The application that a name selects, whole or cut on the right."""
    if len(aid) < _SHORTEST_AID:
        return Application.UNKNOWN
    if aid.startswith(PIV_AID):
        return Application.PIV
    ours = any(name.startswith(aid) for name in (PKCS15_AID, USHIELD_AID))
    return Application.PKCS15 if ours else Application.UNKNOWN


def _control_of(answer: bytes) -> FileControl | None:
    try:
        return parse_file_control(answer)
    except ApduError:
        return None


def _is_directory(path: bytes, control: FileControl | None) -> bool:
    if control is not None and control.kind is not None:
        return control.kind == FileKind.DF
    return path in (b"", _APPLICATION_DF)
