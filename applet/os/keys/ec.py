"""Elliptic-curve keys on P-256 and P-384: ECDSA over a digest, and ECDH."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from apdu.status import SW
from applet.os.errors import CardError, refuse_unless

CURVES: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1()}
"""The curves that the chip knows, by the bits of their field."""

_ECDSA = {
    256: ec.ECDSA(utils.Prehashed(hashes.SHA256())),
    384: ec.ECDSA(utils.Prehashed(hashes.SHA384())),
}
_LONGEST_DIGEST = 64


class EcKey:
    """One key pair on a curve, both halves as `cryptography` has them.

    `size` is the bytes of a field element.
    """

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.private = private
        self.public = private.public_key()
        self.bits = private.key_size
        self.size = self.bits // 8
        self._ecdsa = _ECDSA[self.bits]

    @property
    def point(self) -> bytes:
        """The public point, uncompressed: 04 x y."""
        return self.public.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def sign(self, digest: bytes) -> bytes:
        """ECDSA over a digest: DER SEQUENCE of r and s."""
        if len(digest) != self.size:
            digest = self._fit(digest)
        return self.private.sign(digest, self._ecdsa)

    def verify(self, signature: bytes, digest: bytes) -> bool:
        """Whether this is an ECDSA signature (DER) over the digest."""
        try:
            self.public.verify(signature, self._fit(digest), self._ecdsa)
        except InvalidSignature:
            return False
        return True

    def agree(self, point: bytes) -> bytes:
        """ECDH with the other side's point (04 x y): the bare x coordinate; 6A80 off the curve."""
        try:
            other = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[self.bits], point)
        except ValueError:
            raise CardError(SW.WRONG_DATA) from None
        return self.private.exchange(ec.ECDH(), other)

    def to_memory(self) -> bytes:
        """The key as its memory cell holds it (PKCS#8 DER)."""
        return self.private.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def _fit(self, digest: bytes) -> bytes:
        """A longer digest is cut on the right, a shorter one gets zeros in front (SEC 1 §4.1.3)."""
        refuse_unless(0 < len(digest) <= _LONGEST_DIGEST, SW.WRONG_LENGTH)
        return digest[: self.size].rjust(self.size, b"\x00")
