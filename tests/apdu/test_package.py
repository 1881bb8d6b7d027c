"""The package as a whole: its names, its exceptions, what an import of it costs."""

from __future__ import annotations

import pickle
import subprocess
import sys

import apdu
from apdu import errors


def test_every_exported_name_is_there() -> None:
    assert len(apdu.__all__) == len(set(apdu.__all__))
    assert all(hasattr(apdu, name) for name in apdu.__all__)


def test_there_is_one_family_of_exceptions() -> None:
    family = [value for name, value in vars(errors).items() if name.endswith("Error")]
    assert len(family) == 7
    assert all(issubclass(value, errors.ApduError) for value in family)
    assert issubclass(errors.ApduError, ValueError)


def test_an_error_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(errors.TlvError(3, "cut short")))
    assert (type(error), error.offset, str(error)) == (errors.TlvError, 3, "byte 3: cut short")


def test_the_import_compiles_nothing_and_brings_no_cryptography() -> None:
    """Compiling takes half a millisecond for each construct, loading cryptography far longer."""
    code = (
        "import sys, construct\n"
        "def refuse(*_): raise AssertionError('compiled at import')\n"
        "construct.Construct.compile = refuse\n"
        "import apdu, apdu.payload\n"
        "assert 'cryptography' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
