"""Messages that are not shown, and why: nothing of them is on the display, nothing is signed."""

from __future__ import annotations

import pytest

from apdu.payload import HiddenFields, Language
from apdu.tlv import Tlv, build_tlv, build_tlvs
from applet.message.registry import statement_of
from applet.message.shown import MessageError
from tests.message import samples


def reason(message: bytes, hidden: HiddenFields = HiddenFields.REFUSED) -> str:
    with pytest.raises(MessageError) as refusal:
        statement_of(message, Language.EN_US, hidden)
    return str(refusal.value)


def order(*changes: tuple[int, bytes | None], extra: bytes = b"") -> bytes:
    """The transfer of the samples with fields changed, by tag, or left out."""
    fields = {
        0x81: b"\x01",
        0x82: b"6222021234567890123",
        0x83: "李雷".encode(),
        0x84: b"88880000",
        0x85: b"\x64",
        0x86: b"CNY",
        0x87: b"A1",
        0x88: b"20260314172500+0800",
    }
    fields |= {tag: value for tag, value in changes if value is not None}
    for tag, value in changes:
        if value is None:
            del fields[tag]
    return build_tlv(0x7F55, build_tlvs(*(Tlv(*each) for each in sorted(fields.items()))) + extra)


def test_the_order_itself_is_right() -> None:
    assert samples.screens(order())[0][0] == "Transfer"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (order((0x9F55, b"x")), "the field 9F55 is not known"),
        (order((0x8D, b"x")), "the field 8D is not known"),
        (order((0xA1, b"")), "the field A1 is not known"),
        (order(extra=build_tlv(0x88, b"20260314172500Z")), "time is there twice"),
        (order((0x88, None), extra=b"\x87\x01x\x88\x0f20260314172500Z"), "number is there twice"),
        (order((0x83, None), extra=build_tlv(0x83, b"x")), "payee is not where"),
        (order((0x83, None), extra=b""), "needs payee"),
        (order((0x81, None)), "does not say its kind"),
        (order((0x81, b"\x09")), "kind is not known"),
        (order((0x81, b"\x00\x01")), "kind is not known"),
        (order((0x89, b"Shop")), "has no party"),
        (order((0x8B, bytes(32))), "has no document"),
        (order((0x82, b"6222 0212")), "payer is not 4 to 34"),
        (order((0x82, b"622202l234")), "payer is not 4 to 34"),
        (order((0x82, "６２２２".encode())), "payer is no ASCII"),
        (order((0x84, b"1" * 35)), "payee account is not 4 to 34"),
        (order((0x85, b"")), "amount is not between"),
        (order((0x85, b"\x00\x64")), "amount has leading zeros"),
        (order((0x85, (10**12).to_bytes(5, "big"))), "amount is not between"),
        (order((0x85, b"\xff" * 16)), "amount is not between"),
        (order((0x86, b"cny")), "currency is not known"),
        (order((0x86, b"XAU")), "currency is not known"),
        (order((0x86, None)), "needs currency"),
        (order((0x87, b"")), "number is not"),
        (order((0x87, b"A" * 33)), "number is not"),
        (order((0x87, b"A 1")), "number is not"),
        (order((0x88, b"20260314172500")), "time is no time"),
        (order((0x88, b"20260230172500Z")), "time is no time"),
        (order((0x88, b"20260314176000Z")), "time is no time"),
        (order((0x83, b"")), "payee has 0 characters"),
        (order((0x83, b"x" * 71)), "payee has 71 characters"),
        (order((0x8A, "字".encode() * 141)), "text has 141 characters"),
        (order((0x8C, bytes(7))), "challenge has 7 bytes"),
        (order((0x83, b"\xff\xfe")), "payee is no UTF-8"),
        (order((0x83, b"\xc0\xaf")), "payee is no UTF-8"),
        (order((0x83, "李雷".encode("gbk"))), "payee is no UTF-8"),
        (order()[:-1], "no BER-TLV"),
        (order() + b"\x00", "one object"),
        (build_tlv(0x7F55, order()[4:], 3), "one object"),
        (build_tlv(0x7F55, b"\x81\x81\x01\x01"), "kind is not where and how"),
        (b"\x7f\x55\x00", "does not say its kind"),
    ],
)
def test_orders(message: bytes, words: str) -> None:
    assert words in reason(message)


