"""``ushield demo``: the main job of the key, end to end, on a token in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.x509 import Certificate

    from apdu.order import Order
    from host.client import TokenClient
    from host.errors import CardError
    from host.trace import TraceRecord
    from ushield.device.display.model import Model
    from ushield.device.display.panel import Panel, View

_PIN, _WRONG_PIN, _PUK, _NEW_PIN = "246810", "000000", "97531864", "135791"
_ORDER = b"transfer 1,000,000.00 CNY from 6222 0000 0000 0001 to Li Lei, 6222 0000 0000 0002"
_SECRET = b"session key of the bank"
_RULES = 'confirm if payee == "Li Lei" and amount <= 1000000\ncancel'


def demo() -> None:
    """Personalise a token, sign a payment order, decipher, block the PIN and unblock it.

    A token of the second generation shows an order on its display, and signs it after Confirm.
    Shows each APDU as a readable dialogue, and checks every result; exit code 0 only if all held.
    """
    show = _Show()
    token = _personalise(show)
    certificate = _fetch_certificate(show, token)
    _sign(show, token, certificate)
    _decipher(show, token)
    _block_and_unblock(show, token)
    _show_and_confirm(show)
    raise typer.Exit(show.end())


class _Show:
    """What the viewer sees: headings, the dialogue as it happens, and the checks."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False, soft_wrap=True)
        self._checks = 0
        self._failed = 0
        self._kept: list[TraceRecord] | None = None

    def heading(self, text: str) -> None:
        """Begin a part."""
        self._console.print(f"\n{text}", style="bold", markup=False)

    def record(self, record: TraceRecord) -> None:
        """One APDU: a line now, or kept for the summary."""
        from host.trace import Direction, format_record

        if self._kept is not None:
            self._kept.append(record)
            return
        style = "cyan" if record.direction is Direction.TO_CARD else "green"
        self._console.print(f"  {format_record(record)}", style=style, markup=False)

    def summarise(self) -> None:
        """From here on keep the dialogue instead of showing it."""
        self._kept = []

    def summary(self) -> None:
        """Say how often each command was sent, and show the dialogue again from here on."""
        from host.trace import Direction

        sent = [record for record in self._kept or () if record.direction is Direction.TO_CARD]
        for name, count in Counter(record.name for record in sent).items():
            self._console.print(f"  > {count:3} x {name}", style="cyan", markup=False)
        self._kept = None

    def display(self, view: View, model: Model) -> None:
        """The token's display, as its holder sees it."""
        from rich.padding import Padding

        from ushield.device.display.drawing import drawn

        self._console.print(Padding(drawn(view, model), (1, 0, 0, 4)))

    def check(self, what: str, held: bool) -> None:
        """Say whether something that must hold did."""
        from rich.text import Text

        self._checks += 1
        self._failed += not held
        mark, style = ("ok", "bold green") if held else ("FAILED", "bold red")
        self._console.print(Text(f"  {mark}: ", style=style) + Text(what, style="default"))

    def end(self) -> int:
        """The last line, and the exit code."""
        held = self._checks - self._failed
        self.heading(f"{held} of {self._checks} checks held")
        return 1 if self._failed else 0


def _personalise(show: _Show) -> TokenClient:
    from host.info import Phase
    from ushield.tokens import new_token

    show.heading("Personalise a token: PINs, files, two RSA-1024 keys, certificates")
    show.summarise()
    token = new_token(
        pin=_PIN,
        puk=_PUK,
        keys=("rsa1024:sign", "rsa1024:decipher"),
        subject="CN=Han Meimei,O=Example Bank",
        label="Han Meimei",
        trace=show.record,
    )
    show.summary()
    show.check("the token is activated", token.life_cycle() is Phase.ACTIVATED)
    show.check("6 tries for the PIN, 10 for the PUK", _tries(token) == (6, 10))
    return token


def _tries(token: TokenClient) -> tuple[int, int]:
    """Tries left of the holder's PIN and of its PUK."""
    holder = token.tries()[0]
    return holder.pin_left, holder.puk_left


def _fetch_certificate(show: _Show, token: TokenClient) -> Certificate:
    show.heading("Verify the PIN and fetch the certificate")
    token.verify_pin(_PIN)
    certificate = token.certificate()
    show.check(
        f"the certificate is for {certificate.subject.rfc4514_string()}",
        "Han Meimei" in certificate.subject.rfc4514_string(),
    )
    return certificate


