"""What the scanners say of rendered objects, as findings on the templates that made them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hostwright.checks.finding import Checked

if TYPE_CHECKING:
    from collections.abc import Collection

    from hostwright.checks.finding import Finding


def on_templates(checked: Checked, chart: str, names: Collection[str]) -> Checked:
    """Findings of scanners on templates instead of on what was rendered from them for a preset.

    An exemption names the template and the kind: what objects are called is the preset's affair,
    and the end of a Job's name is another for each pod.

    Args:
        checked: Of files ``CHART/PRESET/templates/…``.
        chart: How findings name the chart.
        names: What the objects are called.
    """
    called = re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)) or "$^")
    found = {_on_template(item, chart, called) for item in checked.findings}
    return Checked(checked.count, tuple(sorted(found)))


def _on_template(finding: Finding, chart: str, called: re.Pattern[str]) -> Finding:
    inside = finding.file.removeprefix(f"{chart}/").partition("/")[2]
    message = re.sub(r" \(namespace: [^)]*\)", "", called.sub("", finding.message))
    return replace(
        finding,
        file=f"{chart}/{inside}",
        line=0,
        variable=finding.variable.partition(".")[0],
        message=" ".join(message.split()),
    )
