"""How the scanners are started; a script of ours stands in their place and says what it was given.

What the real ones find is shown by ``nox -s validate``, whose ledger fails when they find less.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import ToolError
from hostwright.toolchain import Tool
from hostwright.validate.scanners import Batch, Scanned

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.render.clouds.model import CloudName

TARGETS: tuple[CloudName, ...] = ("aws", "gcp")
#: Counts its starts, and reports a check passed and one failed in every directory it sees.
CHECKOV = """
import json, pathlib, sys
pathlib.Path(COUNT).open("a").write("started\\n")
root = pathlib.Path(sys.argv[sys.argv.index("--directory") + 1])
places = sorted(path for path in root.iterdir() if path.is_dir())
seen = {place.name: sorted(path.name for path in place.iterdir()) for place in places}
pathlib.Path(COUNT + ".seen").write_text(json.dumps(seen))
failed = [
    {"check_id": "CKV_1", "check_name": place.name, "resource": "a.b",
     "file_path": f"/{place.name}/main.tf", "file_line_range": [1, 2]}
    for place in places
]
print(json.dumps({"results": {"passed_checks": [], "failed_checks": failed}}))
"""


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    members = []
    for name in TARGETS:
        place = tmp_path / name
        (place / "tests").mkdir(parents=True)
        (place / "main.tf").write_text("")
        (place / "prod.tfvars").write_text("theirs")
        members.append(Scanned(name, place, f"ops/infra/{name}", {"region": "eu"}))
    return Batch(members)


def stand_in(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    tool = Tool("checkov", (sys.executable, "-c", code), "3", "package", "")
    monkeypatch.setattr("hostwright.toolchain.provide", lambda _: tool)


def test_one_start_serves_every_cloud_with_its_own_findings(
    batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "count"
    stand_in(monkeypatch, CHECKOV.replace("COUNT", repr(str(count))))
    for name in TARGETS:
        checked = batch.jobs(name)["checkov"].work().checked
        [found] = checked.findings
        assert (found.target, found.file) == (name, f"ops/infra/{name}/main.tf")
        assert found.message == f"not so: {name}"
    assert count.read_text() == "started\n"
    seen = json.loads((tmp_path / "count.seen").read_text())
    files = ["inputs.auto.tfvars.json", "main.tf"]
    assert seen == {"aws": files, "gcp": files}


def test_a_scanner_that_gives_no_report_is_told_with_its_last_words(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "import sys; sys.exit('no memory')")
    with pytest.raises(ToolError, match="gave no report: exit code 1\nno memory") as failed:
        batch.jobs("aws")["checkov"].work()
    assert "invoke doctor" in failed.value.remedy


def test_a_scanner_that_looked_at_nothing_is_a_finding(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, 'print("{}")')
    [found] = batch.jobs("gcp")["checkov"].work().checked.findings
    assert (found.check, found.message) == ("tool-failed", "checkov looked at nothing")
