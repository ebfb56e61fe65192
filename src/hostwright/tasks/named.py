"""Targets and profiles as they are typed: known ones, or a sentence that names the nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from hostwright.contract.models import Profile, TargetName


def target(name: str) -> TargetName:
    """A target by its name.

    Raises:
        UserError: There is none of that name.
    """
    from hostwright.contract.models import TARGETS

    return cast("TargetName", _one_of(name, TARGETS, "target"))


def profile(name: str) -> Profile:
    """A profile by its name.

    Raises:
        UserError: There is none of that name.
    """
    from hostwright.contract.models import PROFILES

    return cast("Profile", _one_of(name, PROFILES, "profile"))


def _one_of(name: str, known: tuple[str, ...], what: str) -> str:
    from hostwright.contract.rules import near
    from hostwright.errors import UserError

    if name not in known:
        raise UserError(f"there is no {what} {name!r}", remedy=near(name, known))
    return name
