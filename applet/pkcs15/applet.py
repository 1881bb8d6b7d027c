"""The PKCS#15 applet: each command decoded, allowed or refused by the life cycle, carried out."""

from __future__ import annotations

from typing import assert_never

from apdu.command import Command
from apdu.edge import USER_PIN, Phase
from apdu.filecontrol import AccessRules, FileKind, parse_access
from apdu.instruction import INS
from apdu.payload import FormatCard
from apdu.status import SW
from applet.consent.desk import ConsentDesk
from applet.os.access import SecurityStatus
from applet.os.errors import refuse_unless
from applet.os.files import FCI, MF, File, FileSystem
from applet.os.keys.entropy import Entropy
from applet.os.keys.importing import KeyImport
from applet.os.keys.keystore import KeyStore, check_key_file
from applet.os.lifecycle import Event, LifeCycle
from applet.os.pins import PinPolicy, Pins
from applet.os.store import Store
from applet.pkcs15 import commands as c
from applet.pkcs15 import profile
from applet.pkcs15.asking import Asking
from applet.pkcs15.decode import CLA_DELETE, decode
from applet.pkcs15.identity import Identity
from applet.pkcs15.keydesk import KeyDesk
from applet.pkcs15.objects import Objects
from applet.pkcs15.selection import Selection

_PREFIX = "pkcs15/"


