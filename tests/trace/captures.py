"""Captures as other programs write them, made here from their packets."""

from __future__ import annotations

import struct

from host.trace.blocks import interface_block, packet_block, section_block

SIM_ATR = bytes.fromhex("3B9F96801FC78031A073BE21136743200718000001A5")


def udp(payload: bytes, port: int = 4729) -> bytes:
    return struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload


def ipv4(payload: bytes, protocol: int = 17, fragment: int = 0) -> bytes:
    size = 20 + len(payload)
    return struct.pack(">BBHHHBBH8x", 0x45, 0, size, 0, fragment, 64, protocol, 0) + payload


def ipv6(payload: bytes) -> bytes:
    return struct.pack(">IHBB32x", 6 << 28, len(payload), 17, 64) + payload


def gsmtap(payload: bytes, sub_type: int = 0, kind: int = 4) -> bytes:
    return struct.pack(">BBBBHbBIBBBB", 2, 4, kind, 0, 0, 0, 0, 0, sub_type, 0, 0, 0) + payload


def sim_capture() -> list[bytes]:
    """The packets of a telephone that starts: ATR, master file, PIN, a file after the PIN."""
    pin = "A020000108" + "31323334FFFFFFFF" + "9000"
    contents = [
        gsmtap(SIM_ATR, sub_type=1),
        *(
            gsmtap(bytes.fromhex(apdu))
            for apdu in ("A0A40000023F009F22", pin, "A0B0000004DEADBEEF9000")
        ),
    ]
    return [ipv4(udp(content)) for content in contents]


def as_pcapng(packets: list[bytes]) -> bytes:
    blocks = [section_block("Wireshark"), interface_block(101, "lo")]
    return b"".join(blocks + [packet_block(0, 10**15 + at, p) for at, p in enumerate(packets)])


def as_pcap(packets: list[bytes], order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 101)
    part = 1000 if magic == 0xA1B23C4D else 1
    records = [
        struct.pack(order + "IIII", 10**9, at * part, len(packet), len(packet)) + packet
        for at, packet in enumerate(packets)
    ]
    return head + b"".join(records)


def big_endian(packets: list[bytes]) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack(">I", 12 + len(body))
        return struct.pack(">I", kind) + size + body + size

    def packet(at: int, data: bytes) -> bytes:
        head = struct.pack(">IIIII", 0, 0, at, len(data), len(data))
        return block(6, head + data + bytes(-len(data) % 4))

    section = block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
    unknown = block(0x0BAD, b"abcd")
    # Times in units of 2^-20 seconds.
    resolution = struct.pack(">HHB3xHH", 9, 1, 0x94, 0, 0)
    interface = block(1, struct.pack(">HHI", 101, 0, 0) + resolution)
    return section + unknown + interface + b"".join(packet(*each) for each in enumerate(packets))


def exported(*packets: tuple[int, str], by: str = "Wireshark") -> bytes:
    """ISO 7816 as Wireshark exports it."""
    tags = struct.pack(">HH8s", 12, 8, b"iso7816")
    data = section_block(by) + interface_block(252, "usb")
    for direction, content in packets:
        head = tags + struct.pack(">HHI", 35, 4, direction) + bytes(4)
        data += packet_block(0, 10**15, head + bytes.fromhex(content))
    return data