SIGNS = {
    "a line break": "\n",
    "a null": "\0",
    "an escape": "\x1b",
    "delete": "\x7f",
    "a control of Latin-1": "\x85",
    "no-break space": "\xa0",
    "soft hyphen": "\xad",
    "right to left": "\u202e",
    "an isolate": "\u2066",
    "a mark of direction": "\u200f",
    "zero width": "\u200b",
    "a joiner": "\u200d",
    "word joiner": "\u2060",
    "a byte order mark": "\ufeff",
    "combining acute": "e\u0301",
    "a combining mark alone": "\u0338",
    "a variation selector": "\u4e00\ufe00",
    "full-width digit": "１",
    "full-width letter": "Ａ",
    "full-width space": "\u3000",
    "Cyrillic": "а",
    "Greek": "Α",
    "a Kangxi radical": "\u2f00",
    "a compatibility ideograph": "\uf900",
    "a rare ideograph": "\U00020000",
    "a ligature": "ﬁ",
    "a superscript": "²",
    "an emoji": "💰",
    "private use": "\ue000",
    "a surrogate's neighbour": "\ud7ff",
    "no character": "\uffff",
    "the display's own sign for a space": "␣",
    "a dotless i": "ı",
    "a minus sign": "\u2212",
    "a division slash": "\u2215",
}


@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS.keys())
def test_characters_without_a_glyph(sign: str) -> None:
    text = f"Li{sign}Lei"
    assert "which the display does not show" in reason(order((0x83, text.encode())))
    assert reason(f"<T><D><M><k>a</k><v>{text}</v></M></D></T>".encode())
    assert reason(f"a:{text};".encode())


@pytest.mark.parametrize("text", [" Li", "Li ", "Li  Lei", " "])
def test_spaces_that_nobody_sees(text: str) -> None:
    assert "spaces that would not be seen" in reason(order((0x83, text.encode())))
    assert "spaces that would not be seen" in reason(f"a:{text}".encode())


def trade(inside: str, head: str = "") -> bytes:
    return f"{head}<TradeData>{inside}</TradeData>".encode()


