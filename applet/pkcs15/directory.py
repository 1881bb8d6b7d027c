"""What the applet reads of its own PKCS#15 files (ISO 7816-15), whoever wrote them."""

from __future__ import annotations

from apdu.errors import ApduError
from apdu.filecontrol import FileKind
from apdu.pkcs15.read import read_private_keys
from apdu.status import SW
from applet.os.errors import CardError
from applet.os.files import FileSystem
from applet.pkcs15 import profile


def whole(files: FileSystem, path: bytes) -> bytes:
    """The content of a transparent file; 6A82 when there is none."""
    file = files.file(path)
    if file.kind is not FileKind.EF:
        raise CardError(SW.NOT_FOUND)
    return files.read(path, 0, file.size)


def key_label(files: FileSystem, fid: int) -> str:
    """What the directory of private keys calls the key of this file; empty when it says nothing."""
    end = fid.to_bytes(2, "big")
    try:
        keys = read_private_keys(whole(files, profile.PRIVATE_KEYS))
    except (ApduError, CardError):
        return ""
    return next((key.label for key in keys if key.path.endswith(end)), "")
