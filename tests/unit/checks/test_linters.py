from __future__ import annotations

import pytest

from hostwright.checks import linters

HADOLINT = (
    '[{"code":"DL3007","column":1,"file":"ops/probe/Dockerfile","level":"warning","line":3,'
    '"message":"Using latest is prone to errors."}]'
)
SHELLCHECK = (
    '{"comments":[{"file":"ops/a.sh","line":4,"endLine":4,"column":1,"endColumn":2,'
    '"level":"info","code":2086,"message":"Double quote.","fix":null}]}'
)
YAMLLINT = (
    'ops/a.yml:5:1: [error] duplication of key "a" in mapping (key-duplicates)\n'
    "ops/b.yml:2:3: [error] syntax error: expected <block end>\n"
)


@pytest.mark.parametrize(
    ("tool", "output", "expected"),
    [
        ("hadolint", HADOLINT, [("hadolint-dl3007", "ops/probe/Dockerfile", 3)]),
        ("shellcheck", SHELLCHECK, [("shellcheck-sc2086", "ops/a.sh", 4)]),
        (
            "yamllint",
            YAMLLINT,
            [("yamllint-key-duplicates", "ops/a.yml", 5), ("yamllint-syntax", "ops/b.yml", 2)],
        ),
        ("hadolint", "[]", []),
        ("shellcheck", "", []),
        ("yamllint", "", []),
    ],
)
def test_a_linters_output_becomes_findings_with_file_and_line(
    tool: str, output: str, expected: list[tuple[str, str, int]]
) -> None:
    found = linters.READERS[tool](output)
    assert [(item.check, item.file, item.line) for item in found] == expected
    assert all(item.remedy.startswith("See ") for item in found)
