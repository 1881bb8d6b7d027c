"""How the dialogues become tests of somebody else's session.

They hang in the folder that pytest is given, so that the fixtures of its conftest.py, and of those
above it, are theirs too.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

_NAME = "ushield-conformance"
_MODULE = "ushield.testing.dialogues"


class _Dialogues(pytest.Module):
    """Our module of tests, as if it stood in another folder, whatever tests are called there."""

    def _getobj(self) -> ModuleType:
        return import_module(_MODULE)

    def istestfunction(self, _obj: object, name: str) -> bool:
        return name.startswith("test_")


class Folders:
    """The folders of a session as pytest comes by: a plugin of its own, when it is wanted."""

    def __init__(self) -> None:
        self._seen: dict[Path, pytest.Collector] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> None:
        """Keep each folder in mind; the report is somebody else's work."""
        if isinstance(collector, pytest.Directory):
            self._seen[collector.path] = collector

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add a test for each dialogue."""
        parent = self._seen.get(_folder(session.config), session)
        file = import_module(_MODULE).__file__
        assert file is not None
        nodeid = f"{parent.nodeid}/{_NAME}".removeprefix("./").removeprefix("/")
        module = _Dialogues.from_parent(parent, path=Path(file), nodeid=nodeid)
        items += session.genitems(module)


def _folder(config: pytest.Config) -> Path:
    """The folder of the first argument."""
    first = config.args[0].partition("::")[0] if config.args else ""
    path = (config.invocation_params.dir / first).resolve()
    return path if path.is_dir() else path.parent