FIELD = '<field name="a" value="b" DisplayOnScreen="TRUE"/>'
LAUGHS = (
    '<!DOCTYPE TradeData [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (trade(FIELD, LAUGHS), "references other than"),
        (trade(FIELD, '<!DOCTYPE TradeData SYSTEM "file:///etc/passwd">'), "a document type"),
        (trade(FIELD, "<!DOCTYPE TradeData>"), "a document type"),
        (trade(FIELD, '<?xml-stylesheet href="x"?>'), "a processing instruction"),
        (trade(FIELD + "<?x y?>"), "a processing instruction"),
        (trade(FIELD + "<!-- x -->"), "a comment"),
        (trade("<![CDATA[ ]]>"), "a CDATA section"),
        (trade(FIELD.replace('"b"', '"&#98;"')), "references other than"),
        (trade(FIELD.replace('"b"', '"&#x202e;"')), "references other than"),
        (trade(FIELD.replace('"b"', '"&nbsp;"')), "references other than"),
        (trade(FIELD.replace('"b"', '"b\n"')), "line breaks within a tag"),
        (trade(FIELD.replace('"b"', '"b>\n"')), "line breaks within a tag"),
        (trade(FIELD.replace('"b"', '"b\tc"')), "line breaks within a tag"),
        (trade(FIELD.replace('"b"', '"' + "b" * 201 + '"')), "field 1 has 201 characters"),
        (trade(FIELD.replace('"a"', '"' + "a" * 41 + '"')), "the label of field 1 has 41"),
        (trade(FIELD.replace('"a"', '""')), "field 1 has no label"),
        (trade(FIELD.replace("/>", ' extra="1"/>')), "other attributes"),
        (trade(FIELD.replace(' value="b"', "")), "other attributes"),
        (trade(FIELD.replace("/>", ' name="c"/>')), "duplicate attribute"),
        (trade(FIELD.replace("TRUE", "true")), "neither TRUE nor FALSE"),
        (trade(FIELD.replace("TRUE", "FALSE")), "nothing to show"),
        (trade(FIELD + FIELD.replace("TRUE", "FALSE")), "1 of the fields would be signed"),
        (trade(FIELD.replace("field", "Field")), "element 1 is no empty element field"),
        (trade(FIELD.replace("/>", ">x</field>")), "element 1 is no empty element field"),
        (trade(FIELD * 61), "there are 61 fields"),
        (trade(FIELD * 300), "more elements than are shown"),
        (trade(FIELD + "text"), "text beside elements"),
        (trade(""), "nothing to show"),
        (trade("text"), "TradeData has fields only"),
        (b'<TradeData a="1"/>', "TradeData has fields only"),
        (trade(FIELD) + b"x", "no XML"),
        (trade(FIELD)[:-1], "no XML"),
        (trade(FIELD) * 2, "no XML"),
        (b"<Trade/>", "none of TradeData, T"),
        (b"<a:TradeData/>", "none of TradeData, T"),
        (b"<" * 100, "no XML"),
        (b"<a>" * 100, "more elements than are shown"),
        (trade(FIELD, '<?xml version="1.0" encoding="UTF-16"?>'), "the encoding is none of"),
        (trade(FIELD, '<?xml version="1.0" encoding="latin-1"?>'), "the encoding is none of"),
        (trade(FIELD, '<?xml version="1.1"?>'), "a declaration that is not read"),
        (trade(FIELD, '<?xml version="1.0" standalone="no"?>'), "a declaration that is not read"),
        (trade(FIELD.replace("b", "\xff")).replace(b"\xc3\xbf", b"\xff"), "is no UTF-8"),
        (samples.tradedata("GBK").replace(b"GBK", b"UTF-8"), "is no UTF-8"),
        (samples.tradedata("UTF-8").replace(b"UTF-8", b"GBK", 1)[:-40], "GBK"),
        (trade(" " * 17000 + FIELD), "17073 bytes"),
        (b"\xef\xbb\xbf" + trade(FIELD), "is not written label:value"),
        (b"<T><E></E></T>", "T has D"),
        (b"<T><D></D><D></D></T>", "T has D"),
        (b"<T><E></E><D></D></T>", "T has D"),
        (b"<T><D/></T>", "nothing to show"),
        (b"<T><D><M><v>b</v><k>a</k></M></D></T>", "D and E have M only"),
        (b"<T><D><M><k>a</k></M></D></T>", "D and E have M only"),
        (b"<T><D><N><k>a</k><v>b</v></N></D></T>", "D and E have M only"),
        (b"<T><D>text<M><k>a</k><v>b</v></M></D></T>", "text beside elements"),
        (b"<T><D><M><k>a</k><v>b<w/></v></M></D></T>", "more elements than are shown"),
        (b'<T><D><M><k x="1">a</k><v>b</v></M></D></T>', "hold text only"),
        (b'<T x="1"><D><M><k>a</k><v>b</v></M></D></T>', "neither attributes nor text"),
        (b"<T><D><M><k></k><v>b</v></M></D></T>", "field 1 has no label"),
        (b"<T><D><M><k>a</k><v>b</v></M></D><E><M><k/><v/></M></E></T>", "1 of the fields"),
        (b"", "there are 0 fields"),
        (b"no colon", "is not written label:value"),
        (b":b", "is not written label:value"),
        (b"a:b;;c:d", "field 2 is not written label:value"),
        (b"a:b\r\r\n", "U+000D"),
        (b"a:1;" * 61, "61 fields"),
        (b"a:" + b"b" * 201, "field 1 has 201"),
        (b"a:\xff", "is no GB18030"),
        (b"a:\x81\x30\x81\x30", "U+0080"),
        (b"a:" + b"b;a:" * 5000, "20002 bytes"),
        (bytes(65535), "65535 bytes"),
        (b"<" + b"a" * 65534, "65535 bytes"),
    ],
)
def test_other_formats(message: bytes, words: str) -> None:
    assert words in reason(message)


def test_a_refusal_quotes_nothing_of_the_message() -> None:
    secret = "geheim"
    for message in (
        order((0x83, f"{secret}\u202e".encode())),
        order((0x87, f"{secret} {secret}".encode())),
        trade(FIELD.replace('"b"', f'"{secret}\u200b"')),
        trade(FIELD.replace('"a"', f'"{secret}\u200b"')),
        f"{secret}\u200b:x".encode(),
    ):
        assert secret not in reason(message)
