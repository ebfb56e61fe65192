"""Setups for tests: the committed examples, under any profile, in a directory of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from hostwright import paths
from hostwright.contract import load
from hostwright.setup import wizard
from hostwright.setup.pages import EXAMPLES, SHOWN

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = load()
SCHEMA = json.loads(paths.VALUES_SCHEMA.read_text())
NAMES = [item.name for item in SHOWN]
#: What the examples' references to secrets lead to.
ENVIRON = {
    "SHOP_VAULT_TOKEN": "hvs.Lk29dmQz71xBvTRw",
    "SHOP_MINIO_SECRET_KEY": "Wm38fhQpz0LtYx71",
}


def example(name: str) -> dict[str, Any]:
    """The answers of a committed example."""
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    return found


@dataclass
class Setup:
    """A directory with an answers file; what a run says is kept."""

    root: Path
    said: list[str] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.root / "out"

    def write(self, answers: dict[str, Any]) -> Path:
        path = self.root / "answers.yaml"
        path.write_text(yaml.safe_dump(answers, sort_keys=False, width=1000))
        return path

    def run(self, answers: dict[str, Any], *words: str, **options: Any) -> str:  # noqa: ANN401
        """Run headless; what it says."""
        self.said.clear()
        options.setdefault("out", str(self.out))
        request = wizard.Request(str(self.write(answers)), words, **options)
        assert wizard.run(request, self.said.append) == 0
        return "\n".join(self.said)

    def files(self) -> dict[str, str]:
        """Everything that is there."""
        there = self.out.iterdir() if self.out.is_dir() else ()
        return {path.name: path.read_text() for path in there}
