"""The PIV applet (NIST SP 800-73-4), the second on the card operating system."""

from applet.piv.applet import PivApplet
from applet.piv.profile import ATR

__all__ = ["ATR", "PivApplet"]
