"""What this applet is: names, numbers and the state it leaves the factory in.

The card edge is the one of OpenSC's driver ``myeid`` (src/libopensc/card-myeid.c), which serves
the open OsEID card; file identifiers are those of its profile (myeid.profile).
"""

from __future__ import annotations

from apdu.atr import Atr, InterfaceBytes, build_atr
from apdu.edge import PKCS15_AID, USHIELD_AID
from apdu.filecontrol import AccessRules, FileKind
from apdu.payload import Capabilities
from applet.os.files import MF, File

AIDS = (PKCS15_AID, USHIELD_AID)

ATR = build_atr(
    Atr(
        convention=0x3B,
        groups=(InterfaceBytes(td=0x81), InterfaceBytes(td=0x31), InterfaceBytes(ta=0xFE, tb=0x45)),
        historical=bytes.fromhex("80 73 F821C0 65") + b"OsEID",
    )
)
"""T=1 with an information field of 254 bytes. Historical bytes (ISO 7816-4 §8.1.1): category 80,
card capabilities 73 (F8: selection by full and partial name, path and identifier; 21: data units of
a byte; C0: command chaining and extended length), then 65 with the name by which OpenSC's driver
binds."""

VERSION = (4, 5, 0)
"""Firmware that is reported: from 4.5 on the driver chains commands and goes up to RSA-4096."""

CAPABILITIES = Capabilities(
    version=1, features=0x0009, max_rsa=4096, max_des=0, max_aes=0, max_ec=384
)
"""Features: 01 RSA, 08 elliptic curves. Lengths in bits."""

APP_DF = MF + b"\x50\x15"
TOKEN_INFO = APP_DF + b"\x50\x32"
PRIVATE_KEYS = APP_DF + b"\x44\x02"
CERTIFICATES = APP_DF + b"\x44\x03"
SERIAL_LENGTH = 10

BORN_MF = AccessRules(1, 1, 3, 0xF)
BORN_APP_DF = AccessRules(1, 1, 1, 0xF)
"""Rules of a card that nobody has formatted: safe, so that a skipped erase leaves no hole."""


def root(access: AccessRules) -> File:
    """The master file."""
    return File(0x3F00, FileKind.DF, 0, access)


def application(access: AccessRules) -> File:
    """The application's dedicated file."""
    return File(0x5015, FileKind.DF, 0, access, name=PKCS15_AID)
