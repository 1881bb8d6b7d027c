"""Keys that a token is to have, in the words of those who ask for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from apdu.edge import Consent
from host.errors import UnsupportedError
from host.manage import KEY_TYPES
from host.usage import Usage, check_usage

_USES: Mapping[str, Usage] = MappingProxyType(
    {
        "sign": Usage.SIGN | Usage.AUTHENTICATE,
        "decipher": Usage.DECIPHER,
        "derive": Usage.DERIVE,
    }
)
_CONSENTS: Mapping[str, Consent] = MappingProxyType(
    {consent.name.lower(): consent for consent in Consent}
)


@dataclass(frozen=True, slots=True)
class KeySpec:
    """A key to be made: `key_type` as in `host.manage.KEY_TYPES`, what for, and its label.

    `consent` is who has to agree to each use of it.
    """

    key_type: str
    usage: Usage
    label: str
    consent: Consent = Consent.NONE

    def __post_init__(self) -> None:
        if self.key_type not in KEY_TYPES:
            raise UnsupportedError(f"no key {self.key_type!r}; there are {', '.join(KEY_TYPES)}")
        check_usage(self.usage, self.key_type)
        if self.consent is Consent.CONTENT and not self.usage & Usage.SIGN:
            raise UnsupportedError("a key that shows what it signs must be one that signs")

    @property
    def certifies(self) -> bool:
        """Whether it can sign a certificate: nobody can press Confirm where a token is made."""
        return bool(self.usage & Usage.SIGN) and self.consent is Consent.NONE

    @classmethod
    def of(cls, text: str, label: str | None = None, *, generation: int = 1) -> KeySpec:
        """A key as people write it: "rsa2048", for all that it can do, or "rsa2048:sign".

        After the first colon: sign, decipher (RSA) or derive (curves). The label says the same.
        After it, or the next one: none, press or content, who agrees to each use. Without it that
        is nobody; in generation 2 a key that only signs shows what it signs, others want a press.
        """
        key_type, *words = text.split(":")
        uses = [word for word in words[:1] if word in _USES]
        consents = words[len(uses) :]
        if len(consents) > 1 or not all(word in _CONSENTS for word in consents):
            raise UnsupportedError(
                f"{text!r} is no key: after the type comes a use ({', '.join(_USES)}), "
                f"then who agrees to it ({', '.join(_CONSENTS)}); either may be left out"
            )
        if uses:
            spec = cls(key_type, _USES[uses[0]], label or f"{uses[0]} key")
        else:
            spec = cls.all_purpose(key_type, label or f"{key_type} key")
        consent = _CONSENTS[consents[0]] if consents else spec.usual_consent(generation)
        return replace(spec, consent=consent)

    @classmethod
    def all_purpose(cls, key_type: str, label: str) -> KeySpec:
        """A key for everything that its type can do."""
        second = Usage.DECIPHER if key_type.startswith("rsa") else Usage.DERIVE
        return cls(key_type, Usage.SIGN | second | Usage.AUTHENTICATE, label)

    def usual_consent(self, generation: int) -> Consent:
        """Who agrees to the uses of such a key on a token of this generation."""
        if generation == 1:
            return Consent.NONE
        return Consent.CONTENT if self.usage == _USES["sign"] else Consent.PRESS


def usual_keys(key_type: str = "rsa2048", *, generation: int = 1) -> tuple[KeySpec, KeySpec]:
    """One RSA key that signs and one that deciphers, as a bank's token has them."""
    return (
        KeySpec.of(f"{key_type}:sign", generation=generation),
        KeySpec.of(f"{key_type}:decipher", generation=generation),
    )


def listed(keys: Sequence[str]) -> tuple[str, ...]:
    """Keys as people write them. UnsupportedError for a single text, whose letters are no keys."""
    if isinstance(keys, str):
        raise UnsupportedError(f"keys is a list, such as [{keys!r}]")
    return tuple(keys)


def specs(keys: Sequence[str], *, generation: int = 1) -> tuple[KeySpec, ...]:
    """Keys with labels of their own: a second one of the same kind is numbered."""
    found = [KeySpec.of(text, generation=generation) for text in listed(keys)]
    counts: Counter[str] = Counter()
    for place, spec in enumerate(found):
        counts[spec.label] += 1
        if counts[spec.label] > 1:
            found[place] = replace(spec, label=f"{spec.label} {counts[spec.label]}")
    return tuple(found)
