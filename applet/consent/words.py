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
