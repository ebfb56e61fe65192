"""What both services share: the server, its way to stop, the request log, plain JSON errors."""

from __future__ import annotations

import logging
import signal
import time
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from probe import logs

if TYPE_CHECKING:
    import asyncio

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from probe.config import Config

#: Seconds that requests in flight get after SIGTERM; less than the contract's stop_seconds (30),
#: so that it is the process that ends them and not a kill.
GRACE = 25
#: Seconds that an idle connection is kept. Longer than any client of ours keeps it (Caddy 120,
#: web's own pool 60): who closes first must be the client, else a POST meets a closing connection.
KEEP_ALIVE = 150
#: Most bytes of a request's body.
LARGEST_BODY = 64 * 1024


def serve(app: ASGIApp, config: Config, port: int, *, websockets: bool = False) -> int:
    """Serve until SIGTERM or SIGINT; then finish what is in flight, and end with 0."""
    import uvicorn

    # uvicorn raises the signal again once it has shut down; a clean stop is not a death by signal.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: None)
    settings: dict[str, Any] = {
        "host": "0.0.0.0",  # noqa: S104 - a container's own network
        "port": config.number("PORT", port),
        "http": "h11",
        "loop": "asyncio",
        "ws": websocket if websockets else "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": GRACE,
    }
    uvicorn.Server(uvicorn.Config(app, **settings)).run()
    logs.event("stopped")
    return 0


def websocket(**given: Any) -> asyncio.Protocol:  # noqa: ANN401 - what uvicorn passes on
    """The WebSocket protocol, imported at the first upgrade rather than at start."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    return WebSocketsSansIOProtocol(**given)


class RequestLog:
    """Logs each request's method, path, status and duration; never its query, headers or body.

    Health paths are logged at debug level: probes ask every second.
    """

    def __init__(self, app: ASGIApp, quiet: frozenset[str]) -> None:
        self._app = app
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and log how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._log(scope, status, time.perf_counter() - start)

    def _log(self, scope: Scope, status: int, seconds: float) -> None:
        level = logging.DEBUG if scope["path"] in self._quiet else logging.INFO
        logs.event(
            "request",
            level,
            method=scope["method"],
            path=scope["path"],
            status=status,
            seconds=round(seconds, 4),
        )


def error(status: int, text: str) -> JSONResponse:
    """An error as every endpoint answers it."""
    return JSONResponse({"error": text}, status)


async def http_error(_: Request, exception: Exception) -> JSONResponse:
    """Answer what the router refuses (404, 405, 413) in the same shape."""
    assert isinstance(exception, HTTPException)  # noqa: S101 - registered for that class alone
    return JSONResponse({"error": exception.detail}, exception.status_code, exception.headers)


async def misconfigured(_: Request, exception: Exception) -> JSONResponse:
    """A variable that the endpoint needs is missing or malformed; the message names it."""
    return error(503, str(exception))
