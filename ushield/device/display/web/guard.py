"""Who may ask: only the page itself, and programs that know its address.

The address has an unguessable part, which another page of the browser cannot learn. And should it
be known all the same: a request that another page makes says so in Origin, and one that comes by
another name (DNS rebinding) says so in Host.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""The page loads nothing from elsewhere, tells nobody its address, and stands in no frame."""


class Guard:
    """Lets pass what comes to this secret path, under one of these names of the server.

    Everything else is answered as if nothing were here (404), and a live connection is refused.
    """

    def __init__(self, app: ASGIApp, secret: str, hosts: Iterable[str]) -> None:
        self._app = app
        self._secret = secret.encode()
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one live connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif self._lets_pass(scope):
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "http":
            await PlainTextResponse("nothing is here", 404)(scope, receive, send)
        else:
            await WebSocketClose(1008)(scope, receive, send)

    def _lets_pass(self, scope: Scope) -> bool:
        headers = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return False
        # A browser always says from where a live connection is made; other programs need not.
        if any(origin != f"http://{hosts[0]}" for origin in origins):
            return False
        first = scope["path"].lstrip("/").partition("/")[0].encode()
        return secrets.compare_digest(first, self._secret)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sent
