"""The VPS blueprint as it lies in a repository, or in a copy of one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.contract.load import check
from hostwright.contract.located import parse, read
from hostwright.errors import ContractError, UserError
from hostwright.release.bundle import File

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostwright.contract.located import Located
    from hostwright.contract.models import Contract

#: What an installation by hand adds: the operator's own, never part of the blueprint.
OPERATORS = (".env", ".env.prod", "env", "secrets", "run")


class Unreadable(UserError):
    """A file of the blueprint cannot be read as what it should be."""


@dataclass(frozen=True)
class Blueprint:
    """The blueprint below *root*, which is laid out as the repository is."""

    root: Path = paths.ROOT

    def path(self, usual: Path) -> Path:
        """Where a path of the repository lies here."""
        return self.root / usual.relative_to(paths.ROOT)

    def shown(self, path: Path) -> str:
        """A path below the root, as findings name it."""
        return str(path.relative_to(self.root))

    @property
    def compose(self) -> Path:
        """The directory of the Compose file."""
        return self.path(paths.COMPOSE)

    @cached_property
    def text(self) -> str:
        """The Compose file.

        Raises:
            Unreadable: It cannot be read.
        """
        path = self.path(paths.COMPOSE_FILE)
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Unreadable(f"cannot be read: {error}", where=self.shown(path)) from error

    @cached_property
    def document(self) -> Located:
        """The Compose file as data that knows its lines.

        Raises:
            Unreadable: It is not YAML, or not a mapping with services.
        """
        shown = self.shown(self.path(paths.COMPOSE_FILE))
        found = parse(self.text, shown, Unreadable)
        if not isinstance(found.data, dict) or not isinstance(found.data.get("services"), dict):
            raise Unreadable("has no services", where=shown)
        return found

    @cached_property
    def contract_document(self) -> Located:
        """The contract as data that knows its lines.

        Raises:
            ContractError: It is not YAML.
        """
        path = self.path(paths.CONTRACT)
        return read(path, self.shown(path), ContractError)

    @cached_property
    def contract(self) -> Contract:
        """The contract.

        Raises:
            ContractError: It breaks its own rules.
        """
        return check(self.contract_document)

    @cached_property
    def static(self) -> dict[str, File]:
        """The files that a release is made of, by path below ``ops/compose``."""
        chosen = [self.path(paths.COMPOSE_FILE)]
        for folder in ("caddy", "entrypoints"):
            chosen += [path for path in (self.compose / folder).rglob("*") if path.is_file()]
        return {str(path.relative_to(self.compose)): File(path.read_bytes()) for path in chosen}

    @cached_property
    def caddyfiles(self) -> dict[str, str]:
        """Every Caddyfile's text, by path in the repository."""
        chosen = [self.path(paths.CADDYFILE), *sorted((self.compose / "caddy").rglob("*"))]
        return {
            self.shown(path): path.read_text(encoding="utf-8") for path in chosen if path.is_file()
        }

    def copy(self, to: Path) -> None:
        """Copy the directory of the Compose file, without what is the operator's own."""
        shutil.copytree(self.compose, to, ignore=_operators(self.compose), dirs_exist_ok=True)


def _operators(top: Path) -> Callable[[str, list[str]], set[str]]:
    def ignored(directory: str, names: list[str]) -> set[str]:
        return {name for name in names if name in OPERATORS and Path(directory) == top}

    return ignored
