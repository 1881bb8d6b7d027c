"""The page's server, in a thread: on this machine's own address, at a path that nobody guesses."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack
from threading import Event, Thread
from types import TracebackType
from typing import Self

import uvicorn

from ushield.device.display.key import KeysShown
from ushield.device.display.web.app import Answer, make_app

_LOOPBACK = "127.0.0.1"
_SECRET_BYTES = 18


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class WebFace:
    """Shows keys to a browser, as a context manager; `address` is where."""

    def __init__(self, shown: KeysShown, answer: Answer) -> None:
        self._shown = shown
        self._answer = answer
        self._life = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            listener = stack.enter_context(socket.create_server((_LOOPBACK, 0)))
            port = listener.getsockname()[1]
            secret = secrets.token_urlsafe(_SECRET_BYTES)
            self.address = f"http://{_LOOPBACK}:{port}/{secret}/"
            hosts = (f"{_LOOPBACK}:{port}", f"localhost:{port}")
            app = make_app(self._shown, self._answer, secret, hosts)
            server = _Server(_configured(app))
            thread = Thread(target=server.run, args=([listener],), name="ushield-web", daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)
            server.ready.wait()
            self._life = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._life.close()


def _configured(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # any ASGI application
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ws_max_size=65536,
        timeout_graceful_shutdown=1,
    )
