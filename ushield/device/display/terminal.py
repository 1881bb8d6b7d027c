"""The displays in this terminal, with their buttons (Textual)."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable
from threading import Thread
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Click
from textual.message import Message
from textual.widgets import Button, Footer, Label, Static

from applet.os.panel import Signal
from ushield.device.display.drawing import drawn
from ushield.device.display.key import KeysShown, KeyWithDisplay
from ushield.device.display.panel import View

_LABELS = {
    Signal.UP: "▲",
    Signal.DOWN: "▼",
    Signal.CANCEL: "✕ Cancel",
    Signal.CONFIRM: "✓ Confirm",
}
_VARIANTS = {Signal.CANCEL: "error", Signal.CONFIRM: "success"}
_ENDED = {
    Signal.CONFIRM: "confirmed",
    Signal.CANCEL: "cancelled",
    Signal.TIMED_OUT: "the time is over",
    Signal.GONE: "pulled out or reset: nothing was confirmed",
}


class KeyInTerminal(Horizontal):
    """One key: its display, its buttons, and what it is doing."""

    def __init__(self, reader: str, key: KeyWithDisplay) -> None:
        super().__init__()
        self.reader = reader
        self.key = key
        self._drawn = -1
        self._display = Static(classes="display")
        self._state = Label(classes="state")

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        with Vertical(classes="body"):
            yield Label(self.reader, classes="name", markup=False)
            yield self._display
            with Horizontal(classes="buttons"):
                for button, label in _LABELS.items():
                    yield _PanelButton(button, label)
            yield self._state

    def look(self) -> None:
        """Draw what is on the display now."""
        view = self.key.panel.view()
        if view.number != self._drawn:
            self._drawn = view.number
            self._display.update(drawn(view, self.key.panel.model))
        self._state.update(_state(view))
        for button in self.query(_PanelButton):
            button.set_class(button.signal in view.waits_for, "useful")

    def press(self, button: Signal) -> None:
        """Press a button at what is on the display."""
        self.key.panel.press(button)


class _PanelButton(Button):
    """A button of the key. The keyboard has keys of its own for it."""

    can_focus = False

    def __init__(self, signal: Signal, label: str) -> None:
        super().__init__(label, variant=_VARIANTS.get(signal, "default"))  # type: ignore[arg-type]
        self.signal = signal


class TerminalFace(App[None]):
    """Shows keys until somebody quits. `answer` does what is asked, as on the control socket."""

    TITLE = "U-Shield"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { align: center middle; background: #20252d; }
    #keys { height: auto; width: auto; align: center middle; }
    KeyInTerminal { height: auto; width: auto; margin: 0 1; }
    .body { width: 48; height: auto; background: #333a45; padding: 1 2; border: round #333a45; }
    KeyInTerminal.chosen .body { border: round #6b93d6; }
    .name { color: #97a2b3; margin-bottom: 1; }
    .display { width: auto; height: auto; }
    .buttons { height: 3; width: auto; margin-top: 1; }
    .buttons Button { min-width: 7; width: auto; margin-right: 1; opacity: 45%; }
    .buttons Button.useful { opacity: 100%; }
    .state { margin-top: 1; color: #e6eaf0; }
    #hint { dock: top; width: 100%; color: #97a2b3; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,pageup", "press('up')", "Page up"),
        Binding("down,pagedown", "press('down')", "Page down"),
        Binding("enter", "press('confirm')", "Confirm"),
        Binding("escape", "press('cancel')", "Cancel"),
        Binding("u", "move", "Pull out / put in"),
        Binding("tab", "next", "Next key", show=False, priority=True),
        Binding("q,ctrl+c", "quit", "Quit", key_display="q", priority=True),
    ]

    class Changed(Message):
        """A display shows something else, or a key came or went."""

    def __init__(self, shown: KeysShown, answer: Callable[[bytes], bytes], hint: str = "") -> None:
        super().__init__()
        self._shown = shown
        self._answer = answer
        self._hint = hint
        self._chosen = 0

    def run_until(self, stops: set[signal.Signals]) -> None:
        """Run in the main thread until somebody quits or one of these signals comes."""

        def wait() -> None:
            signal.sigwait(stops)
            self.call_from_thread(self.exit)

        Thread(target=wait, name="ushield-stop", daemon=True).start()
        self.run()

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield Label(self._hint, id="hint", markup=False)
        yield Horizontal(id="keys")
        yield Footer()

    async def on_mount(self) -> None:
        """Begin to listen."""
        self._stop_listening = self._shown.listen(self._tell)
        self.set_interval(0.5, self._look)
        await self._arrange()

    def on_unmount(self) -> None:
        """Listen no more."""
        self._stop_listening()

    async def on_terminal_face_changed(self) -> None:
        """Draw again."""
        await self._arrange()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A click on a button of a key."""
        for key in self._keys():
            if key in event.button.ancestors and isinstance(event.button, _PanelButton):
                key.press(event.button.signal)

    def on_click(self, event: Click) -> None:
        """A click on a key chooses it for the keyboard."""
        for place, key in enumerate(self._keys()):
            if event.widget is not None and key in event.widget.ancestors:
                self._chosen = place
        self._look()

    def action_press(self, button: str) -> None:
        """Press a button of the chosen key."""
        if (key := self._the_chosen()) is not None:
            key.press(Signal(button))

    def action_next(self) -> None:
        """Choose the next key."""
        self._chosen += 1
        self._look()

    def action_move(self) -> None:
        """Pull the chosen key out, or put it in again."""
        if (key := self._the_chosen()) is None:
            return
        do = "remove" if key.key.panel.view().powered else "insert"
        line = json.dumps({"do": do, "reader": key.reader}).encode()
        # It may have to wait for a command that is running.
        Thread(target=self._answer, args=(line,), name="ushield-move", daemon=True).start()

    def _tell(self) -> None:
        self.post_message(self.Changed())

    async def _arrange(self) -> None:
        """A widget for each key that is there."""
        keys = self._shown.keys()
        for widget in self._keys():
            if keys.get(widget.reader) is not widget.key:
                await widget.remove()
        there = {widget.reader for widget in self._keys()}
        for reader, key in keys.items():
            if reader not in there:
                await self.query_one("#keys").mount(KeyInTerminal(reader, key))
        self._look()

    def _look(self) -> None:
        chosen = self._the_chosen()
        for key in self._keys():
            key.look()
            key.set_class(key is chosen, "chosen")

    def _keys(self) -> list[KeyInTerminal]:
        return list(self.query(KeyInTerminal))

    def _the_chosen(self) -> KeyInTerminal | None:
        keys = self._keys()
        return keys[self._chosen % len(keys)] if keys else None


def _state(view: View) -> str:
    if view.seconds_left is not None:
        what = "confirm or cancel" if Signal.CONFIRM in view.waits_for else "read all pages"
        return f"{what}: {math.ceil(view.seconds_left)} s left"
    if not view.powered:
        return "out of the reader"
    return _ENDED.get(view.ended_by, "at rest") if view.ended_by else "at rest"
