"""Kinds of things that can be asked for by name."""

from enum import StrEnum


class KeyKind(StrEnum):
    """Kinds of key that a token can have."""

    RSA1024 = "rsa1024"
    RSA2048 = "rsa2048"
    RSA3072 = "rsa3072"
    RSA4096 = "rsa4096"
    P256 = "p256"
    P384 = "p384"


class Face(StrEnum):
    """Where the displays of keys are drawn for people."""

    WEB = "web"
    TERMINAL = "terminal"
    NONE = "none"
