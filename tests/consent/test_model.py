"""The buttons, against the plainest description of them that there is; and any bytes at all."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from apdu.payload import Outcome
from applet.consent.desk import Reading
from applet.os.panel import Screen, Signal
from tests.consent.cards import PRESS_RSA, SHOW_RSA, generation_2
from tests.consent.panel import ScriptedPanel

ENDS = {
    Signal.CANCEL: Outcome.CANCELLED,
    Signal.TIMED_OUT: Outcome.TIMED_OUT,
    Signal.GONE: Outcome.GONE,
}
signals = st.lists(st.sampled_from(Signal), max_size=60)


def expected(pages: int, pressed: list[Signal]) -> tuple[Outcome | None, list[int]]:
    """How it ends, or None as long as it does not, and the pages that were drawn."""
    drawn = [1]
    for signal in pressed:
        here = drawn[-1]
        if signal in ENDS:
            return ENDS[signal], drawn
        if signal is Signal.CONFIRM and pages in drawn:
            return Outcome.CONFIRMED, drawn
        if signal is Signal.DOWN and here < pages:
            drawn.append(here + 1)
        if signal is Signal.UP and here > 1:
            drawn.append(here - 1)
    return None, drawn


@given(st.integers(1, 8), signals)
def test_a_reading_goes_as_described(pages: int, pressed: list[Signal]) -> None:
    reading, outcome, drawn = Reading(pages), None, [1]
    for signal in pressed:
        after = reading.after(signal)
        if isinstance(after, Outcome):
            outcome = after
            break
        if after.page != reading.page:
            drawn.append(after.page + 1)
        reading = after
    assert (outcome, drawn) == expected(pages, pressed)


@given(st.integers(1, 20), signals)
def test_a_card_goes_as_described(lines: int, pressed: list[Signal]) -> None:
    """The same through the whole chip: it ends with a signature only when Confirm has ended it."""
    message = "\n".join(f"label {line}:value {line}" for line in range(lines)).encode()
    left = iter([*pressed, Signal.TIMED_OUT])
    panel = ScriptedPanel(lambda _screen: next(left))
    chip = generation_2(panel)
    chip.environment("41 B6", "02", SHOW_RSA)
    chip.verify()
    chip.chain("2A 90 80", message)
    data, sw = chip.send("00 2A 9E 9A 00")
    pages = panel.drawn[0].pages
    outcome, drawn = expected(pages, [*pressed, Signal.TIMED_OUT])
    assert [screen.page for screen in panel.drawn] == drawn
    assert chip.ok("00 CA 01 B4 00") == bytes((outcome or 0,))
    signed = outcome is Outcome.CONFIRMED
    assert (sw, len(data)) == ((0x9000, 128) if signed else (0x6985, 0))
    assert signed <= (set(drawn) >= set(range(1, pages + 1))), "all pages were on the display"


COMMANDS = (
    "00 2A 90 80 [ {data} ]",
    "10 2A 90 80 [ {data} ]",
    "00 2A 9E 9A 00",
    "00 2A 9E 9A [ {data} ] 00",
    f"00 22 41 B6 [ 80 01 02 81 02 {SHOW_RSA} ]",
    f"00 22 41 B6 [ 80 01 00 81 02 {PRESS_RSA} ]",
    "00 20 00 01 [ {pin} ]",
    "00 2E 00 00",
    "00 A4 04 0C [ A000000063504B43532D3135 ]",
    "00 CA 01 B4 00",
    "00 24 00 01 [ {pin} {pin} ]",
    "00 DA 01 B5 [ {data} ]",
)


@given(
    st.lists(st.tuples(st.sampled_from(COMMANDS), st.binary(min_size=1, max_size=60)), max_size=25),
    signals,
)
def test_whatever_the_host_does_each_signature_has_its_own_confirm(
    commands: list[tuple[str, bytes]], pressed: list[Signal]
) -> None:
    """Commands and buttons in any order: signatures never outnumber confirmed questions."""
    confirmed: list[Screen] = []
    left = iter(pressed)

    def press(screen: Screen) -> Signal:
        signal = next(left, Signal.CANCEL)
        seen = {page.page for page in islice(panel.drawn, since[-1], None)}
        if signal is Signal.CONFIRM and screen.pages in seen:
            confirmed.append(screen)
        return signal

    panel = ScriptedPanel(press)
    since = [0]
    chip = generation_2(panel, "003C 00 07 01")
    signatures = 0
    for command, data in commands:
        since.append(len(panel.drawn))
        before = len(confirmed)
        answer, sw = chip.send(command, data=data)
        assert not panel.lit
        made = "2A 9E 9A" in command and sw == 0x9000
        assert len(answer) == 128 or not made
        assert made <= (len(confirmed) == before + 1)
        signatures += made
    assert signatures <= len(confirmed)


@given(st.binary(min_size=1, max_size=300), signals)
def test_any_message_is_refused_or_shown_to_the_end(message: bytes, pressed: list[Signal]) -> None:
    left = iter(pressed)
    panel = ScriptedPanel(lambda _screen: next(left, Signal.CANCEL))
    chip = generation_2(panel)
    chip.environment("41 B6", "02", SHOW_RSA)
    chip.verify()
    chip.chain("2A 90 80", message)
    _, sw = chip.send("00 2A 9E 9A 00")
    assert sw in (0x9000, 0x6985, 0x6A80)
    assert (sw == 0x6A80) == (not panel.questions)
