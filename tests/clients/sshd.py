"""A server for ssh to log in to: Debian's sshd, with settings and a host key of its own.

It is the other end of a pipe (ProxyCommand), so nobody else can reach it, and it ends with the
login. It logs in whoever runs the tests.
"""

from __future__ import annotations

import getpass
import stat

from tests.clients.cards import PIN
from tests.clients.system import inside
from tests.clients.tool import Tool

ASK_PIN = {"SSH_ASKPASS": "./askpass", "SSH_ASKPASS_REQUIRE": "force"}
"""What OpenSSH needs in its environment to get the PIN without a terminal."""

SERVER = """\
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
TrustedUserCAKeys {folder}/ca.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
"""
CLIENT = """\
Host *
User {user}
ProxyCommand sh {folder}/server
UserKnownHostsFile {folder}/known_hosts
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
IdentityFile none
PreferredAuthentications publickey
"""
START = """\
set -- /usr/sbin/sshd -i -e -f {folder}/sshd.conf
if [ "$(id -u)" = 0 ] && [ ! -d /run/sshd ]; then
    # Root's sshd wants a folder that only a running system has.
    exec unshare --mount sh -c 'mount -t tmpfs tmpfs /run; mkdir /run/sshd; exec "$@"' sh "$@"
fi
exec "$@"
"""


def prepare_server(tool: Tool) -> None:
    """Leave all that a login needs in the folder: `ssh -F ssh.conf server`."""
    names = {"folder": inside(tool.folder), "user": getpass.getuser()}
    tool.run("ssh-keygen -q -t ed25519 -N '' -f host")
    key = tool.read("host.pub").decode()
    for name, text in {
        "sshd.conf": SERVER.format(**names),
        "ssh.conf": CLIENT.format(**names),
        "server": START.format(**names),
        "known_hosts": f"server {key}",
        "authorized_keys": "",
        "ca.pub": "",
        "askpass": f"#!/bin/sh\necho {PIN}\n",
    }.items():
        tool.write(name, text.encode())
    (tool.folder / "askpass").chmod(stat.S_IRWXU)


def admit(tool: Tool, *keys: str) -> None:
    """Let the owners of these public keys in; the server greets each by the number of its key."""
    greetings = [
        f'command="echo welcome, key {number}" {key}' for number, key in enumerate(keys, 1)
    ]
    tool.write("authorized_keys", "\n".join(greetings).encode() + b"\n")
