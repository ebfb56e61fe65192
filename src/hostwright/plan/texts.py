"""What differs between two Compose files, and between two sets of Caddy's files. Pure."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from hostwright.cluster.difference import flat
from hostwright.plan.model import Field, How, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Lines around a change that are shown with it.
_AROUND = 1
#: Not text for people: that it differs is all that is told.
_OPAQUE = (".pem",)


def document(text: str | None) -> dict[str, Any]:
    """A rendered Compose file; empty where there is none, or one that cannot be read."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Field, ...]:
    """Every field that differs but images, which a plan has apart."""
    return tuple(_fields(before, after))


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Field]:
    old, new = _services(before), _services(after)
    for name in sorted({*old, *new}):
        yield from _differing(name, old.get(name), new.get(name))
    rest = (
        {key: item for key, item in one.items() if key != "services"} for one in (before, after)
    )
    yield from _differing("", *rest)


def _services(found: Mapping[str, Any]) -> dict[str, Any]:
    """By the role's own name: a release's services carry its id."""
    services: Mapping[str, Any] = found.get("services") or {}
    return {role(name, body): body for name, body in services.items()}


def role(name: str, body: Mapping[str, Any]) -> str:
    """The role that a service plays."""
    return str((body.get("labels") or {}).get("dev.hostwright.role") or name)


def _differing(
    service: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[Field]:
    if before is None or after is None:
        there, gone = ("the service", None) if after is None else (None, "the service")
        yield Field(service, "", there, gone)
        return
    old, new = dict(flat(dict(before))), dict(flat(dict(after)))
    for path in dict.fromkeys([*new, *old]):
        if path != "image" and old.get(path) != new.get(path):
            yield Field(service, path, old.get(path), new.get(path))


def recreated(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The services that Compose makes anew: whose definition differs, image included."""
    old, new = before.get("services") or {}, after.get("services") or {}
    return tuple(name for name in sorted(new) if name in old and old[name] != new[name])


def texts(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Text, ...]:
    """The files that differ, each with its lines."""
    names = sorted({*before, *after})
    return tuple(
        _text(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    )


def _text(name: str, before: str | None, after: str | None) -> Text:
    how: How = "added" if before is None else "removed" if after is None else "changed"
    if how != "changed" or name.endswith(_OPAQUE):
        return Text(name, how, ())
    old, new = (before or "").splitlines(), (after or "").splitlines()
    lines = [*difflib.unified_diff(old, new, n=_AROUND, lineterm="")][2:]
    return Text(name, how, tuple(line for line in lines if not line.startswith("@@")))
