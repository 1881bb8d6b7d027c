"""Unmodified OpenSC personalises a blank card, erases it, and cares for its PINs."""

from __future__ import annotations

from tests.clients.cards import PIN, PUK, SO_PIN, SO_PUK
from tests.clients.ledger import Works
from tests.clients.tool import Tool
from tests.clients.ways import by_every_way

PERSONALISE = (
    f"pkcs15-init -C --so-pin {SO_PIN} --so-puk {SO_PUK} -P -a 1 -l user --pin {PIN} --puk {PUK} -F"
)


@by_every_way
def test_a_blank_card_becomes_a_token_and_blank_again(blank: Tool, works: Works) -> None:
    blank.see("opensc-tool --name", "OsEID")
    blank.run("pkcs15-init -E")
    blank.run(PERSONALISE)
    blank.see("pkcs15-tool -D", "PKCS#15 Card [user]", "PIN [Security Officer PIN]", "PIN [user]")
    blank.run(f"pkcs15-init -G rsa/1024 -i 10 -a 1 --pin {PIN} -u sign,decrypt")
    blank.run(f"pkcs15-init -E --secret @ff={SO_PIN}")
    blank.fail("pkcs15-tool -D")
    blank.run(PERSONALISE)
    assert "Key" not in blank.run("pkcs15-tool --list-keys")
    works("OpenSC", "`pkcs15-init` personalises a blank token, and erases one")


def test_the_pin_is_changed(token: Tool, works: Works) -> None:
    token.run(f"pkcs15-tool --change-pin -a 1 --pin {PIN} --new-pin 654321")
    token.fail(f"pkcs15-tool --verify-pin -a 1 --pin {PIN}")
    token.run("pkcs15-tool --verify-pin -a 1 --pin 654321")
    works("OpenSC", "`pkcs15-tool` changes the PIN, and unblocks it")


@by_every_way
def test_the_pin_is_unblocked(token: Tool) -> None:
    for _ in range(6):
        token.fail("pkcs15-tool --verify-pin -a 1 --pin 000000")
    assert "blocked" in token.fail(f"pkcs15-tool --verify-pin -a 1 --pin {PIN}").lower()
    token.run(f"pkcs15-tool --unblock-pin -a 1 --puk {PUK} --new-pin 246810")
    token.run("pkcs15-tool --verify-pin -a 1 --pin 246810")


@by_every_way
def test_the_token_tests_itself(token: Tool) -> None:
    token.run(f"pkcs15-init -G rsa/1024 -i 10 -a 1 --pin {PIN} -u sign,decrypt")
    token.run(f"pkcs15-init -G rsa/2048 -i 20 -a 1 --pin {PIN} -u sign,decrypt")
    token.run(f"pkcs15-init -G ec/prime256v1 -i 30 -a 1 --pin {PIN} -u digitalSignature")
    text = token.run(f"pkcs11-tool -l -p {PIN} -t")
    assert text.splitlines()[-1] == "No errors"
