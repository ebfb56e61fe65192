"""Tell somebody: a program on the host, a web address, or both. Telling never fails what it tells.

Whoever may deploy may choose the program and is not root: it runs as nobody, with nothing to gain.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from .. import durable
from ..process import Shell

if TYPE_CHECKING:
    from pathlib import Path

    from ..layout import Layout
    from .settings import Alerts

_SECONDS = 30.0
_AGAIN_SECONDS = 86_400
_AS_NOBODY = (
    *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs"),
    "--inh-caps=-all",
)


def tell(layout: Layout, alerts: Alerts, kind: str, what: str, **facts: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Tell it, and say what of the telling went wrong.

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
    wrong = []
    if alerts.command and (said := _run(layout, alerts.command, content)):
        wrong.append(f"the alert command {said}")
    if alerts.webhook and (said := _post(alerts.webhook, content)):
        wrong.append(f"the webhook {said}")
    return wrong


def raised(layout: Layout, kind: str, subject: str, *, wrong: bool) -> bool:
    """Whether to tell of something now: when it begins, and once a day while it lasts."""
    path, now = _known(layout), int(time.time())
    value = durable.read_json(path)
    known: dict[str, Any] = value if isinstance(value, dict) else {}
    key = f"{kind} {subject}"
    due = wrong and now - int(known.get(key) or 0) >= _AGAIN_SECONDS
    if due:
        known[key] = now
    elif not wrong and key in known:
        del known[key]
    else:
        return False
    with contextlib.suppress(OSError):
        durable.write_json(path, known)
    return due


def _known(layout: Layout) -> Path:
    return layout.backup / "alerts.json"


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
    except (OSError, ValueError) as error:
        return f"cannot be reached: {type(error).__name__}"
    return ""
