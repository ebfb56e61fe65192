"""What differs between the operator's values and those that serve: names and salted hashes. Pure.

The host tells hashes with the serving release's own salt; here the same is made of the values as
they would be in that very release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hostwright.release.build import FILE_SECRETS, salted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Who has the passwords of the base's services.
BASE = "base"
_SHOWN = 8

How = Literal["added", "removed", "changed"]


class Change(NamedTuple):
    """One variable that differs.

    Attributes:
        name: Of the variable.
        roles: Who has it, where it differs alike; ``base`` for a password of the base itself.
        how: Seen from what serves now.
        before: The beginning of the serving value's salted hash; empty where there is none.
        after: That of the operator's value.
    """

    name: str
    roles: tuple[str, ...]
    how: How
    before: str
    after: str


def compare(
    told: Mapping[str, Any],
    roles: Mapping[str, Mapping[str, str]],
    given: Mapping[str, str],
) -> list[Change]:
    """Every difference, by name.

    Args:
        told: The host's ``planned`` (see ``runner.protocol``).
        roles: What each role would get in the serving release.
        given: The operator's values.
    """
    found: dict[tuple[str, How, str, str], list[str]] = {}
    for role, name, before, after in (*_of_roles(told, roles), *_of_base(told, given)):
        how: How = "changed" if before and after else "added" if after else "removed"
        found.setdefault((name, how, before[:_SHOWN], after[:_SHOWN]), []).append(role)
    return sorted(
        Change(name, tuple(sorted(who)), how, before, after)
        for (name, how, before, after), who in found.items()
    )


def _of_roles(
    told: Mapping[str, Any], roles: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str, str, str]]:
    salt, env = str(told["salt"]), told["env"]
    for role in sorted({*env, *roles}):
        serving = env.get(role, {})
        mine = {name: salted(salt, name, value) for name, value in roles.get(role, {}).items()}
        for name in sorted({*serving, *mine}):
            before, after = str(serving.get(name, "")), mine.get(name, "")
            if not (before and after.startswith(before)):
                yield role, name, before, after


def _of_base(
    told: Mapping[str, Any], given: Mapping[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    serving = told["base"]["secrets"]
    for file, (name, _) in FILE_SECRETS.items():
        path = f"secrets/{file}"
        before = str(serving.get(path, ""))
        if before and name in given:
            after = salted(str(told["salt"]), path, given[name])
            if not after.startswith(before):
                yield BASE, name, before, after


def passwords(changes: list[Change]) -> list[str]:
    """The passwords of the base that differ."""
    return [change.name for change in changes if BASE in change.roles]


def shown(changes: list[Change]) -> list[str]:
    """A line a change, for people."""
    rows = [(one.name, one.how, ", ".join(one.roles), _hashes(one)) for one in changes]
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(3)]
    return [
        "  ".join(f"{row[at]:<{widths[at]}}" for at in range(3)) + f"  {row[3]}" for row in rows
    ]


def _hashes(one: Change) -> str:
    return f"{one.before or '-'} -> {one.after or '-'}"
