"""What is on the display, line by line, for a message of every format."""

from __future__ import annotations

import pytest

from apdu.order import Order, build_order
from apdu.payload import HiddenFields, Language
from tests.message import samples
from tests.message.samples import screens

SCREENS = {
    "transfer": [
        ["Transfer", "Payer account", " 6222 0212 3456", " 7890 123"],
        ["Payee", " 李雷 Li Lei"],
        ["Payee account", " DE89 3704 0044", " 0532 0130 00"],
        ["Amount", " 1,234,567.89", " CNY"],
        ["Order number", " A-2026/0017"],
        ["Time", " 2026-03-14", " 17:25:00 +08:00"],
        ["Note", " Rent for March,", " ␣thanks"],
    ],
    "remittance": [
        ["Remittance", "Payer account", " 6222 0212 3456", " 7890 123"],
        ["Payee", " Zoë Müller"],
        ["Payee account", " 4000 1234 1234", " 1234"],
        ["Amount", " 0.05 USD", "Order number", " 1"],
        ["Time", " 2026-03-14", " 09:25:00 Z"],
        ["Bank code", " 0001 0203 0405", " 0607"],
    ],
    "bill": [
        ["Bill payment", "Payer account", " 6222 0212 3456", " 7890 123"],
        ["Amount", " 98,000 JPY", "Order number", " 2026-03"],
        ["Time", " 2026-03-14", " 17:25:00 +08:00"],
        ["Biller", " 北京市自来水公", " 司"],
    ],
    "shopping": [
        ["Purchase", "Payer account", " 6222 0212 3456", " 7890 123"],
        ["Payee account", " 8888 0000", "Amount", " 1.500 KWD"],
        ["Order number", " B1"],
        ["Time", " 2026-03-14", " 17:25:00 +08:00"],
        ["Merchant", " Books & more"],
    ],
    "agreement": [
        ["Agreement", "Order number", " WM-1"],
        ["Time", " 2026-03-14", " 17:25:00 +08:00"],
        ["With", " Example Bank", "Note", " Wealth manageme"],
        [" nt, 3 years"],
        ["Document", " 0001 0203 0405", " 0607 0809 0A0B", " 0C0D 0E0F 1011"],
        [" 1213 1415 1617", " 1819 1A1B 1C1D", " 1E1F"],
    ],
    "login": [
        ["Log in", "Time", " 2026-03-14", " 17:25:00 +08:00"],
        ["At", " alipay.com"],
        ["Bank code", " 0001 0203 0405", " 0607"],
    ],
    "bank_login": [
        ["Log in to bank", "Time", " 2026-03-14", " 17:25:00 +08:00"],
        ["Bank", " Example Bank"],
        ["Bank code", " 0001 0203 0405", " 0607"],
    ],
    "tdm": [["Sign message", "收款人：", " 张三"], ["附言：", " "]],
    "label": [["Sign message", "收款人:", " 张三"], ["金额：", " 12.00"]],
    "list": [["Sign message", "Payee:", " Li Lei"], ["Sum:", " 12.00"]],
}
TRADE = [["Sign message", "收款人", " 张三&李四"], ["金额", " 1,000.00"]]


@pytest.mark.parametrize("name", SCREENS)
def test_in_english(name: str) -> None:
    assert screens(samples.MESSAGES[name]) == SCREENS[name]


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK", "GB18030", "gb2312"])
def test_fields_as_attributes_in_each_encoding(encoding: str) -> None:
    assert screens(samples.tradedata(encoding)) == TRADE


def test_the_same_text_in_gbk() -> None:
    assert screens(samples.MESSAGES["label GBK"]) == SCREENS["label"]


LABELS = {
    Language.ZH_CN: ["转账", "付款账号", "收款人", "收款账号", "金额", "订单号", "时间", "附言"],
    Language.ZH_TW: ["轉帳", "付款帳號", "收款人", "收款帳號", "金額", "訂單編號", "時間", "附言"],
}


@pytest.mark.parametrize("language", LABELS)
def test_in_chinese(language: Language) -> None:
    pages = screens(samples.MESSAGES["transfer"], language)
    lines = [line for page in pages for line in page]
    assert [line for line in lines if not line.startswith(" ")] == LABELS[language]
    english = [line for page in SCREENS["transfer"] for line in page]
    assert [line for line in lines if line.startswith(" ")] == [
        line for line in english if line.startswith(" ")
    ], "values are the same in every language"


def test_a_larger_display() -> None:
    assert screens(samples.MESSAGES["transfer"], columns=24, rows=8) == [
        [
            "Transfer",
            "Payer account",
            " 6222 0212 3456 7890 123",
            "Payee",
            " 李雷 Li Lei",
            "Payee account",
            " DE89 3704 0044 0532",
            " 0130 00",
        ],
        [
            "Amount",
            " 1,234,567.89 CNY",
            "Order number",
            " A-2026/0017",
            "Time",
            " 2026-03-14 17:25:00",
            " +08:00",
        ],
        ["Note", " Rent for March, thanks"],
    ]


def test_hidden_parts_are_counted_if_the_token_says_so() -> None:
    one = b'<field name="x" value="y" DisplayOnScreen="FALSE"/>'
    message = samples.tradedata().replace(b"</TradeData>", one * 3 + b"</TradeData>")
    counted = [TRADE[0], [*TRADE[1], "Not shown", " 3"]]
    assert screens(message, hidden=HiddenFields.COUNTED) == counted
    part = b"<E><M><k></k><v>\xe2\x80\xae</v></M></E></T>"
    message = samples.TDM.encode().replace(b"</T>", part)
    pages = screens(message, Language.ZH_CN, HiddenFields.COUNTED)
    assert pages[-1][-2:] == ["不显示的项数", " 1"]


@pytest.mark.parametrize("order", samples.ORDERS, ids=lambda order: order.kind.name)
def test_every_field_of_an_order_is_on_the_display(order: Order) -> None:
    text = "".join(line.strip() for page in screens(build_order(order)) for line in page)
    squeezed = text.replace(" ", "").replace("␣", "")
    for value in (order.payer, order.payee, order.payee_account, order.number, order.party):
        assert value is None or value.replace(" ", "") in squeezed
    assert order.text is None or order.text.replace(" ", "") in squeezed
    assert order.currency is None or order.currency in squeezed
    for raw in (order.document, order.challenge):
        assert raw is None or raw.hex().upper() in squeezed


def test_a_value_cannot_pose_as_a_label() -> None:
    """Whatever the width of the display, a line of a value is set in."""
    posing = "x" * 15 + "Amount 0.01 CNY"
    for columns in range(15, 40):
        lines = [line for page in screens(f"a:{posing}".encode(), columns=columns) for line in page]
        assert [line for line in lines if not line.startswith(" ")] == ["Sign message", "a:"]
