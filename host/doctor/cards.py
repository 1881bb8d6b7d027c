"""Checks of the readers, and of each card: does it answer, its certificates, its tries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from apdu.atr import parse_atr
from apdu.edge import Phase
from apdu.errors import ApduError
from host.directory import CertificateInfo
from host.doctor.computer import Computer, ReaderFacts
from host.doctor.finding import Finding, fault, not_needed, ok, warning
from host.errors import HostError, PcscMissing
from host.overview import CardInfo

LAST_MONTH = timedelta(days=30)
"""How long before its end a certificate is worth a word."""

_FEW_TRIES = 2
_OSEID = b"OsEID"
"""By this at the end of the ATR, OpenSC takes a card for our PKCS#15 token."""

_DEAD = {
    Phase.TERMINATED: "make a new token with `ushield init`",
    Phase.DEACTIVATED: "activate it with the SO PIN: `TokenManager.activate` in Python",
}


def check_readers(computer: Computer) -> Iterator[Finding]:
    """The readers; then each card, and what is on it."""
    if computer.service().protocol is None:
        yield not_needed("readers", "there is no service to ask")
        return
    try:
        readers = computer.readers()
    except PcscMissing:
        yield not_needed("readers", "without pyscard they cannot be looked at from here")
        return
    except HostError as error:
        yield fault("readers", str(error), "start the service again")
        return
    yield _readers(readers)
    for reader in readers:
        if _holds_card(reader):
            yield from _card(computer, reader)


def _readers(readers: Iterable[ReaderFacts]) -> Finding:
    names = [f"{reader.name}{'' if _holds_card(reader) else ' (empty)'}" for reader in readers]
    if not names:
        mend = "plug one in, or use `ushield serve my.token`"
        return warning("readers", "the service has none", mend)
    if not any(map(_holds_card, readers)):
        return warning("readers", ", ".join(names), "put a token in: `ushield reader insert`")
    return ok("readers", ", ".join(names))


def _holds_card(reader: ReaderFacts) -> bool:
    """Whether there is a card in it, even one that could not be asked."""
    return bool(reader.atr or reader.trouble)


def _card(computer: Computer, reader: ReaderFacts) -> Iterator[Finding]:
    name = f"card in {reader.name}"
    if reader.trouble:
        yield fault(name, reader.trouble, "end the program that holds it, or put it in again")
        return
    if reader.info is None:
        found = f"neither a PKCS#15 nor a PIV token of a kind known here, ATR {reader.atr.hex()}"
        yield warning(name, found, "is it the right card? `ushield init` makes tokens")
        return
    yield _answering(computer, reader, reader.info)
    yield from check_life(f"life cycle in {reader.name}", reader.info)
    yield from check_certificates(f"certificates in {reader.name}", reader.info, computer.now())
    yield from check_tries(f"PIN in {reader.name}", reader.info)


def _answering(computer: Computer, reader: ReaderFacts, info: CardInfo) -> Finding:
    """The card answers here; it should with OpenSC too, if that is there."""
    name = f"card in {reader.name}"
    found = f"{', '.join(_applications(info))}; ATR {reader.atr.hex()}"
    said = computer.output("opensc-tool", "--reader", reader.name, "--name", service=True)
    if said is None:
        return ok(name, f"{found}; for OpenSC's driver {expected_driver(reader.atr)}")
    known_as = _last_line(said)
    if known_as == "Unsupported card" or "ailed" in known_as or not known_as:
        mend = "look into opensc.conf: which drivers does it allow? Or OpenSC is too old"
        return warning(name, f"{found}; OpenSC says: {known_as or 'nothing'}", mend)
    return ok(name, f"{found}; OpenSC calls it {known_as}")


def _applications(info: CardInfo) -> Iterator[str]:
    if info.pkcs15 is not None:
        yield f"PKCS#15 token {info.pkcs15.label!r}" if info.pkcs15.label else "blank PKCS#15 token"
    if info.piv is not None:
        yield "PIV token"


def _last_line(text: str) -> str:
    lines = text.split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def expected_driver(atr: bytes) -> str:
    """Which driver of OpenSC takes a card with this ATR."""
    try:
        ours = parse_atr(atr).historical.endswith(_OSEID)
    except ApduError:
        ours = False
    return "myeid" if ours else "PIV-II"


def check_life(name: str, info: CardInfo) -> Iterator[Finding]:
    """A PKCS#15 token that is not in use; else there is nothing to say."""
    if info.pkcs15 is None:
        return
    phase = info.pkcs15.phase
    if phase in _DEAD:
        yield fault(name, phase.words, _DEAD[phase])
    elif phase in (Phase.MANUFACTURED, Phase.PERSONALISED):
        yield warning(name, phase.words, "`pkcs15-init`, or make another one with `ushield init`")


def check_certificates(name: str, info: CardInfo, now: datetime) -> Iterator[Finding]:
    """The certificate that ends first, and those that are over or have not begun."""
    entries = list(_certificates(info))
    if not entries:
        yield not_needed(name, "there are none")
        return
    over = [entry for entry in entries if entry.certificate.not_valid_after_utc < now]
    early = [entry for entry in entries if entry.certificate.not_valid_before_utc > now]
    first = min(entries, key=lambda entry: entry.certificate.not_valid_after_utc)
    end = first.certificate.not_valid_after_utc
    if over:
        mend = "have the keys certified anew, or make a new token with `ushield init`"
        yield fault(name, f"over: {', '.join(_dated(over))}", mend)
    elif early:
        names = ", ".join(repr(entry.label) for entry in early)
        yield fault(name, f"not valid yet: {names}", "is the clock of this computer right?")
    elif end - now < LAST_MONTH:
        days = (end - now).days
        found = f"{first.label!r} ends in {days} {'day' if days == 1 else 'days'}, {end:%Y-%m-%d}"
        yield warning(name, found, "have the key certified anew before")
    else:
        yield ok(name, f"{len(entries)}, the first one ends {end:%Y-%m-%d}")


def _dated(entries: Iterable[CertificateInfo]) -> Iterator[str]:
    for entry in entries:
        yield f"{entry.label!r} since {entry.certificate.not_valid_after_utc:%Y-%m-%d}"


def _certificates(info: CardInfo) -> Iterator[CertificateInfo]:
    for application in (info.pkcs15, info.piv):
        if application is not None:
            yield from application.certificates


def check_tries(name: str, info: CardInfo) -> Iterator[Finding]:
    """Tries left of PIN and PUK, of each application."""
    both = info.pkcs15 is not None and info.piv is not None
    for word, application in (("PKCS#15", info.pkcs15), ("PIV", info.piv)):
        if application is not None:
            title = f"{name} ({word})" if both else name
            yield _tries(title, application.pin_tries_left, application.puk_tries_left)


def _tries(name: str, pin: int | None, puk: int | None) -> Finding:
    if puk == 0:
        return fault(name, "the PUK is blocked", "nothing unblocks it: erase the token")
    if pin == 0:
        return fault(name, "the PIN is blocked", "`ushield unblock` sets a new one with the PUK")
    if pin is None:
        return not_needed(name, "no PIN, or the card does not tell its tries")
    found = f"{_count(pin)} of the PIN left" + ("" if puk is None else f", {puk} of the PUK")
    if pin <= _FEW_TRIES:
        return warning(name, found, "a right PIN gives all tries back")
    return ok(name, found)


def _count(tries: int) -> str:
    return f"{tries} {'try' if tries == 1 else 'tries'}"
