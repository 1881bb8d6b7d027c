"""What the files, keys and PINs of a token are called, as far as its own dialogue tells.

A token names its directory files in EF.ODF, and its keys and certificates in those. Whoever reads
them tells us, too.
"""

from __future__ import annotations

from apdu.edge import KEY_FILES, SO_PIN, USER_PIN
from apdu.errors import ApduError
from apdu.filecontrol import FileControl, FileKind, parse_access
from apdu.pkcs15.read import (
    entries_of,
    read_certificates,
    read_odf,
    read_pins,
    read_private_keys,
    read_public_keys,
    read_token_info,
)
from apdu.tlv import find, parse_tlv
from host.directory import APPLICATION, CERTIFICATES, MASTER_FILE, PRIVATE_KEYS, PUBLIC_KEYS

_ODF, _TOKEN_INFO = APPLICATION + b"\x50\x31", APPLICATION + b"\x50\x32"
_PRIVATE, _PUBLIC, _CERTIFICATE, _PIN = "EF.PrKDF", "EF.PuKDF", "EF.CDF", "EF.AODF"

_FILES = {
    b"": "master file",
    b"\x2f\x00": "EF.DIR",
    APPLICATION: "PKCS#15 directory",
    _ODF: "EF.ODF",
    _TOKEN_INFO: "EF.TokenInfo",
    APPLICATION + b"\x50\x33": "EF.UnusedSpace",
    PRIVATE_KEYS: _PRIVATE,
    PUBLIC_KEYS: _PUBLIC,
    CERTIFICATES: _CERTIFICATE,
}
"""By their paths (ISO 7816-15 §7.5); the directory files are those of the ``myeid`` card edge."""

_DIRECTORIES = {
    "privateKeys": _PRIVATE,
    "publicKeys": _PUBLIC,
    "trustedPublicKeys": f"{_PUBLIC} (trusted)",
    "secretKeys": "EF.SKDF",
    "certificates": _CERTIFICATE,
    "trustedCertificates": f"{_CERTIFICATE} (trusted)",
    "usefulCertificates": f"{_CERTIFICATE} (useful)",
    "dataObjects": "EF.DODF",
    "authObjects": _PIN,
}
"""By the names of `apdu.pkcs15.entries.DIRECTORY_NAMES`."""

_PINS = {USER_PIN: "user PIN", SO_PIN: "SO PIN"}


