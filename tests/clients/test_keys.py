"""Unmodified OpenSC makes, brings, uses and deletes keys of every kind; openssl checks them."""

from __future__ import annotations

from tests.clients.cards import PIN
from tests.clients.kinds import (
    KINDS,
    P_256,
    P_384,
    QUICK,
    RSA_1024,
    RSA_2048,
    RSA_4096,
    Kind,
    bring_key,
    check_every_use,
    of_kinds_in_a_reader,
)
from tests.clients.ledger import Works
from tests.clients.tool import Tool

LOGIN = f"pkcs11-tool -l -p {PIN}"
PARTS = "--list-keys --list-public-keys --list-certificates"


@of_kinds_in_a_reader(KINDS, by_pcscd=[RSA_2048, P_256])
def test_a_key_made_on_the_card(token: Tool, kind: Kind, works: Works) -> None:
    token.run(f"pkcs15-init -G {kind.opensc} -i 10 -a 1 --pin {PIN} -u {kind.usage}")
    check_every_use(token, kind, "10")
    token.see(f"{LOGIN} --test", "No errors\n")
    token.run(f"pkcs15-init -D privkey,pubkey -i 10 -a 1 --pin {PIN}")
    assert "ID" not in token.run(f"pkcs15-tool {PARTS}")
    works("OpenSC", "`pkcs15-init` makes a key on the card, and deletes it", kind.label)
    works("OpenSC", "`pkcs11-tool --test` without an error", kind.label)
    if kind.rsa:
        works("OpenSC", "`pkcs11-tool` signs (PKCS#1, PSS), deciphers (PKCS#1, OAEP)", kind.label)
    else:
        works("OpenSC", "`pkcs11-tool` signs (ECDSA), agrees (ECDH)", kind.label)


@of_kinds_in_a_reader([*QUICK, RSA_4096], by_pcscd=[RSA_1024])
def test_a_key_brought_to_the_card(token: Tool, kind: Kind, works: Works) -> None:
    bring_key(token, kind)
    token.run(f"pkcs15-init -S k.pem -i 11 -a 1 --pin {PIN} -u {kind.usage}")
    check_every_use(token, kind, "11")
    token.run("openssl pkey -in k.pem -pubout -out expected.pem")
    token.run("openssl pkey -pubin -in public.pem -out found.pem")
    assert token.read("found.pem") == token.read("expected.pem")
    works("OpenSC", "`pkcs15-init` brings a key to the card", kind.label)


@of_kinds_in_a_reader(QUICK, by_pcscd=[P_384])
def test_a_key_made_by_pkcs11(token: Tool, kind: Kind, works: Works) -> None:
    token.run(f"{LOGIN} --keypairgen --key-type {kind.pkcs11} --id 12 --label new")
    check_every_use(token, kind, "12")
    for part in ("privkey", "pubkey"):
        token.run(f"{LOGIN} --delete-object --type {part} --id 12")
    assert "ID" not in token.run(f"pkcs15-tool {PARTS}")
    works("OpenSC", "`pkcs11-tool` makes a key on the card, and deletes it", kind.label)


@of_kinds_in_a_reader([*QUICK, RSA_4096], by_pcscd=[RSA_4096])
def test_a_key_with_its_certificate(token: Tool, kind: Kind, works: Works) -> None:
    _make_certificate(token, kind)
    token.run(f"pkcs15-init -S k.pem -i 13 -a 1 --pin {PIN} -u {kind.usage}")
    token.run(f"pkcs15-init -X c.pem -i 13 -a 1 --pin {PIN}")
    token.run("pkcs15-tool --read-certificate 13 -o found.pem")
    _compare_certificate(token)
    token.run(f"pkcs15-init -D privkey,pubkey,cert -i 13 -a 1 --pin {PIN}")
    assert "ID" not in token.run(f"pkcs15-tool {PARTS}")
    works("OpenSC", "`pkcs15-init` brings a key with its certificate", kind.label)


@of_kinds_in_a_reader([RSA_2048, P_256], by_pcscd=[P_256])
def test_objects_written_by_pkcs11(token: Tool, kind: Kind, works: Works) -> None:
    _make_certificate(token, kind)
    token.run(f"{LOGIN} --write-object k.pem --type privkey --id 14 --label k")
    token.run(f"{LOGIN} --write-object c.der --type cert --id 14 --label c")
    token.run(f"{LOGIN} --read-object --type cert --id 14 -o found.der")
    token.run("openssl x509 -inform DER -in found.der -out found.pem")
    _compare_certificate(token)
    for part in ("privkey", "cert"):
        token.run(f"{LOGIN} --delete-object --type {part} --id 14")
    assert "ID" not in token.run(f"pkcs15-tool {PARTS}")
    works("OpenSC", "`pkcs11-tool` brings a key and its certificate", kind.label)


def _make_certificate(token: Tool, kind: Kind) -> None:
    bring_key(token, kind)
    token.run("openssl req -x509 -key k.pem -subj /CN=holder -out c.pem")
    token.run("openssl x509 -in c.pem -outform DER -out c.der")


def _compare_certificate(token: Tool) -> None:
    token.run("openssl x509 -in found.pem -outform DER -out found.der")
    assert token.read("found.der") == token.read("c.der")
