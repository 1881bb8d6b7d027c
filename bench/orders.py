"""Orders that are shown and confirmed by a script, against a signature that nobody is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter

from apdu.order import Order, OrderKind
from applet.os.panel import Screen, Signal
from bench.measure import Row, compare
from host.client import TokenClient
from ushield.tokens import new_token

_PIN = "123456"
_TIMED = 300
_ORDER = Order(
    OrderKind.TRANSFER,
    payer="6222021234567890123",
    payee="李雷",
    payee_account="6222029876543210",
    amount=123450,
    currency="CNY",
    number="A-2026/0017",
    time="20260314172500+0800",
    text="Rent for March",
)


class _Script:
    """A panel that reads to the last page and confirms, and remembers when."""

    columns, rows = 16, 4

    def __init__(self) -> None:
        self.drawn = self.pressed = 0.0

    def begin(self, _seconds: int) -> None:
        self.drawn = 0.0

    def show(self, screen: Screen) -> None:
        self.screen = screen
        self.drawn = self.drawn or perf_counter()

    def wait(self) -> Signal:
        if self.screen.page < self.screen.pages:
            return Signal.DOWN
        self.pressed = perf_counter()
        return Signal.CONFIRM

    def end(self) -> None:
        pass


def rows() -> Iterator[Row]:
    """A signature by each kind of key, and where the time of an order goes."""
    for kind, name in (("rsa2048", "RSA-2048"), ("p256", "P-256")):
        panel = _Script()
        keys = [f"{kind}:sign:content", f"{kind}:sign:none"]
        client = new_token(generation=2, keys=keys, panel=panel)
        client.verify_pin(_PIN)
        yield compare(
            f"{name} order shown, confirmed by a script, signed",
            lambda client=client: client.sign_order(_ORDER, 1),  # type: ignore[misc]
            "the bare signature",
            lambda client=client: client.sign_message(b"order", 2),  # type: ignore[misc]
            None,
        )
        yield from _parts(client, panel, name)


def _parts(client: TokenClient, panel: _Script, name: str) -> Iterator[Row]:
    """From the signing command to the first page, and from the press to the signature."""
    times = []
    for _ in range(_TIMED):
        begun = perf_counter()
        client.sign_order(_ORDER, 1)
        ended = perf_counter()
        times.append((panel.drawn - begun, ended - panel.pressed, ended - begun))
    first, press, whole = (median(part) * 1e6 for part in zip(*times, strict=True))
    yield Row(f"{name} order: from the call to the first page", f"{first:,.0f} us")
    yield Row(f"{name} order: from the press to the signature", f"{press:,.0f} us")
    yield Row(f"{name} orders a second", f"{1e6 / whole:,.0f}")
