"""What is scanned together: one start of checkov serves every target that is validated."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from hostwright.render.clouds.model import CLOUDS
from hostwright.validate.scanners import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.render.blueprint import Blueprint
    from hostwright.validate.scanners import Member

KUBERNETES = "kubernetes"


def batch(blueprint: Blueprint, name: str, targets: Sequence[str] = ()) -> Batch:
    """What is scanned with *name*: one for all of their jobs, while nothing changes.

    Args:
        blueprint: Where the files are.
        name: One of the targets.
        targets: All that are validated together.
    """
    names = tuple(each for each in (*CLOUDS, KUBERNETES) if each in {name, *targets})
    return _batch(blueprint, names, tuple(_key(blueprint, each) for each in names))


@lru_cache(maxsize=4)
def _batch(blueprint: Blueprint, names: tuple[str, ...], _keys: tuple[str, ...]) -> Batch:
    return Batch([_member(blueprint, name) for name in names])


def _key(blueprint: Blueprint, name: str) -> str:
    from hostwright.validate import clouds, kubernetes

    cloud = next((each for each in CLOUDS if each == name), None)
    return clouds.key_of(blueprint, cloud) if cloud else kubernetes.key_of(blueprint)


def _member(blueprint: Blueprint, name: str) -> Member:
    from hostwright.validate import clouds, kubernetes

    cloud = next((each for each in CLOUDS if each == name), None)
    return clouds.member(blueprint, cloud) if cloud else kubernetes.member(blueprint)
