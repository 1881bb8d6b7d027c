"""Something done in a thread of its own, because Ctrl-C finds nobody while a driver is at work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def _say_nothing() -> None:
    """Nobody has to be told."""


def begin_aside(
    act: Callable[[], T], *, name: str, tell: Callable[[], None] = _say_nothing
) -> Future[T]:
    """What an act comes to; `tell` is called, in its thread, when that is known.

    Whoever waits for it no more leaves the thread behind, which may be stuck for ever and keeps no
    program from ending.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(act())
        except BaseException as error:  # noqa: BLE001 it is raised where it is waited for
            outcome.set_exception(error)
        tell()

    Thread(target=run, name=name, daemon=True).start()
    return outcome
