"""Commands that use a key, made ready: everything about them but the data is fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apdu.edge import KEY_FILES, Algorithm, Operation, Use
from apdu.instruction import INS
from apdu.payload import SecurityEnvironment, build_security_environment
from apdu.rsablock import DIGEST_INFO
from host.directory import KeyInfo
from host.link import ALL, build
from host.padding import SignPadding, check_padding, digest_size, pss_block


def environment(key: KeyInfo, use: Use, algorithm: Algorithm) -> bytes:
    """The MSE SET command that prepares a key. Keep it: the link knows it again by identity."""
    data = SecurityEnvironment(algorithm, KEY_FILES | key.reference, 0)
    return build(INS.MSE, use, build_security_environment(data))


def algorithm_of(key: KeyInfo) -> Algorithm:
    """PKCS#1 v1.5 or ECDSA, by the kind of key."""
    return Algorithm.PKCS1 if key.kind == "rsa" else Algorithm.EC


def signature_input(key: KeyInfo, digest: bytes, hash_name: str) -> bytes:
    """What the chip signs for a digest: a DigestInfo, or as much of it as the curve takes."""
    if key.kind == "rsa":
        return DIGEST_INFO[hash_name] + digest
    return digest[: key.size]


@dataclass(frozen=True, slots=True)
class ReadyToSign:
    """A signing command that lacks only the digest, of `length` bytes.

    The command is `head`, digest, Le; or what `encode` makes of the digest where that is not
    enough.
    """

    key: KeyInfo
    environment: bytes
    length: int
    head: bytes
    encode: Callable[[bytes], bytes] | None = None


def ready_to_sign(
    key: KeyInfo, hash_name: str, padding: SignPadding, entropy: Callable[[int], bytes]
) -> ReadyToSign:
    """Prepare signatures by a key. `entropy` gives PSS its salt, as long as the digest."""
    length = digest_size(hash_name)
    check_padding(padding, "pkcs1", "pss")
    if key.kind == "rsa" and padding == "pss":
        raw = environment(key, Use.SIGN, Algorithm.RAW)
        return ReadyToSign(key, raw, length, b"", _pss(key, hash_name, entropy))
    prepared = environment(key, Use.SIGN, algorithm_of(key))
    if key.kind == "ec" and length > key.size:
        return ReadyToSign(key, prepared, length, b"", _cut(key))
    whole = sign_command(signature_input(key, bytes(length), hash_name))
    return ReadyToSign(key, prepared, length, whole[: -length - 1])


def _pss(key: KeyInfo, hash_name: str, entropy: Callable[[int], bytes]) -> Callable[[bytes], bytes]:
    def encode(digest: bytes) -> bytes:
        return sign_command(pss_block(digest, hash_name, entropy(len(digest)), key.bits))

    return encode


def _cut(key: KeyInfo) -> Callable[[bytes], bytes]:
    def encode(digest: bytes) -> bytes:
        return sign_command(digest[: key.size])

    return encode


def sign_command(data: bytes) -> bytes:
    """PSO: compute digital signature; without data, over the last hash made on the card."""
    return build(INS.PSO, Operation.SIGN, data, ALL)
