"""What a client learns of a key that asks its holder."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apdu.edge import Consent
from apdu.order import Order, OrderError, OrderKind, build_order
from apdu.payload import Asked, ConsentSettings, Language
from applet.os.panel import Signal
from host.client import TokenClient
from host.errors import (
    ConditionsError,
    ConsentCancelled,
    ConsentTimedOut,
    HostError,
    MessageRefused,
    NoDisplay,
    NotShowable,
    UnsupportedError,
    WrongPin,
)
from host.keyspec import KeySpec, usual_keys
from host.manage import TokenManager
from host.personalise import Profile
from host.usage import Usage
from tests.consent.panel import ScriptedPanel, always
from tests.message.samples import TRANSFER
from ushield.tokens import new_token

PIN = "123456"
SIGN, DECIPHER = 1, 2


@pytest.fixture
def panel() -> ScriptedPanel:
    return ScriptedPanel()


@pytest.fixture
def client(panel: ScriptedPanel) -> TokenClient:
    keys = ("rsa1024:sign", "rsa1024:decipher", "p256", "p256:sign:none")
    client = new_token(generation=2, keys=keys, panel=panel)
    client.verify_pin(PIN)
    panel.forget()
    return client


def test_an_order_is_signed_as_it_is_encoded(client: TokenClient, panel: ScriptedPanel) -> None:
    signature = client.sign_order(TRANSFER)
    assert client.check_signature(signature, build_order(TRANSFER))
    assert panel.text[0] == "Transfer"


def test_the_rules_of_the_usual_keys(client: TokenClient) -> None:
    rules = [client.consent(key) for key in (1, 2, 3, 4)]
    assert rules == [Consent.CONTENT, Consent.PRESS, Consent.PRESS, Consent.NONE]
    assert [key.consent for key in client.info().keys] == rules


@pytest.mark.parametrize(
    ("signal", "kind"),
    [(Signal.CANCEL, ConsentCancelled), (Signal.TIMED_OUT, ConsentTimedOut)],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda client: client.sign_order(TRANSFER),
        lambda client: client.sign_message(b"a:b"),
        lambda client: client.decipher(client.encipher(b"x", DECIPHER), DECIPHER),
        lambda client: client.sign(b"x", 3),
        lambda client: client.internal_authenticate(bytes(8), 3),
        lambda client: client.change_pin(PIN, "654321"),
        lambda client: client.unblock_pin("12345678", "654321"),
    ],
)
def test_cancel_and_time_out_are_told_apart(
    client: TokenClient,
    panel: ScriptedPanel,
    signal: Signal,
    kind: type[HostError],
    use: Callable[[TokenClient], object],
) -> None:
    panel.press = always(signal)
    with pytest.raises(kind):
        use(client)
    client.verify_pin(PIN)


def test_a_message_that_cannot_be_shown(client: TokenClient, panel: ScriptedPanel) -> None:
    with pytest.raises(
        MessageRefused, match=r"U\+200B, which the display does not show"
    ) as refusal:
        client.sign_message("a:\u200b".encode())
    assert refusal.value.reason.startswith("field 1 has U+200B")
    assert not panel.questions


def test_an_order_that_is_none_is_not_sent(client: TokenClient, panel: ScriptedPanel) -> None:
    with pytest.raises(OrderError, match="needs payer"):
        client.sign_order(Order(OrderKind.TRANSFER))
    assert not panel.questions


def test_anything_else_of_a_key_that_shows(client: TokenClient) -> None:
    with pytest.raises(NotShowable, match="only messages that it can show"):
        client.sign(b"x", SIGN)
    with pytest.raises(NotShowable):
        client.internal_authenticate(bytes(8), SIGN)


def test_without_a_display() -> None:
    client = new_token(generation=2, keys=["p256:sign"])
    client.verify_pin(PIN)
    with pytest.raises(NoDisplay):
        client.sign_order(TRANSFER)
    with pytest.raises(NoDisplay):
        client.change_pin(PIN, "654321")


def test_another_refusal_is_not_taken_for_the_holder_s(
    client: TokenClient, panel: ScriptedPanel
) -> None:
    panel.press = always(Signal.CANCEL)
    with pytest.raises(ConsentCancelled):
        client.sign_order(TRANSFER)
    with pytest.raises(ConditionsError) as refusal:
        client.link.command(0x2A, 0x9E9A, le=256)
    assert type(refusal.value) is ConditionsError


def test_a_new_pin_is_confirmed(client: TokenClient, panel: ScriptedPanel) -> None:
    client.change_pin(PIN, "654321")
    assert panel.text == ["Change PIN 1", "Tries left", " 6"]
    panel.forget()
    client.unblock_pin("12345678", PIN)
    assert panel.text == ["Change PIN 1", "Tries left", " 6"]
    client.verify_pin(PIN)


def test_the_last_tries_are_confirmed_and_cancel_costs_none(
    client: TokenClient, panel: ScriptedPanel
) -> None:
    for left in (5, 4, 3, 2):
        with pytest.raises(WrongPin) as refusal:
            client.verify_pin("999999")
        assert refusal.value.tries_left == left
    assert not panel.questions
    panel.press = always(Signal.CANCEL)
    with pytest.raises(ConsentCancelled):
        client.verify_pin("999999")
    assert client.pin_status().tries_left == 2
    assert panel.text == ["Try PIN 1", "Tries left", " 2"]
    panel.press = ScriptedPanel().press
    client.verify_pin(PIN)
    assert client.pin_status().tries_left == 6


def test_deleting_is_confirmed(client: TokenClient, panel: ScriptedPanel) -> None:
    manager = TokenManager(client)
    panel.press = always(Signal.CANCEL)
    for path, text in (
        (b"\x50\x15\x43\x01", "Delete cert. 1"),
        (b"\x50\x15\x4b\x01", "Delete key 1"),
    ):
        panel.forget()
        with pytest.raises(ConsentCancelled):
            manager.delete_file(path)
        assert panel.text[0] == text
    left = client.keys()
    assert [key.reference for key in left] == [1, 2, 3, 4]
    panel.press = ScriptedPanel().press
    manager.delete_file(b"\x50\x15\x43\x01")
    panel.forget()
    client.link.select(b"\x50\x15\x4b\x02")
    client.link.command(0x46, 0, bytes.fromhex("30058103010001"))
    assert panel.text == ["Replace key 2", " decipher key"]


def test_erasing_is_confirmed(client: TokenClient, panel: ScriptedPanel) -> None:
    client.verify_so_pin("12345678")
    panel.press = always(Signal.CANCEL)
    with pytest.raises(ConsentCancelled):
        TokenManager(client).erase()
    assert panel.text == ["Erase token"]
    panel.press = ScriptedPanel().press
    TokenManager(client).erase()
    assert client.consent_settings() == ConsentSettings()


def test_a_new_key_and_certificate_ask_nobody(client: TokenClient, panel: ScriptedPanel) -> None:
    manager = TokenManager(client)
    key = manager.generate_key("p256", label="new", usage=Usage.SIGN, consent=Consent.PRESS)
    assert client.consent(key.reference) is Consent.PRESS
    assert not panel.questions
    client.sign(b"x", "new")
    assert panel.text[:2] == ["Sign, key 5", " new"]


def test_what_is_asked_is_the_token_s_to_say() -> None:
    panel = ScriptedPanel()
    settings = ConsentSettings(seconds=5, language=Language.ZH_CN, asked=Asked.DELETION)
    client = new_token(generation=2, keys=["p256"], panel=panel, consent=settings)
    assert client.consent_settings() == settings
    client.verify_pin(PIN)
    client.change_pin(PIN, PIN)
    assert not panel.questions
    with pytest.raises(ConditionsError):
        TokenManager(client).set_consent(ConsentSettings())
    client.sign(b"x")
    assert panel.questions == [5]
    assert panel.text[0] == "用密钥签名 1"


def test_a_token_of_the_first_generation_asks_nobody() -> None:
    panel = ScriptedPanel()
    client = new_token(keys=["p256"], panel=panel)
    client.verify_pin(PIN)
    client.sign(b"x")
    client.change_pin(PIN, PIN)
    assert client.consent() is Consent.NONE
    assert not panel.questions


@pytest.mark.parametrize(
    ("text", "usage", "consent"),
    [
        ("rsa2048:sign", Usage.SIGN | Usage.AUTHENTICATE, Consent.CONTENT),
        ("rsa2048:decipher", Usage.DECIPHER, Consent.PRESS),
        ("p256", Usage.SIGN | Usage.DERIVE | Usage.AUTHENTICATE, Consent.PRESS),
        ("p256:none", Usage.SIGN | Usage.DERIVE | Usage.AUTHENTICATE, Consent.NONE),
        ("p256:sign:press", Usage.SIGN | Usage.AUTHENTICATE, Consent.PRESS),
    ],
)
def test_keys_as_people_write_them(text: str, usage: Usage, consent: Consent) -> None:
    spec = KeySpec.of(text, generation=2)
    assert (spec.usage, spec.consent) == (usage, consent)


@pytest.mark.parametrize(
    "text",
    ["p256:sign:", "p256:press:sign", "p256:sign:maybe", "p256::", "rsa2048:decipher:content"],
)
def test_keys_that_there_are_not(text: str) -> None:
    with pytest.raises(UnsupportedError):
        KeySpec.of(text)


def test_profiles() -> None:
    assert [key.consent for key in usual_keys(generation=2)] == [Consent.CONTENT, Consent.PRESS]
    with pytest.raises(UnsupportedError, match="generation 1 and 2, not 3"):
        Profile.of(pin=PIN, puk="12345678", generation=3)
