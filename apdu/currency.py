"""Sums of money: the currencies of ISO 4217, and sums in minor units as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from apdu.errors import PayloadError

_TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
    "GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
    "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG"
)
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

DECIMALS: Mapping[str, int] = MappingProxyType(
    {
        code: decimals
        for codes, decimals in ((_NONE, 0), (_TWO, 2), (_THREE, 3))
        for code in codes.split()
    }
)
"""Digits after the point, by the code of the currency: money that people pay with, no funds codes,
no metals."""

MOST = 999_999_999_999
"""The largest sum, in minor units: 12 digits, as cards have carried it since ISO 8583."""

_SUM = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,3}))?")


def decimals_of(currency: str) -> int:
    """Digits after the point; PayloadError for a code that is not known."""
    try:
        return DECIMALS[currency]
    except KeyError:
        raise PayloadError(0, f"{currency!r} is no currency of ISO 4217") from None


def format_sum(minor: int, currency: str) -> str:
    """Minor units as people read them, with a point before the decimals: 123456 CNY is 1,234.56."""
    decimals = decimals_of(currency)
    whole, rest = divmod(minor, 10**decimals)
    return f"{whole:,}.{rest:0{decimals}}" if decimals else f"{whole:,}"


def parse_sum(text: str, currency: str) -> int:
    """A sum as people write it, 1234.56 or 1,234.56, in minor units; no digit may be lost."""
    decimals = decimals_of(currency)
    plain = text.replace(",", "")
    found = _SUM.fullmatch(plain)
    if found is None or ("," in text and f"{int(found[1]):,}" != text.partition(".")[0]):
        raise PayloadError(0, f"{text!r} is no sum such as 1234.56")
    digits = found[2] or ""
    if len(digits) > decimals:
        raise PayloadError(0, f"{text!r} has more decimals than the {decimals} of {currency}")
    minor = int(found[1] + digits.ljust(decimals, "0"))
    if not 0 < minor <= MOST:
        raise PayloadError(0, f"a sum is more than 0 and has {len(str(MOST))} digits at most")
    return minor
