"""Start the probe's roles as they run in a container: from a build, by the contract's variables."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from tests import engines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp

SOURCE = Path(__file__).parents[2] / "ops" / "probe" / "src" / "probe"


@dataclass(frozen=True)
class Surroundings:
    """What a role is given: the vps target's variables by default."""

    home: Path
    database_url: str
    redis_url: str
    secrets: Mapping[str, str] = field(
        default_factory=lambda: {
            "SECRET_KEY": "secret-key-$HOME-0123456789-0123456789",
            "AUTH_SESSION_ENCRYPTION_KEY": "session-key-0123456789-0123456789",
            "AUTH_PASSWORD_PEPPER": "pepper-ä-0123456789-0123456789-01",
        }
    )

    def env(self, **changes: str | None) -> dict[str, str]:
        """The variables of api, worker and migrate; a change to None leaves one out."""
        storage = self.home / "storage"
        storage.mkdir(exist_ok=True)
        values: dict[str, str | None] = {
            "ENVIRONMENT": "production",
            "LOG_LEVEL": "debug",
            "APP_PUBLIC_URL": "https://app.test",
            "ALLOWED_HOSTS": "api.test,127.0.0.1",
            "ALLOWED_ORIGINS": "https://app.test",
            "DATABASE_URL": self.database_url,
            "DATABASE_SSL_MODE": "disable",
            "DATABASE_POOL_SIZE": "2",
            "REDIS_URL": self.redis_url,
            "REDIS_CLUSTER_MODE": "disabled",
            "SECRETS_PROVIDER": "env",
            "AUTH_KEY_STORAGE_BACKEND": "file",
            "AUTH_KEY_STORAGE_PROVIDER": "env",
            "AUTH_KEY_SECRET_NAME": "auth-signing-keys",
            "STORAGE_PROVIDER": "local",
            "AUTH_KEY_STORAGE_PATH": str(storage),
            "STORAGE_LOCAL_PATH": str(storage),
            "TMPDIR": str(self.home),
            **self.secrets,
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Running:
    """A role that runs."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0

    def events(self) -> list[dict[str, Any]]:
        """What it logged so far."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def event(self, name: str) -> dict[str, Any]:
        """The newest event of a name; waits for one."""
        engines.wait_for(f"event {name!r}", lambda: any(e["event"] == name for e in self.events()))
        return [event for event in self.events() if event["event"] == name][-1]

    def get(self, path: str, **headers: str) -> httpx.Response:
        """GET without any proxy."""
        with self.client() as client:
            return client.get(path, headers=headers)

    def post(self, path: str, body: object) -> httpx.Response:
        """POST of JSON."""
        with self.client() as client:
            return client.post(path, json=body)

    def done(self, item: int, prefix: str = "") -> dict[str, Any]:
        """An item once its job is done; waits for it."""
        found: dict[str, Any] = {}

        def check() -> bool:
            found.update(self.get(f"{prefix}/items/{item}").json())
            return bool(found["state"] == "done")

        engines.wait_for(f"item {item} done", check)
        return found

    def client(self) -> httpx.Client:
        """A client with one pool of connections."""
        url = f"http://127.0.0.1:{self.port}"
        return httpx.Client(base_url=url, trust_env=False, timeout=20)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(engines.ENDING)


@dataclass(frozen=True)
class Stack:
    """The running roles of one release."""

    api: Running
    worker: Running
    web: Running


class Installation:
    """The probe as an image holds it: the package, and beside it what the build wrote."""

    def __init__(
        self, home: Path, *, version: str = "1", extra: int = 0, contract: object = None
    ) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        (home / "probe").symlink_to(SOURCE)
        build = {"version": version, "extra_migrations": extra}
        (home / "build.json").write_text(json.dumps(build), encoding="utf-8")
        if contract is not None:
            (home / "contract.json").write_text(json.dumps(contract), encoding="utf-8")

    def run(self, words: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """A role to its end."""
        return self._python(["-m", "probe", *words], env)

    def python(self, script: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """A script beside the package, to its end."""
        return self._python(["-c", script], env)

    def _python(self, words: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - a list of arguments, no shell
            [sys.executable, *words],
            cwd="/", env=self._env(env), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    @contextmanager
    def start(self, *words: str, env: Mapping[str, str], port: int = 0) -> Iterator[Running]:
        """A role that goes on; ended at the latest at the end."""
        log = self.home / f"log-{len(list(self.home.iterdir()))}"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                [sys.executable, "-m", "probe", *words],
                cwd="/", env=self._env(env), stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            yield Running(process, log, port)
        finally:
            engines.end(process)

    @contextmanager
    def service(self, role: str, env: Mapping[str, str]) -> Iterator[Running]:
        """An api or a web that listens."""
        port = engines.free_port()
        with self.start(role, env={**env, "PORT": str(port)}, port=port) as running:
            engines.wait_for(
                f"{role} on its port",
                lambda: running.process.poll() is not None or engines.answers(port),
            )
            assert running.process.poll() is None, running.log.read_text(encoding="utf-8")
            yield running

    def _env(self, env: Mapping[str, str]) -> dict[str, str]:
        """Nothing of this process's environment but where programs are found."""
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.home), "LANG": "C.UTF-8", **env}


def answers(app: ASGIApp, *paths: str, host: str = "api.test") -> list[httpx.Response]:
    """What an application answers in this process, where no server's behaviour is at stake."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return [await client.get(path) for path in paths]

    return asyncio.run(ask())
