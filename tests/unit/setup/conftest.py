"""A directory for a setup, with the secrets of the examples in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.setup.setups import ENVIRON, Setup

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    return Setup(tmp_path)
