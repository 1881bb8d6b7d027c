"""The kinds of keys, and what each must be able to do, with `openssl` as the judge."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from cryptography_vectors import open_vector_file

from tests.clients.cards import PIN
from tests.clients.tool import Tool
from tests.clients.ways import PCSCD, SERVICE, WAYS

ORDER = b"Pay 12,345.67 to account 6222 0000 1234 5678\n"
SESSION_KEY = bytes(range(32))


class Kind(NamedTuple):
    """A kind of key as OpenSC and openssl name it."""

    opensc: str
    pkcs11: str
    openssl: str

    @property
    def rsa(self) -> bool:
        return self.opensc.startswith("rsa")

    @property
    def label(self) -> str:
        """As the documentation writes it."""
        known = {"EC:prime256v1": "P-256", "EC:secp384r1": "P-384"}
        return known.get(self.pkcs11, self.pkcs11.upper().replace(":", "-"))

    @property
    def usage(self) -> str:
        return "sign,decrypt" if self.rsa else "digitalSignature,keyAgreement"


def _rsa(bits: int) -> Kind:
    return Kind(f"rsa/{bits}", f"rsa:{bits}", f"RSA -pkeyopt rsa_keygen_bits:{bits}")


def _ec(curve: str, openssl: str) -> Kind:
    return Kind(f"ec/{curve}", f"EC:{curve}", f"EC -pkeyopt ec_paramgen_curve:{openssl}")


RSA_1024, RSA_2048, RSA_3072, RSA_4096 = map(_rsa, (1024, 2048, 3072, 4096))
P_256, P_384 = _ec("prime256v1", "P-256"), _ec("secp384r1", "P-384")
KINDS = [RSA_1024, RSA_2048, RSA_3072, RSA_4096, P_256, P_384]
QUICK = [RSA_1024, RSA_2048, P_256, P_384]
"""Those that are made in no time."""

ORIGIN = {RSA_4096: "x509/custom/ca/rsa_key.pem"}
"""Keys of the published test vectors, for kinds that take seconds to make."""


def of_kinds(kinds: list[Kind]) -> pytest.MarkDecorator:
    """Run a test for each of the kinds."""
    return pytest.mark.parametrize("kind", kinds, ids=_name)


def of_kinds_in_a_reader(kinds: list[Kind], *, by_pcscd: list[Kind]) -> pytest.MarkDecorator:
    """Run a test for each of the kinds through our service, and for some through pcscd as well."""
    cases = [(SERVICE, kind) for kind in kinds]
    if PCSCD in WAYS:
        cases += [(PCSCD, kind) for kind in by_pcscd]
    return pytest.mark.parametrize(("way", "kind"), cases, indirect=["way"], ids=_name)


def _name(value: str | Kind) -> str:
    return value.pkcs11 if isinstance(value, Kind) else value


def bring_key(tool: Tool, kind: Kind) -> None:
    """Leave a private key that was made off the card in `k.pem`."""
    if kind in ORIGIN:
        with open_vector_file(ORIGIN[kind], "rb") as pem:
            tool.write("k.pem", pem.read())
    else:
        tool.run(f"openssl genpkey -quiet -algorithm {kind.openssl} -out k.pem")


def check_every_use(token: Tool, kind: Kind, ident: str) -> None:
    """All a key can do by PKCS#11. Its public key is taken from the card for `openssl`."""
    token.run(f"pkcs15-tool --read-public-key {ident} -o public.pem")
    if kind.rsa:
        check_rsa_signatures(token, ident)
        check_deciphering(token, ident)
    else:
        check_ecdsa(token, ident)
        check_agreement(token, kind, ident)


def check_rsa_signatures(token: Tool, ident: str) -> None:
    """PKCS#1 v1.5 and PSS, as `openssl` sees them."""
    pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"
    for mechanism, options in (("SHA256-RSA-PKCS", ""), ("SHA256-RSA-PKCS-PSS", pss)):
        _sign(token, ident, mechanism)
        _verify(token, options)


def check_ecdsa(token: Tool, ident: str) -> None:
    """ECDSA in the form of X.509."""
    _sign(token, ident, "ECDSA-SHA256 --signature-format openssl")
    _verify(token, "")


def check_deciphering(token: Tool, ident: str) -> None:
    """PKCS#1 v1.5 and OAEP, enciphered by `openssl`."""
    token.write("key.bin", SESSION_KEY)
    oaep = "rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"
    for mechanism, padding in (
        ("RSA-PKCS", "rsa_padding_mode:pkcs1"),
        ("RSA-PKCS-OAEP --hash-algorithm SHA256", oaep),
    ):
        token.run(
            "openssl pkeyutl -encrypt -pubin -inkey public.pem "
            f"-pkeyopt {padding} -in key.bin -out secret.bin"
        )
        token.run(
            f"pkcs11-tool -l -p {PIN} --decrypt -m {mechanism} --id {ident} "
            "-i secret.bin -o plain.bin"
        )
        assert token.read("plain.bin") == SESSION_KEY


def check_agreement(token: Tool, kind: Kind, ident: str) -> None:
    """The shared secret is the one that `openssl` finds from the other side."""
    token.run(f"openssl genpkey -quiet -algorithm {kind.openssl} -out peer.pem")
    token.run("openssl pkey -in peer.pem -pubout -outform DER -out peer.der")
    token.run(
        f"pkcs11-tool -l -p {PIN} --derive -m ECDH1-DERIVE --id {ident} -i peer.der -o shared.bin"
    )
    token.run("openssl pkeyutl -derive -inkey peer.pem -peerkey public.pem -out expected.bin")
    assert token.read("shared.bin") == token.read("expected.bin")


def _sign(token: Tool, ident: str, mechanism: str) -> None:
    token.write("order.txt", ORDER)
    token.run(
        f"pkcs11-tool -l -p {PIN} -s -m {mechanism} --id {ident} -i order.txt -o signature.bin"
    )


def _verify(token: Tool, options: str) -> None:
    token.see(
        f"openssl dgst -sha256 -verify public.pem {options} -signature signature.bin order.txt",
        "Verified OK",
    )
