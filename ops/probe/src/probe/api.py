"""The api role: writes to Postgres, queues jobs in Redis, and says how its dependencies are."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from probe import asgi, build, contract, logs
from probe.config import Config, ConfigError, from_environment
from probe.dependencies import Dependencies
from probe.hosts import HostGuard
from probe.readiness import answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.websockets import WebSocket

    Endpoint = Callable[[Request], Awaitable[JSONResponse]]

PORT = 8000
#: These answer whatever the Host header.
HEALTH_PATHS = frozenset({"/health", "/health/ready"})
#: Longest time in seconds that a request may ask to take.
SLOWEST = 30.0
LONGEST_NAME = 200


@dataclass(frozen=True)
class NewItem:
    """What a client asks for: a name, and how many seconds the worker is to take."""

    name: str
    work_seconds: float


class Api:
    """The endpoints.

    Args:
        config: The process's variables.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._version = build.read().version
        self._needs = Dependencies(config, "api")

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Answer at once; load the drivers meanwhile; close them at the end."""
        warming = asyncio.create_task(self._needs.warm())
        logs.event("started")
        yield
        await warming
        await self._needs.close()

    async def health(self, _: Request) -> JSONResponse:
        """The process lives; it asks no dependency."""
        return JSONResponse({"status": "ok", "role": "api", "version": self._version})

    async def ready(self, _: Request) -> JSONResponse:
        """Each dependency by name; 503 unless all are usable."""
        report = await self._needs.readiness.report()
        for name, outcome in report.items():
            if outcome.status != "ok":
                logs.event(
                    "not ready",
                    logging.WARNING,
                    check=name,
                    status=outcome.status,
                    reason=outcome.reason,
                )
        return JSONResponse(*answer(report, "api", self._version))

    async def version(self, _: Request) -> JSONResponse:
        """The version that the image was built as."""
        return JSONResponse({"version": self._version})

    async def workers(self, _: Request) -> JSONResponse:
        """The workers that show life, and their versions."""
        from probe import jobs

        return JSONResponse({"workers": await jobs.workers(await self._needs.redis())})

    async def contract(self, _: Request) -> JSONResponse:
        """Names and validity of the contract's variables; only where it is switched on."""
        if not self._config.flag("CONTRACT_ENDPOINT_ENABLED", default=False):
            raise HTTPException(404)
        try:
            known = await asyncio.to_thread(contract.load)
        except contract.NoContract as missing:
            return asgi.error(501, str(missing))
        return JSONResponse(contract.report(known, os.environ, "api"))

    async def create(self, request: Request) -> JSONResponse:
        """Store a pending item and queue its job; both or neither."""
        new = new_item(await request.body())
        from probe import items, jobs

        pool, redis = await self._needs.pool(), await self._needs.redis()
        item = await items.insert(pool, new.name, self._version)
        try:
            await jobs.push(redis, jobs.Job(item, new.work_seconds))
        except Exception:
            await items.remove(pool, item)
            raise
        return JSONResponse({"id": item, "name": new.name, "state": "pending"}, 201)

    async def show(self, request: Request) -> JSONResponse:
        """An item and its state: pending or done."""
        from probe import items

        item = await items.find(await self._needs.pool(), request.path_params["item"])
        return asgi.error(404, "no such item") if item is None else JSONResponse(item)

    async def slow(self, request: Request) -> JSONResponse:
        """Answer after as many seconds as asked: what a drain must wait for."""
        seconds = bounded(request.query_params.get("seconds", "1"), "seconds", SLOWEST)
        await asyncio.sleep(seconds)
        return JSONResponse({"seconds": seconds, "version": self._version})

    async def echo(self, socket: WebSocket) -> None:
        """Send every text back."""
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    def dependent(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint that answers 503 and the reason, without secrets, when a dependency fails."""

        async def call(request: Request) -> JSONResponse:
            try:
                return await endpoint(request)
            except outages() as failure:
                reason = self._config.scrub(str(failure) or type(failure).__name__)
                logs.failure("dependency failed", reason=reason)
                return asgi.error(503, reason)

        return call


def outages() -> tuple[type[Exception], ...]:
    """What a dependency that fails raises; a function, so that no driver is imported at start."""
    import psycopg
    import redis

    return (ConfigError, OSError, psycopg.Error, redis.RedisError)


def new_item(body: bytes) -> NewItem:
    """Read what a client sent.

    Raises:
        HTTPException: 400, with what is wrong about it.
    """
    try:
        given: Any = json.loads(body)
    except ValueError:
        raise HTTPException(400, "the body is not JSON") from None
    if not isinstance(given, dict) or not isinstance(name := given.get("name"), str):
        raise HTTPException(400, 'the body is not an object with a text "name"')
    if not 0 < len(name) <= LONGEST_NAME or "\0" in name:
        raise HTTPException(400, f"name has no or more than {LONGEST_NAME} characters, or a NUL")
    return NewItem(name, bounded(given.get("work_seconds", 0), "work_seconds", SLOWEST))


def bounded(value: object, name: str, most: float) -> float:
    """A number from 0 to *most*.

    Raises:
        HTTPException: 400, it is not.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number <= most:  # NaN compares false, too
        raise HTTPException(400, f"{name} is not a number from 0 to {most:g}")
    return number


def application(config: Config) -> Starlette:
    """The api as an ASGI application."""
    api = Api(config)
    routes = [
        Route("/health", api.health),
        Route("/health/ready", api.ready),
        Route("/version", api.version),
        Route("/workers", api.dependent(api.workers)),
        Route("/contract", api.contract),
        Route("/items", api.dependent(api.create), methods=["POST"]),
        Route("/items/{item:int}", api.dependent(api.show)),
        Route("/slow", api.slow),
        WebSocketRoute("/ws", api.echo),
    ]
    middleware = [
        Middleware(asgi.RequestLog, HEALTH_PATHS),
        Middleware(HostGuard, config.words("ALLOWED_HOSTS"), HEALTH_PATHS),
        Middleware(
            CORSMiddleware,
            allow_origins=config.words("ALLOWED_ORIGINS"),
            allow_methods=("GET", "POST"),
            allow_headers=("content-type",),
        ),
    ]
    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={HTTPException: asgi.http_error},
        lifespan=api.lifespan,
        max_body_size=asgi.LARGEST_BODY,
    )


def main() -> int:
    """Serve the api until it is told to stop."""
    config = from_environment()
    try:
        logs.configure("api", config)
        return asgi.serve(application(config), config, PORT, websockets=True)
    except ConfigError as wrong:
        sys.stderr.write(f"api: {wrong}\n")
        return 2
