"""The report as SARIF 2.1.0, which code scanning reads."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from hostwright import __version__
from hostwright.checks.ids import CHECKS

if TYPE_CHECKING:
    from hostwright.checks.finding import Finding
    from hostwright.report.model import Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def text(report: Report) -> str:
    """The whole report as one SARIF document; what is exempted is there, suppressed."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The same as data."""
    results = [_result(finding) for finding in report.findings]
    results += [_suppressed(finding) for finding in report.exempted]
    used = sorted({result["ruleId"] for result in results})
    driver = {
        "name": "hostwright",
        "version": __version__,
        "rules": [_rule(check) for check in used],
    }
    root = {"originalUriBaseIds": {"ROOT": {"description": {"text": "The repository."}}}}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, **root, "results": results}],
    }


def _rule(check: str) -> dict[str, Any]:
    return {"id": check, "shortDescription": {"text": CHECKS.get(check, check)}}


def _result(finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": finding.file, "uriBaseId": "ROOT"}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.check,
        "level": "error",
        "message": {"text": finding.text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"hostwright/v1": _fingerprint(finding)},
    }


def _suppressed(finding: Finding) -> dict[str, Any]:
    reason = "accepted in ops/contract/exemptions.yaml"
    return {**_result(finding), "suppressions": [{"kind": "external", "justification": reason}]}


def _fingerprint(finding: Finding) -> str:
    """The same for the same fault wherever its line moves to."""
    parts = (finding.check, finding.object, finding.file, finding.message)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
