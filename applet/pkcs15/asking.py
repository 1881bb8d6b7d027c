"""When this applet asks the holder, and in which words: the use of keys, PINs, and what is deleted.

A key asks by the rule in its file. The rest asks if the token's settings say so, and not before the
card is activated.
"""

from __future__ import annotations

from collections.abc import Callable

from apdu.edge import Consent
from apdu.payload.consent import Asked, Outcome
from apdu.status import SW
from applet.consent.desk import ConsentDesk
from applet.consent.pins import ask_new_pin, ask_pin_change, ask_pin_try
from applet.consent.words import Word
from applet.os.files import File, FileSystem
from applet.os.keys.keystore import KeyStore
from applet.os.lifecycle import LifeCycle
from applet.os.pins import Pins
from applet.pkcs15.directory import key_label

_CERTIFICATE_FILES = 0x43
"""First byte of the identifiers of certificates, here as in OpenSC's profile for this card edge."""


class Asking:
    """The questions of one PKCS#15 token. Each returns when it is answered by Confirm."""

    def __init__(
        self, desk: ConsentDesk, files: FileSystem, keys: KeyStore, pins: Pins, life: LifeCycle
    ) -> None:
        self._desk = desk
        self._files = files
        self._keys = keys
        self._pins = pins
        self._life = life

    def use(self, file: File, what: Word, data: bytes) -> None:
        """A key is to work on this data; one that signs only what it shows refuses (6985)."""
        if file.consent is Consent.NONE:
            return
        if file.consent is Consent.CONTENT:
            raise self._desk.refuse(Outcome.NOT_SHOWABLE)
        from applet.consent.questions import use_of_key

        label = key_label(self._files, file.fid)
        language = self._desk.settings.language
        self._desk.ask(use_of_key(what, str(file.fid & 0xFF), data, language, label))

    def message(self, message: bytes) -> None:
        """A key that shows what it signs is to sign this message, if it can be shown (6A80)."""
        from applet.message.registry import statement_of
        from applet.message.shown import MessageError

        if not self._desk.has_panel:
            raise self._desk.refuse(Outcome.NO_DISPLAY)
        settings = self._desk.settings
        try:
            statement = statement_of(message, settings.language, settings.hidden)
        except MessageError as error:
            raise self._desk.refuse(Outcome.REFUSED, SW.WRONG_DATA, str(error)) from None
        self._desk.ask(statement)

    def new_pin(self, reference: int) -> None:
        """A PIN is to have a new value, by its PUK."""
        self._about_pin(ask_new_pin, reference)

    def pin_change(self, reference: int) -> None:
        """A PIN is to have a new value, by the old one."""
        self._about_pin(ask_pin_change, reference)

    def pin_try(self, reference: int) -> None:
        """A try of a PIN is to be spent."""
        self._about_pin(ask_pin_try, reference)

    def deletion(self, path: bytes, file: File) -> None:
        """A file is to be deleted, and with it what is in it."""
        if not self._wants(Asked.DELETION):
            return
        if file.is_key:
            self._about_file(Word.DELETE_KEY, file)
        elif path[-2] == _CERTIFICATE_FILES:
            self._about_file(Word.DELETE_CERTIFICATE, file)

    def replacement(self, path: bytes, file: File) -> None:
        """A key is to be made or brought into a file, which may hold one that would be lost."""
        if self._keys.holds(path) and self._wants(Asked.DELETION):
            self._about_file(Word.REPLACE_KEY, file)

    def erasure(self) -> None:
        """Everything is to be erased."""
        if self._wants(Asked.DELETION):
            from applet.consent.questions import about_token

            self._desk.ask(about_token(Word.ERASE, self._desk.settings.language))

    def _wants(self, what: Asked) -> bool:
        return self._desk.wants(what) and not self._life.under_construction

    def _about_pin(self, ask: Callable[[ConsentDesk, str, int], None], reference: int) -> None:
        if not self._life.under_construction:
            ask(self._desk, str(reference), self._pins.left(reference))

    def _about_file(self, what: Word, file: File) -> None:
        from applet.consent.questions import about_file

        label = key_label(self._files, file.fid) if file.is_key else ""
        name = str(file.fid & 0xFF)
        self._desk.ask(about_file(what, name, self._desk.settings.language, label))
