"""What the page is given: its files, what the displays show, and answers to its requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from ushield.device.display.key import KeysShown
from ushield.device.display.picture import draw
from ushield.device.display.web.guard import Guard

Answer = Callable[[bytes], bytes]
"""The answer to a line of the control socket."""

LONGEST = 65536
"""Bytes of a request."""

_MOST_REQUESTS = 64
"""At a time, as on the control socket."""

T = TypeVar("T")

_PAGE = Path(__file__).with_name("page")
_FILES = {"": "index.html", "key.css": "key.css", "key.js": "key.js"}


def make_app(shown: KeysShown, answer: Answer, secret: str, hosts: Iterable[str]) -> ASGIApp:
    """The page at /secret/; `answer` answers what is asked, as on the control socket."""
    face = _Face(shown, answer)
    routes = [
        *(Route(f"/{secret}/{path}", _file(name)) for path, name in _FILES.items()),
        Route(f"/{secret}/control", face.control, methods=["POST"]),
        WebSocketRoute(f"/{secret}/live", face.live),
    ]
    return Guard(Starlette(routes=routes), secret, hosts)


def _file(name: str) -> Callable[[Request], Response]:
    return lambda _request: FileResponse(_PAGE / name)


class _Face:
    """The requests of all pages that are open."""

    def __init__(self, shown: KeysShown, answer: Answer) -> None:
        self._shown = shown
        self._answer = answer
        # Not asyncio's own: a request may wait for minutes, and so may many.
        self._threads = ThreadPoolExecutor(_MOST_REQUESTS, "ushield-web")

    async def control(self, request: Request) -> Response:
        """One request of the control socket, in the body."""
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST:
                return Response("the request is too long", 413)
        line = await self._answered(body)
        return Response(line, media_type="application/json")

    async def live(self, socket: WebSocket) -> None:
        """Tell a page of every change, and do what it asks, until it is closed."""
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        changed.set()

        def tell() -> None:
            # The thread that tells may outlive the server.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(changed.set)

        await socket.accept()
        stop = self._shown.listen(tell)
        telling = asyncio.create_task(self._tell(socket, changed))
        try:
            while True:
                line = await self._answered((await socket.receive_text()).encode())
                if not json.loads(line)["ok"]:
                    await socket.send_text(json.dumps({"refused": json.loads(line)["error"]}))
        except WebSocketDisconnect:
            pass
        finally:
            stop()
            telling.cancel()

    async def _tell(self, socket: WebSocket, changed: asyncio.Event) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await changed.wait()
                changed.clear()
                await socket.send_text(json.dumps({"keys": await self._in_thread(self._keys)}))

    async def _answered(self, line: bytes) -> bytes:
        return await self._in_thread(partial(self._answer, line.replace(b"\n", b" ")))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _keys(self) -> list[dict[str, Any]]:
        """All that a page draws."""
        readers = json.loads(self._answer(b'{"do": "list"}'))["readers"]
        inside = {reader["name"] for reader in readers if reader["card"]}
        keys: list[dict[str, Any]] = []
        for reader, key in self._shown.keys().items():
            view = key.panel.view()
            keys.append(
                {
                    "reader": reader,
                    # A key is told of its power a moment before its reader is.
                    "inside": view.powered or reader in inside,
                    "style": key.panel.model.style,
                    "screen": view.described(),
                    "picture": draw(view, key.panel.model),
                }
            )
        return keys
