"""What a PIV application has: its management key, keys and certificates, Yubico's additions."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from apdu.errors import ApduError
from apdu.piv import (
    DynamicAuthentication,
    PivINS,
    build_dynamic_authentication,
    build_object_request,
    parse_dynamic_authentication,
    parse_object_answer,
)
from apdu.pivedge import CERTIFICATES, MANAGEMENT, SLOTS
from apdu.tlv import find, parse_tlvs
from host.conformance.asking import Asking
from host.link import ALL
from vectors.cipher import MANAGEMENT_KEY, encipher

_ALGORITHM_AND_KEY = 0x0300 | MANAGEMENT
"""3DES, and the reference of the management key (SP 800-78-4 table 6-2)."""
_WHOLE = 0x3FFF
_USUAL = SLOTS[:4]
_CERTIFICATE = 0x70
_NEEDS = ("piv", "piv-management", "piv-keys-ec", "piv-certificates", "piv-yubico")


def survey_piv(ask: Asking, values: Mapping[str, bytes], *, has_piv: bool) -> dict[str, str]:
    """Why each need of PIV but those of its PINs is not met, or nothing; it is selected."""
    if not has_piv:
        return dict.fromkeys(_NEEDS, "the card does not have the PIV application")
    certificates = {slot: _certificate(ask, CERTIFICATES[slot]) for slot in _USUAL}
    return {
        "piv": "",
        "piv-management": _why_no_management(ask, values.get(MANAGEMENT_KEY)),
        "piv-certificates": _first_without(certificates, "the card gives no certificate for slot"),
        "piv-keys-ec": _first_without(
            {slot: _is_p256(found) for slot, found in certificates.items()},
            "no certificate shows a P-256 key in slot",
        ),
        "piv-yubico": _why_not_yubico(ask),
    }


def _first_without(slots: Mapping[int, object], words: str) -> str:
    return next((f"{words} {slot:02X}" for slot, there in slots.items() if not there), "")


def _why_not_yubico(ask: Asking) -> str:
    said = ask.command(PivINS.GET_VERSION, 0, le=ALL)
    return "" if said.ok and len(said.data) == 3 else "the card does not tell Yubico's version"


def _why_no_management(ask: Asking, key: bytes | None) -> str:
    """Prove that we have the key (SP 800-73-4 part 2 appendix A.1). A wrong one costs nothing."""
    if key is None:
        return "PIV's management key was not given"
    asked = build_dynamic_authentication(DynamicAuthentication(challenge=b""))
    said = ask.command(PivINS.GENERAL_AUTHENTICATE, _ALGORITHM_AND_KEY, asked, 256)
    try:
        challenge = parse_dynamic_authentication(said.data).challenge or b""
        proof = DynamicAuthentication(response=encipher(key, challenge))
    except (ApduError, ValueError):
        return "PIV's management key is no key for 3DES"
    proved = build_dynamic_authentication(proof)
    if ask.command(PivINS.GENERAL_AUTHENTICATE, _ALGORITHM_AND_KEY, proved).ok:
        return ""
    return "PIV's management key that was given is refused"


def _certificate(ask: Asking, tag: int) -> x509.Certificate | None:
    said = ask.command(PivINS.GET_DATA, _WHOLE, build_object_request(tag), 256)
    try:
        content = parse_object_answer(tag, said.data).content
        return x509.load_der_x509_certificate(find(parse_tlvs(content), _CERTIFICATE) or b"")
    except (ApduError, ValueError, x509.InvalidVersion):
        return None


def _is_p256(certificate: x509.Certificate | None) -> bool:
    try:
        key = certificate.public_key() if certificate else None
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
