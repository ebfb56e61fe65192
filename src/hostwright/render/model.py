"""What a rendered blueprint gives each role; the same shape for every target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hostwright.contract.models import RoleName, TargetName

SourceKind = Literal["mark", "literal"]


@dataclass(frozen=True)
class Source:
    """Where a variable of a rendered role came from.

    Args:
        kind: ``mark`` where the value is one that was planted, whole and unchanged; ``literal``
            where the blueprint itself wrote it.
        text: The literal, or whose mark it is: ``api/DATABASE_URL``.
        secret_slot: Whether it travelled in a place for secrets (on a VPS: the role's env file of
            mode 0600; elsewhere a reference to a secret) and not in readable configuration.
        line: In the blueprint's file; 0 where it stands in none.
    """

    kind: SourceKind
    text: str
    secret_slot: bool
    line: int = 0


Sources = Mapping[str, Source]


@dataclass(frozen=True)
class Rendered:
    """One blueprint as one engine rendered it.

    Args:
        target: Which target.
        file: The blueprint's file, relative to the repository.
        roles: The roles that the result has, with their variables.
        lines: Role to the line that declares it.
        files: Role to the file that declares it, where that is not *file*.
    """

    target: TargetName
    file: str
    roles: Mapping[RoleName, Sources]
    lines: Mapping[str, int]
    files: Mapping[str, str] = field(default_factory=dict)

    def file_of(self, role: str) -> str:
        """The file that declares *role*."""
        return self.files.get(role, self.file)
