"""What GET DATA answers: the applet's own objects, and a certificate found by its key.

Label and certificates are read from the PKCS#15 files themselves (ISO 7816-15), so they are right
whoever wrote those files.
"""

from __future__ import annotations

from collections.abc import Callable

from apdu.edge import CERTIFICATE, KEY_FILES, Data
from apdu.errors import ApduError
from apdu.payload import (
    AppletInfo,
    build_applet_info,
    build_capabilities,
    build_pin_status,
)
from apdu.pkcs15.entries import CertificateEntry
from apdu.pkcs15.read import (
    first_object,
    read_certificates,
    read_private_keys,
    read_token_info,
)
from apdu.status import SW
from apdu.tlv import build_tlv
from applet.consent.desk import ConsentDesk
from applet.os.errors import CardError
from applet.os.files import FileSystem
from applet.os.keys.ec import EcKey
from applet.os.keys.keystore import KeyStore
from applet.os.keys.rsa import RsaKey
from applet.os.lifecycle import LifeCycle
from applet.os.pins import Pins
from applet.pkcs15 import profile
from applet.pkcs15.directory import whole
from applet.pkcs15.identity import Identity
from applet.pkcs15.selection import Selection

_EC_POINT_TAG = 0x86


class Objects:
    """The data objects of the applet, each made when it is asked for."""

    def __init__(
        self,
        *,
        identity: Identity,
        files: FileSystem,
        keys: KeyStore,
        pins: Pins,
        life: LifeCycle,
        selection: Selection,
        consent: ConsentDesk,
    ) -> None:
        self._identity = identity
        self._files = files
        self._keys = keys
        self._pins = pins
        self._life = life
        self._selection = selection
        self._makers: dict[int, Callable[[], bytes]] = {
            Data.MODULUS: self._modulus,
            Data.EXPONENT: self._exponent,
            Data.POINT: self._point,
            Data.APPLET_INFO: self._applet_info,
            Data.FILES: self._file_list,
            Data.CAPABILITIES: lambda: build_capabilities(profile.CAPABILITIES),
            Data.SERIAL: lambda: identity.serial,
            Data.LABEL: self._label,
            Data.PHASE: lambda: bytes((life.phase,)),
            Data.TRIES: self._tries,
            Data.CONSENT: lambda: consent.told(Data.CONSENT),
            Data.CONSENT_SETTINGS: lambda: consent.told(Data.CONSENT_SETTINGS),
        }

    def get(self, tag: int) -> bytes:
        """The object of this tag; 6A88 when there is none."""
        maker = self._makers.get(tag)
        if maker is None:
            raise CardError(SW.REFERENCE_NOT_FOUND)
        return maker()

    def certificate(self, reference: int | None) -> bytes:
        """7F21 with the certificate of a key, or the first one; 6A88 when there is none."""
        try:
            entry = self._certificate_entry(reference)
            certificate = first_object(self._whole(entry.path))
        except (ApduError, CardError):
            raise CardError(SW.REFERENCE_NOT_FOUND) from None
        return build_tlv(CERTIFICATE, certificate)

    def _certificate_entry(self, reference: int | None) -> CertificateEntry:
        entries = read_certificates(self._whole(profile.CERTIFICATES))
        if reference is None:
            return _first(entries)
        file = (KEY_FILES | reference).to_bytes(2, "big")
        keys = read_private_keys(self._whole(profile.PRIVATE_KEYS))
        identifiers = {key.id for key in keys if key.path.endswith(file)}
        return _first(tuple(entry for entry in entries if entry.id in identifiers))

    def _label(self) -> bytes:
        try:
            return read_token_info(self._whole(profile.TOKEN_INFO)).label.encode()
        except (ApduError, CardError):
            return b""

    def _tries(self) -> bytes:
        return b"".join(build_pin_status(status) for status in self._pins.statuses())

    def _applet_info(self) -> bytes:
        major, minor, patch = profile.VERSION
        return build_applet_info(
            AppletInfo(major, minor, patch, self._identity.serial, self._identity.changes)
        )

    def _file_list(self) -> bytes:
        children = self._files.children(self._selection.directory)
        return b"".join(file.fid.to_bytes(2, "big") for file in children)

    def _modulus(self) -> bytes:
        return self._rsa().modulus

    def _exponent(self) -> bytes:
        return self._rsa().exponent

    def _rsa(self) -> RsaKey:
        key = self._keys.get(self._selection.file_path)
        if not isinstance(key, RsaKey):
            raise CardError(SW.INCOMPATIBLE_FILE)
        return key

    def _point(self) -> bytes:
        key = self._keys.get(self._selection.file_path)
        if not isinstance(key, EcKey):
            raise CardError(SW.INCOMPATIBLE_FILE)
        return build_tlv(_EC_POINT_TAG, key.point)

    def _whole(self, path: bytes) -> bytes:
        return whole(self._files, path)


def _first(entries: tuple[CertificateEntry, ...]) -> CertificateEntry:
    if not entries:
        raise CardError(SW.REFERENCE_NOT_FOUND)
    return entries[0]
