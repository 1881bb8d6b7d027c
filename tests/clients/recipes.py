"""The recipes of docs/clients.md, run as they stand there.

Those of one kind stand after a comment `<!-- run: name -->`. Shell variables in them are the
reader's to set; a test sets them in the environment.
"""

from __future__ import annotations

import re
import shlex
from functools import cache

from tests.clients.table import PAGE
from tests.clients.tool import Tool

_BLOCK = re.compile(r"<!-- run: ([\w ]+) -->\n```sh\n(.*?)```", re.DOTALL)


def follow(tool: Tool, *names: str, **variables: object) -> str:
    """Run recipes one after the other in one shell, which ends with the first that goes wrong.

    It gives what they printed. AssertionError with the transcript unless all went well.
    """
    return tool.run(_line(tool, names, variables))


def fail(tool: Tool, *names: str, **variables: object) -> str:
    """The same for what must go wrong: AssertionError if all goes well."""
    return tool.fail(_line(tool, names, variables))


def _line(tool: Tool, names: tuple[str, ...], variables: dict[str, object]) -> str:
    known = _recipes()
    tool.write("recipe", "\n".join(known[name] for name in names).encode())
    settings = [shlex.quote(f"{name}={value}") for name, value in variables.items()]
    return f"env {' '.join(settings)} bash -e recipe"


@cache
def _recipes() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, code in _BLOCK.findall(PAGE.read_text()):
        found[name] = found.get(name, "") + code
    return found
