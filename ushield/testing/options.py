"""What a token for a test shall be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from host.errors import UnsupportedError
from host.keyspec import listed
from host.personalise import GENERATIONS, Profile
from ushield.device.applets import Applets
from ushield.device.display.model import Style
from ushield.making import Making

if TYPE_CHECKING:
    from host.piv.personalise import PivProfile


class TokenOptions(TypedDict, total=False):
    """The keywords of the marker and of the factory; see `TokenSpec` for what they mean."""

    keys: Sequence[str]
    pin: str
    puk: str
    subject: str
    label: str
    blank: bool
    pin_each_signature: bool
    applet: str
    generation: int
    display_style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpec:
    """A token in plain words, as `ushield.new_token` takes them; the SO PIN is the PUK.

    A `blank` token is as from the factory, to be personalised by somebody else. `applet` is pkcs15,
    piv or both; PIV has no label, and keeps the management key of the factory. A token of
    generation 2 has a display, lcd or oled by its `display_style`, and buttons.
    """

    keys: Sequence[str] = ()
    pin: str = field(default="123456", repr=False)
    puk: str = field(default="12345678", repr=False)
    subject: str = "CN=U-Shield"
    label: str = "U-Shield"
    blank: bool = False
    pin_each_signature: bool = False
    applet: str = Applets.PKCS15
    generation: int = 1
    display_style: str = Style.LCD

    def __post_init__(self) -> None:
        listed(self.keys)
        if self.generation not in GENERATIONS:
            raise UnsupportedError(f"a token is of generation 1 or 2, not {self.generation}")
        if self.generation == 2 and (self.blank or self.applet == Applets.PIV):
            raise UnsupportedError("a token of generation 2 is a PKCS#15 token with keys")
        if self.display_style not in list(Style):
            raise UnsupportedError(
                f"no display {self.display_style!r}; there are {', '.join(Style)}"
            )
        if self.applet not in list(Applets):
            raise UnsupportedError(f"no applet {self.applet!r}; there are {', '.join(Applets)}")
        if self.pin_each_signature and self.applet == Applets.PIV:
            raise UnsupportedError("pin_each_signature is for PKCS#15 tokens")
        # A tuple, so that the specification can be looked up.
        object.__setattr__(self, "keys", tuple(self.keys))

    def but(self, **changes: Unpack[TokenOptions]) -> Self:
        """The same with something changed. TypeError: there is no such option."""
        return replace(self, **changes)

    def making(self) -> Making:
        """What is made; a blank token is as from the factory."""
        applets = Applets(self.applet)
        if self.blank:
            return Making(applets)
        return Making(
            applets,
            self._pkcs15() if applets.has_pkcs15 else None,
            self._piv() if applets.has_piv else None,
        )

    def _pkcs15(self) -> Profile:
        return Profile.of(
            pin=self.pin,
            puk=self.puk,
            keys=self.keys,
            subject=self.subject,
            label=self.label,
            pin_each_signature=self.pin_each_signature,
            generation=self.generation,
        )

    def _piv(self) -> PivProfile:
        from host.piv.personalise import PivProfile

        return PivProfile.of(pin=self.pin, puk=self.puk, keys=self.keys, subject=self.subject)
