"""Which file is current, and how SELECT finds another one (ISO 7816-4 §7.3, §11.1.1)."""

from __future__ import annotations

from apdu.filecontrol import FileKind
from apdu.status import SW
from applet.os.errors import CardError
from applet.os.files import MF, File, FileSystem
from applet.pkcs15.commands import Select
from applet.pkcs15.profile import APP_DF

_BY_FID, _CHILD_DF, _CHILD_EF, _PARENT, _FROM_MF, _FROM_HERE = 0x00, 0x01, 0x02, 0x03, 0x08, 0x09


class Selection:
    """The current DF and, within it, the current file. Volatile."""

    def __init__(self, files: FileSystem) -> None:
        self._files = files
        self.clear()

    def clear(self) -> None:
        """Back to the application's DF, with no file chosen."""
        self.directory = APP_DF
        self._file: bytes | None = None

    @property
    def path(self) -> bytes:
        """The path of what was selected last, a file or else the current DF."""
        return self._file or self.directory

    @property
    def file_path(self) -> bytes:
        """The path of the current file; 6986 when none is selected."""
        if self._file is None:
            raise CardError(SW.NO_CURRENT_EF)
        return self._file

    def find(self, command: Select) -> tuple[bytes, File]:
        """The file that a SELECT means; 6A82 when there is none."""
        path = self._find(command)
        return path, self._files.file(path)

    def go(self, path: bytes, file: File) -> None:
        """Make this file current."""
        if file.kind is FileKind.DF:
            self.directory, self._file = path, None
        else:
            self.directory, self._file = path[:-2], path

    def left(self, path: bytes) -> None:
        """The file was deleted: its parent is current now."""
        if self.directory.startswith(path):
            self.directory = path[:-2]
        self._file = None

    def _find(self, command: Select) -> bytes:
        mode, path = command.mode, command.path
        if mode == _FROM_MF:
            return MF + path
        if mode == _FROM_HERE:
            return self.directory + path
        if mode == _PARENT:
            if path or self.directory == MF:
                raise CardError(SW.NOT_FOUND)
            return self.directory[:-2]
        if mode in (_CHILD_DF, _CHILD_EF):
            return self._child(path, directory=mode == _CHILD_DF)
        return self._by_identifier(path)

    def _child(self, fid: bytes, *, directory: bool) -> bytes:
        file = self._files.file(self.directory + fid) if fid else None
        if file is None or (file.kind is FileKind.DF) is not directory:
            raise CardError(SW.NOT_FOUND)
        return self.directory + fid

    def _by_identifier(self, fid: bytes) -> bytes:
        """The master file, then a child, the current DF itself, its parent, or a sibling of it."""
        if fid in (b"", MF):
            return MF
        parent = self.directory[:-2]
        candidates = [self.directory + fid]
        if self.directory[-2:] == fid:
            candidates.append(self.directory)
        if parent:
            candidates.append(parent + fid)
        for path in candidates:
            if self._files.get(path) is not None:
                return path
        raise CardError(SW.NOT_FOUND)
