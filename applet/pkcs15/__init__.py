"""The PKCS#15 applet, on the card edge of OpenSC's ``myeid`` driver."""

from applet.pkcs15.applet import Pkcs15Applet
from applet.pkcs15.profile import ATR

__all__ = ["ATR", "Pkcs15Applet"]