def _sign(show: _Show, token: TokenClient, certificate: Certificate) -> None:
    show.heading(f"Sign a payment order: {_ORDER.decode()}")
    signature = token.sign(_ORDER)

    show.check("the signature has 128 bytes: RSA-1024", len(signature) == 128)
    show.check("the certificate verifies it", _is_over(_ORDER, signature, certificate))
    altered = _ORDER.replace(b"Li Lei", b"Mallory")
    show.check("it does not verify an altered order", not _is_over(altered, signature, certificate))


def _is_over(order: bytes, signature: bytes, certificate: Certificate) -> bool:
    """Whether the certificate verifies this signature over this order."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    public = certificate.public_key()
    if not isinstance(public, RSAPublicKey):
        return False
    try:
        public.verify(signature, order, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _decipher(show: _Show, token: TokenClient) -> None:
    show.heading("Encipher for the token, and decipher on it")
    cryptogram = token.encipher(_SECRET)
    show.check("the cryptogram does not show the text", _SECRET not in cryptogram)
    show.check("the token deciphers it", token.decipher(cryptogram) == _SECRET)


def _block_and_unblock(show: _Show, token: TokenClient) -> None:
    from host.errors import CardError, PinBlocked, WrongPin

    show.heading("Six wrong PINs block the token")
    left: list[int] = []
    blocked = False
    for _ in range(6):
        try:
            token.verify_pin(_WRONG_PIN)
        except WrongPin as wrong:
            left.append(wrong.tries_left)
        except PinBlocked:
            blocked = True
    show.check("the tries count down 5, 4, 3, 2, 1", left == [5, 4, 3, 2, 1])
    show.check("the sixth wrong PIN blocks", blocked)

    def refused() -> bool:
        try:
            token.verify_pin(_PIN)
        except PinBlocked:
            return True
        return False

    def signs() -> bool:
        try:
            return len(token.sign(_ORDER)) == 128
        except CardError:
            return False

    show.check("the right PIN does not help any more", refused())
    show.check("nothing can be signed", not signs())
    show.heading("The PUK unblocks it, with a new PIN")
    token.unblock_pin(_PUK, _NEW_PIN)
    token.verify_pin(_NEW_PIN)
    show.check("the token signs again", signs())
    show.check("6 tries for the PIN, 10 for the PUK", _tries(token) == (6, 10))


def _show_and_confirm(show: _Show) -> None:
    from dataclasses import replace

    from apdu.order import build_order
    from host.errors import ConsentCancelled, NotShowable
    from ushield.device.display.hand import Hand
    from ushield.device.display.panel import Panel
    from ushield.device.display.script import parse_script

    show.heading("Personalise a token of the second generation: it has a display and buttons")
    panel = Panel()
    panel.power(True)
    token = _with_display(show, panel)
    Hand(panel).follow(parse_script(_RULES))

    show.heading("It shows the order before it signs, and its holder presses Confirm")
    order = _order()
    certificate = token.certificate()
    seen: list[View] = []

    def look() -> None:
        view = panel.view()
        if view.asks:
            seen.append(view)
            show.display(view, panel.model)

    stop = panel.listen(look)
    signature = token.sign_order(order)
    stop()
    turned = [view.page for view in seen] == list(range(1, seen[-1].pages + 1))
    show.check("every page was on the display before Confirm", turned)
    held = _is_over(build_order(order), signature, certificate)
    show.check("the certificate verifies the signature over the order", held)

    changed = replace(order, payee="Mallory")
    show.heading("Someone has changed the payee, and the holder presses Cancel")
    cancelled = _refused(lambda: token.sign_order(changed), ConsentCancelled)
    show.check("nothing is signed", cancelled)
    unseen = _refused(lambda: token.sign(build_order(changed)), NotShowable)
    show.check("nor is it without having been shown", unseen)
    panel.close()


def _with_display(show: _Show, panel: Panel) -> TokenClient:
    from ushield.tokens import new_token

    show.summarise()
    token = new_token(
        pin=_PIN,
        puk=_PUK,
        keys=("rsa1024:sign",),
        generation=2,
        panel=panel,
        trace=show.record,
    )
    show.summary()
    token.verify_pin(_PIN)
    return token


def _order() -> Order:
    from apdu.order import Order, OrderKind

    return Order(
        OrderKind.TRANSFER,
        payer="6222000000000001",
        payee="Li Lei",
        payee_account="6222000000000002",
        amount=1_000_000_00,
        currency="CNY",
        number="20261125-0001",
        time="20261125120000+0800",
    )


def _refused(sign: Callable[[], bytes], because: type[CardError]) -> bool:
    try:
        sign()
    except because:
        return True
    return False
