"""A person's lock: until it is given back nobody deploys, rolls back or restores.

It is a file, not the flock that serialises commands, so it outlives its owner's connection and a
reboot. Backups go on. One that cannot be read holds as well: whoever took it meant it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import durable
from .fault import Code, RunnerError, refused, unfit

if TYPE_CHECKING:
    from .layout import Layout

#: What a held host refuses; the rest goes on.
HELD = frozenset({"images", "deploy", "rollback", "restore", "recover", "prune", "destroy"})
_LONGEST = 200


class Hold(NamedTuple):
    """Who holds the host.

    Attributes:
        owner: As they call themselves; empty where the file cannot be read.
        reason: Why, in their words.
        since: Seconds since the epoch.
    """

    owner: str
    reason: str
    since: int

    @property
    def words(self) -> str:
        """One sentence for those who are refused."""
        if not self.owner:
            return "somebody holds this host, and the file that says who cannot be read"
        clock = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(self.since))
        return f"{self.owner} has held this host since {clock}: {self.reason}"


def read(layout: Layout) -> Hold | None:
    """Who holds the host, or None."""
    if not layout.hold.exists():
        return None
    value = durable.read_json(layout.hold)
    try:
        if isinstance(value, dict):
            return Hold(str(value["owner"]), str(value["reason"]), int(value["since"]))
    except (KeyError, TypeError, ValueError):
        pass
    return Hold("", "", 0)


def told(layout: Layout) -> dict[str, Any] | None:
    """The same for the laptop."""
    found = read(layout)
    return found._asdict() if found else None


def take(layout: Layout, owner: str, reason: object) -> Hold:
    """Hold the host from now on; what runs already comes to its end.

    Raises:
        RunnerError: There is no reason, or somebody else holds it.
    """
    text = "".join(c for c in str(reason or "") if c.isprintable()).strip()[:_LONGEST]
    if not text:
        raise refused("a lock needs a reason: the others will read it", where="reason")
    found = read(layout)
    if found is not None and found.owner != owner:
        raise _held(found)
    since = found.since if found else int(time.time())
    mine = Hold(owner, text, since)
    durable.write_json(layout.hold, mine._asdict())
    return mine


def give_back(layout: Layout, owner: str, *, force: bool) -> Hold | None:
    """End it; who held it, or None where nobody did.

    Args:
        layout: Whose host.
        owner: Who asks.
        force: Also where it is somebody else's.

    Raises:
        RunnerError: It is somebody else's.
    """
    found = read(layout)
    if found is not None and found.owner != owner and not force:
        raise _held(found)
    durable.remove(layout.hold)
    return found


def refuse(layout: Layout, op: str) -> None:
    """See that nobody forbids this, and that the application is not being removed.

    Raises:
        RunnerError: Somebody does (code 16), or it is (code 15).
    """
    found = read(layout) if op in HELD else None
    if found is not None:
        raise _held(found)
    if op != "destroy" and destroying(layout) is not None:
        raise unfit(
            "a destroy of this application was begun and has not ended",
            where="destroy",
            remedy="Run `invoke vps.destroy` again: it goes on where it was. Then deploy anew.",
        )


def destroying(layout: Layout) -> dict[str, Any] | None:
    """What a destroy that was begun and has not ended was asked for, or None."""
    if not layout.destroying.exists():
        return None
    value = durable.read_json(layout.destroying)
    return value if isinstance(value, dict) else {}


def _held(found: Hold) -> RunnerError:
    return RunnerError(
        Code.BUSY,
        found.words,
        where="the host's lock",
        remedy="Ask them; `invoke vps.lock --release` gives it back (`--force`: somebody else's).",
    )
