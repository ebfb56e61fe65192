"""Run named checks side by side, each within a time limit, and say of each how it ended."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from probe.config import Config

    Check = Callable[[], Awaitable[None]]

#: Seconds that one check may take.
LIMIT = 4.0


class NotRun(Exception):
    """A check could not be tried at all; it counts as not ready and is shown as what it is."""


class Outcome(NamedTuple):
    """How one check ended: ``ok``, ``failed`` or ``not run``, and why."""

    status: str
    reason: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The outcome as the endpoint answers it."""
        reason = {"reason": self.reason} if self.reason else {}
        return {"status": self.status, **reason, "seconds": round(self.seconds, 4)}


class Readiness:
    """The checks of one process; requests that arrive while they run share the one run.

    Args:
        checks: Name of a dependency to the coroutine function that raises when it is not usable.
        config: What blanks secrets in the reasons.
    """

    def __init__(self, checks: Mapping[str, Check], config: Config) -> None:
        self._checks = checks
        self._config = config
        self._running: asyncio.Task[dict[str, Outcome]] | None = None

    async def report(self) -> dict[str, Outcome]:
        """Every check's outcome, in the order of their names."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(self._running)

    async def _run(self) -> dict[str, Outcome]:
        outcomes = await asyncio.gather(*map(self._one, self._checks.values()))
        return dict(sorted(zip(self._checks, outcomes, strict=True)))

    async def _one(self, check: Check) -> Outcome:
        start = time.perf_counter()
        try:
            await asyncio.wait_for(check(), LIMIT)
            status, reason = "ok", ""
        except NotRun as error:
            status, reason = "not run", str(error)
        except TimeoutError:
            status, reason = "failed", f"no answer within {LIMIT:g} s"
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is the answer
            status, reason = "failed", self._config.scrub(str(error) or type(error).__name__)
        return Outcome(status, reason, time.perf_counter() - start)


def answer(report: Mapping[str, Outcome], role: str, version: str) -> tuple[dict[str, Any], int]:
    """The body of a ready endpoint and its status code: 200, or 503 unless every check is ok."""
    ready = all(outcome.status == "ok" for outcome in report.values())
    body = {
        "status": "ready" if ready else "not ready",
        "role": role,
        "version": version,
        "checks": {name: outcome.as_json() for name, outcome in report.items()},
    }
    return body, 200 if ready else 503
