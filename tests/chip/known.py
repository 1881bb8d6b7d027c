"""Known answers from the package ``cryptography_vectors``, and keys imported by APDUs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from cryptography_vectors import open_vector_file

from tests.chip.cards import Chip, create_key

Fields: TypeAlias = dict[str, str]

RSA_KINDS = {1024, 2048, 3072, 4096}


def rsa_examples(name: str, last: str) -> Iterator[Mapping[str, bytes]]:
    """The examples of a file in the form of RSA Laboratories; each ends with the field `last`.

    An example has the fields of the key that stands before it too.
    """
    fields: dict[str, bytes] = {}
    title, text = "", ""
    for line in [*_lines(f"asymmetric/RSA/{name}"), "# end"]:
        if not line.startswith("#"):
            text += line.strip()
            continue
        if text:
            digits = text.replace(" ", "")
            fields[title] = bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))
            if title == last:
                yield dict(fields)
        title, text = line.lstrip("#").strip().rstrip(":"), ""


def nist_examples(name: str) -> Iterator[tuple[str, Fields]]:
    """Section and fields of each example of a file in NIST's form.

    A field that stands alone before a group of examples belongs to all of them.
    """
    section, common, fields = "", Fields(), Fields()
    for line in [*_lines(f"asymmetric/{name}"), "["]:
        if " = " in line:
            key, _, value = line.partition(" = ")
            fields[key.strip()] = value.strip()
        elif fields and (line.startswith("[") or not line.strip()):
            if len(fields) > 2:
                yield section, {**common, **fields}
            else:
                common.update(fields)
            fields = Fields()
        if line.startswith("[") and line.rstrip().endswith("]"):
            section, common = line.strip()[1:-1], Fields()


def _lines(name: str) -> list[str]:
    """The lines of a vector file, without the prose before the first key or section."""
    with open_vector_file(name, "r") as file:
        lines: list[str] = file.read().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(("# Example", "[")))
    return lines[start:]


def number(value: int) -> bytes:
    """A positive number as the card edge wants it: a leading 00 when the top bit asks for it."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def import_rsa(chip: Chip, p: int, q: int, e: int, *, usage: int | None = None) -> int:
    """Put an RSA key into the key file 4B10 by the parts that OpenSC sends; its size in bytes."""
    n = p * q
    d = pow(e, -1, (p - 1) * (q - 1))
    _remove(chip)
    create_key(chip, "11", "4B10", n.bit_length(), usage, "0000FF")
    parts = {
        "83": p,
        "84": q,
        "85": d % (p - 1),
        "86": d % (q - 1),
        "87": pow(q, -1, p),
        "81": e,
        "80": n,
    }
    for tag, part in parts.items():
        assert chip.chain(f"DA 01 {tag}", number(part)) == (b"", 0x9000), tag
    return n.bit_length() // 8


def import_ec(chip: Chip, bits: int, d: int, point: bytes) -> int:
    """Put a key on a curve into the key file 4B10; the status word of the last part."""
    _remove(chip)
    create_key(chip, "22", "4B10", bits, None, "0000FF")
    assert chip.sw("00 DA 01 87 [ {d} ]", d=d.to_bytes(bits // 8, "big")) == "9000"
    return chip.send("00 DA 01 86 [ {point} ]", point=point)[1]


def _remove(chip: Chip) -> None:
    chip.verify()
    chip.ok("00 A4 08 0C [ 5015 ]")
    assert chip.sw("A0 E4 00 00 [ 4B10 ]") in ("9000", "6A82")
