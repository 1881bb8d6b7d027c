"""Cards to try the chip with, driven by command APDUs written as in the vector files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from applet.os.card import Card
from applet.os.panel import Panel
from applet.os.store import MemoryStore
from ushield.device.assembly import assemble
from vectors.pattern import fill, parse_command
from vectors.profile import VALUES

AID = "A000000063504B43532D3135"
PIN, PUK, SO_PIN = VALUES["pin"], VALUES["puk"], VALUES["so-pin"]
SIGN, DECIPHER, EC, BOTH, EC_384, EMPTY = "4B01", "4B02", "4B03", "4B04", "4B05", "4B06"
"""Key files of `activated`: RSA-2048 that may only sign, RSA-2048 that may only decipher, P-256,
RSA-1024 for everything, P-384, and an RSA-2048 key file without a key."""

DIGEST_INFO = bytes.fromhex("3031300D060960864801650304020105000420")
"""What stands before a SHA-256 digest in a PKCS#1 v1.5 signature."""


class Chip:
    """A card in a test: `send` takes a command in the vectors' language."""

    def __init__(
        self, store: MemoryStore, *, strict: bool = True, panel: Panel | None = None
    ) -> None:
        self.store = store
        self.card: Card = assemble(store, strict=strict, panel=panel)
        self.card.power_on()

    def send(self, command: str, **values: bytes) -> tuple[bytes, int]:
        """Data and status word of the answer; `values` are what {name} stands for."""
        known = {**VALUES, **{name.replace("_", "-"): value for name, value in values.items()}}
        answer = self.card.transmit(fill(parse_command(command), known))
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def sw(self, command: str, **values: bytes) -> str:
        """The status word alone, as four digits; the answer must have no data."""
        data, sw = self.send(command, **values)
        assert not data
        return f"{sw:04X}"

    def ok(self, command: str, **values: bytes) -> bytes:
        """The whole data of an answer that ends well, fetched by GET RESPONSE where needed."""
        data, sw = self.send(command, **values)
        while sw >> 8 == 0x61:
            more, sw = self.send("00 C0 00 00 00")
            data += more
        assert sw == 0x9000, f"{command} was answered {sw:04X}"
        return data

    def chain(self, header: str, data: bytes, piece: int = 255) -> tuple[bytes, int]:
        """A command whose data is sent in pieces; data and status word of the last answer."""
        pieces = [data[at : at + piece] for at in range(0, len(data), piece)] or [b""]
        for part in pieces[:-1]:
            assert self.sw(f"10 {header} [ {{part}} ]", part=part) == "9000"
        answer, sw = self.send(f"00 {header} [ {{part}} ] 00", part=pieces[-1])
        while sw >> 8 == 0x61:
            more, sw = self.send("00 C0 00 00 00")
            answer += more
        return answer, sw

    def verify(self) -> None:
        """Present the holder's PIN."""
        self.ok("00 20 00 01 [ {pin} ]")

    def environment(self, use: str, algorithm: str, key: str) -> None:
        """MSE SET; `use` is P1-P2, like 41B6 to sign."""
        self.ok(f"00 22 {use} [ 80 01 {algorithm} 81 02 {key} ]")

    def copy(self) -> Chip:
        """Another card with the same memory, powered on afresh."""
        return Chip(MemoryStore(cells(self.store)))


def cells(store: MemoryStore) -> Mapping[str, bytes]:
    """What is in a memory."""
    return {key: store.get(key) or b"" for key in store.keys("")}


def create_key(chip: Chip, kind: str, fid: str, bits: int, usage: int | None, acl: str) -> None:
    """Make a key file and select it; without `usage` it may do all that its kind can."""
    declared = b"" if usage is None else bytes((0xA5, 3, 0x95, 1, usage))
    chip.ok("00 A4 08 0C [ 5015 ]")
    chip.ok(
        f"00 E0 00 00 [ 62 ( 81 ( {{bits}} ) 82 ( {kind} ) 83 ( {fid} ) 86 ( {acl} )"
        " 85 ( 0000 ) 8A ( 01 ) {usage} ) ]",
        bits=bits.to_bytes(2, "big"),
        usage=declared,
    )
    chip.ok(f"00 A4 08 0C [ 5015 {fid} ]")


def blank() -> Chip:
    """A card that nobody has touched."""
    return Chip(MemoryStore(_blank_cells()))


def personalised() -> Chip:
    """A card with PINs, keys and files, before its activation."""
    return Chip(MemoryStore(_personalised_cells()))


def activated() -> Chip:
    """A card in use."""
    return Chip(MemoryStore(_activated_cells()))


@cache
def _blank_cells() -> Mapping[str, bytes]:
    return cells(Chip(MemoryStore()).store)


@cache
def _personalised_cells() -> Mapping[str, bytes]:
    chip = blank()
    chip.ok("00 DA 01 E0 [ 0000 113FFF 111FFF ]")
    chip.ok("00 DA 01 01 [ {pin} {puk} 06 0A 00 ]")
    chip.ok("00 DA 01 03 [ {so-pin} {puk} 06 0A 00 ]")
    chip.ok("00 A4 00 0C [ 3F00 ]")
    chip.ok("00 E0 00 00 [ 62 ( 80 ( 0020 ) 82 ( 01 ) 83 ( 2F00 ) 86 ( 011FFF ) ) ]")
    chip.ok(f"00 D6 00 00 [ 61 ( 4F ( {AID} ) ) ]")
    for fid, acl in (("5031", "011FFF"), ("4401", "111FFF")):
        chip.ok("00 A4 08 0C [ 5015 ]")
        chip.ok(f"00 E0 00 00 [ 62 ( 80 ( 0040 ) 82 ( 01 ) 83 ( {fid} ) 86 ( {acl} ) ) ]")
    for kind, fid, bits, usage in (
        ("11", SIGN, 2048, 0x01),
        ("11", DECIPHER, 2048, 0x02),
        ("22", EC, 256, None),
        ("11", BOTH, 1024, None),
        ("22", EC_384, 384, None),
    ):
        create_key(chip, kind, fid, bits, usage, "111FFF" if fid == SIGN else "1111FF")
        chip.ok("00 46 00 00")
    create_key(chip, "11", EMPTY, 2048, None, "1111FF")
    chip.card.reset()
    return cells(chip.store)


@cache
def _activated_cells() -> Mapping[str, bytes]:
    chip = personalised()
    chip.ok(f"00 44 04 00 [ {AID} ]")
    return cells(chip.store)
