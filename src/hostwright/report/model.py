"""A report: one part for the contract, one for each target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hostwright.checks.finding import Finding
    from hostwright.contract.models import Contract
    from hostwright.render.model import Rendered


@dataclass(frozen=True)
class Proof:
    """What a cloud blueprint was proven against.

    Args:
        kind: The real provider, or real Terraform against the provider's schema alone.
        provider: Its name and version: ``google 8.7.0``.
        sentence: What that proves and what not, for people.
    """

    kind: Literal["real", "schema"]
    provider: str
    sentence: str


@dataclass(frozen=True)
class Part:
    """What was found on one target, or on the contract.

    Args:
        name: ``contract``, or the target.
        checks: How many checks were made.
        findings: What they found.
        exempted: What they found and the ledger accepts.
        seconds: Of its jobs, added up; they run side by side.
        rendered: What its roles get; None for the contract, or where nothing could be rendered.
        proofs: What a cloud blueprint was proven against.
        not_run: What could not be proven here, and why.
    """

    name: str
    checks: int
    findings: tuple[Finding, ...] = ()
    exempted: tuple[Finding, ...] = ()
    seconds: float = 0.0
    rendered: Rendered | None = None
    proofs: tuple[Proof, ...] = ()
    not_run: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything that was found; *contract* is None when it could not be read."""

    parts: tuple[Part, ...]
    seconds: float
    contract: Contract | None = None

    @property
    def findings(self) -> list[Finding]:
        """All findings that are not exempted, in order of file and line."""
        return sorted(finding for part in self.parts for finding in part.findings)

    @property
    def exempted(self) -> list[Finding]:
        """All findings that the ledger accepts."""
        return sorted(finding for part in self.parts for finding in part.exempted)


def verdict(report: Report) -> str:
    """The last line: what was checked, what was found and where, how long it took."""
    names = ", ".join(part.name for part in report.parts)
    found = {part.name: len(part.findings) for part in report.parts if part.findings}
    where = ", ".join(f"{name} {count}" for name, count in found.items())
    told = [
        _number(sum(part.checks for part in report.parts), "check"),
        _number(sum(found.values()), "finding") + (f" ({where})" if where else ""),
        *([f"{len(report.exempted)} exempted"] if report.exempted else []),
        f"{report.seconds:.1f} s",
    ]
    return f"{names}: {', '.join(told)}"


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
