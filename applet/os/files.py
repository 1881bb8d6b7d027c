"""The file system: a tree of dedicated files (DF), transparent elementary files (EF) and keys.

A file is named by its path, the file identifiers from the master file (3F00) down, 2 bytes each
(ISO 7816-4 §7.3). Its file control parameters and its content are two cells of the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apdu.edge import Consent
from apdu.filecontrol import (
    AccessRules,
    FileControl,
    FileKind,
    build_access,
    build_file_control,
    parse_access,
    parse_file_control,
)
from apdu.status import SW
from applet.os.errors import CardError, refuse_unless
from applet.os.store import Records, Store

MF = b"\x3f\x00"
FCP, FCI = 0x62, 0x6F
_SESSION = 0x01
"""Bit of the second byte of tag 85, as OpenSC's driver sets it for session objects."""
_KEY_PAIRS = frozenset({FileKind.RSA_KEY, FileKind.EC_KEY})
MOST_BYTES = 0x7FFF
"""Largest size of a transparent file: what READ BINARY with a 15-bit offset reaches."""


@dataclass(frozen=True, slots=True)
class File:
    """The control parameters of one file. `size` is in bytes, of a key in bits."""

    fid: int
    kind: FileKind
    size: int
    access: AccessRules
    proprietary: bytes = b"\x00\x00"
    name: bytes = b""
    usage: int | None = None
    consent: Consent = Consent.NONE

    @property
    def for_session(self) -> bool:
        """Whether it is gone at the next reset: the proprietary information says so."""
        return len(self.proprietary) == 2 and bool(self.proprietary[1] & _SESSION)

    @property
    def is_key(self) -> bool:
        """Whether it holds a key pair."""
        return self.kind in _KEY_PAIRS

    @property
    def pin_each(self) -> int:
        """Reference of the PIN that every use of this key spends, or 0.

        The first nibble of the proprietary information, as OpenSC's driver writes it for keys with
        user consent.
        """
        return self.proprietary[0] >> 4

    def control(self, template: int, life_cycle: int) -> bytes:
        """The file control information as SELECT answers it (ISO 7816-4 §7.4)."""
        return build_file_control(
            FileControl.of(
                template,
                size_tag=0x80 if self.kind is FileKind.EF else 0x81,
                size=self.size,
                kind=self.kind,
                fid=self.fid,
                access=build_access(self.access),
                proprietary=self.proprietary,
                life_cycle=life_cycle,
                name=self.name,
                usage=self.usage,
                consent=self.consent or None,
            )
        )

    @classmethod
    def from_control(cls, control: FileControl) -> File:
        """The file that CREATE FILE describes; 6A80 when something needed is missing or unknown."""
        code, access = control.kind, control.access
        if control.fid is None or control.size is None or code is None or access is None:
            raise CardError(SW.WRONG_DATA)
        try:
            kind, rules = FileKind(code), parse_access(access)
            consent = Consent(control.consent or 0)
        except ValueError:
            raise CardError(SW.WRONG_DATA) from None
        return cls(
            fid=control.fid,
            kind=kind,
            size=control.size,
            access=rules,
            proprietary=control.proprietary or b"\x00\x00",
            name=control.name or b"",
            usage=control.usage,
            consent=consent,
        )


def _encode(file: File) -> bytes:
    return file.control(FCP, life_cycle=0)


def _decode(raw: bytes) -> File:
    return File.from_control(parse_file_control(raw))


class FileSystem:
    """The files of one applet. It keeps the tree whole; who may touch it is the caller's rule."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._files = Records(store, prefix + "file/", _decode, _encode)
        self._contents = Records(store, prefix + "content/", bytes, bytes)
        self._session: dict[bytes, File] = {}

    def get(self, path: bytes) -> File | None:
        """The file of this path, or None."""
        return self._files.get(path.hex()) or self._session.get(path)

    def file(self, path: bytes) -> File:
        """The file of this path; 6A82 when there is none."""
        file = self.get(path)
        if file is None:
            raise CardError(SW.NOT_FOUND)
        return file

    def children(self, path: bytes) -> Iterator[File]:
        """The files directly under a DF, in the order of their identifiers."""
        parent = path.hex()
        for name in self._files.names(parent):
            if len(name) == len(parent) + 4 and (file := self._files.get(name)):
                yield file

    def create(self, parent: bytes, file: File) -> bytes:
        """Make a file under a DF; its path. 6A89 when it is there, 6A84 when it is too large."""
        refuse_unless(self.file(parent).kind is FileKind.DF, SW.CONDITIONS)
        refuse_unless(file.fid not in (0x3F00, 0x3FFF, 0xFFFF), SW.WRONG_DATA)
        refuse_unless(file.kind is not FileKind.EF or file.size <= MOST_BYTES, SW.NO_SPACE)
        path = parent + file.fid.to_bytes(2, "big")
        refuse_unless(self.get(path) is None, SW.FILE_EXISTS)
        if file.for_session:
            self._session[path] = file
        else:
            self._put(path, file)
        return path

    def end_session(self) -> None:
        """Forget the files that were made for this session only; they never were in memory."""
        self._session.clear()

    def plant(self, file: File) -> bytes:
        """Make the master file, the root of everything."""
        path = file.fid.to_bytes(2, "big")
        self._put(path, file)
        return path

    def delete(self, path: bytes) -> None:
        """Remove a file, and with a DF all that is under it."""
        self._session.pop(path, None)
        for name in list(self._files.names(path.hex())):
            self._files.delete(name)
            self._contents.delete(name)

    def clear(self) -> None:
        """Remove every file."""
        self.delete(b"")

    def read(self, path: bytes, offset: int, length: int) -> bytes:
        """Up to `length` bytes of a transparent file; 6B00 when it begins past the end."""
        content = self._content(path)
        refuse_unless(offset <= len(content), SW.WRONG_OFFSET)
        return content[offset : offset + length]

    def update(self, path: bytes, offset: int, data: bytes) -> None:
        """Write into a transparent file; 6B00 when it begins, 6A84 when it ends, past the end."""
        content = self._content(path)
        refuse_unless(offset <= len(content), SW.WRONG_OFFSET)
        refuse_unless(offset + len(data) <= len(content), SW.NO_SPACE)
        after = content[:offset] + data + content[offset + len(data) :]
        self._contents.put(path.hex(), after)

    def _content(self, path: bytes) -> bytes:
        refuse_unless(self.file(path).kind is FileKind.EF, SW.INCOMPATIBLE_FILE)
        content = self._contents.get(path.hex())
        return b"" if content is None else content

    def _put(self, path: bytes, file: File) -> None:
        self._files.put(path.hex(), file)
        if file.kind is FileKind.EF:
            self._contents.put(path.hex(), bytes(file.size))
