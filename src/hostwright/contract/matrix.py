"""The contract as one table: a row a variable, with its roles and its source on every target."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hostwright.contract.models import Contract, Source, TargetName


class Row(NamedTuple):
    """One variable, ready to be shown."""

    name: str
    secret: bool
    roles: tuple[str, ...]
    required: str
    when: str
    sources: dict[TargetName, str]
    meaning: str


def rows(
    contract: Contract, *, target: TargetName | None = None, role: str | None = None
) -> list[Row]:
    """The contract's variables, all or those of one role; sources on all targets or one."""
    targets = [target] if target else list(contract.targets)
    return [
        Row(
            name=name,
            secret=item.secret,
            roles=tuple(one for one in item.roles if one in contract.roles),
            required=_required(item.required),
            when=" or ".join(
                " and ".join(f"{key}={'|'.join(values)}" for key, values in condition.items())
                for condition in item.when
            ),
            sources={one: _source(item.source(one), whole=target is not None) for one in targets},
            meaning=item.meaning,
        )
        for name, item in contract.variables.items()
        if role is None or role in item.roles
    ]


def _source(source: Source, *, whole: bool) -> str:
    """In full for one target; one word where all stand side by side."""
    return str(source) if whole else source.kind


def _required(profiles: tuple[str, ...]) -> str:
    initials = "".join(profile[0] for profile in profiles)
    return {"": "-", "dsp": "always"}.get(initials, ", ".join(profiles))
