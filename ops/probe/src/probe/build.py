"""What was fixed when the image was built: ``build.json`` beside the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

#: Where the image keeps what is not code: build.json, contract.json.
HOME = Path(__file__).parent.parent


class Build(NamedTuple):
    """The version that ``/version`` answers, and how many extra migrations the image carries."""

    version: str = "dev"
    extra_migrations: int = 0


def read(path: Path = HOME / "build.json") -> Build:
    """The build's facts; a source tree without the file is version ``dev``."""
    if not path.is_file():
        return Build()
    return Build(**json.loads(path.read_text(encoding="utf-8")))
