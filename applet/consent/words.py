"""What the chip itself says on the display, in each of its languages.

Nothing of it comes from a host. Labels fit a line of 16 columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from apdu.payload.consent import Language


class Word(Enum):
    """A text of the chip's own, as en_US, zh_CN and zh_TW have it."""

    SIGN_WITH = ("Sign, key", "用密钥签名", "用金鑰簽名")
    DECIPHER_WITH = ("Decipher, key", "用密钥解密", "用金鑰解密")
    AGREE_WITH = ("Agree, key", "用密钥协商", "用金鑰協商")
    LOG_IN_WITH = ("Log in, key", "用密钥登录", "用金鑰登入")
    USE = ("Use key", "使用密钥", "使用金鑰")

    SIGN_MESSAGE = ("Sign message", "签署信息", "簽署訊息")
    NOT_SHOWN = ("Not shown", "不显示的项数", "不顯示的項數")

    TRANSFER = ("Transfer", "转账", "轉帳")
    REMITTANCE = ("Remittance", "汇款", "匯款")
    BILL = ("Bill payment", "缴费", "繳費")
    SHOPPING = ("Purchase", "网上购物", "網上購物")
    AGREEMENT = ("Agreement", "签订协议", "簽訂協議")
    LOGIN = ("Log in", "第三方登录", "第三方登入")
    BANK_LOGIN = ("Log in to bank", "网银登录", "網銀登入")

    PAYER = ("Payer account", "付款账号", "付款帳號")
    PAYEE = ("Payee", "收款人", "收款人")
    PAYEE_ACCOUNT = ("Payee account", "收款账号", "收款帳號")
    AMOUNT = ("Amount", "金额", "金額")
    ORDER_NUMBER = ("Order number", "订单号", "訂單編號")
    TIME = ("Time", "时间", "時間")
    BILLER = ("Biller", "收费单位", "收費單位")
    MERCHANT = ("Merchant", "商户", "商戶")
    OTHER_SIDE = ("With", "协议方", "協議方")
    LOG_IN_AT = ("At", "登录到", "登入到")
    BANK = ("Bank", "银行", "銀行")
    TEXT = ("Note", "附言", "附言")
    DOCUMENT = ("Document", "文件指纹", "文件指紋")
    CHALLENGE = ("Bank code", "银行校验码", "銀行校驗碼")

    CHANGE_PIN = ("Change PIN", "修改密码", "變更密碼")
    TRY_PIN = ("Try PIN", "验证密码", "驗證密碼")
    TRIES_LEFT = ("Tries left", "剩余次数", "剩餘次數")
    DELETE_KEY = ("Delete key", "删除密钥", "刪除金鑰")
    REPLACE_KEY = ("Replace key", "替换密钥", "替換金鑰")
    DELETE_CERTIFICATE = ("Delete cert.", "删除证书", "刪除憑證")
    ERASE = ("Erase token", "清除全部内容", "清除全部內容")


_COLUMNS: Mapping[Language, int] = MappingProxyType(
    {Language.EN_US: 0, Language.ZH_CN: 1, Language.ZH_TW: 2}
)


def say(word: Word, language: Language) -> str:
    """The word in this language."""
    text: str = word.value[_COLUMNS[language]]
    return text
