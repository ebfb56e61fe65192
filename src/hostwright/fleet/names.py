"""Which hosts a command means: ``shop``, ``shop,blog``, ``all``, or a whole hosts file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hostwright.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hostwright.settings import Host

ALL = "all"
_WHERE = "--host"


class Chosen(NamedTuple):
    """The hosts of a command.

    Attributes:
        names: As they were given, or in the order of the file.
        several: Whether the words could mean more than one: then results are a list, even of one.
    """

    names: tuple[str, ...]
    several: bool


def choose(words: str, known: Sequence[str], *, whole_file: bool) -> Chosen:
    """Read ``--host``.

    Args:
        words: What was given; may be empty.
        known: The names of the hosts file, in its order.
        whole_file: Whether a file was named, so that no words mean all of it.

    Raises:
        SettingsError: ``all`` of nothing, a blank name, or one that is given twice.
    """
    if words == ALL or (whole_file and not words):
        return Chosen(_all(known), several=True)
    names = tuple(name.strip() for name in words.split(","))
    if len(names) == 1:
        return Chosen(names, several=False)
    if not all(names):
        raise SettingsError("a name is blank", where=_WHERE, remedy="Write --host shop,blog.")
    if ALL in names:
        raise SettingsError(
            "`all` stands alone: it is every host of the file", where=_WHERE, remedy="Give one."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(
            f"{', '.join(twice)} is given twice; nothing was touched",
            where=_WHERE,
            remedy="Name each host once.",
        )
    return Chosen(names, several=True)


def _all(known: Sequence[str]) -> tuple[str, ...]:
    if not known:
        raise SettingsError(
            "there is no host to choose from",
            where=_WHERE,
            remedy="Write hosts.yaml (hosts.example.yaml shows all of it), or give --hosts-file.",
        )
    if ALL in known:
        raise SettingsError(
            "a host is called `all`, which means every host", where=_WHERE, remedy="Rename it."
        )
    return tuple(known)


def refuse_same(hosts: Mapping[str, Host]) -> None:
    """Refuse two names for one installation: two commands would get in each other's way.

    Raises:
        SettingsError: Two have one address, port and application.
    """
    seen: dict[tuple[str, int, str | None], str] = {}
    for name, host in hosts.items():
        place = (host.address, host.port, host.project_name)
        if place in seen:
            raise SettingsError(
                f"{seen[place]} and {name} are one installation; nothing was touched",
                where=host.address,
                remedy="Name one of the two.",
            )
        seen[place] = name
