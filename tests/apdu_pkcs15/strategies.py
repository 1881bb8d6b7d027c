"""Entries that the writer can write, for hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from apdu.pkcs15.entries import (
    DIRECTORY_NAMES,
    KEY_ACCESS,
    KEY_USAGES,
    PIN_FLAGS,
    CertificateEntry,
    PinEntry,
    PrivateKeyEntry,
    PublicKeyEntry,
    TokenInfo,
)

labels = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
identifiers = st.binary(min_size=1, max_size=255)
paths = st.lists(st.binary(min_size=2, max_size=2), min_size=1, max_size=8).map(b"".join)
bits = st.integers(1, 16384)
lengths = st.integers(0, 255)


def some_of(names: Sequence[str]) -> st.SearchStrategy[frozenset[str]]:
    """Any of the names, and none."""
    return st.frozensets(st.sampled_from(names))


token_infos = st.builds(
    TokenInfo, serial=st.binary(min_size=1, max_size=20), manufacturer=labels, label=labels
)
pins = st.builds(
    PinEntry,
    label=labels,
    id=identifiers,
    reference=st.integers(0, 255),
    flags=some_of(PIN_FLAGS),
    path=paths | st.just(b""),
    min_length=lengths,
    stored_length=lengths,
    max_length=lengths,
    pad_char=st.integers(0, 255),
    auth_id=identifiers | st.just(b""),
)
private_keys = st.builds(
    PrivateKeyEntry,
    label=labels,
    id=identifiers,
    path=paths,
    reference=st.none() | st.integers(0, 255),
    kind=st.sampled_from(("rsa", "ec")),
    bits=bits | st.sampled_from((256, 384)),
    usage=some_of(KEY_USAGES),
    auth_id=identifiers | st.just(b""),
    user_consent=st.none() | st.integers(1, 10),
    access=some_of(KEY_ACCESS),
)
public_keys = st.builds(
    PublicKeyEntry,
    label=labels,
    id=identifiers,
    path=paths,
    kind=st.just("rsa"),
    bits=bits,
    usage=some_of(KEY_USAGES),
) | st.builds(
    PublicKeyEntry,
    label=labels,
    id=identifiers,
    path=paths,
    kind=st.just("ec"),
    bits=st.none(),
    usage=some_of(KEY_USAGES),
)
certificates = st.builds(
    CertificateEntry, label=labels, id=identifiers, path=paths, authority=st.booleans()
)
directories = st.dictionaries(st.sampled_from(DIRECTORY_NAMES), paths)
unwritten = st.sampled_from((b"\x00", b"\xff")).flatmap(
    lambda filler: st.integers(0, 300).map(lambda size: filler * size)
)
