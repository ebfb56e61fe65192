"""What the linters printed, as findings. Pure: text in, findings out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hostwright.checks.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_YAMLLINT = re.compile(
    r"^(?P<file>.+?):(?P<line>\d+):\d+: \[(?P<level>\w+)\] (?P<what>.*?)(?: \((?P<rule>[\w-]+)\))?$"
)
#: Where each linter explains its rules.
RULES = {
    "hadolint": "https://github.com/hadolint/hadolint/wiki/{code}",
    "shellcheck": "https://www.shellcheck.net/wiki/{code}",
}


def hadolint(output: str) -> list[Finding]:
    """``hadolint --format json``."""
    return [_coded("hadolint", item, str(item["code"])) for item in _list(output)]


def shellcheck(output: str) -> list[Finding]:
    """``shellcheck --format json1``."""
    comments = json.loads(output or "{}").get("comments", [])
    return [_coded("shellcheck", item, f"SC{item['code']}") for item in comments]


def yamllint(output: str) -> list[Finding]:
    """``yamllint --format parsable``."""
    matches = [match for line in output.splitlines() if (match := _YAMLLINT.match(line))]
    return [
        Finding(
            f"yamllint-{match['rule'] or 'syntax'}",
            "vps",
            match["file"],
            int(match["line"]),
            "",
            "",
            match["what"],
            "See .yamllint.yaml.",
        )
        for match in matches
    ]


def _list(output: str) -> Iterable[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output or "[]")
    return found


def _coded(tool: str, item: dict[str, Any], code: str) -> Finding:
    return Finding(
        f"{tool}-{code.lower()}",
        "vps",
        str(item["file"]),
        int(item["line"]),
        "",
        "",
        str(item["message"]).rstrip("."),
        f"See {RULES[tool].format(code=code)}.",
    )


READERS: dict[str, Callable[[str], list[Finding]]] = {
    "hadolint": hadolint,
    "shellcheck": shellcheck,
    "yamllint": yamllint,
}
