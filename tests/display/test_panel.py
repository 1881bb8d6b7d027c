"""Which press counts, what is to be seen, and what ends a question."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from apdu.payload import Outcome
from apdu.status import SW
from applet.os.panel import Screen, Signal
from tests.display.question import ORDER, SHORT, Clock, Question, asked
from ushield.device.display.model import LCD, OLED, Model
from ushield.device.display.panel import Panel, PanelClosed, View

CONFIRM, CANCEL, UP, DOWN = Signal.CONFIRM, Signal.CANCEL, Signal.UP, Signal.DOWN


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def panel(clock: Clock) -> Iterator[Panel]:
    panel = Panel(LCD, clock)
    panel.power(True)
    yield panel
    panel.close()


# --- looking ------------------------------------------------------------------------------------


def test_at_rest_nothing_is_on_it(panel: Panel) -> None:
    view = panel.view()
    assert (view.powered, view.asks, view.lines, view.waits_for) == (True, False, (), ())
    panel.power(False)
    assert not panel.view().powered
    assert panel.view().number == view.number + 1


@pytest.mark.parametrize("model", [LCD, OLED])
def test_pages_are_laid_out_for_the_display(model: Model) -> None:
    panel = Panel(model)
    with asked(panel) as question:
        view = question.shown()
        lines = [*view.lines]
        while view.page < view.pages:
            _, view = panel.press_and_see(DOWN)
            assert len(view.lines) <= model.rows
            lines += view.lines
    assert all(len(line) <= model.columns for line in lines)
    assert "".join(lines).translate({ord(" "): None, ord("␣"): None}).endswith("thehouseinMay")


def test_a_view_tells_what_the_key_waits_for(panel: Panel, clock: Clock) -> None:
    with asked(panel) as question:
        first = question.shown()
        assert first.waits_for == (CANCEL, DOWN)
        assert (first.page, first.seconds_left) == (1, 60.0)
        clock.now += 12.5
        _, second = panel.press_and_see(DOWN)
        assert (second.page, second.seconds_left) == (2, 47.5)
        assert second.waits_for == (CANCEL, UP, DOWN)
        while second.page < second.pages:
            _, second = panel.press_and_see(DOWN)
        assert second.waits_for == (CONFIRM, CANCEL, UP)
        _, back = panel.press_and_see(UP)
        assert CONFIRM in back.waits_for, "the last page was seen"


def test_the_number_tells_each_redraw(panel: Panel) -> None:
    numbers = [panel.view().number]
    with asked(panel) as question:
        numbers.append(question.shown().number)
        for button in (DOWN, DOWN, UP):
            _, view = panel.press_and_see(button)
            numbers.append(view.number)
        # The first page has none before it: nothing is redrawn.
        panel.press_and_see(UP)
        _, view = panel.press_and_see(UP)
        numbers.append(view.number)
    numbers.append(panel.view().number)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


# --- pressing -----------------------------------------------------------------------------------


def test_confirm_answers_one_question(panel: Panel) -> None:
    with asked(panel, SHORT) as question:
        assert panel.press(CONFIRM)
        assert question.outcome() is Outcome.CONFIRMED
        assert question.refused is None
        assert panel.view().ended_by is CONFIRM
    with asked(panel, SHORT) as second:
        assert second.stands
        assert panel.view().ended_by is None


def test_confirm_counts_only_once_the_last_page_was_seen(panel: Panel) -> None:
    with asked(panel) as question:
        pages = question.shown().pages
        for _ in range(3):
            counted, view = panel.press_and_see(CONFIRM)
            assert (counted, view.page) == (True, 1)
        for _ in range(pages - 1):
            panel.press_and_see(DOWN)
        panel.press_and_see(UP)
        panel.press(CONFIRM)
        assert question.outcome() is Outcome.CONFIRMED


def test_cancel_refuses(panel: Panel) -> None:
    with asked(panel) as question:
        panel.press(CANCEL)
        assert question.outcome() is Outcome.CANCELLED
        assert question.refused is not None
        assert question.refused.sw == SW.CONDITIONS


def test_a_press_while_nothing_is_asked_counts_for_nothing(panel: Panel) -> None:
    assert not panel.press(CONFIRM)
    with asked(panel, SHORT) as question:
        assert panel.view().asks
        panel.press(CANCEL)
        question.outcome()
    assert not panel.press(CONFIRM)


def test_a_press_before_the_question_is_drawn_counts_for_nothing(panel: Panel) -> None:
    panel.begin(60)
    assert not panel.press(CONFIRM)
    panel.show(Screen(("now",)))
    assert panel.press(CANCEL)
    assert panel.wait() is CANCEL
    panel.end()


def test_a_press_at_an_older_screen_counts_for_nothing(panel: Panel) -> None:
    """However short the time between the redraw and the press is."""
    with asked(panel) as question:
        old = question.shown().number
        _, view = panel.press_and_see(DOWN)
        assert not panel.press(DOWN, old)
        assert panel.view() == view
        assert panel.press(DOWN, view.number)


def test_a_press_that_the_chip_has_not_taken_dies_with_its_page(panel: Panel) -> None:
    panel.begin(60)
    panel.show(Screen(("pay 1 to Li Lei",)))
    assert panel.press(CONFIRM)
    panel.show(Screen(("pay 1000000 to Mallory",)))
    panel.time_out()
    assert panel.wait() is Signal.TIMED_OUT
    panel.end()


def test_a_press_does_not_last_until_the_next_question(panel: Panel) -> None:
    panel.begin(60)
    panel.show(Screen(("first",)))
    assert panel.press(CONFIRM)
    panel.end()
    panel.begin(60)
    panel.show(Screen(("second",)))
    panel.time_out()
    assert panel.wait() is Signal.TIMED_OUT
    panel.end()


def test_of_two_presses_at_once_the_first_counts(panel: Panel) -> None:
    panel.begin(60)
    panel.show(Screen(("one",)))
    assert panel.press(CANCEL)
    assert not panel.press(CONFIRM)
    assert panel.wait() is CANCEL
    assert panel.press(CONFIRM)
    panel.end()


@pytest.mark.parametrize("nothing", [Signal.GONE, Signal.TIMED_OUT])
def test_only_buttons_can_be_pressed(panel: Panel, nothing: Signal) -> None:
    with asked(panel) as question:
        assert not panel.press(nothing)
        assert question.stands


# --- other ends ---------------------------------------------------------------------------------


def test_time_is_told_by_the_clock_alone(panel: Panel, clock: Clock) -> None:
    with asked(panel, seconds=30) as question:
        clock.now += 29.999
        panel.tick()
        # It has looked at the clock when it has taken a press.
        panel.press_and_see(DOWN)
        assert question.stands
        clock.now += 0.001
        assert not panel.press(CANCEL), "too late"
        panel.tick()
        assert question.outcome() is Outcome.TIMED_OUT
        assert panel.view().ended_by is Signal.TIMED_OUT


def test_a_press_in_time_counts_though_the_chip_looks_later(panel: Panel, clock: Clock) -> None:
    panel.begin(1)
    panel.show(Screen(("one",)))
    assert panel.press(CONFIRM)
    clock.now += 5
    assert panel.wait() is CONFIRM
    assert panel.wait() is Signal.TIMED_OUT
    panel.end()


def test_time_passes_by_itself() -> None:
    with asked(Panel(), seconds=1) as question:
        assert question.outcome() is Outcome.TIMED_OUT


def test_time_can_be_made_to_be_over(panel: Panel) -> None:
    with asked(panel) as question:
        panel.time_out()
        assert question.outcome() is Outcome.TIMED_OUT


def test_a_key_that_is_pulled_out_is_gone(panel: Panel) -> None:
    with asked(panel) as question:
        panel.interrupt()
        assert not panel.press(CONFIRM)
        assert question.outcome() is Outcome.GONE
    with asked(panel, SHORT) as second:
        assert second.stands, "only the question that stood is over"


def test_gone_counts_before_the_page_is_drawn_too(panel: Panel) -> None:
    panel.begin(60)
    panel.interrupt()
    panel.show(Screen(("too late",)))
    assert not panel.press(CONFIRM)
    assert panel.wait() is Signal.GONE
    panel.end()


def test_an_interruption_while_nothing_is_asked_does_nothing(panel: Panel) -> None:
    panel.interrupt()
    panel.time_out()
    with asked(panel) as question:
        panel.press(CANCEL)
        assert question.outcome() is Outcome.CANCELLED


# --- waiting ------------------------------------------------------------------------------------


def test_waiting_for_a_text_that_comes_later(panel: Panel) -> None:
    found: list[View | None] = []
    waiter = threading.Thread(
        target=lambda: found.append(panel.wait_for(lambda view: "Payee" in view.text))
    )
    waiter.start()
    with asked(panel):
        waiter.join(10)
        assert found[0] is not None
        assert found[0].page == 1


def test_waiting_for_a_redraw(panel: Panel) -> None:
    with asked(panel) as question:
        before = question.shown().number
        assert panel.wait_for(lambda _: True, 0.0, after=before) is None
        panel.press(DOWN)
        after = panel.wait_for(lambda _: True, after=before)
        assert after is not None
        assert after.page == 2


def test_who_waits_is_told_that_the_panel_is_closed(panel: Panel) -> None:
    closer = threading.Timer(0.01, panel.close)
    closer.start()
    with pytest.raises(PanelClosed):
        panel.wait_for(lambda view: view.asks)
    closer.join()


def test_listeners_are_told_of_each_change(panel: Panel) -> None:
    seen: list[int] = []
    stop = panel.listen(lambda: seen.append(panel.view().number))
    question = Question(panel, ORDER, 60)
    question.shown()
    panel.press_and_see(DOWN)
    panel.press(CANCEL)
    question.outcome()
    assert seen == list(range(seen[0], seen[0] + 3))
    stop()
    panel.power(False)
    assert len(seen) == 3
