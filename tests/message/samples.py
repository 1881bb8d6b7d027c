"""Messages of every format that can be shown, and the screen of 16 by 4 that they make."""

from __future__ import annotations

from apdu.order import Order, OrderKind, build_order
from apdu.payload import HiddenFields, Language
from applet.consent.pages import lay_out
from applet.message.registry import statement_of

TIME = "20260314172500+0800"
CHALLENGE = bytes(range(8))

TRANSFER = Order(
    OrderKind.TRANSFER,
    payer="6222021234567890123",
    payee="李雷 Li Lei",
    payee_account="DE89370400440532013000",
    amount=123456789,
    currency="CNY",
    number="A-2026/0017",
    time=TIME,
    text="Rent for March, thanks",
)
REMITTANCE = Order(
    OrderKind.REMITTANCE,
    payer="6222021234567890123",
    payee="Zoë Müller",
    payee_account="4000123412341234",
    amount=5,
    currency="USD",
    number="1",
    time="20260314092500Z",
    challenge=CHALLENGE,
)
BILL = Order(
    OrderKind.BILL,
    payer="6222021234567890123",
    amount=98000,
    currency="JPY",
    number="2026-03",
    time=TIME,
    party="北京市自来水公司",
)
SHOPPING = Order(
    OrderKind.SHOPPING,
    payer="6222021234567890123",
    payee_account="88880000",
    amount=1500,
    currency="KWD",
    number="B1",
    time=TIME,
    party="Books & more",
)
AGREEMENT = Order(
    OrderKind.AGREEMENT,
    number="WM-1",
    time=TIME,
    party="Example Bank",
    text="Wealth management, 3 years",
    document=bytes(range(32)),
)
LOGIN = Order(OrderKind.LOGIN, time=TIME, party="alipay.com", challenge=CHALLENGE)
BANK_LOGIN = Order(OrderKind.BANK_LOGIN, time=TIME, party="Example Bank", challenge=CHALLENGE)

ORDERS = (TRANSFER, REMITTANCE, BILL, SHOPPING, AGREEMENT, LOGIN, BANK_LOGIN)

TRADEDATA = (
    '<?xml version="1.0" encoding="{encoding}"?>\r\n<TradeData>\r\n'
    '  <field name="收款人" value="张三&amp;李四" DisplayOnScreen="TRUE"/>\r\n'
    '  <field value="1,000.00" name="金额" DisplayOnScreen="TRUE"></field>\r\n'
    "</TradeData>"
)
TDM = "<T><D><M><k>收款人：</k><v>张三</v></M><M><k>附言：</k><v></v></M></D></T>"
LABEL = "收款人:张三\n金额：12.00"


def tradedata(encoding: str = "UTF-8") -> bytes:
    """A message with two fields, declared and written in this encoding."""
    return TRADEDATA.format(encoding=encoding).encode(encoding)


MESSAGES: dict[str, bytes] = {
    **{order.kind.name.lower(): build_order(order) for order in ORDERS},
    **{name: tradedata(name) for name in ("UTF-8", "GBK", "GB18030", "gb2312")},
    "tdm": TDM.encode(),
    "label": LABEL.encode(),
    "label GBK": LABEL.encode("gbk"),
    "list": b"Payee:Li Lei;Sum:12.00;",
}


def screens(
    message: bytes,
    language: Language = Language.EN_US,
    hidden: HiddenFields = HiddenFields.REFUSED,
    columns: int = 16,
    rows: int = 4,
) -> list[list[str]]:
    """The lines of each page."""
    pages = lay_out(statement_of(message, language, hidden), columns, rows)
    return [list(page.lines) for page in pages]
