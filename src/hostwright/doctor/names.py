"""Ask what names resolve to, all at once and for a bounded time.

The resolver cannot be interrupted, so each name has a thread that nobody waits for: one that hangs
keeps neither this command nor the end of the process.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Seconds that all names together may take.
PATIENCE = 5.0

#: The addresses of each name: none where it does not resolve, None where nobody answered in time.
Resolved = dict[str, tuple[str, ...] | None]


def resolve(
    names: Iterable[str],
    seconds: float = PATIENCE,
    ask: Callable[[str], tuple[str, ...]] | None = None,
) -> Resolved:
    """What each of *names* resolves to; nothing is asked where there is none.

    Args:
        names: Host names and addresses.
        seconds: How long all of them together may take.
        ask: What is asked; the system's resolver without it.
    """
    wanted = list(dict.fromkeys(names))
    found: dict[str, tuple[str, ...]] = {}
    threads = [
        threading.Thread(target=_put, args=(found, name, ask or addresses), daemon=True)
        for name in wanted
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    answered: Mapping[str, tuple[str, ...]] = dict(found)
    return {name: answered.get(name) for name in wanted}


def _put(
    found: dict[str, tuple[str, ...]], name: str, ask: Callable[[str], tuple[str, ...]]
) -> None:
    found[name] = ask(name)


def addresses(name: str) -> tuple[str, ...]:
    """What the system's resolver says of *name*; nothing where it knows none."""
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))
