"""The Host header rule: ALLOWED_HOSTS, except on health paths, since probes come by IP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send


def allowed(host: str, patterns: Iterable[str]) -> bool:
    """Whether a Host header (with or without port) is one of the patterns.

    A pattern is a host name, ``*.example.com`` for every name below one, or ``*`` for any.
    """
    name = _without_port(host.lower())
    return any(
        pattern == "*"
        or name == pattern.lower()
        or (pattern.startswith("*.") and name.endswith(pattern[1:].lower()))
        for pattern in patterns
    )


def _without_port(host: str) -> str:
    if host.startswith("["):  # an IPv6 address in brackets
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


class HostGuard:
    """Answers 400 to a Host that is not allowed.

    Args:
        app: What is guarded.
        patterns: ALLOWED_HOSTS; when empty, every host is allowed (only development leaves it out).
        open_paths: Paths that answer whatever the Host header.
    """

    def __init__(self, app: ASGIApp, patterns: tuple[str, ...], open_paths: frozenset[str]) -> None:
        self._app = app
        self._patterns = patterns
        self._open = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is allowed."""
        if scope["type"] not in {"http", "websocket"} or self._passes(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            answer = JSONResponse({"error": "this host is not one of ALLOWED_HOSTS"}, 400)
            await answer(scope, receive, send)

    def _passes(self, scope: Scope) -> bool:
        if scope["path"] in self._open or not self._patterns:
            return True
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        return len(hosts) == 1 and allowed(hosts[0], self._patterns)