class Pkcs15Applet:
    """One PKCS#15 token in its corner of the memory."""

    def __init__(
        self,
        store: Store,
        entropy: Entropy,
        policy: PinPolicy | None = None,
        consent: ConsentDesk | None = None,
    ) -> None:
        self._entropy = entropy
        self._consent = consent or ConsentDesk(store)
        self._life = LifeCycle(store, _PREFIX)
        self._status = SecurityStatus(self._life)
        self._files = FileSystem(store, _PREFIX)
        self._keys = KeyStore(store, _PREFIX, entropy)
        self._pins = Pins(
            store,
            _PREFIX,
            life=self._life,
            status=self._status,
            primary=USER_PIN,
            policy=policy or PinPolicy(),
        )
        self._identity = Identity(store, _PREFIX)
        self._selection = Selection(self._files)
        self._asking = Asking(self._consent, self._files, self._keys, self._pins, self._life)
        self._desk = KeyDesk(self._files, self._keys, self._status, self._asking)
        self._import: KeyImport | None = None
        self._objects = Objects(
            identity=self._identity,
            files=self._files,
            keys=self._keys,
            pins=self._pins,
            life=self._life,
            selection=self._selection,
            consent=self._consent,
        )
        if not self._identity.born:
            self._identity.give_birth(entropy)
            self._lay_out(profile.BORN_MF, profile.BORN_APP_DF)
            store.commit()

    @property
    def aids(self) -> tuple[bytes, ...]:
        """PKCS#15's identifier, and our own."""
        return profile.AIDS

    def accepts_class(self, command: Command, /) -> bool:
        """DELETE FILE comes in class A0 from OpenSC's driver."""
        return command.cla == CLA_DELETE and command.ins == INS.DELETE_FILE

    def clear(self) -> None:
        """Reset, power-off, or another applet was chosen."""
        self._files.end_session()
        self._status.clear()
        self._selection.clear()
        self._desk.clear()
        self._consent.forget()
        self._import = None

    def select(self) -> bytes:
        """Begin afresh; the control information of the application's DF."""
        self.clear()
        return self._control(self._files.file(profile.APP_DF), FCI)

    def execute(self, command: Command) -> bytes:
        """Carry one command out."""
        typed = decode(command)
        if not isinstance(typed, c.GetObject):
            self._consent.forget()
        self._life.require(typed.ability)
        return self._carry_out(typed)

    def _carry_out(self, typed: c.Typed) -> bytes:  # noqa: C901 one line a command
        match typed:
            case c.Sign():
                return self._desk.sign(typed.data)
            case c.GetChallenge():
                return self._entropy.random(typed.length)
            case c.SetEnvironment():
                self._desk.prepare(typed.use, typed.environment)
            case c.Decipher():
                return self._desk.decipher(typed.cryptogram)
            case c.Agree():
                return self._desk.agree(typed.point)
            case c.Authenticate():
                return self._desk.authenticate(typed.reference, typed.challenge)
            case c.Hash():
                return self._desk.hash(typed.message, answer=typed.answer)
            case c.Encipher():
                return self._desk.encipher(typed.plain)
            case c.VerifySignature():
                self._desk.verify(typed.data)
            case c.Select():
                return self._select(typed)
            case c.ReadBinary():
                return self._read(typed)
            case c.UpdateBinary():
                self._update(typed)
            case c.CreateFile():
                self._create(File.from_control(typed.control))
            case c.DeleteFile():
                self._delete(typed.fid)
            case c.Verify():
                self._asking.pin_try(typed.reference)
                self._pins.verify(typed.reference, typed.block)
            case c.AskPin():
                self._pins.ask(typed.reference)
            case c.ChangePin():
                self._asking.pin_change(typed.reference)
                self._pins.change(typed.reference, typed.old, typed.new)
            case c.Unblock():
                self._unblock(typed)
            case c.Logout():
                self._logout(typed.reference)
            case c.GetObject():
                return self._objects.get(typed.tag)
            case c.GetCertificate():
                return self._objects.certificate(typed.reference)
            case c.ImportPart():
                self._import_part(typed)
            case c.GenerateKey():
                self._generate(typed.exponent)
            case c.StorePin():
                self._store_pin(typed)
            case c.SetConsent():
                refuse_unless(self._life.under_construction, SW.CONDITIONS)
                self._consent.keep(typed.settings)
            case c.Format():
                self._format(typed.data)
            case c.Activate():
                self._activate()
            case c.Deactivate():
                self._end(Event.DEACTIVATED)
            case c.Terminate():
                self._end(Event.TERMINATED)
            case _:
                assert_never(typed)
        return b""

    # Files

    def _control(self, file: File, template: int) -> bytes:
        """Control information; until activation every file says that it is being built."""
        phase = self._life.phase
        return file.control(template, 0x01 if self._life.under_construction else phase)

    def _select(self, command: c.Select) -> bytes:
        path, file = self._selection.find(command)
        self._go(path, file)
        return b"" if command.template is None else self._control(file, command.template)

    def _go(self, path: bytes, file: File) -> None:
        """Make a file current; the parts of a key that was being imported were for another one."""
        self._selection.go(path, file)
        self._import = None

    def _read(self, command: c.ReadBinary) -> bytes:
        path = self._selection.file_path
        self._status.require_once_built(self._files.file(path).access.first)
        return self._files.read(path, command.offset, command.length)

    def _update(self, command: c.UpdateBinary) -> None:
        path = self._selection.file_path
        self._status.require_once_built(self._files.file(path).access.second)
        self._files.update(path, command.offset, command.data)
        self._identity.changed()

    def _create(self, file: File) -> None:
        directory = self._selection.directory
        rules = self._files.file(directory).access
        is_directory = file.kind is FileKind.DF
        self._status.require_once_built(rules.first if is_directory else rules.second)
        check_key_file(file)
        path = self._files.create(directory, file)
        self._go(path, file)
        self._identity.changed()

    def _delete(self, fid: bytes | None) -> None:
        path = self._selection.path if fid is None else self._selection.directory + fid
        file = self._files.file(path)
        refuse_unless(path not in (MF, profile.APP_DF), SW.CONDITIONS)
        self._status.require_once_built(file.access.third)
        self._asking.deletion(path, file)
        self._files.delete(path)
        self._keys.delete(path)
        self._selection.left(path)
        self._import = None
        self._identity.changed()

    # PINs

    def _logout(self, reference: int) -> None:
        if not reference:
            self._status.clear()
            return
        refuse_unless(self._pins.exists(reference), SW.REFERENCE_NOT_FOUND)
        self._status.revoke(reference)

    def _unblock(self, command: c.Unblock) -> None:
        if command.new is not None:
            self._asking.new_pin(command.reference)
        self._pins.unblock(command.reference, command.puk, command.new)

    def _store_pin(self, command: c.StorePin) -> None:
        """Freely while the card is built; later only a new one, by whoever may create files."""
        if not self._life.under_construction:
            self._status.require(self._files.file(MF).access.first)
            refuse_unless(not self._pins.exists(command.reference), SW.FILE_EXISTS)
        self._pins.store(command.reference, command.record)
        self._identity.changed()

    # Keys

    def _key_file(self) -> tuple[bytes, File]:
        path = self._selection.file_path
        file = self._files.file(path)
        refuse_unless(file.is_key, SW.INCOMPATIBLE_FILE)
        return path, file

    def _import_part(self, command: c.ImportPart) -> None:
        path, file = self._key_file()
        self._status.require_once_built(file.access.second)
        self._import = self._import or KeyImport(file)
        key = self._import.add(command.component, command.value)
        if key is not None:
            self._import = None
            self._asking.replacement(path, file)
            self._keys.put(path, key)
            self._identity.changed()

    def _generate(self, exponent: int | None) -> None:
        path, file = self._key_file()
        self._status.require_once_built(file.access.fourth)
        self._asking.replacement(path, file)
        self._keys.generate(path, file.kind, file.size, exponent)
        self._identity.changed()

    # The card as a whole

    def _may_wipe(self) -> None:
        """Whoever may delete the master file may erase, deactivate and terminate the card."""
        self._status.require_once_built(self._files.file(MF).access.third)

    def _format(self, data: FormatCard) -> None:
        self._may_wipe()
        self._asking.erasure()
        self._life.move(Event.FORMATTED)
        self._lay_out(parse_access(data.mf_access), parse_access(data.df_access))

    def _lay_out(self, root: AccessRules, application: AccessRules) -> None:
        self._files.clear()
        self._keys.delete(b"")
        self._pins.clear()
        self._consent.clear_settings()
        self._files.plant(profile.root(root))
        self._files.create(MF, profile.application(application))
        self.clear()
        self._identity.changed()

    def _activate(self) -> None:
        if self._life.phase is Phase.DEACTIVATED:
            self._may_wipe()
        self._life.move(Event.ACTIVATED)
        if self._pins.blocked(USER_PIN):
            self._life.move(Event.PIN_BLOCKED)
        self._status.clear()
        self._identity.changed()

    def _end(self, event: Event) -> None:
        self._may_wipe()
        self._life.move(event)
        self._status.clear()
        self._desk.clear()
        self._identity.changed()
