"""What Terraform says of a configuration, read from its JSON. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Diagnostic:
    """One complaint.

    Args:
        severity: Whether it stops Terraform.
        summary: What is wrong, a few words.
        detail: More of it, in Terraform's own words; may have several lines.
        file: As Terraform was given it: relative to the directory it ran in; empty if none.
        line: From 1; 0 where Terraform names none.
        address: What it is about: ``aws_vpc.main``, ``variable.x``, ``run.defaults``; may be empty.
    """

    severity: Severity
    summary: str
    detail: str = ""
    file: str = ""
    line: int = 0
    address: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file else ""
        detail = f": {' '.join(self.detail.split())}" if self.detail else ""
        return f"{place}{self.summary}{detail}"


def from_json(value: Mapping[str, Any]) -> Diagnostic:
    """One diagnostic, as ``validate -json`` and the streams of other commands have it."""
    place = value.get("range") or {}
    snippet = value.get("snippet") or {}
    return Diagnostic(
        severity=value["severity"],
        summary=value["summary"],
        detail=value.get("detail", ""),
        file=place.get("filename", ""),
        line=place.get("start", {}).get("line", 0),
        address=value.get("address") or _block(snippet.get("context") or ""),
    )


def _block(context: str) -> str:
    """``resource "aws_vpc" "main"`` as an address."""
    kind, *labels = context.replace('"', "").split()[:3] or [""]
    return ".".join(labels if kind == "resource" else [kind, *labels])


def events(stream: str) -> Iterator[dict[str, Any]]:
    """The objects of a stream of JSON, one a line; other lines are passed over."""
    for line in stream.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def in_stream(stream: str) -> tuple[Diagnostic, ...]:
    """The diagnostics of a command that was run with ``-json``."""
    return tuple(
        from_json(event["diagnostic"]) for event in events(stream) if event.get("diagnostic")
    )


def errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those that stop Terraform."""
    return tuple(each for each in diagnostics if each.severity == "error")
