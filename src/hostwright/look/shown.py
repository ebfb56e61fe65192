"""What the host told, as lines for people. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hostwright.errors import UserError
from hostwright.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hostwright.remote import Event

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ROLES = ("api", "web", "worker", "migrate")
_MEGABYTE = 1e6
#: Of an entry of the audit log: in columns of their own.
_COLUMNS = frozenset({"time", "actor", "user", "op", "outcome", "release", "boot_id", "seconds"})


def moment(epoch: float | None) -> str:
    """A time in UTC, or a dash."""
    if not epoch:
        return "-"
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def since(text: str, now: float) -> int:
    """The moment that ``10m``, ``2h``, ``3d`` or an ISO 8601 time means, in seconds.

    Args:
        text: As it was typed; empty means no bound.
        now: The host's time: a laptop's clock may be wrong.

    Raises:
        UserError: It is neither.
    """
    if not text:
        return 0
    number, unit = text[:-1], text[-1]
    if unit in _UNITS and number.isascii() and number.isdigit():
        return max(int(now) - int(number) * _UNITS[unit], 1)
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            f"{text[:40]!r} is no time",
            where="--since",
            remedy="Write 10m, 2h or 3d, or a time as 2026-11-23T03:40:00Z.",
        ) from error
    return max(int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()), 1)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as they have to be."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def releases(found: Event) -> list[str]:
    """One line a release, the newest first, the serving one marked."""
    rows = [("", "RELEASE", "STATE", "COMMITTED", "IMAGE", "MIGRATION")]
    for one in found["releases"]:
        mark = "*" if one["id"] == found["serving"] else " "
        rows.append((mark, one["id"], state(one), moment(one["committed"]), image(one), way(one)))
    return table(rows)


def state(release: Mapping[str, Any]) -> str:
    """The word for a release, and what a rollback has to know of it."""
    until = release.get("warm_until")
    if release["state"] == "warm" and until:
        return f"warm until {moment(until)[11:]}"
    return f"{release['state']}, withdrawn" if release.get("withdrawn") else str(release["state"])


def image(release: Mapping[str, Any]) -> str:
    """What its roles run, as the operator called it."""
    entries = release.get("images") or {}
    names = [
        entries[role].get("asked") or entries[role]["ref"] for role in _ROLES if role in entries
    ]
    return ", ".join(dict.fromkeys(map(_short, names))) or "-"


def _short(reference: str) -> str:
    name, at, digest = reference.partition("@sha256:")
    return f"{name}@{digest[:12]}" if at else reference


def way(release: Mapping[str, Any]) -> str:
    """What its migration did."""
    done = release.get("migration")
    if not done:
        return "-"
    text = f"{done.get('before')} -> {done.get('after')}"
    return f"{text}, irreversible" if done.get("irreversible") else text


def audit(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line a command, the oldest first."""
    rows = [("TIME", "WHO", "WHAT", "RESULT", "RELEASE", "")]
    for entry in entries:
        seconds = entry.get("seconds")
        took = f"{entry.get('outcome') or ''} {f'{seconds:.1f} s' if seconds else ''}".strip()
        rows.append(
            (
                str(entry.get("time", "-")).replace("T", " "),
                str(entry.get("actor", "-")),
                str(entry.get("op", "-")),
                took or "-",
                str(entry.get("release") or "-"),
                _rest(entry),
            )
        )
    return table(rows)


def _rest(entry: Mapping[str, Any]) -> str:
    """What only some commands say, name by name."""
    said = {key: value for key, value in entry.items() if key not in _COLUMNS and value}
    said.pop("previous", None)
    return ", ".join(f"{key} {_plain(value)}" for key, value in said.items())


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def log(event: Event, width: int) -> str:
    """One line of a log: when, who, what."""
    return f"{event['time'][:19]}Z  {event['role']:<{width}}  {printable(event['text'])}"


def hold(found: Event) -> str:
    """Who holds the host, and who is at work."""
    held, busy = found["hold"], found["busy"]
    text = "nobody holds it"
    if held and not held["owner"]:
        text = "somebody holds it, and the file that says who cannot be read"
    elif held:
        text = f"{held['owner']} has held it since {moment(held['since'])}: {held['reason']}"
    if busy is not None:
        actor, op = busy.get("actor") or "somebody", busy.get("op") or "a command"
        text += f"; {actor} is running {op} since {moment(busy.get('since'))}"
    return text


def maintenance(found: Event) -> str:
    """Whether maintenance is on, and who passes."""
    notice = found["maintenance"]
    if not notice:
        unknown = "" if found["known"] else "; the Caddyfile that serves does not know it yet"
        return f"maintenance is off{unknown}"
    who = f" by {notice['actor']}" if notice["actor"] else ""
    why = f" ({notice['reason']})" if notice["reason"] else ""
    ranges = ", ".join(notice["allowed"]) or "nobody"
    when = f" since {moment(notice['since'])}" if notice["since"] else ""
    return (
        f"maintenance is on{when}{who}{why}: 503 for the public hosts, "
        f"{ranges} and the health paths pass"
    )


def prune(found: Event) -> list[str]:
    """What would go."""
    return [
        *(f"release   {one}" for one in found["releases"]),
        *(f"image     {one}" for one in found["images"]),
        *(f"leftover  {one}" for one in found["leftovers"]),
    ]


def counted(found: Event) -> str:
    """How much of what; empty where there is nothing."""
    kinds = (("release", "releases"), ("image", "images"), ("leftover", "leftovers"))
    counts = [(len(found[many]), one, many) for one, many in kinds]
    return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n)


def megabytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / _MEGABYTE:.1f} MB"


def at_stake(hello: Event, app: str) -> str:
    """What a destroy removes, and how old the data is that is left elsewhere."""
    made = hello.get("backup") or {}
    last = made.get("backup")
    age = f"{timedelta(seconds=int(hello['time'] - last['time']))} old" if last else ""
    backup = f"the newest backup ({last['id']}) is {age}" if last else "there is NO good backup"
    releases = len(hello["releases"])
    return (
        f"{app}: {releases} releases with their env files, the database, Redis, stored files and "
        f"certificates are removed; {backup}"
    )
