"""Ask what is deployed whether it is ready, over the public addresses, until it is."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from hostwright.errors import CloudError, NotReady

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hostwright.contract.models import Contract
    from hostwright.progress import Progress

#: Seconds that one answer may take, and between two questions.
PATIENCE = 10.0
PAUSE = 3.0
#: Longer answers than this are not read: a readiness report is short.
LONGEST = 65_536


class Wanted(NamedTuple):
    """A role, and where it says that it is ready."""

    role: str
    url: str


class Answer(NamedTuple):
    """What a role said: status 0 where nothing answered; *what* is never a secret."""

    role: str
    url: str
    status: int
    what: str

    @property
    def ready(self) -> bool:
        """Whether it is."""
        return self.status == HTTPStatus.OK


def addresses(contract: Contract, outputs: Mapping[str, Any]) -> list[Wanted]:
    """Where the public roles say that they are ready.

    Raises:
        CloudError: No role is public.
    """
    found = [
        Wanted(role, f"{str(outputs[name]).rstrip('/')}{contract.roles[role].health.ready}")
        for role, name in (("api", "api_url"), ("web", "web_url"))
        if role in contract.roles and _is_public(outputs.get(name))
    ]
    if not found:
        raise CloudError("no role has a public address", remedy="Give app_domain, and apply.")
    return found


def _is_public(url: object) -> bool:
    return urlsplit(str(url or "")).scheme in {"http", "https"}


def wait(
    wanted: Sequence[Wanted],
    seconds: float,
    progress: Progress,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> list[Answer]:
    """Ask each until it is ready.

    Raises:
        NotReady: One is not, after so many seconds; with what it said last.
    """
    return [_until_ready(item, seconds, progress, pause) for item in wanted]


def _until_ready(
    wanted: Wanted, seconds: float, progress: Progress, pause: Callable[[float], None]
) -> Answer:
    begun = time.monotonic()
    progress.begin(f"{wanted.role}: {wanted.url}")
    told = ""
    while True:
        answer = ask(wanted)
        passed = time.monotonic() - begun
        if answer.ready:
            progress.end(f"{wanted.role} is ready: {wanted.url}", passed)
            return answer
        if passed >= seconds:
            raise NotReady(
                f"not ready after {passed:.0f} s: {answer.what}",
                where=f"{wanted.role}, {wanted.url}",
                remedy="The role's log says more; certificates may take an hour after DNS.",
            )
        if answer.what != told:
            told = answer.what
            progress.note(f"{wanted.role}: {told}")
        pause(min(PAUSE, max(0.0, seconds - passed)))


def ask(wanted: Wanted) -> Answer:
    """One question."""
    request = Request(wanted.url, headers={"Accept": "application/json"})  # noqa: S310 - checked
    try:
        with urlopen(request, timeout=PATIENCE) as response:  # noqa: S310 - checked
            return Answer(*wanted, response.status, "ready")
    except HTTPError as error:
        with error:
            body = error.read(LONGEST).decode(errors="replace")
        return Answer(*wanted, error.code, f"{error.code}, {_failing(body)}")
    except URLError as error:
        return Answer(*wanted, 0, f"no answer: {error.reason}")
    except (OSError, ValueError) as error:
        return Answer(*wanted, 0, f"no answer: {error}")


def _failing(body: str) -> str:
    """The checks that fail, by name, of a readiness report; never its values."""
    try:
        checks = json.loads(body)["checks"]
        failing = [name for name, item in checks.items() if item["status"] != "ok"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "no readiness report"
    return f"not ready: {', '.join(failing)}" if failing else "all checks are ok"
