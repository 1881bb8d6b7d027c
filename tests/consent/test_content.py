"""Keys that sign nothing but what the chip hashed and showed."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from apdu.order import build_order
from applet.os.panel import Screen, Signal
from tests.chip.cards import DIGEST_INFO, Chip
from tests.consent.cards import SHOW_ANY, SHOW_CURVE, SHOW_RSA, generation_2
from tests.consent.panel import ScriptedPanel, always, one_by_one
from tests.message import samples
from ushield.device.applets import Applets, note_applets

DIGEST = hashlib.sha256(b"order").digest()
SIGN = "00 2A 9E 9A [ {data} ] 00"
SIGN_HASHED = "00 2A 9E 9A 00"
LAST = "00 CA 01 B4 00"
ORDER = build_order(samples.TRANSFER)


@pytest.fixture
def panel() -> ScriptedPanel:
    return ScriptedPanel()


@pytest.fixture
def chip(panel: ScriptedPanel) -> Chip:
    chip = generation_2(panel)
    chip.environment("41 B6", "02", SHOW_RSA)
    chip.verify()
    return chip


def hash_(chip: Chip, message: bytes, piece: int = 100) -> None:
    """PSO HASH of a message, chained."""
    digest, sw = chip.chain("2A 90 80", message, piece)
    assert (digest, sw) == (hashlib.sha256(message).digest(), 0x9000)


def is_signature(chip: Chip, key: str, signature: bytes, message: bytes) -> bool:
    chip.environment("81 B6", "02", key)
    info = b"" if key == SHOW_CURVE else DIGEST_INFO
    _, sw = chip.send(
        "00 2A 00 A8 [ 9E ( {s} ) 9A ( {d} ) ]",
        s=signature,
        d=info + hashlib.sha256(message).digest(),
    )
    return sw == 0x9000


@pytest.mark.parametrize("name", samples.MESSAGES)
@pytest.mark.parametrize("key", [SHOW_RSA, SHOW_CURVE])
def test_a_message_is_shown_and_signed_as_it_was_sent(name: str, key: str) -> None:
    panel = ScriptedPanel()
    chip = generation_2(panel)
    chip.verify()
    chip.environment("41 B6", "02" if key == SHOW_RSA else "04", key)
    message = samples.MESSAGES[name]
    hash_(chip, message)
    assert not panel.drawn, "nothing is shown before the signature is asked for"
    signature = chip.ok(SIGN_HASHED)
    assert [list(page.lines) for page in panel.drawn] == samples.screens(message)
    assert chip.ok(LAST) == b"\x01"
    assert is_signature(chip, key, signature, message)
    assert not is_signature(chip, key, signature, message + b"\x00")


@pytest.mark.parametrize(
    ("key", "algorithm", "data"),
    [
        (SHOW_RSA, "02", DIGEST_INFO + DIGEST),
        (SHOW_RSA, "02", ORDER[:100]),
        (SHOW_RSA, "00", b"\x00\x01" + b"\xff" * 74 + b"\x00" + DIGEST_INFO + DIGEST),
        (SHOW_RSA, "00", b"\x7f" * 128),
        (SHOW_RSA, "00", b"\x02"),
        (SHOW_CURVE, "04", DIGEST),
        (SHOW_CURVE, "00", DIGEST),
        (SHOW_ANY, "00", b"\x7f" * 128),
    ],
)
def test_nothing_else_is_signed(
    chip: Chip, panel: ScriptedPanel, key: str, algorithm: str, data: bytes
) -> None:
    chip.environment("41 B6", algorithm, key)
    assert chip.sw(SIGN, data=data) == "6985"
    assert chip.ok(LAST) == b"\x07"
    hash_(chip, ORDER)
    assert chip.sw(SIGN, data=data) == "6985", "a message beside it changes nothing"
    assert not panel.questions


def test_no_other_operation_of_such_a_key(chip: Chip, panel: ScriptedPanel) -> None:
    chip.ok(f"00 A4 08 0C [ 5015 {SHOW_CURVE} ]")
    point = chip.ok("00 CA 01 86 00")[2:]
    chip.environment("41 A4", "04", SHOW_CURVE)
    assert chip.sw("00 86 00 00 [ 7C ( 85 ( {point} ) ) ] 00", point=point) == "6985"
    chip.environment("41 B8", "00", SHOW_ANY)
    block = b"\x00\x01" + b"\xff" * 74 + b"\x00" + DIGEST_INFO + DIGEST
    assert chip.sw("00 2A 80 86 [ 00 {block} ] 00", block=block) == "6985"
    for reference in ("21", "22", "23"):
        assert chip.sw(f"00 88 00 {reference} [ 0102030405060708 ] 00") == "6985"
    assert not panel.questions


def test_a_message_that_cannot_be_shown(chip: Chip, panel: ScriptedPanel) -> None:
    hash_(chip, "收款人:Li\u202eLei".encode())
    assert chip.sw(SIGN_HASHED) == "6A80"
    report = chip.ok(LAST)
    assert report[:1] == b"\x06"
    assert report[1:].decode() == "field 1 has U+202E, which the display does not show"
    assert not panel.questions, "it is refused before anything is shown"
    assert chip.sw(SIGN_HASHED) == "6985", "and dropped"


@pytest.mark.parametrize("signal", [Signal.CANCEL, Signal.TIMED_OUT, Signal.GONE])
def test_cancelled(chip: Chip, panel: ScriptedPanel, signal: Signal) -> None:
    panel.press = one_by_one([Signal.DOWN, Signal.DOWN, signal])
    hash_(chip, ORDER)
    assert chip.sw(SIGN_HASHED) == "6985"
    assert chip.sw(SIGN_HASHED) == "6985", "the message was dropped"
    assert len(panel.questions) == 1


def test_confirm_counts_only_after_the_last_page(chip: Chip, panel: ScriptedPanel) -> None:
    pages = len(samples.screens(ORDER))
    early = [Signal.CONFIRM, *[Signal.DOWN, Signal.CONFIRM] * (pages - 2)]
    panel.press = one_by_one([*early, Signal.CANCEL])
    hash_(chip, ORDER)
    assert chip.sw(SIGN_HASHED) == "6985"
    assert chip.ok(LAST) == b"\x02", "no press of Confirm before the last page ended it"


def test_confirm_counts_on_any_page_once_all_were_seen(chip: Chip, panel: ScriptedPanel) -> None:
    pages = len(samples.screens(ORDER))
    ways = [Signal.UP, *[Signal.DOWN] * (pages + 3), *[Signal.UP] * (pages + 3)]
    panel.press = one_by_one([*ways, Signal.CONFIRM])
    hash_(chip, ORDER)
    signature = chip.ok(SIGN_HASHED)
    numbers = [page.page for page in panel.drawn]
    assert numbers == [*range(1, pages + 1), *range(pages - 1, 0, -1)]
    assert is_signature(chip, SHOW_RSA, signature, ORDER)


def test_without_a_panel() -> None:
    chip = generation_2(None)
    chip.environment("41 B6", "02", SHOW_RSA)
    chip.verify()
    hash_(chip, ORDER)
    assert chip.sw(SIGN_HASHED) == "6985"
    assert chip.ok(LAST) == b"\x05"


def test_hidden_parts_are_signed_only_if_the_token_says_so() -> None:
    message = samples.TDM.encode().replace(b"</T>", b"<E><M><k>a</k><v>b</v></M></E></T>")
    for settings, sw in (("003C 00 00 00", "6A80"), ("003C 01 00 01", "9000")):
        panel = ScriptedPanel()
        chip = generation_2(panel, settings)
        chip.environment("41 B6", "02", SHOW_RSA)
        chip.verify()
        hash_(chip, message)
        _, answer = chip.send(SIGN_HASHED)
        assert f"{answer:04X}" == sw
        assert (panel.text[-2:] == ["不显示的项数", " 1"]) == (sw == "9000")


def test_what_is_wider_than_the_display() -> None:
    panel = ScriptedPanel(columns=12)
    chip = generation_2(panel)
    chip.environment("41 B6", "02", SHOW_RSA)
    chip.verify()
    hash_(chip, ORDER)
    assert chip.sw(SIGN_HASHED) == "6A80"
    assert chip.ok(LAST)[1:].decode() == "Amount is wider than the display"
    assert not panel.questions


def test_how_long_a_question_stands() -> None:
    panel = ScriptedPanel()
    chip = generation_2(panel, "0384 00 00 00")
    chip.environment("41 B6", "02", SHOW_RSA)
    chip.verify()
    hash_(chip, ORDER)
    chip.ok(SIGN_HASHED)
    assert panel.questions == [900]


class TestAttacks:
    """Each ends with nothing signed that was not shown and confirmed."""

    def test_another_payee_between_display_and_signature(
        self, chip: Chip, panel: ScriptedPanel
    ) -> None:
        """The host keeps a digest of its own; the chip signs that of what it showed."""
        mine = build_order(samples.SHOPPING)
        hash_(chip, ORDER)
        hash_(chip, mine)
        signature = chip.ok(SIGN_HASHED)
        assert [list(page.lines) for page in panel.drawn] == samples.screens(mine)
        assert is_signature(chip, SHOW_RSA, signature, mine)
        chip.environment("41 B6", "02", SHOW_RSA)
        assert chip.sw(SIGN, data=DIGEST_INFO + hashlib.sha256(ORDER).digest()) == "6985"
        assert chip.sw(SIGN_HASHED) == "6985", "what was signed is used up"

    def test_a_confirmed_message_signs_once(self, chip: Chip, panel: ScriptedPanel) -> None:
        hash_(chip, ORDER)
        chip.ok(SIGN_HASHED)
        for _ in range(3):
            assert chip.sw(SIGN_HASHED) == "6985"
        assert len(panel.questions) == 1

    def test_a_press_serves_no_second_message(self, chip: Chip, panel: ScriptedPanel) -> None:
        pages = len(samples.screens(ORDER))
        panel.press = one_by_one([Signal.DOWN] * (pages - 1) + [Signal.CONFIRM, Signal.CANCEL])
        hash_(chip, ORDER)
        chip.ok(SIGN_HASHED)
        hash_(chip, ORDER)
        assert chip.sw(SIGN_HASHED) == "6985"

    def test_a_chain_begun_again_half_way(self, chip: Chip, panel: ScriptedPanel) -> None:
        """What came first is part of what is hashed, and so of what is read: it is refused."""
        chip.ok("10 2A 90 80 [ {part} ]", part=ORDER[:60])
        for at in range(0, len(ORDER), 100):
            last = at + 100 >= len(ORDER)
            chip.ok(f"{'00' if last else '10'} 2A 90 80 [ {{part}} ]", part=ORDER[at : at + 100])
        assert chip.sw(SIGN_HASHED) == "6A80"
        assert not panel.questions

    def test_a_chain_that_is_left_for_another_command(self, chip: Chip) -> None:
        chip.ok("10 2A 90 80 [ {part} ]", part=ORDER[:60])
        chip.ok("00 CA 01 B0 00")
        chip.ok("00 2A 90 80 [ {part} ]", part=ORDER[60:160])
        assert chip.sw(SIGN_HASHED) == "6A80"

    @pytest.mark.parametrize(
        "between",
        [
            "00 A4 04 0C [ A000000063504B43532D3135 ]",
            "00 A4 04 0C [ F055534849 ]",
        ],
    )
    def test_selecting_the_application_drops_the_message(
        self, chip: Chip, panel: ScriptedPanel, between: str
    ) -> None:
        hash_(chip, ORDER)
        chip.ok(between)
        chip.verify()
        chip.environment("41 B6", "02", SHOW_RSA)
        assert chip.sw(SIGN_HASHED) == "6985"
        assert not panel.questions

    def test_another_applet_drops_the_message(self) -> None:
        panel = ScriptedPanel()
        memory = generation_2(None).store
        note_applets(memory, Applets.BOTH)
        chip = Chip(memory, panel=panel)
        chip.verify()
        chip.environment("41 B6", "02", SHOW_RSA)
        hash_(chip, ORDER)
        chip.ok("00 A4 04 00 [ A000000308 ]")
        assert chip.sw(SIGN_HASHED) == "6D00"
        chip.ok("00 A4 04 0C [ A000000063504B43532D3135 ]")
        chip.verify()
        chip.environment("41 B6", "02", SHOW_RSA)
        assert chip.sw(SIGN_HASHED) == "6985"
        assert not panel.questions

    def test_a_reset_drops_the_message(self, chip: Chip, panel: ScriptedPanel) -> None:
        hash_(chip, ORDER)
        chip.card.reset()
        chip.verify()
        chip.environment("41 B6", "02", SHOW_RSA)
        assert chip.sw(SIGN_HASHED) == "6985"
        assert not panel.questions

    def test_ten_megabytes(self, chip: Chip, panel: ScriptedPanel) -> None:
        """A chain holds 65,535 bytes; what comes of the rest is not what was begun."""
        piece = bytes.fromhex("102A9080FA") + b"a" * 250
        answers = {chip.card.transmit(piece) for _ in range(10_000_000 // 250)}
        assert answers == {b"\x90\x00", b"\x67\x00"}
        chip.ok("00 2A 90 80 [ 3A ]")
        assert chip.sw(SIGN_HASHED) == "6A80"
        assert not panel.questions

    def test_the_longest_message(self, chip: Chip) -> None:
        hash_(chip, b"a" * 65535, piece=255)
        assert chip.sw(SIGN_HASHED) == "6A80"
        assert b"16384 at most" in chip.ok(LAST)

    def test_billion_laughs(self, chip: Chip, panel: ScriptedPanel) -> None:
        entities = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
        bomb = f'<!DOCTYPE T [<!ENTITY a0 "ha">{entities}]><T><D><M><k>a</k><v>&a9;</v></M></D></T>'
        hash_(chip, bomb.encode())
        assert chip.sw(SIGN_HASHED) == "6A80"
        assert not panel.questions

    def test_the_host_cannot_press(self, chip: Chip, panel: ScriptedPanel) -> None:
        """There is no command that does: only the settings can be asked for, and not changed."""
        panel.press = always(Signal.CANCEL)
        assert chip.sw("00 DA 01 B5 [ 0001000000 ]") == "6985"
        assert chip.sw("00 DA 01 B4 [ 01 ]") == "6A86"
        hash_(chip, ORDER)
        assert chip.sw(SIGN_HASHED) == "6985"

    def test_buttons_held_down_for_ever(self, chip: Chip, panel: ScriptedPanel) -> None:
        """Confirm held before the last page, then the time is over."""
        panel.press = one_by_one([Signal.CONFIRM] * 10_000 + [Signal.TIMED_OUT])
        hash_(chip, ORDER)
        assert chip.sw(SIGN_HASHED) == "6985"
        assert chip.ok(LAST) == b"\x03"


def test_the_panel_is_left_at_rest_when_it_breaks(chip: Chip, panel: ScriptedPanel) -> None:
    def broken(_screen: Screen) -> Signal:
        raise OSError("the display is gone")

    panel.press = broken
    hash_(chip, ORDER)
    with pytest.raises(OSError, match="the display is gone"):
        chip.send(SIGN_HASHED)
    assert not panel.lit
    assert chip.sw(SIGN_HASHED) == "6985"


def test_openssl_takes_the_signature(chip: Chip) -> None:
    """The digest is SHA-256 of the bytes as sent, in PKCS#1 v1.5 and in ECDSA."""
    hash_(chip, ORDER)
    signature = chip.ok(SIGN_HASHED)
    chip.ok(f"00 A4 08 0C [ 5015 {SHOW_RSA} ]")
    modulus = int.from_bytes(chip.ok("00 CA 01 01 00"), "big")
    public = rsa.RSAPublicNumbers(65537, modulus).public_key()
    public.verify(signature, ORDER, PKCS1v15(), SHA256())
    chip.environment("41 B6", "04", SHOW_CURVE)
    hash_(chip, ORDER)
    signature = chip.ok(SIGN_HASHED)
    chip.ok(f"00 A4 08 0C [ 5015 {SHOW_CURVE} ]")
    point = chip.ok("00 CA 01 86 00")[2:]
    curve = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    digest = hashlib.sha256(ORDER).digest()
    curve.verify(signature, digest, ec.ECDSA(utils.Prehashed(SHA256())))
