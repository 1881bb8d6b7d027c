"""Values that the codecs can write, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from apdu.atr import Atr, InterfaceBytes
from apdu.command import Command
from apdu.currency import DECIMALS
from apdu.filecontrol import AccessRules, FileControl, FileKind
from apdu.order import RULES, Order, OrderKind
from apdu.payload import (
    AppletInfo,
    Asked,
    Capabilities,
    ConsentReport,
    ConsentSettings,
    Cryptogram,
    EcdhRequest,
    FormatCard,
    GenerateKey,
    HiddenFields,
    Language,
    Outcome,
    PinChange,
    PinRecord,
    PinStatus,
    SecurityEnvironment,
    SignatureInput,
)
from apdu.response import Response
from apdu.tlv import Tlv

byte = st.integers(0, 0xFF)
short = st.integers(0, 0xFFFF)


def exactly(size: int) -> st.SearchStrategy[bytes]:
    """Byte strings of this size."""
    return st.binary(min_size=size, max_size=size)


_header = {"cla": byte, "ins": byte, "p1": byte, "p2": byte}
_short_commands = st.builds(
    Command,
    **_header,
    data=st.binary(max_size=255),
    le=st.integers(0, 256),
    extended=st.just(False),
)
_extended_commands = st.builds(
    Command,
    **_header,
    data=st.binary(max_size=600) | st.integers(0, 65535).map(bytes),
    le=st.sampled_from((0, 1, 255, 256, 257, 65535, 65536)) | st.integers(0, 65536),
    extended=st.just(True),
).filter(lambda command: command.data or command.le)
commands = _short_commands | _extended_commands

responses = st.builds(Response, data=st.binary(max_size=300), sw=short)

_one_byte_tags = st.integers(0x01, 0xFE).filter(lambda tag: tag & 0x1F != 0x1F)
_leading = st.sampled_from([0x1F, 0x3F, 0x5F, 0x7F, 0x9F, 0xBF, 0xDF])
_two_byte_tags = st.builds(lambda a, b: a << 8 | b, _leading, st.integers(0x1F, 0x7F))
_three_byte_tags = st.builds(
    lambda a, b, c: a << 16 | b << 8 | c, _leading, st.integers(0x81, 0xFF), st.integers(0, 0x7F)
)
tags = _one_byte_tags | _two_byte_tags | _three_byte_tags
_values = st.binary(max_size=40) | st.sampled_from((127, 128, 255, 256, 65535, 65536)).map(bytes)


def _needed(value: bytes) -> int:
    return next(n for n, most in enumerate((0x7F, 0xFF, 0xFFFF, 0xFFFFFF), 1) if len(value) <= most)


@st.composite
def _tlv(draw: st.DrawFn, tag: st.SearchStrategy[int] = tags) -> Tlv:
    value = draw(_values)
    width = draw(st.sampled_from([0, *range(_needed(value) + 1, 6)]))
    return Tlv(draw(tag), value, width)


tlv = _tlv()
tlv_lists = st.lists(tlv, max_size=5).map(tuple)


@st.composite
def _atr(draw: st.DrawFn) -> Atr:
    present = draw(st.integers(0, 15))
    groups: list[InterfaceBytes] = []
    while present:
        following = draw(st.integers(0, 15)) if present & 8 and len(groups) < 3 else 0
        td = following << 4 | draw(st.integers(0, 15)) if present & 8 else None
        ta, tb, tc = (draw(byte) if present & bit else None for bit in (1, 2, 4))
        groups.append(InterfaceBytes(ta, tb, tc, td))
        present = following
    room = 30 - sum(group.present.bit_count() for group in groups)
    historical = draw(st.binary(max_size=min(15, room)))
    return Atr(draw(st.sampled_from((0x3B, 0x3F))), tuple(groups), historical)


atrs = _atr()

nibble = st.integers(0, 15)
access_rules = st.builds(
    AccessRules, first=nibble, second=nibble, third=nibble, fourth=nibble, rest=byte
)

_myeid_control = st.builds(
    FileControl.of,
    st.sampled_from((0x62, 0x64, 0x6F)),
    size_tag=st.sampled_from((0x80, 0x81)),
    size=short,
    kind=st.sampled_from(FileKind),
    fid=short,
    access=exactly(3),
    proprietary=st.binary(max_size=4),
    life_cycle=byte,
    name=st.binary(max_size=16),
    usage=st.none() | byte,
    consent=st.none() | byte,
)


def _object(tag: int, *sizes: int) -> st.SearchStrategy[Tlv]:
    value = st.binary(min_size=sizes[0], max_size=sizes[-1])
    return value.map(lambda value: Tlv(tag, value))


_any_control = st.builds(
    FileControl,
    st.sampled_from((0x62, 0x64, 0x6F)),
    st.lists(
        st.one_of(
            _object(0x80, 1, 8),
            _object(0x82, 1, 6),
            _object(0x83, 2),
            _object(0x84, 1, 16),
            _object(0x8A, 1),
            _object(0x86, 0, 5),
            _object(0xC1, 0, 200),
        ),
        max_size=6,
    ).map(tuple),
)
file_controls = _myeid_control | _any_control

pin_records = st.builds(
    PinRecord, pin=exactly(8), puk=exactly(8), tries=byte, puk_tries=byte, flags=byte
)
pin_changes = st.builds(PinChange, old=exactly(8), new=exactly(8))
pin_statuses = st.builds(PinStatus, byte, byte, byte, byte, byte)
pins = st.binary(max_size=8).filter(lambda pin: not pin.endswith(b"\xff"))
format_cards = st.builds(FormatCard, size=short, mf_access=exactly(3), df_access=exactly(3))
applet_infos = st.builds(
    AppletInfo,
    major=byte,
    minor=byte,
    patch=byte,
    serial=exactly(10),
    change_counter=short,
    free=exactly(5),
)
capabilities = st.builds(
    Capabilities, features=short, max_rsa=short, max_des=short, max_aes=short, max_ec=short
)


@st.composite
def _environment(draw: st.DrawFn) -> SecurityEnvironment:
    algorithm = draw(st.none() | byte)
    key_file = draw(st.none() | short)
    reference = draw(st.none() | byte)
    present: list[int] = []
    present += [0x80] * (algorithm is not None) + [0x81] * (key_file is not None)
    present += [draw(st.sampled_from((0x83, 0x84)))] * (reference is not None)
    order = tuple(draw(st.permutations(present)))
    usual = tuple(tag for tag in (0x80, 0x81, 0x84) if tag in present)
    return SecurityEnvironment(algorithm, key_file, reference, () if order == usual else order)


security_environments = _environment()
signature_inputs = st.builds(SignatureInput, st.binary(max_size=300)) | st.builds(
    SignatureInput,
    st.binary(max_size=300),
    st.binary(max_size=80),
    st.sampled_from([(), (0x9A, 0x9E)]),
)
generate_keys = st.builds(GenerateKey, st.none() | st.integers(1, 2**1100))
cryptograms = st.builds(Cryptogram, byte, st.binary(max_size=300))
consent_settings = st.builds(
    ConsentSettings,
    seconds=st.integers(1, 900),
    language=st.sampled_from(Language),
    asked=st.sampled_from([Asked(bits) for bits in range(8)]),
    hidden=st.sampled_from(HiddenFields),
)
consent_reports = st.builds(
    ConsentReport, st.sampled_from(Outcome), st.text(st.characters(codec="utf-8"), max_size=80)
)
ecdh_requests = st.builds(EcdhRequest, st.binary(max_size=300))


_hanzi = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
text = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E) | _hanzi, min_size=1, max_size=70
)
account = st.from_regex(r"\A[0-9A-Z]{4,34}\Z")

order_fields: dict[str, st.SearchStrategy[object]] = {
    "payer": account,
    "payee": text,
    "payee_account": account,
    "amount": st.integers(1, 999_999_999),
    "currency": st.sampled_from(sorted(DECIMALS)),
    "number": st.from_regex(r"\A[0-9A-Za-z][0-9A-Za-z./_-]{0,31}\Z"),
    "time": st.datetimes().map(lambda moment: f"{moment:%Y%m%d%H%M%S}".rjust(14, "0") + "Z"),
    "party": text,
    "text": text,
    "document": st.binary(min_size=32, max_size=32),
    "challenge": st.binary(min_size=8, max_size=32),
}


@st.composite
def _orders(draw: st.DrawFn) -> Order:
    """Orders of every kind, with what the kind needs and some of what it may have."""
    kind = draw(st.sampled_from(OrderKind))
    rule = RULES[kind]
    names = set(rule.needs) | {name for name in rule.may if draw(st.booleans())}
    if {"amount", "currency"} & names:
        names |= {"amount", "currency"}
    return Order(kind, **{name: draw(order_fields[name]) for name in sorted(names)})  # type: ignore[arg-type]


orders = _orders()


def damaged(raw: bytes) -> st.SearchStrategy[bytes]:
    """These bytes with some of them changed, left out, doubled, or more at the end."""
    place = st.integers(0, max(len(raw) - 1, 0))

    def change(at: int, count: int, new: bytes) -> bytes:
        return raw[:at] + new + raw[at + count :]

    return st.builds(change, place, st.integers(0, 3), st.binary(max_size=3))
