"""A moment as the operator writes it: UTC or with an offset, or ``latest``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from hostwright.errors import UserError

LATEST = "latest"
_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?"
)


def canonical(text: str) -> str:
    """What the host is asked for: ``latest``, or UTC with microseconds.

    Raises:
        UserError: It is no moment.
    """
    if text.strip().lower() == LATEST:
        return LATEST
    return f"{_parsed(text).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _parsed(text: str) -> datetime:
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise _unreadable(text)
    day, clock, seconds, part, zone = found.groups()
    try:
        plain = datetime.strptime(f"{day} {clock}:{seconds or '00'}", "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the zone comes next
        return plain.replace(microsecond=int((part or "0").ljust(6, "0")), tzinfo=_zone(zone))
    except ValueError as error:
        raise _unreadable(text) from error


def _zone(text: str | None) -> timezone:
    if text in {None, "Z"}:
        return UTC
    digits = str(text)[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-size if str(text)[0] == "-" else size)


def _unreadable(text: str) -> UserError:
    return UserError(
        f"{text[:60]!r} is no moment",
        where="--to",
        remedy='Write "2026-11-23 03:00:00" (UTC), "2026-11-23 04:00:00+01:00", or latest.',
    )


def shown(epoch: float) -> str:
    """A moment for people."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S} UTC"
