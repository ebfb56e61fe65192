"""The web role: what browsers talk to. Its server calls the api; browsers never do."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from probe import asgi, build, logs, page
from probe.config import Config, ConfigError, from_environment
from probe.readiness import Readiness, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from starlette.requests import Request

PORT = 3000
HEALTH_PATHS = frozenset({"/api/health", "/api/health/ready"})
#: Seconds to connect to the api, and to wait for an answer (more than /slow may take).
CONNECT = 2.0
ANSWER = 35.0
#: Seconds that an idle connection to the api is kept; less than the api keeps it.
IDLE = 60.0


class Web:
    """The endpoints.

    Args:
        config: The process's variables.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._version = build.read().version
        self._opening = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None
        self._readiness = Readiness({"api": self._check_api}, config)
        self.secure_cookies = secure_cookies(config)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Answer at once; load the client meanwhile; close it at the end."""
        warming = asyncio.create_task(self._warm())
        logs.event("started")
        yield
        await warming
        if self._client is not None:
            await self._client.aclose()

    async def health(self, _: Request) -> JSONResponse:
        """The process lives; it asks nobody."""
        return JSONResponse({"status": "ok", "role": "web", "version": self._version})

    async def ready(self, _: Request) -> JSONResponse:
        """Whether the api of this release answers."""
        report = await self._readiness.report()
        return JSONResponse(*answer(report, "web", self._version))

    async def style(self, _: Request) -> Response:
        """The page's style sheet."""
        return Response(
            page.STYLE, media_type="text/css", headers={"cache-control": "max-age=3600"}
        )

    async def home(self, request: Request) -> HTMLResponse:
        """The page: versions, the state of each role, a form, and the item that was asked for."""
        wanted = request.query_params.get("item", "")
        rows, item = await asyncio.gather(self._rows(), self._item(wanted))
        html = HTMLResponse(page.render(self._version, rows, item))
        html.set_cookie(
            "probe_seen", self._version, secure=self.secure_cookies, httponly=True, samesite="lax"
        )
        return html

    async def submit(self, request: Request) -> Response:
        """Take the page's form and lead to the item."""
        fields = parse_qs((await request.body()).decode(errors="replace"))
        body = json.dumps({"name": fields.get("name", [""])[0]}).encode()
        made = await self._call("POST", "/items", body)
        if made.status_code != 201:  # noqa: PLR2004 - created
            return made
        return RedirectResponse(f"/?item={json.loads(bytes(made.body))['id']}", 303)

    async def proxy(self, request: Request) -> Response:
        """Pass a request below /api on to the api, and its answer back."""
        path = request.url.path.removeprefix("/api")
        query = f"?{request.url.query}" if request.url.query else ""
        return await self._call(request.method, path + query, await request.body())

    async def _call(self, method: str, path: str, body: bytes = b"") -> Response:
        """One request to the api; 502 or 504 with a plain reason when it does not answer."""
        client = await self._api()
        import httpx

        try:
            got = await client.request(method, path, content=body or None)
        except httpx.TimeoutException:
            return asgi.error(504, "the api did not answer in time")
        except httpx.HTTPError as failure:
            return asgi.error(502, f"the api did not answer: {self._config.scrub(str(failure))}")
        return Response(got.content, got.status_code, media_type=got.headers.get("content-type"))

    async def _api(self) -> httpx.AsyncClient:
        """The one client, with its pool of kept connections."""
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(open_client, self._config)
        return self._client

    async def _warm(self) -> None:
        try:
            await self._api()
        except ConfigError as wrong:
            logs.failure("not ready", reason=str(wrong))

    async def _check_api(self) -> None:
        """The api's process answers; whether its dependencies do is its own readiness."""
        answered = await self._call("GET", "/health")
        if answered.status_code != 200:  # noqa: PLR2004 - ok
            raise ConfigError(f"API_BASE_URL: {bytes(answered.body).decode(errors='replace')}")

    async def _rows(self) -> list[tuple[str, bool, str]]:
        ready, workers = map(
            _fields, await asyncio.gather(*map(self._get, ("/health/ready", "/workers")))
        )
        rows = [("web", True, f"version {self._version}")]
        rows.append(("api", "version" in ready, f"version {ready.get('version', 'unknown')}"))
        for name, check in ready.get("checks", {}).items():
            good = check["status"] == "ok"
            rows.append((f"api: {name}", good, check["status"] + _why(check.get("reason", ""))))
        found = sorted(set(workers.get("workers", {}).values()))
        rows.append(("worker", bool(found), f"version {', '.join(found)}" if found else "none"))
        return rows

    async def _item(self, wanted: str) -> dict[str, Any] | None:
        if not wanted:
            return None
        if not (wanted.isascii() and wanted.isdigit()):
            return {"error": "no such item"}
        return _fields(await self._get(f"/items/{wanted}"))

    async def _get(self, path: str) -> Response:
        try:
            return await self._call("GET", path)
        except ConfigError as wrong:
            return asgi.error(502, str(wrong))


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""


def _fields(answered: Response) -> dict[str, Any]:
    """The api's JSON object, or an error in that shape."""
    try:
        found = json.loads(bytes(answered.body))
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"error": "the api's answer is not JSON"}


def open_client(config: Config) -> httpx.AsyncClient:
    """A client for API_BASE_URL.

    Raises:
        ConfigError: API_BASE_URL is missing or no http URL.
    """
    import httpx

    base = config.text("API_BASE_URL")
    if not base.startswith(("http://", "https://")):
        raise ConfigError("API_BASE_URL is not an http or https URL")
    try:
        return httpx.AsyncClient(
            base_url=base,
            timeout=httpx.Timeout(ANSWER, connect=CONNECT),
            limits=httpx.Limits(keepalive_expiry=IDLE),
            headers={"content-type": "application/json"},
            trust_env=False,  # no proxy of the surroundings between web and api
        )
    except httpx.InvalidURL:
        raise ConfigError("API_BASE_URL is not an http or https URL") from None


def secure_cookies(config: Config) -> bool:
    """Whether cookies travel over TLS only: unless insecure ones are allowed and not overruled."""
    force = config.flag("AGENT_FORCE_SECURE_COOKIES", default=True)
    return force or not config.flag("AGENT_ALLOW_INSECURE_COOKIES", default=False)


def application(config: Config) -> Starlette:
    """The web role as an ASGI application."""
    web = Web(config)
    return Starlette(
        routes=[
            Route("/", web.home),
            Route("/", web.submit, methods=["POST"]),
            Route("/style.css", web.style),
            Route("/api/health", web.health),
            Route("/api/health/ready", web.ready),
            Route("/api/version", web.proxy),
            Route("/api/slow", web.proxy),
            Route("/api/items", web.proxy, methods=["POST"]),
            Route("/api/items/{item:int}", web.proxy),
        ],
        middleware=[Middleware(partial(asgi.RequestLog, quiet=HEALTH_PATHS))],
        exception_handlers={HTTPException: asgi.http_error, ConfigError: asgi.misconfigured},
        lifespan=web.lifespan,
        max_body_size=asgi.LARGEST_BODY,
    )


def main() -> int:
    """Serve the web role until it is told to stop."""
    config = from_environment()
    try:
        logs.configure("web", config)
        return asgi.serve(application(config), config, PORT)
    except ConfigError as wrong:
        sys.stderr.write(f"web: {wrong}\n")
        return 2
