"""Files on a token and entries in its directories: the lower half of `host.manage`.

Paths are from the master file, without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from apdu.edge import Data
from apdu.filecontrol import AccessRules, FileControl, FileKind, build_access, build_file_control
from apdu.instruction import INS
from apdu.pkcs15.read import entries_of
from apdu.status import SW
from host import directory as d
from host.client import TokenClient
from host.errors import HostError, NoSpace
from host.link import ALL

FCP = 0x62
"""The template of control parameters that CREATE FILE takes (ISO 7816-4 §7.4)."""

_OBJECT_ACCESS = AccessRules(0, 1, 1, 0xF)


class TokenFiles:
    """What a personaliser does with the files of a client's token."""

    def __init__(self, client: TokenClient) -> None:
        self.client = client
        self._link = client.link

    def create_file(self, path: bytes, size: int, access: AccessRules) -> None:
        """Make a transparent file of so many bytes, filled with zeros."""
        control = FileControl.of(
            FCP,
            size_tag=0x80,
            size=size,
            kind=FileKind.EF,
            fid=int.from_bytes(path[-2:], "big"),
            access=build_access(access),
            proprietary=bytes(2),
            life_cycle=0,
        )
        self._create(path, control)

    def read_file(self, path: bytes) -> bytes:
        """The whole content of a transparent file."""
        return d.read_file(self._link, path)

    def write_file(self, path: bytes, data: bytes, offset: int = 0) -> None:
        """Write into a transparent file; what is before and after the data stays as it is.

        It is one command, chained if need be, so that a cut of power leaves all of it or nothing.
        """
        with self._link.transaction():
            self._link.select(path)
            self._link.command(INS.UPDATE_BINARY, offset, data)

    def delete_file(self, path: bytes) -> None:
        """Remove a file; of a key file, the key with it."""
        with self._link.transaction():
            self._link.select(path)
            self._link.command(INS.DELETE_FILE, 0)
        self.client.refresh()

    # --- within ---------------------------------------------------------------------------------

    def _create(self, path: bytes, control: FileControl) -> None:
        with self._link.transaction():
            self._link.select(path[:-2])
            self._link.command(INS.CREATE_FILE, 0, build_file_control(control))

    @contextlib.contextmanager
    def _stored_object(self, base: int, reference: int, data: bytes) -> Iterator[bytes]:
        """A new file with this content; its whole path. Its number is the key's, if that is free.

        If the context, which has to make the file known, does not come to its end, it is deleted.
        """
        path = d.APPLICATION + self._free_file(base, reference).to_bytes(2, "big")
        self.create_file(path, len(data), _OBJECT_ACCESS)
        with self._or_deleted(path):
            self.write_file(path, data)
            yield d.MASTER_FILE + path

    @contextlib.contextmanager
    def _or_deleted(self, path: bytes) -> Iterator[None]:
        """Delete a new file if the context fails: nobody would know of it, nor free its memory."""
        try:
            yield
        except Exception:
            with contextlib.suppress(HostError):
                self.delete_file(path)
            raise

    def _free_file(self, base: int, preferred: int = 1) -> int:
        self._link.select(d.APPLICATION)
        listed = self._link.command(INS.GET_DATA, Data.FILES, le=ALL)
        taken = {listed[at : at + 2] for at in range(0, len(listed), 2)}
        for number in (preferred, *range(1, 256)):
            fid: int = base | number
            if fid.to_bytes(2, "big") not in taken:
                return fid
        raise NoSpace(SW.NO_SPACE, "CREATE FILE")

    def _append(self, path: bytes, entry: bytes) -> None:
        self._write_directory(path, [*d.read_directory(self._link, path, entries_of), entry])

    def _write_directory(self, path: bytes, entries: list[bytes]) -> None:
        """Write a directory file afresh, zeros after the last entry."""
        content = b"".join(entries)
        size = self._link.select(path).size or 0
        if len(content) > size:
            raise NoSpace(SW.NO_SPACE, "UPDATE BINARY")
        self.write_file(path, content.ljust(size, b"\x00"))
