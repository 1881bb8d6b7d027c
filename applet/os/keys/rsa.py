"""RSA keys: sign, decipher, and the bare operation by the Chinese remainder theorem.

A block that is PKCS#1 v1.5 type 1 goes to OpenSSL (several times as fast); any other block, PSS or
a raw cryptogram, goes through gmpy2's side-channel-silent exponentiation, and its result is
checked with the public exponent before it leaves, so that a fault cannot give a factor away.
"""

from __future__ import annotations

from functools import cached_property

import gmpy2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from apdu.rsaencoding import type_1_payload
from apdu.status import SW
from applet.os.errors import CardError, refuse_unless

_PKCS1 = padding.PKCS1v15()
_AS_GIVEN = utils.NoDigestInfo()
_OVERHEAD = 11
"""Bytes that PKCS#1 v1.5 padding needs at least (RFC 8017 §7.2.1)."""


class _Crt:
    """The numbers of the private operation, as gmpy2 wants them."""

    __slots__ = ("dp", "dq", "e", "n", "p", "q", "q_inverse")

    def __init__(self, numbers: rsa.RSAPrivateNumbers) -> None:
        self.p, self.q = gmpy2.mpz(numbers.p), gmpy2.mpz(numbers.q)
        self.dp, self.dq = gmpy2.mpz(numbers.dmp1), gmpy2.mpz(numbers.dmq1)
        self.q_inverse = gmpy2.mpz(numbers.iqmp)
        self.n, self.e = self.p * self.q, gmpy2.mpz(numbers.public_numbers.e)

    def power(self, value: int) -> int:
        """Raise to the private exponent, modulo n."""
        base = gmpy2.mpz(value)
        by_p = gmpy2.powmod_sec(base, self.dp, self.p)
        by_q = gmpy2.powmod_sec(base, self.dq, self.q)
        result = by_q + (by_p - by_q) * self.q_inverse % self.p * self.q
        if gmpy2.powmod(result, self.e, self.n) != base:
            raise CardError(SW.MEMORY_FAILURE)
        return int(result)


class RsaKey:
    """One RSA key pair, both halves as `cryptography` has them.

    Blocks and results have the length of the modulus, `size` bytes.
    """

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self.private = private
        self.public = private.public_key()
        self.bits = private.key_size
        self.size = -(-self.bits // 8)

    @cached_property
    def modulus(self) -> bytes:
        """The modulus, as many bytes as the key has."""
        return self.public.public_numbers().n.to_bytes(self.size, "big")

    @property
    def exponent(self) -> bytes:
        """The public exponent, without leading zeros."""
        e = self.public.public_numbers().e
        return e.to_bytes(-(-e.bit_length() // 8), "big")

    def sign(self, payload: bytes) -> bytes:
        """PKCS#1 v1.5 signature over a payload, a DigestInfo as a rule, taken as given."""
        refuse_unless(len(payload) <= self.size - _OVERHEAD, SW.WRONG_LENGTH)
        if not payload:
            padded = b"\x00\x01" + b"\xff" * (self.size - 3) + b"\x00"
            return self._power(padded)
        return self.private.sign(payload, _PKCS1, _AS_GIVEN)

    def sign_block(self, block: bytes) -> bytes:
        """The private operation on a whole block, shorter ones padded with zeros on the left."""
        block = self.full_block(block)
        payload = type_1_payload(block)
        if payload:
            return self.private.sign(payload, _PKCS1, _AS_GIVEN)
        return self._power(block)

    def decipher_block(self, block: bytes) -> bytes:
        """The private operation on a cryptogram; the padded plain block comes back."""
        return self._power(self.full_block(block))

    def decipher(self, cryptogram: bytes) -> bytes:
        """PKCS#1 v1.5 decipherment; a wrong padding gives random bytes (implicit rejection)."""
        refuse_unless(len(cryptogram) == self.size, SW.WRONG_LENGTH)
        try:
            return self.private.decrypt(cryptogram, _PKCS1)
        except ValueError:
            raise CardError(SW.WRONG_DATA) from None

    def encipher(self, plain: bytes) -> bytes:
        """PKCS#1 v1.5 encipherment with the public key, of up to size - 11 bytes."""
        refuse_unless(len(plain) <= self.size - _OVERHEAD, SW.WRONG_LENGTH)
        return self.public.encrypt(plain, _PKCS1)

    def verify(self, signature: bytes, payload: bytes) -> bool:
        """Whether this is the PKCS#1 v1.5 signature over the payload, taken as given."""
        if len(signature) != self.size or len(payload) > self.size - _OVERHEAD:
            return False
        numbers = self.public.public_numbers()
        value = int.from_bytes(signature, "big")
        if value >= numbers.n:
            return False
        block = pow(value, numbers.e, numbers.n).to_bytes(self.size, "big")
        return type_1_payload(block) == payload

    def to_memory(self) -> bytes:
        """The key as its memory cell holds it (PKCS#8 DER)."""
        return self.private.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def full_block(self, block: bytes) -> bytes:
        """A block of the modulus' length; 6700 when it is longer, 6A80 when it is not below it."""
        refuse_unless(0 < len(block) <= self.size, SW.WRONG_LENGTH)
        block = block.rjust(self.size, b"\x00")
        refuse_unless(block < self.modulus, SW.WRONG_DATA)
        return block

    def _power(self, block: bytes) -> bytes:
        return self._crt.power(int.from_bytes(block, "big")).to_bytes(self.size, "big")

    @cached_property
    def _crt(self) -> _Crt:
        return _Crt(self.private.private_numbers())
