"""Make what a make target needs: ``prepare.py STEP...``.

``core`` is a virtual environment in ``.venv`` with the library and its command line. ``dev``
adds the extras: PC/SC, the tests, the linters. ``system`` adds Debian's packages that the tests
run against, ``bench`` and ``roots`` those that the benchmark and Debians in folders need. A second
run finds everything in place and says nothing.

This file runs before anything is installed, so it uses the standard library only, and stays
readable to an older Python far enough to say that it is too old.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG = ROOT / "build" / "prepare.log"
SUPPORTED = ((3, 11), (3, 12), (3, 13))
EXTRAS = {"core": "", "dev": "[dev]"}
SYSTEM_CA = Path("/etc/ssl/certs/ca-certificates.crt")
NO_START = Path("/usr/sbin/policy-rc.d")


class PrepareError(Exception):
    """Something that the user has to put right; its text says what and how."""


# --- talking and running -------------------------------------------------------------------


def say(text: str) -> None:
    """Print one line of progress, at once."""
    print(f"== {text}", flush=True)


def run(command: list[str]) -> bool:
    """Run a command without input, its output appended to the log; True if it ended well."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        print("$", *command, file=log, flush=True)
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return done.returncode == 0


def end_of_log(lines: int = 15) -> str:
    """Return the last lines that the commands printed."""
    text = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"   {line}" for line in text[-lines:])


# --- Python --------------------------------------------------------------------------------


def use_supported_python() -> None:
    """Go on in a Python that the project supports: this one, or another on the PATH."""
    if sys.version_info[:2] in SUPPORTED:
        return
    for major, minor in reversed(SUPPORTED):
        found = shutil.which(f"python{major}.{minor}")
        # A version manager puts names on the PATH that do not run.
        if found and run([found, "-c", ""]):
            os.execv(found, [found, __file__, *sys.argv[1:]])  # noqa: S606
    raise PrepareError(
        "ushield needs Python 3.11, 3.12 or 3.13; {} is {}.{}.\n"
        "   Install one, or name it: make PYTHON=/path/to/python3.12 ...".format(
            sys.executable, *sys.version_info[:2]
        )
    )


# --- the virtual environment ---------------------------------------------------------------


