"""What the scanners say, as findings: pure functions over their JSON.

A finding's id is the tool's own (``trivy-gcp-0066``, ``checkov-ckv_gcp_62``) and its object is the
resource, so that an exemption names one rule for one resource.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hostwright.checks.finding import Checked, Finding

if TYPE_CHECKING:
    from hostwright.contract.models import TargetName

_INDEX = re.compile(r"\[[^]]*\]")


def trivy(target: TargetName, directory: str, output: str) -> Checked:
    """Findings of ``trivy config --format json``.

    Raises:
        ValueError: It is no JSON of trivy's.
    """
    results = json.loads(output).get("Results") or []
    made = sum(sum((item.get("MisconfSummary") or {}).values()) for item in results)
    found = [
        _finding(
            f"trivy-{fault['ID'].lower()}",
            target,
            f"{directory}/{item['Target']}",
            int(cause.get("StartLine") or 0),
            str(cause.get("Resource") or ""),
            str(fault["Message"]),
            str(fault.get("Resolution") or ""),
        )
        for item in results
        for fault in item.get("Misconfigurations") or ()
        if fault["Status"] == "FAIL"
        for cause in (fault.get("CauseMetadata") or {},)
    ]
    return Checked(made, tuple(sorted(set(found))))


def checkov(target: TargetName, directory: str, output: str) -> Checked:
    """Findings of ``checkov --output json`` in one of the directories that it scanned.

    Of one framework it gives one object, else a list. Every check is counted that it says passed
    or failed there, so the output must not be one of failures alone.

    Raises:
        ValueError: It is no JSON of checkov's.
    """
    told = json.loads(output)
    parts: list[dict[str, Any]] = told if isinstance(told, list) else [told]
    made, found = 0, set[Finding]()
    inside = f"/{directory.rpartition('/')[2]}/"
    for part in parts:
        results = part.get("results") or {}
        made += sum(
            str(item["file_path"]).startswith(inside)
            for key in ("passed_checks", "failed_checks")
            for item in results.get(key) or ()
        )
        for fault in results.get("failed_checks") or ():
            if not str(fault["file_path"]).startswith(inside):
                continue
            found.add(
                _finding(
                    f"checkov-{fault['check_id'].lower()}",
                    target,
                    f"{directory}/{str(fault['file_path']).removeprefix(inside)}",
                    int((fault.get("file_line_range") or [0])[0]),
                    str(fault["resource"]),
                    f"not so: {fault['check_name']}",
                    str(fault.get("guideline") or ""),
                )
            )
    return Checked(made, tuple(sorted(found)))


def _finding(  # noqa: PLR0913, PLR0917 - the parts of a finding
    check: str,
    target: TargetName,
    file: str,
    line: int,
    resource: str,
    message: str,
    remedy: str,
) -> Finding:
    told = " ".join(message.split()).rstrip(".")
    advice = " ".join(remedy.split()).rstrip(".") or "Correct it"
    return Finding(
        check,
        target,
        file,
        line,
        "",
        _INDEX.sub("", resource),
        told,
        f"{advice}; or accept it in exemptions.yaml with a reason and a day.",
    )


READERS = {"trivy": trivy, "checkov": checkov}
