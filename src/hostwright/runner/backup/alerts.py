"""Tell somebody: a program on the host, a web address, or both. Telling never fails what it tells.

Whoever may deploy may choose the program and is not root: it runs as nobody, with nothing to gain.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import durable
from ..process import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..layout import Layout
    from .settings import Alerts

_SECONDS = 30.0
_AGAIN_SECONDS = 86_400
_UNTOLD = "untold-"
_AS_NOBODY = (
    *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs"),
    "--inh-caps=-all",
)


class Told(NamedTuple):
    """What became of telling.

    Attributes:
        taken: Whether anybody took it; also where nobody is named, and what is printed is all.
        wrong: What went wrong, a few words for each way that failed.
    """

    taken: bool
    wrong: tuple[str, ...]


def tell(layout: Layout, alerts: Alerts, kind: str, what: str, **facts: Any) -> Told:  # noqa: ANN401 - JSON
    """Tell it, and say what became of that.

    Args:
        layout: Whose host.
        alerts: Who is told.
        kind: ``backup-failed``, ``drill-failed``, ``drill-stale``, ``backup-stale``,
            ``log-stale``, ``log-unsent``, ``log-unbased``, ``certificate``, ``disk`` or
            ``unhealthy``.
        what: One sentence.
        facts: What else is known.
    """
    message = {"kind": kind, "what": what, "app": layout.app, "time": int(time.time()), **facts}
    message["host"] = _host_name()
    content = json.dumps(message, ensure_ascii=False).encode() + b"\n"
    ways = []
    if alerts.command:
        ways.append(("the alert command", _run(layout, alerts.command, content)))
    if alerts.webhook:
        ways.append(("the webhook", _post(alerts.webhook, content)))
    wrong = tuple(f"{way} {said}" for way, said in ways if said)
    return Told(not ways or len(wrong) < len(ways), wrong)


# --- what lasts: told when it begins, and once a day ---------------------------------------------


def due(layout: Layout, kind: str, subject: str) -> bool:
    """Whether to tell now of what is wrong: it was not within a day."""
    last = _known(layout).get(_key(kind, subject))
    return not 0 <= int(time.time()) - int(last or 0) < _AGAIN_SECONDS


def mark(layout: Layout, kind: str, subject: str) -> None:
    """Somebody was told of it now."""
    _write(layout, {**_known(layout), _key(kind, subject): int(time.time())})


def clear(layout: Layout, kind: str, subject: str) -> None:
    """Nothing is wrong with it: when it begins again, it is told at once."""
    known, key = _known(layout), _key(kind, subject)
    if key in known:
        _write(layout, {name: last for name, last in known.items() if name != key})


def _key(kind: str, subject: str) -> str:
    return f"{kind} {subject}"


def _known(layout: Layout) -> dict[str, Any]:
    value = durable.read_json(_marks(layout))
    return value if isinstance(value, dict) else {}


def _write(layout: Layout, known: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        durable.write_json(_marks(layout), known)


def _marks(layout: Layout) -> Path:
    return layout.backup / "alerts.json"


# --- what happened once, and nobody took ---------------------------------------------------------


def keep(layout: Layout, kind: str, what: str) -> None:
    """Nobody took it: the watch tells it again, the newest of each kind."""
    kept = {"what": what, "time": int(time.time())}
    durable.write_json(layout.backup / f"{_UNTOLD}{kind}.json", kept)


def again(layout: Layout, alerts: Alerts) -> Iterator[tuple[str, Told]]:
    """Tell what nobody took, with the time at which it happened; what is taken is forgotten."""
    for path in sorted(layout.backup.glob(f"{_UNTOLD}*.json")):
        kept = durable.read_json(path)
        if not isinstance(kept, dict) or not kept.keys() >= {"what", "time"}:
            path.unlink()  # damaged: nothing can be told of it
            continue
        what, kind = str(kept["what"]), path.stem[len(_UNTOLD) :]
        told = tell(layout, alerts, kind, what, time=kept["time"])
        if told.taken and durable.read_json(path) == kept:  # telling takes time
            path.unlink(missing_ok=True)
        yield what, told


def _host_name() -> str:
    import os

    return os.uname().nodename


def _run(layout: Layout, command: tuple[str, ...], content: bytes) -> str:
    import subprocess

    del layout
    try:
        done = subprocess.run(  # noqa: S603 - a list of words, no shell, and as nobody
            [*_AS_NOBODY, *command],
            env={**Shell().environment(), "HOME": "/nonexistent"},
            cwd="/",
            input=content,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        return f"could not be started: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"did not end within {_SECONDS:g} s"
    return f"ended with exit code {done.returncode}" if done.returncode else ""


def _post(address: str, content: bytes) -> str:
    import http.client
    import urllib.error
    import urllib.request

    request = urllib.request.Request(  # noqa: S310 - checked to be http(s) when it came
        address, content, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - the same
            answer.read(1024)
    except urllib.error.HTTPError as error:
        return f"answered {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"cannot be reached: {type(error).__name__}"
    return ""
