"""What differs between two sets of objects, field by field; no secret is shown. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hostwright.cluster.model import role_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from hostwright.cluster.model import Body, Key, Objects

How = Literal["added", "removed", "changed"]
#: Signs that stand before an object of each sort.
SIGNS: dict[How, str] = {"added": "+", "removed": "-", "changed": "~"}
HIDDEN = "***"
#: Longer texts are cut where people read them.
SHOWN = 100
#: What tells the items of a list apart, the first that all of them have.
_NAMES = ("name", "mountPath", "containerPort", "port", "ip", "key")
_SECRETIVE = re.compile(r"(PASSWORD|SECRET|TOKEN|PEPPER|PRIVATE_KEY|_KEY|CREDENTIAL)S?$")
_POD = "spec.template.spec."
_ENV = re.compile(r"\.env\[([^\]]+)\]\.value$")


class Field(NamedTuple):
    """One field that differs; None where it is not there."""

    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.path}: {_cut(self.before)} -> {_cut(self.after)}"


class Change(NamedTuple):
    """One object that differs."""

    kind: str
    name: str
    role: str
    how: How
    fields: tuple[Field, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What people read of it."""
        head = f"{SIGNS[self.how]} {self.kind} {self.name}"
        return [head, *(f"    {field}" for field in self.fields)]

    def as_json(self) -> dict[str, object]:
        """What programs read of it."""
        fields = [field._asdict() for field in self.fields]
        return {**self._asdict(), "fields": fields}


def changes(
    before: Objects, after: Objects, secret: AbstractSet[str] = frozenset()
) -> list[Change]:
    """Every object that is there once only, or twice and not equal.

    Args:
        before: What is installed.
        after: What would be.
        secret: Names of variables whose values are never shown.
    """
    keys = dict.fromkeys([*after, *before])
    found = (_change(key, before.get(key), after.get(key), secret) for key in keys)
    return [change for change in found if change]


def _change(
    key: Key, before: Body | None, after: Body | None, secret: AbstractSet[str]
) -> Change | None:
    if before is None or after is None:
        how: How = "added" if before is None else "removed"
        return Change(*key, role_of(after or before or {}), how)
    fields = tuple(_fields(before, after, secret))
    return Change(*key, role_of(after), "changed", fields) if fields else None


def _fields(before: Body, after: Body, secret: AbstractSet[str]) -> Iterator[Field]:
    old, new = dict(flat(before)), dict(flat(after))
    for path in dict.fromkeys([*new, *old]):
        one, other = old.get(path), new.get(path)
        if one != other:
            hide = _is_hidden(path, str(after.get("kind")), secret)
            short = path.removeprefix(_POD)
            yield Field(short, _told(one, hide=hide), _told(other, hide=hide))


def _told(value: str | None, *, hide: bool) -> str | None:
    return HIDDEN if hide and value is not None else value


def _is_hidden(path: str, kind: str, secret: AbstractSet[str]) -> bool:
    if kind == "Secret" and path.startswith(("data", "stringData")):
        return True
    found = _ENV.search(path)
    name = found[1] if found else ""
    return name in secret or bool(_SECRETIVE.search(name))


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - YAML
    """Every scalar of *value* by its path: ``containers[api].env[LOG_LEVEL].value``."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        name = _name(value)
        for index, item in enumerate(value):
            label = item[name] if name else index
            yield from flat(item, f"{path}[{label}]")
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def _name(items: list[Any]) -> str:
    for name in _NAMES:
        labels = [item.get(name) for item in items if isinstance(item, dict)]
        if None not in labels and len({*map(str, labels)}) == len(items):
            return name
    return ""


def _cut(text: str | None) -> str:
    if text is None:
        return "(not there)"
    if "\n" in text:
        return f"(a text of {text.count(chr(10)) + 1} lines)"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def shown(found: list[Change]) -> str:
    """All of it, for people."""
    return "\n".join(line for change in found for line in change.lines)


def summary(found: list[Change]) -> str:
    """How much of it: ``2 changed, 1 added``."""
    counts: Mapping[How, int] = {how: sum(item.how == how for item in found) for how in SIGNS}
    told = [f"{count} {how}" for how, count in counts.items() if count]
    return ", ".join(told) or "nothing differs"
