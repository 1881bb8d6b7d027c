"""Unmodified OpenSC personalises a blank card, erases it, and cares for its PINs."""

from __future__ import annotations

from tests.clients.cards import PIN, PUK, SO_PIN, SO_PUK
from tests.clients.ledger import Works
from tests.clients.system import pkcs11_module
from tests.clients.tool import Tool
from tests.clients.ways import by_every_way

PERSONALISE = (
    f"pkcs15-init -C --so-pin {SO_PIN} --so-puk {SO_PUK} -P -a 1 -l user --pin {PIN} --puk {PUK} -F"
)

SIGN_BY_AGENT = """
printf '#!/bin/sh\\necho {pin}\\n' > askpass
chmod +x askpass
SSH_ASKPASS=./askpass SSH_ASKPASS_REQUIRE=force ssh-add -s {module}
echo 'Pay 12,345.67' > order
ssh-add -L | while read -r key; do
    echo "$key" > key.pub
    rm -f order.sig
    ssh-keygen -Y sign -n order -f key.pub order
    ssh-keygen -Y check-novalidate -n order -s order.sig < order
done
"""


@by_every_way
def test_a_blank_card_becomes_a_token_and_blank_again(blank: Tool) -> None:
    blank.see("opensc-tool --name", "OsEID")
    blank.run("pkcs15-init -E")
    blank.run(PERSONALISE)
    blank.see("pkcs15-tool -D", "PKCS#15 Card [user]", "PIN [Security Officer PIN]", "PIN [user]")
    blank.run(f"pkcs15-init -G rsa/1024 -i 10 -a 1 --pin {PIN} -u sign,decrypt")
    blank.run(f"pkcs15-init -E --secret @ff={SO_PIN}")
    blank.fail("pkcs15-tool -D")
    blank.run(PERSONALISE)
    assert "Key" not in blank.run("pkcs15-tool --list-keys")


def test_the_pin_is_changed(token: Tool) -> None:
    token.run(f"pkcs15-tool --change-pin -a 1 --pin {PIN} --new-pin 654321")
    token.fail(f"pkcs15-tool --verify-pin -a 1 --pin {PIN}")
    token.run("pkcs15-tool --verify-pin -a 1 --pin 654321")


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


@by_every_way
def test_ssh_knows_the_keys(token: Tool, works: Works) -> None:
    token.run(f"pkcs15-init -G rsa/2048 -i 10 -a 1 --pin {PIN} -u sign,decrypt")
    token.run(f"pkcs15-init -G ec/prime256v1 -i 20 -a 1 --pin {PIN} -u digitalSignature")
    listed = token.run(f"ssh-keygen -D {pkcs11_module()}")
    for ident in ("10", "20"):
        token.run(f"pkcs15-tool --read-ssh-key {ident} -o key.pub")
        assert token.read("key.pub").split()[1].decode() in listed
    works("OpenSSH", "`ssh-keygen -D` lists the public keys", "RSA-2048", "P-256")


def test_ssh_signs_by_its_agent(token: Tool) -> None:
    token.run(f"pkcs15-init -G rsa/2048 -i 10 -a 1 --pin {PIN} -u sign,decrypt")
    token.run(f"pkcs15-init -G ec/prime256v1 -i 20 -a 1 --pin {PIN} -u digitalSignature")
    token.write("sign.sh", SIGN_BY_AGENT.format(pin=PIN, module=pkcs11_module()).encode())
    text = token.run("ssh-agent sh -e sign.sh")
    assert text.count('Good "order" signature') == 2, text
