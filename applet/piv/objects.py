"""The data objects: certificates, CHUID and the like (SP 800-73-4 part 1 §3 and table 3)."""

from __future__ import annotations

from apdu.piv import BIOMETRIC_GROUP, DISCOVERY, DataObject, build_object_answer
from apdu.pivedge import ATTESTATION, CERTIFICATES, PIN
from apdu.pivnames import PIN_PROTECTED
from apdu.status import SW
from applet.os.access import SecurityStatus
from applet.os.errors import CardError, refuse_unless
from applet.os.store import Records, Store
from applet.piv.profile import DISCOVERY_CONTENT

MOST_BYTES = 0x7FFF
"""Longest content of an object."""
_ATTESTATION = f"{CERTIFICATES[ATTESTATION]:X}"
_STANDARD, _YUBICO = range(0x5FC100, 0x5FC180), range(0x5FFF00, 0x5FFF80)


class Objects:
    """The objects of the applet by their tags. The discovery object is always the same."""

    def __init__(self, store: Store, prefix: str, status: SecurityStatus) -> None:
        self._contents = Records(store, prefix + "object/", bytes, bytes)
        self._status = status

    def clear(self) -> None:
        """Forget every object but the certificate of attestation, which came with the card."""
        for name in list(self._contents.names()):
            if name != _ATTESTATION:
                self._contents.delete(name)

    def get(self, tag: int) -> bytes:
        """The answer of GET DATA; 6A82 when there is no such object, 6982 when it asks for the PIN.

        Without the PIN nobody learns whether an object that asks for it is there.
        """
        if tag in PIN_PROTECTED:
            self._status.require_pin(PIN)
        return build_object_answer(DataObject(tag, self.content(tag)))

    def content(self, tag: int) -> bytes:
        """What is in an object, whoever may see it; 6A82 when there is no such object."""
        content = DISCOVERY_CONTENT if tag == DISCOVERY else self._contents.get(f"{tag:X}")
        if content is None:
            raise CardError(SW.NOT_FOUND)
        return content

    def put(self, given: DataObject) -> None:
        """Keep an object; one without content is removed. 6A81 for a tag that is none of PIV's."""
        tag = given.tag
        known = tag in _STANDARD or tag in _YUBICO or tag == BIOMETRIC_GROUP
        refuse_unless(known, SW.FUNCTION_UNSUPPORTED)
        refuse_unless(len(given.content) <= MOST_BYTES, SW.NO_SPACE)
        if given.content:
            self._contents.put(f"{tag:X}", given.content)
        else:
            self._contents.delete(f"{tag:X}")
