"""What an operator wants installed: values files and images, checked, and rendered by Helm."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hostwright import paths, toolchain
from hostwright.cluster import objects
from hostwright.cluster.values import Files, placed, problems
from hostwright.contract.chart import READERS, value_path
from hostwright.contract.located import read
from hostwright.contract.rules import near
from hostwright.errors import UserError, ValuesError
from hostwright.helm import cli

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hostwright.cluster.model import Objects, Where
    from hostwright.contract.models import Contract
    from hostwright.contract.values import Problem


@dataclass(frozen=True)
class Inputs:
    """What a person gives.

    Args:
        files: Values files, the last wins.
        images: Role to image, on top of them.
        chart: The chart's directory.
    """

    files: tuple[Path, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    chart: Path = paths.CHART

    @property
    def image_values(self) -> dict[str, str]:
        """The images by value path: ``api.image``."""
        return {value_path(f"{role}_image"): ref for role, ref in self.images.items()}


@dataclass(frozen=True)
class Desired:
    """Inputs that hold, and the objects that they give."""

    contract: Contract
    inputs: Inputs
    text: str
    objects: Objects


def images(words: Sequence[str], contract: Contract) -> dict[str, str]:
    """``ROLE=REF`` as typed; role to image.

    Raises:
        UserError: It is not that, or the role has no image of its own.
    """
    from pydantic import TypeAdapter, ValidationError

    from hostwright.settings import ImageReference

    found: dict[str, str] = {}
    known = [role for role in READERS if role in contract.roles]
    for word in words:
        role, _, ref = word.partition("=")
        if role == "migrate":
            raise UserError("migrate runs the worker's image", where=f"--image {word}")
        if role not in known:
            raise UserError(
                f"there is no image of {role!r}", where="--image", remedy=near(role, known)
            )
        try:
            TypeAdapter(ImageReference).validate_python(ref)
        except ValidationError:
            raise UserError(
                "is no image reference", where=f"--image {word}", remedy="As in api=REF."
            ) from None
        found[role] = ref
    return found


def check(inputs: Inputs, contract: Contract) -> Files:
    """The values files, read and without fault; images that flags give take their place.

    Raises:
        ValuesError: A line for each fault; neither Helm nor a cluster was asked anything.
    """
    files = Files(tuple(read(path, paths.shown(path), ValuesError) for path in inputs.files))
    schema = json.loads(paths.VALUES_SCHEMA.read_text(encoding="utf-8"))
    _refuse(problems(files, schema, contract))
    return files


def desired(inputs: Inputs, where: Where, contract: Contract) -> Desired:
    """What Helm renders of the inputs.

    Raises:
        ValuesError: A line for each fault of the values, with file and line.
        ToolError: The chart is broken.
    """
    files = check(inputs, contract)
    given: list[Path | Mapping[str, Any]] = [*inputs.files]
    given.append({role: {"image": ref} for role, ref in inputs.images.items()})
    try:
        text = cli.template(
            inputs.chart,
            given,
            helm=toolchain.provide("helm"),
            name=where.release,
            namespace=where.namespace,
        )
    except cli.Refused as refused:
        _refuse(placed(files, refused.problems))
        raise
    return Desired(contract, inputs, text, objects.parse(text))


def _refuse(found: Sequence[Problem]) -> None:
    if found:
        count = f"{len(found)} problem{'s' if len(found) > 1 else ''} with the values"
        lines = [f"  {item}" for item in found]
        raise ValuesError("\n".join([f"{count}; nothing was touched", *lines]))
