"""Packets of a SIM card's dialogue as GSMTAP over UDP carries them, port 4729.

That is how programs that listen between a telephone and its card capture it (libosmocore's
gsmtap.h). Such a card speaks T=0, so one packet is a header, five bytes with P3, the data that goes
one way, and the status word (ISO 7816-3 §10.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from apdu.instruction import INS
from apdu.piv import PivINS

_PORT = 4729
_UDP = 17
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN = 0x8100
_SIM = 4
_APDU, _ATR = 0, 1


class SimPacket(NamedTuple):
    """A command and its answer, or an answer to reset."""

    command: bytes = b""
    answer: bytes = b""
    atr: bytes = b""


def sim_packet(link: int, data: bytes) -> SimPacket | None:
    """What a packet of this link type says about a SIM card; None if nothing."""
    find = _LINKS.get(link)
    try:
        payload = find(data) if find else None
        return None if payload is None else _of_gsmtap(payload)
    except IndexError:
        return None


def _of_gsmtap(data: bytes) -> SimPacket | None:
    version, words, kind, sub_type = data[0], data[1], data[2], data[12]
    content = data[4 * words :]
    if version != 2 or kind != _SIM or words < 4:
        return None
    if sub_type == _ATR and content:
        return SimPacket(atr=content)
    if sub_type == _APDU and len(content) >= 7:
        return SimPacket(*_split(content))
    return None


_BRINGS_DATA = frozenset(
    {
        *(INS.VERIFY, 0x21, INS.MSE, INS.CHANGE_REFERENCE, 0x26, 0x28, INS.PSO, INS.RESET_RETRY),
        *(0x10, 0x14, 0x32, INS.ACTIVATE, INS.DEACTIVATE, INS.GENERATE_KEY, PivINS.GENERATE_KEY),
        *(0x82, INS.GENERAL_AUTHENTICATE, PivINS.GENERAL_AUTHENTICATE, INS.INTERNAL_AUTHENTICATE),
        *(0xA2, INS.SELECT, 0xC2, INS.GET_DATA_ODD, 0xD0, 0xD2, INS.UPDATE_BINARY, 0xD7),
        *(INS.PUT_DATA, PivINS.PUT_DATA, 0xDC, 0xDD, INS.CREATE_FILE, 0xE2, INS.DELETE_FILE),
        *(INS.TERMINATE, PivINS.SET_MANAGEMENT_KEY),
    }
)
"""Instructions whose data goes to the card; that of all others comes from it: T=0 has one way."""


def _split(whole: bytes) -> tuple[bytes, bytes]:
    """The command and the answer in what went over the wire.

    Captures of cards that speak T=1 have data both ways: then more follows than P3 says.
    """
    header, p3, body, sw = whole[:4], whole[4], whole[5:-2], whole[-2:]
    if whole[1] in _BRINGS_DATA and p3 and body:
        there, back = body[:p3], body[p3:]
        if len(there) < p3:
            return header + bytes((len(there),)) + there, sw
        return whole[:5] + there + (b"\0" if back else b""), back + sw
    return whole[:5] if p3 or body else header, body + sw


def _of_ethernet(data: bytes) -> bytes | None:
    at = 12
    while data[at] << 8 | data[at + 1] == _VLAN:
        at += 4
    return _of_ether_type(data[at] << 8 | data[at + 1], data[at + 2 :])


def _of_ether_type(kind: int, data: bytes) -> bytes | None:
    return _of_ip(data) if kind in (_IPV4, _IPV6) else None


def _of_ip(data: bytes) -> bytes | None:
    """The content of a UDP packet to or from the port of GSMTAP; fragments are passed over."""
    if data[0] >> 4 == 4:
        fragment = (data[6] << 8 | data[7]) & 0x3FFF
        protocol, udp = data[9], data[4 * (data[0] & 0x0F) :]
        size = data[2] << 8 | data[3]
        udp = data[4 * (data[0] & 0x0F) : size]
    elif data[0] >> 4 == 6:
        fragment, protocol, udp = 0, data[6], data[40 : 40 + (data[4] << 8 | data[5])]
    else:
        return None
    if protocol != _UDP or fragment or len(udp) < 8:
        return None
    ports = udp[0] << 8 | udp[1], udp[2] << 8 | udp[3]
    return udp[8:] if _PORT in ports else None


_LINKS: dict[int, Callable[[bytes], bytes | None]] = {
    0: lambda data: _of_ip(data[4:]),
    1: _of_ethernet,
    12: _of_ip,
    14: _of_ip,
    101: _of_ip,
    108: lambda data: _of_ip(data[4:]),
    113: lambda data: _of_ether_type(data[14] << 8 | data[15], data[16:]),
    228: _of_ip,
    229: _of_ip,
    276: lambda data: _of_ether_type(data[0] << 8 | data[1], data[20:]),
}
"""By the link type: BSD loopback, Ethernet, bare IP, Linux's "any" device in both its forms."""
