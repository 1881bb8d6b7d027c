"""What a card says about itself, and the command that formats it."""

from dataclasses import dataclass

from construct import Bytes, Int8ub, Int16ub

from apdu.errors import PayloadError
from apdu.layout import Layout


@dataclass(frozen=True, slots=True)
class FormatCard:
    """PUT DATA 01E0: erase and format. `size` is the card's memory as the host would have it.

    The access rules, 3 bytes each, are those of the master file and of the application's directory.
    """

    size: int
    mf_access: bytes
    df_access: bytes


_FORMAT_CARD = Layout(
    PayloadError,
    "a format command",
    "size" / Int16ub,
    "mf_access" / Bytes(3),
    "df_access" / Bytes(3),
)


def parse_format_card(data: bytes) -> FormatCard:
    """Read the 8 bytes of a format command."""
    return FormatCard(**_FORMAT_CARD.parse(data))


def build_format_card(command: FormatCard) -> bytes:
    """Write a format command."""
    return _FORMAT_CARD.build(
        size=command.size, mf_access=command.mf_access, df_access=command.df_access
    )


@dataclass(frozen=True, slots=True)
class AppletInfo:
    """GET DATA 01A0: version, serial number (10 bytes) and the counter of changes.

    Hosts keep what they read under serial and counter, so the counter moves with every write. The
    first 5 bytes are free for any use.
    """

    major: int
    minor: int
    patch: int
    serial: bytes
    change_counter: int
    free: bytes = bytes(5)


_APPLET_INFO = Layout(
    PayloadError,
    "applet information",
    "free" / Bytes(5),
    "major" / Int8ub,
    "minor" / Int8ub,
    "patch" / Int8ub,
    "serial" / Bytes(10),
    "change_counter" / Int16ub,
)


def parse_applet_info(data: bytes) -> AppletInfo:
    """Read the 20 bytes of applet information."""
    return AppletInfo(**_APPLET_INFO.parse(data))


def build_applet_info(info: AppletInfo) -> bytes:
    """Write applet information."""
    return _APPLET_INFO.build(
        free=info.free,
        major=info.major,
        minor=info.minor,
        patch=info.patch,
        serial=info.serial,
        change_counter=info.change_counter,
    )


@dataclass(frozen=True, slots=True)
class Capabilities:
    """GET DATA 01AA: the features (01 RSA, 08 elliptic curves) and the longest keys, in bits."""

    features: int
    max_rsa: int
    max_des: int
    max_aes: int
    max_ec: int
    version: int = 1


_CAPABILITIES = Layout(
    PayloadError,
    "a list of capabilities",
    "version" / Int8ub,
    "features" / Int16ub,
    "max_rsa" / Int16ub,
    "max_des" / Int16ub,
    "max_aes" / Int16ub,
    "max_ec" / Int16ub,
)


def parse_capabilities(data: bytes) -> Capabilities:
    """Read the 11 bytes of capabilities, of version 1."""
    capabilities = Capabilities(**_CAPABILITIES.parse(data))
    _check_version(capabilities)
    return capabilities


def build_capabilities(capabilities: Capabilities) -> bytes:
    """Write capabilities."""
    _check_version(capabilities)
    return _CAPABILITIES.build(
        version=capabilities.version,
        features=capabilities.features,
        max_rsa=capabilities.max_rsa,
        max_des=capabilities.max_des,
        max_aes=capabilities.max_aes,
        max_ec=capabilities.max_ec,
    )


def _check_version(capabilities: Capabilities) -> None:
    if capabilities.version != 1:
        raise PayloadError(0, f"no version {capabilities.version} of capabilities is known")
