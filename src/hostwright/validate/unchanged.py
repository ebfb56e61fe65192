"""A whole validation that was done before, today, on the very same files: told again at once.

Outcomes of single jobs are remembered by :mod:`hostwright.validate.cache`; putting them together
again still costs the time to load the contract and its models. People run a validation again and
again, so one without findings is kept as the texts that it told.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.render.clouds.model import CLOUDS
from hostwright.terraform import providers
from hostwright.toolchain import apart
from hostwright.validate import cache

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOOLS = ("terraform", "trivy", "checkov", "helm", "helm3", "helm4")
#: Targets whose validation depends on what is read here, and on nothing else.
_KNOWN = {*CLOUDS, "kubernetes"}


@dataclass(frozen=True)
class Told:
    """What a validation without findings told: to people, as JSON, as SARIF."""

    text: str
    document: str
    sarif: str
    at: str


def key(root: Path, targets: Sequence[str], screen: str) -> str:
    """What such a validation depends on; empty where it depends on more than is read here.

    Args:
        root: The repository, or a copy of one.
        targets: What is validated.
        screen: How the text is laid out: a terminal of so many columns, or none.
    """
    if not targets or not set(targets) <= _KNOWN:
        return ""
    found = (shutil.which(name) for name in _TOOLS)
    return cache.digest(
        [
            *sorted(targets),
            screen,
            sys.version,
            # Exemptions end on a day, and a registry may be reached on another.
            str(dt.datetime.now(dt.UTC).date()),
            *(cache.tool(path) for path in found if path),
            *_real_providers(),
            root / "ops",
            root / "docs" / "reference",
            root / "constraints.txt",
            apart.PINS,
        ]
    )


def _real_providers() -> list[str]:
    """What there is of them, by the names of their directories."""
    setting = os.environ.get(providers.SETTING, "")
    places = [Path(place).expanduser() for place in (setting, *providers.PLACES) if place]
    return [setting, *(str(path) for place in places for path in sorted(place.glob("*/*/*/*/*")))]


def recall(of: str) -> Told | None:
    """What was told under this key."""
    with suppress(OSError, ValueError, TypeError):
        return Told(**json.loads(_file(of).read_text(encoding="utf-8"))) if of else None
    return None


def remember(of: str, told: Told) -> None:
    """Keep what was told; a cache that cannot be written is no fault of the blueprint."""
    if not of:
        return
    with suppress(OSError):
        file = _file(of)
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, suffix=".new", delete=False, encoding="utf-8"
        ) as new:
            json.dump(asdict(told), new)
        Path(new.name).replace(file)


def _file(of: str) -> Path:
    return paths.cache() / "validate" / f"whole-{of}.json"
