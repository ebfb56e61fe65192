"""The report as JSON. ``schema`` is raised whenever a reader would have to change."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hostwright import __version__
from hostwright.report.matrix import rows
from hostwright.report.model import Report, verdict

if TYPE_CHECKING:
    from hostwright.contract.models import Contract
    from hostwright.report.model import Part

SCHEMA = 1


def text(report: Report, exit_code: int) -> str:
    """The whole report as one JSON document."""
    return json.dumps(document(report, exit_code), indent=2, ensure_ascii=False) + "\n"


def document(report: Report, exit_code: int) -> dict[str, Any]:
    """The same as data."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "hostwright", "version": __version__},
        "contract_version": report.contract.version if report.contract else None,
        "exit_code": exit_code,
        "verdict": verdict(report),
        "seconds": round(report.seconds, 3),
        "parts": [_part(part, report.contract) for part in report.parts],
    }


def _part(part: Part, contract: Contract | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": part.name,
        "checks": part.checks,
        "seconds": round(part.seconds, 3),
        "findings": [asdict(finding) for finding in part.findings],
        "exempted": [asdict(finding) for finding in part.exempted],
    }
    if part.proofs:
        told["proofs"] = [asdict(proof) for proof in part.proofs]
    if part.not_run:
        told["not_run"] = list(part.not_run)
    if part.rendered and contract:
        told["matrix"] = [
            {"variable": row.name, "secret": row.secret, "roles": row.cells}
            for row in rows(contract, part.rendered.target, part.rendered)
        ]
    return told
