"""Findings as GitHub's workflow commands: each becomes an annotation of its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostwright.checks.finding import Finding


def commands(findings: Iterable[Finding]) -> list[str]:
    """``::error file=…,line=…,title=…::…``, one a finding."""
    return [_annotation(finding) for finding in findings]


def _annotation(finding: Finding) -> str:
    properties = {"file": finding.file, "line": str(finding.line or 1), "title": finding.check}
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {told}::{_data(finding.text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
