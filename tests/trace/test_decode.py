"""A dialogue explained: what is meant is named, and nothing that a card says can break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apdu.instruction import INS
from apdu.piv import PivINS
from applet.piv.profile import VERSION
from host.manage import TokenManager
from host.trace import CardEvent, Direction, Entry, Happening, Redactor, TraceRecord
from host.trace.decode import Decoded, Decoder
from host.usage import Usage
from tests.host import tokens
from tests.piv.cards import full
from tests.trace.dialogues import everyday, listened
from tests.trace.strategies import dialogues


def explained(entries: list[Entry] | tuple[Entry, ...]) -> list[Decoded]:
    decoder = Decoder()
    return [decoder.decode(entry) for entry in entries]


def heads(found: list[Decoded]) -> list[str]:
    return [f"{one.mark} {one.title}  {one.about}".rstrip() for one in found]


def lines(found: list[Decoded]) -> str:
    return "\n".join(line for one in found for line in one.lines)


def of(*exchanges: tuple[str, str], atr: str = "3B00") -> list[Decoded]:
    """A dialogue in hexadecimal, explained."""
    redactor, entries = Redactor(), [Entry(0, "", CardEvent(Happening.RESET, bytes.fromhex(atr)))]
    redactor.started(bytes.fromhex(atr))
    for there, back in exchanges:
        entries.append(Entry(0, "", redactor.command(bytes.fromhex(there))))
        entries.append(Entry(0, "", redactor.answer(bytes.fromhex(back))))
    return explained(entries)


# --- an everyday dialogue -----------------------------------------------------------------------

EVERYDAY = heads(explained(everyday()))
INSIDE = lines(explained(everyday()))


@pytest.mark.parametrize(
    "head",
    [
        "* power on  ATR 3B 8B 81 31 FE 45 80 73 F8 21 C0 65 4F 73 45 49 44 7B",
        "* reset  ATR 3B 8B 81 31 FE 45 80 73 F8 21 C0 65 4F 73 45 49 44 7B",
        "* power off",
        "> SELECT  application PKCS#15, A0 00 00 00 63 50 4B 43 53 2D 31 35",
        "> GET DATA  serial number",
        "> GET DATA  tries left",
        "> SELECT  5015/4402, EF.PrKDF",
        "> READ BINARY  5015/4402, EF.PrKDF, from byte 0 to 255",
        "> SELECT  5015/4301, certificate 'signing'",
        "> VERIFY  user PIN (01), 8 bytes, not shown",
        "> MANAGE SECURITY ENVIRONMENT  sign with key 1 'signing', PKCS#1 v1.5",
        "> MANAGE SECURITY ENVIRONMENT  sign with key 3 'curve', on a curve",
        "> PSO SIGN  with key 3 'curve'",
        "> PSO ENCIPHER  with key 2 'decipher', 6 bytes, not shown",
        "> PSO DECIPHER  with key 2 'decipher', 255 bytes, not shown, more follows",
        "< 9000 no error  6 bytes, not shown",
        "< 6700 wrong length",
        "> no command APDU  0 bytes",
        "> GET CHALLENGE  16 random bytes",
        "> PUT DATA  new reference 83, 2 bytes, not shown, more follows",
    ],
)
def test_what_is_said_of_an_everyday_dialogue(head: str) -> None:
    assert head in EVERYDAY


@pytest.mark.parametrize(
    "line",
    [
        "historical bytes say 'OsEID'",
        "  82 descriptor: DF",
        "  86 access rules: read everyone, update PIN 1, delete PIN 3",
        "5015/4B03, key 3 'curve': ec 256, id 03, may derive, nonRepudiation, sign",
        "PIN 1: 6 of 6 tries left, PUK 10 of 10",
        "certificate: CN=Li Lei,O=Example Bank,C=CN, until 2030-03-01, ",
        "DigestInfo of sha256: AB530A13E45914982B79F9B7E3FBA994CFD1F3FB22F71CEA1AFBF02B460C6D1D",
        "7F21 certificate: CN=Li Lei,O=Example Bank,C=CN, until 2030-03-01, ",
    ],
)
def test_what_is_seen_in_an_everyday_dialogue(line: str) -> None:
    assert line in INSIDE


def test_the_life_of_a_token() -> None:
    with listened() as (client, entries):
        client.verify_pin(tokens.PIN)
        manager = TokenManager(client)
        manager.generate_key("p256", label="new", usage=Usage.SIGN)
        client.change_pin(tokens.PIN, "246802")
        client.logout()
        client.verify_so_pin(tokens.SO_PIN)
        manager.deactivate()
        client.verify_so_pin(tokens.SO_PIN)
        manager.activate()
    found = heads(explained(entries))
    for head in (
        "> CREATE FILE",
        "> GENERATE ASYMMETRIC KEY PAIR  key 6",
        "> GET DATA  point of key 6",
        "> CHANGE REFERENCE DATA  user PIN (01), 16 bytes, not shown",
        "> LOGOUT  reference 00",
        "> VERIFY  SO PIN (03), 8 bytes, not shown",
        "> DEACTIVATE",
        "> ACTIVATE",
    ):
        assert head in found
    inside = lines(explained(entries))
    assert "  82 descriptor: EC KEY" in inside
    assert "  83 identifier: 4B06" in inside
    assert "use PIN 1, update PIN 1, delete PIN 1, generate PIN 1" in inside


# --- single commands ----------------------------------------------------------------------------

FCI = "6F138002001082010183025031860300FFFF8A01059000"


def test_where_relative_selections_lead() -> None:
    directory = "6F0782013883025015" + "9000"
    found = heads(
        of(
            ("00A4000C023F00", "9000"),
            ("00A40100025015", directory),
            ("00A40200025031", FCI),
            ("00B0000010", "AA9000"),
            ("00A4030C", "9000"),
            ("00A4080C063F0050155032", "9000"),
            ("00A4090C0444024B01", "9000"),
            ("00A40B00", "6A82"),
        )
    )
    assert found[1::2] == [
        "> SELECT  3F00, master file",
        "> SELECT  5015, PKCS#15 directory",
        "> SELECT  5015/5031, EF.ODF",
        "> READ BINARY  5015/5031, EF.ODF, from byte 0 to 15",
        "> SELECT  3F00, master file",
        "> SELECT  5015/5032, EF.TokenInfo",
        "> SELECT  4402/4B01",
        "> SELECT  a file that is not known",
    ]


def test_an_answer_in_pieces_is_explained_as_one() -> None:
    *_, first, _, last = of(
        ("00CA01AA00", "01000961 08"), ("00C0000008", "1000000000000180" + "9000")
    )
    assert first.lines == ()
    assert last.lines == ("RSA up to 4096 bits, curves up to 384",)


def test_refusals() -> None:
    found = of(("0020000108303030303030FFFF", "63C5"), ("00FF0000", "6D00"))
    assert [one.failed for one in found] == [False, False, True, False, True]
    assert heads(found)[2] == "< 63C5 verification failed, 5 tries left"
    assert heads(found)[3] == "> INS FF"


def test_no_answer() -> None:
    found = explained([Entry(0, "R", CardEvent(Happening.NO_ANSWER))])[0]
    assert found.failed and found.title.startswith("no answer")


def test_what_a_card_says_is_not_obeyed_by_a_terminal() -> None:
    label = "\x1b[2Jgone\u202e"
    found = of(("00CA01B100", label.encode().hex() + "9000"))
    assert found[-1].lines == ("'\N{REPLACEMENT CHARACTER}[2Jgone\N{REPLACEMENT CHARACTER}'",)


def test_every_instruction_of_ours_is_explained() -> None:
    for ins in INS:
        for data in ("", "0400000000", "0401AA00AA"):
            found = of((f"00{ins:02X}0000{data}", "9000"))
            assert found[1].title and "INS" not in found[1].title


# --- PIV ----------------------------------------------------------------------------------------


def test_piv() -> None:
    chip = full()
    redactor, entries = Redactor(), list[Entry]()
    send = chip.card.transmit

    def transmit(command: bytes) -> bytes:
        entries.append(Entry(0, "", redactor.command(command)))
        answer = send(command)
        entries.append(Entry(0, "", redactor.answer(answer)))
        return answer

    for command in (
        "00A4040005A00000030800",
        "00CB3FFF055C035FC10200",
        "00CB3FFF055C035FC10A00",
        "00200080",
        "0020008008313233343536FFFF",
        "0020FF80",
        "0087119A267C248200812000" + "11" * 31 + "00",
        "0047009A05AC0380011100",
        "00FD000000",
        "00F7009A00",
        "00F7008000",
        "00F8000000",
        "00F6829A",
        "00F6FF82",
        "00FA0503",
        "00FF FFFF 0A 03 9B 07 01020304050607",
    ):
        transmit(bytes.fromhex(command))
    found = explained(entries)
    assert [head for head in heads(found) if head.startswith(">")] == [
        "> SELECT  application PIV, A0 00 00 03 08",
        "> GET DATA  cardholder unique identifier (5FC102)",
        "> GET DATA  certificate of the signature key (5FC10A)",
        "> VERIFY  state of the PIN (80)",
        "> VERIFY  PIN (80), 8 bytes, not shown",
        "> VERIFY  forget the PIN (80)",
        "> GENERAL AUTHENTICATE  P-256 with the authentication key (9A)",
        "> GENERATE ASYMMETRIC KEY PAIR  authentication key (9A)",
        "> GET VERSION",
        "> GET METADATA  authentication key (9A)",
        "> GET METADATA  PIN (80)",
        "> GET SERIAL",
        "> MOVE KEY  authentication key (9A) to the retired key 1 (82)",
        "> MOVE KEY  retired key 1 (82), to be deleted",
        "> SET TRIES  PIN 5, PUK 3",
        "> SET MANAGEMENT KEY  10 bytes, not shown",
    ]
    inside = lines(found)
    assert "  79 authority\n    4F application identifier: A000000308" in inside
    assert "AC key template\n  80 algorithm: 11 P-256" in inside
    assert "  81 challenge: 00" in inside
    assert ".".join(map(str, VERSION)) in inside
    assert "P-256\nPIN once, touch never\nmade on the card" in inside
    assert "as from the factory\n6 of 6 tries left" in inside


# --- whatever comes -----------------------------------------------------------------------------


@given(dialogues())
def test_any_entries_are_explained(entries: list[Entry]) -> None:
    for one in explained(entries):
        assert one.title
        assert all(text.isprintable() for text in (one.title, one.about, *one.lines))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*INS, *PivINS]),
            st.binary(min_size=2, max_size=2),
            st.binary(max_size=30),
            st.binary(max_size=30),
        ),
        max_size=8,
    ),
    st.sampled_from(["A000000308", "A000000063504B43532D3135", "A0000000041010"]),
)
def test_any_command_is_explained(
    commands: list[tuple[int, bytes, bytes, bytes]], aid: str
) -> None:
    exchanges = [(f"00A40400{len(aid) // 2:02X}{aid}00", "9000")]
    for ins, parameters, data, answer in commands:
        lc = f"{len(data):02X}{data.hex()}" if data else ""
        exchanges.append((f"00{ins:02X}{parameters.hex()}{lc}00", answer.hex() + "9000"))
    for one in of(*exchanges):
        assert all(text.isprintable() for text in (one.title, one.about, *one.lines))


def test_data_that_is_not_shown_is_not_explained() -> None:
    record = TraceRecord(Direction.TO_CARD, "SELECT", b"\0\xa4\x04\0", 5, None)
    (found,) = explained([Entry(0, "R", record)])
    assert found.about == "application, 5 bytes, not shown"