class Names:
    """The names on one card."""

    def __init__(self) -> None:
        self._files = dict(_FILES)
        self._keys: dict[int, str] = {}
        self._pins = dict(_PINS)
        self._contents: dict[bytes, tuple[bytes, int]] = {}

    def file(self, path: bytes | None) -> str:
        """A file by its path from the master file, and its name if it has one."""
        if path is None:
            return "a file that is not known"
        if not path:
            return "3F00, master file"
        written = "/".join(path[at : at + 2].hex().upper() for at in range(0, len(path), 2))
        if path[:-2] == APPLICATION and path[-2:-1] == bytes((KEY_FILES >> 8,)):
            return f"{written}, {self.key(path[-1])}"
        name = self._files.get(path)
        return f"{written}, {name}" if name else written

    def key(self, reference: int) -> str:
        """A key by its reference, and its label if that was read."""
        label = self._keys.get(reference)
        return f"key {reference}" + (f" {label!r}" if label else "")

    def pin(self, reference: int) -> str:
        """A PIN by its reference."""
        name = self._pins.get(reference)
        return f"{name} ({reference:02X})" if name else f"reference {reference:02X}"

    def learn(self, path: bytes, offset: int, data: bytes) -> list[str] | None:
        """A part of a file was read. What it tells beyond the parts before, in lines.

        None as long as it cannot be understood.
        """
        known, told = self._contents.get(path, (b"", 0))
        if offset > len(known):
            return None
        content = known[:offset] + data
        try:
            lines = self._understand(path, content)
        except (ApduError, ValueError):
            lines = None
        new = (lines or [])[told if offset else 0 :]
        self._contents[path] = content, len(lines or [])
        return None if lines is None else new

    def content(self, path: bytes) -> bytes:
        """What is known of a file's content, from its beginning on."""
        return self._contents.get(path, (b"", 0))[0]

    def _understand(self, path: bytes, content: bytes) -> list[str] | None:
        match self._files.get(path, "").partition(" ")[0]:
            case "EF.DIR":
                return [_application(entry) for entry in entries_of(content)]
            case "EF.ODF":
                return self._directories(content)
            case "EF.SKDF" | "EF.DODF":
                return [f"{len(entries_of(content))} entries"]
            case "EF.TokenInfo":
                info = read_token_info(content)
                serial = info.serial.hex().upper()
                return [f"token {info.label!r} of {info.manufacturer!r}, serial number {serial}"]
            case "EF.AODF":
                return self._learn_pins(content)
            case "EF.PrKDF":
                return self._learn_keys(content)
            case "EF.PuKDF":
                return [
                    f"public key {key.label!r}, id {key.id.hex().upper()}, {key.kind}"
                    for key in read_public_keys(content)
                ]
            case "EF.CDF":
                return self._learn_certificates(content)
            case _:
                return None

    def _directories(self, content: bytes) -> list[str]:
        lines = []
        for kind, found in read_odf(content).items():
            path = found.removeprefix(MASTER_FILE)
            self._files[path] = _DIRECTORIES[kind]
            lines.append(self.file(path))
        return lines

    def _learn_pins(self, content: bytes) -> list[str]:
        lines = []
        for pin in read_pins(content):
            self._pins[pin.reference] = pin.label
            lines.append(f"{self.pin(pin.reference)}, {pin.min_length} to {pin.max_length} bytes")
        return lines

    def _learn_keys(self, content: bytes) -> list[str]:
        lines = []
        for key in read_private_keys(content):
            if key.path:
                self._keys[key.path[-1]] = key.label
            bits = f" {key.bits}" if key.bits else ""
            uses = ", ".join(sorted(key.usage))
            place = self.file(key.path.removeprefix(MASTER_FILE))
            lines.append(f"{place}: {key.kind}{bits}, id {key.id.hex().upper()}, may {uses}")
        return lines

    def _learn_certificates(self, content: bytes) -> list[str]:
        lines = []
        for entry in read_certificates(content):
            path = entry.path.removeprefix(MASTER_FILE)
            self._files[path] = f"certificate {entry.label!r}"
            lines.append(f"{self.file(path)}, id {entry.id.hex().upper()}")
        return lines


def _application(entry: bytes) -> str:
    """An entry of EF.DIR (ISO 7816-4 §12.2.4)."""
    objects = parse_tlv(entry).children
    label = (find(objects, 0x50) or b"").decode(errors="replace")
    return f"application {label!r}, {(find(objects, 0x4F) or b'').hex(' ').upper()}"


def access_words(control: FileControl) -> str:
    """The access rules of the ``myeid`` card edge in words (`apdu.filecontrol.AccessRules`)."""
    access = control.access
    if access is None or len(access) != 3:
        return ""
    verbs = _VERBS.get(control.kind or 0, _FILE_VERBS)
    rules = zip(verbs, parse_access(access), strict=False)
    return ", ".join(f"{verb} {_WHO.get(who, f'PIN {who}')}" for verb, who in rules)


_WHO = {0x0: "everyone", 0xF: "nobody"}
_FILE_VERBS = ("read", "update", "delete")
_KEY_VERBS = ("use", "update", "delete", "generate")
_VERBS: dict[int, tuple[str, ...]] = {
    FileKind.DF: ("create DF", "create EF", "delete"),
    **dict.fromkeys((FileKind.RSA_KEY, FileKind.EC_KEY, FileKind.SECRET_KEY), _KEY_VERBS),
}
