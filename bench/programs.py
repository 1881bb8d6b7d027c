"""Programs that people use, as whole processes: keys on a token against the same keys in files.

The token and the bank's site are in this process, which does nothing else while a program runs.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from applet.os.store import MemoryStore
from bench.measure import Action, Row
from bench.served import Timed
from bench.service import ratio_row
from host.client import TokenClient
from host.importing import PrivateKey
from host.manage import TokenManager
from host.memory import MemoryTransport
from host.personalise import Profile
from host.usage import Usage
from tests.clients.authority import bank
from tests.clients.cards import PIN, PUK
from tests.clients.recipes import follow
from tests.clients.site import Site, open_site
from tests.clients.sshd import ASK_PIN, admit, prepare_server
from tests.clients.system import pkcs11_module, work_folder
from tests.clients.tool import Tool
from tests.clients.ways import through_service
from ushield.device.assembly import assemble
from ushield.tokens import manufacture

_TURNS = 11
_HANDSHAKES = 20
"""By one process, after the first."""

_AGAINST = "key in a file"

_KEYS = {"rsa": "RSA-2048", "ec": "P-256"}
"""The key's name in files and on the token; its identifier there is its place."""

_CURL = (
    "env OPENSSL_CONF=openssl.cnf curl --silent --show-error --fail --tlsv1.3 --cacert ca.pem "
    "{key} {urls}"
)
_BY_TOKEN = (
    "--engine pkcs11 "
    "--key-type ENG --key 'pkcs11:manufacturer=U-Shield;id=%{id};type=private;pin-value={pin}' "
    "--cert-type ENG --cert 'pkcs11:manufacturer=U-Shield;id=%{id};type=cert'"
)
_BY_FILE = "--key {name}.key --cert {name}.pem"


def rows() -> Iterator[Row]:
    """What lists a token, what logs in by TLS, and what logs in by SSH."""
    with work_folder() as folder, through_service(folder) as way:
        tool = Tool(folder, {**way.variables, **ASK_PIN})
        card = Timed(assemble(_make_keys(tool)))
        with way.inserted(card):
            yield from _listing(tool, card)
            follow(tool, "engine")
            tool.write("ca.pem", bank().pem)
            with open_site(folder, ssl.TLSVersion.TLSv1_3) as site:
                for ident, name in enumerate(_KEYS, 1):
                    yield from _tls(tool, card, site, ident, name)
            prepare_server(tool)
            for name in _KEYS:
                yield from _ssh(tool, card, name)


def _make_keys(tool: Tool) -> MemoryStore:
    """A token whose keys are in files too, with their certificates and what SSH makes of them."""
    store = MemoryStore()
    profile = Profile.of(pin=PIN, puk=PUK)
    manufacture(store, replace(profile, keys=()))
    client = TokenClient(MemoryTransport(assemble(store)))
    client.verify_pin(PIN)
    manager = TokenManager(client)
    made: list[PrivateKey] = [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
    ]
    for name, key in zip(_KEYS, made, strict=True):
        certificate = bank().issue(f"CN={name}", key.public_key())
        imported = manager.import_key(key, label=name, usage=Usage.SIGN)
        manager.write_certificate(certificate, imported)
        for ending, data in {
            "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "pem": certificate.public_bytes(Encoding.PEM),
            "pub": key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        }.items():
            tool.write(f"{name}.{ending}", data)
        (tool.folder / f"{name}.key").chmod(0o600)
    return store


def _listing(tool: Tool, card: Timed) -> Iterator[Row]:
    (looks,) = _turns(card, lambda: tool.run("pkcs11-tool --list-objects"))
    seconds = median(look.seconds for look in looks)
    yield Row("`pkcs11-tool -O`, whole process", f"{seconds * 1e6:,.1f} us")
    yield _where_it_goes(looks)


def _tls(tool: Tool, card: Timed, site: Site, ident: int, name: str) -> Iterator[Row]:
    """A first login, for which all has to be found, and more of them by the same process."""
    keys = _BY_TOKEN.format(id=f"{ident:02}", pin=PIN), _BY_FILE.format(name=name)

    def login(key: str, count: int) -> Action:
        line = _CURL.format(key=key, urls=" ".join([site.url] * count))
        return lambda: tool.run(line)

    actions = (login(key, count) for count in (1, 1 + _HANDSHAKES) for key in keys)
    ours, theirs, ours_more, theirs_more = _turns(card, *actions)
    what = f"`curl`: login by TLS 1.3 with {_KEYS[name]}"
    yield _compare(f"{what}, whole process", ours, theirs)
    yield _where_it_goes(ours)
    ours, theirs = _each_more(ours, ours_more), _each_more(theirs, theirs_more)
    row = _compare(f"{what}, every further one by a process", ours, theirs)
    rates = [1 / median(look.seconds for look in looks) for looks in (ours, theirs)]
    yield replace(
        row, value=f"{rates[0]:,.0f} a second", against=f"{_AGAINST}: {rates[1]:,.0f} a second"
    )
    yield _where_it_goes(ours)


def _ssh(tool: Tool, card: Timed, name: str) -> Iterator[Row]:
    admit(tool, tool.read(f"{name}.pub").decode())
    login = "ssh -F ssh.conf"
    ours, theirs = _turns(
        card,
        lambda: tool.see(f"{login} -I {pkcs11_module()} server", "welcome"),
        lambda: tool.see(f"{login} -i {name}.key -o IdentitiesOnly=yes server", "welcome"),
    )
    yield _compare(f"`ssh`: login with {_KEYS[name]}, whole process", ours, theirs)
    yield _where_it_goes(ours)


# --- looking --------------------------------------------------------------------------------


class _Look(NamedTuple):
    """What an action took: its seconds, the card's commands, and the card's seconds for them."""

    seconds: float
    commands: float
    chip: float


def _turns(card: Timed, *actions: Action) -> list[list[_Look]]:
    """Turn about: what each action took, every time; the first turn warms up."""
    turns = [[_look(card, action) for action in actions] for _ in range(_TURNS + 1)]
    return [list(looks) for looks in zip(*turns[1:], strict=True)]


def _look(card: Timed, action: Action) -> _Look:
    commands, chip, begin = card.commands, card.seconds, perf_counter()
    action()
    return _Look(perf_counter() - begin, card.commands - commands, card.seconds - chip)


def _each_more(one: list[_Look], many: list[_Look]) -> list[_Look]:
    """What a handshake takes that is not the first."""
    return [
        _Look(*((late - early) / _HANDSHAKES for early, late in zip(*pair, strict=True)))
        for pair in zip(one, many, strict=True)
    ]


def _compare(name: str, ours: list[_Look], theirs: list[_Look]) -> Row:
    pairs = [(our.seconds, their.seconds) for our, their in zip(ours, theirs, strict=True)]
    return ratio_row(name, pairs, _AGAINST, None)


def _where_it_goes(looks: list[_Look]) -> Row:
    _, commands, chip = (median(column) for column in zip(*looks, strict=True))
    return Row("   where it goes", f"chip {chip * 1e6:,.0f} us in {commands:,.0f} commands")