def fingerprint() -> str:
    """Return what an environment was made from; another answer means: make it again."""
    parts = (sys.version, str(ROOT), (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def stamp(level: str) -> Path:
    """Return the file that tells that a level ("core" or "dev") is installed."""
    return VENV / f".{level}-ready"


def is_ready(level: str) -> bool:
    """Tell whether a level is installed; what dev needs, core needs too."""
    made = fingerprint()
    return any(
        file.exists() and file.read_text(encoding="utf-8") == made
        for file in {stamp(level), stamp("dev")}
    )


def install(level: str) -> None:
    """Install the project as an editable package, with the extras of the level."""
    if is_ready(level):
        return
    if not environment_runs():
        make_environment()
    say(f"installing ushield{EXTRAS[level]} into .venv")
    python = str(VENV / "bin" / "python")
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    target = f"{ROOT}{EXTRAS[level]}"
    if not run([python, "-m", "pip", "install", *quiet, "--editable", target]):
        raise PrepareError(f"pip could not install ushield{EXTRAS[level]}:\n{end_of_log()}")
    stamp(level).write_text(fingerprint(), encoding="utf-8")


def environment_runs() -> bool:
    """Tell whether .venv holds this very Python and a pip that starts, and was made here."""
    python = VENV / "bin" / "python"
    made = VENV / "pyvenv.cfg"
    if not (python.exists() and made.exists() and str(VENV) in made.read_text(encoding="utf-8")):
        return False
    return run([str(python), "-c", f"import sys, pip; sys.exit(sys.version != {sys.version!r})"])


def make_environment() -> None:
    """Make .venv anew. Debian's bare python3 has venv, but not the ensurepip that fills it."""
    say(f"making a virtual environment in .venv with Python {sys.version.split()[0]}")
    bare = importlib.util.find_spec("ensurepip") is None
    options = ["--clear", "--without-pip"] if bare else ["--clear"]
    if not run([sys.executable, "-m", "venv", *options, str(VENV)]):
        raise PrepareError(f"python3 -m venv failed:\n{end_of_log()}")
    if bare:
        fetch_pip()


def fetch_pip() -> None:
    """Put pip into .venv from Debian's package of it, which is unpacked but not installed.

    ``apt-get download`` needs no rights, checks the archive's signature and leaves the system as
    it is.
    """
    with tempfile.TemporaryDirectory(dir=VENV) as name:
        folder = Path(name)
        download(folder, "python3-pip-whl")
        for package in folder.glob("*.deb"):
            run(["dpkg-deb", "--extract", str(package), name])
        wheels = list(folder.glob("usr/share/python-wheels/pip-*.whl"))
        if not wheels:
            raise PrepareError(
                "this Python has no pip, and Debian's package of it could not be fetched:\n"
                f"{end_of_log()}\n   Install python3-venv, then try again."
            )
        site_packages = VENV / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
        zipfile.ZipFile(wheels[0]).extractall(site_packages)
    # Debian's pip trusts the certificates of the system only; a minimal one has none, and then
    # pip's own have to do.
    if not SYSTEM_CA.exists():
        certifi = site_packages / "pip" / "_vendor" / "certifi"
        core = (certifi / "core.py").read_text(encoding="utf-8")
        own = core.replace(str(SYSTEM_CA), str(certifi / "cacert.pem"))
        (certifi / "core.py").write_text(own, encoding="utf-8")


def download(folder: Path, package: str) -> None:
    """Fetch a Debian package into a folder, if need be with a package list of our own."""
    if shutil.which("apt-get") is None:
        raise PrepareError(
            "this Python has neither pip nor ensurepip. Install them with your system's package\n"
            "   manager, or name another Python: make PYTHON=/path/to/python3.12 ..."
        )
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    quiet = ["apt-get", "-qq", "-o", "APT::Sandbox::User="]
    own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={folder}"]
    where = ["env", "-C", str(folder)]
    if not run([*where, *quiet, "download", package]):
        run([*quiet, *own, "update"])
        run([*where, *quiet, *own, "download", package])


# --- Debian's packages ---------------------------------------------------------------------


def tests_need() -> dict[str, str]:
    """Map each Debian package that the tests need to a file or command that tells it is there."""
    headers = sysconfig.get_path("include")
    return {
        "chromium": "chromium",
        "curl": "curl",
        "default-jdk-headless": "jarsigner",
        "firefox-esr": "firefox-esr",
        "gcc": "gcc",
        "gnutls-bin": "p11tool",
        "libc6-dev": "/usr/include/stdio.h",
        "libengine-pkcs11-openssl": "/usr/lib/*/engines-3/pkcs11.so",
        "libnss3-tools": "certutil",
        "libpcsclite-dev": "/usr/include/PCSC/winscard.h",
        "opensc": "pkcs15-init",
        "opensc-pkcs11": "/usr/lib/*/opensc-pkcs11.so",
        "openssh-client": "ssh-keygen",
        "openssh-server": "/usr/sbin/sshd",
        "openssl": "openssl",
        "pcscd": "/usr/sbin/pcscd",
        f"python3.{sys.version_info[1]}-dev": f"{headers}/Python.h",
        "python3-pycurl": "/usr/lib/python3/dist-packages/pycurl.*.so",
        "tshark": "tshark",
        "vsmartcard-vpcd": "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
        "xdotool": "xdotool",
        "xvfb": "Xvfb",
        "ykcs11": "/usr/lib/*/libykcs11.so",
        "yubico-piv-tool": "yubico-piv-tool",
        "yubikey-manager": "ykman",
        **({"pkcs11-provider": "/usr/lib/*/ossl-modules/pkcs11.so"} if has_provider() else {}),
    }


def has_provider() -> bool:
    """Tell whether Debian has OpenSSL's provider for PKCS#11: it does from 13 on."""
    release = platform.freedesktop_os_release()
    return release.get("ID") == "debian" and int(release.get("VERSION_ID", "99")) >= 13


OTHERS_NEED = {
    "bench": {"softhsm2": "softhsm2-util"},
    "pictures": {
        "chromium": "chromium",
        "fonts-unifont": "/usr/share/fonts/*/unifont/unifont_jp.otf",
    },
    "roots": {
        "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debootstrap": "/usr/sbin/debootstrap",
    },
}


def missing(needs: dict[str, str]) -> list[str]:
    """Return the packages whose file or command is not there."""
    return [
        package
        for package, sign in needs.items()
        if not (any(Path("/").glob(sign[1:])) if sign.startswith("/") else shutil.which(sign))
    ]


def install_packages(needs: dict[str, str]) -> None:
    """Install what is missing by apt; without the rights, say what is missing."""
    packages = missing(needs)
    if not packages:
        return
    root = root_prefix()
    if root is None or shutil.which("apt-get") is None:
        raise PrepareError(
            "this needs Debian packages, and this account is not root and has no sudo without\n"
            "   a password. As root, install what is missing, then try again:\n"
            f"   apt-get install --no-install-recommends {' '.join(packages)}"
        )
    say(f"installing Debian packages: {' '.join(packages)}")
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    apt += ["-o", "DPkg::Lock::Timeout=300"]
    # A source of the user's own that does not answer is no reason to give up.
    run([*apt, "update"])
    with_services_at_rest(root, [*apt, "install", "--no-install-recommends", *packages])
    # What counts is what is there: apt also fails for a package next to ours that could not be
    # configured, as polkitd is without a running system.
    if still := missing(needs):
        raise PrepareError(f"apt did not install {' '.join(still)}:\n{end_of_log()}")


def root_prefix() -> list[str] | None:
    """Return what makes a command run as root: nothing, sudo, or None where neither works."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    return sudo if shutil.which("sudo") and run([*sudo, "true"]) else None


def with_services_at_rest(root: list[str], command: list[str]) -> None:
    """Run a command while no package may start a service.

    The pcscd of the system would open the port of the virtual reader to the network. The tests
    start their own.
    """
    if NO_START.exists():
        run(command)
        return
    with tempfile.NamedTemporaryFile("w") as policy:
        policy.write("#!/bin/sh\nexit 101\n")
        policy.flush()
        run([*root, "install", "-m", "755", policy.name, str(NO_START)])
    try:
        run(command)
    finally:
        run([*root, "rm", "-f", str(NO_START)])


def main() -> int:
    """Carry out the steps named on the command line; return the exit code."""
    try:
        use_supported_python()
        for step in sys.argv[1:]:
            if step == "system":
                install_packages(tests_need())
            elif step in OTHERS_NEED:
                install_packages(OTHERS_NEED[step])
            else:
                install(step)
    except PrepareError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
