"""How the scanners are started; a script of ours stands in their place and says what it was given.

What the real ones find is shown by ``nox -s validate``, whose ledger fails when they find less.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import ToolError
from hostwright.helm import manifest
from hostwright.toolchain import Tool
from hostwright.validate import checkov_kubernetes
from hostwright.validate.scanners import Batch, Objects, Scanned

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


SERVICE = """\
# Source: app/templates/api/service.yaml
apiVersion: v1
kind: Service
metadata: {name: app-api}
"""
#: Reports what it was told, and a check failed in the first file of the chart.
TELLING = """
import json, pathlib, sys
root = pathlib.Path(sys.argv[sys.argv.index("--directory") + 1])
files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
pathlib.Path(TOLD).write_text(json.dumps([sys.argv[1:], files]))
[one] = [file for file in files if file.startswith("app/")]
failed = [{"check_id": "CKV_1", "check_name": "probes", "resource": "Service.app.app-api",
           "file_path": f"/{one}", "file_line_range": [3, 4]}]
print(json.dumps([
    {"results": {"passed_checks": [], "failed_checks": failed}},
    {"results": {"passed_checks": [{"file_path": "/gcp/main.tf"}], "failed_checks": []}},
]))
"""


def test_a_chart_is_scanned_with_the_clouds_and_told_on_its_templates(
    batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, TELLING.replace("TOLD", repr(str(tmp_path / "told"))))
    together = Batch([*batch.members, chart()])
    [found] = together.jobs("kubernetes")["checkov"].work().checked.findings
    assert (found.file, found.variable) == ("ops/charts/app/templates/api/service.yaml", "Service")
    assert together.jobs("gcp")["checkov"].work().checked.findings == ()
    words, files = json.loads((tmp_path / "told").read_text())
    assert words[:3] == ["--framework", "kubernetes", "terraform"]
    assert "app/minimal/templates/api/service.yaml" in files


def chart() -> Objects:
    rendered = manifest.parse(SERVICE, "ops/charts/app")
    return Objects("kubernetes", "ops/charts/app", lambda: {"minimal": rendered})


REPORT = """
import json, pathlib, sys
print(json.dumps({"results": {"passed_checks": [{"file_path": "/app/NAME"}], "failed_checks": []}}))
"""


@pytest.mark.parametrize(("code", "started"), [(REPORT, "alone"), ("sys.exit(1)", "whole")])
def test_a_chart_alone_is_scanned_without_the_rules_for_all_else_where_that_works(
    code: str, started: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter beside the tool stands in for that of its environment."""
    alone = tmp_path / "alone.py"
    mark = f"import pathlib, sys\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    alone.write_text(mark + code)
    whole = tmp_path / "checkov"
    whole.write_text(f"#!{sys.executable}\n{REPORT.replace('NAME', 'whole')}")
    whole.chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.setattr("hostwright.validate.scanners._KUBERNETES_ALONE", alone)
    tool = Tool("checkov", (str(whole),), "3", "package", "")
    monkeypatch.setattr("hostwright.toolchain.provide", lambda _: tool)
    batch = Batch([chart()])
    assert batch.jobs("kubernetes")["checkov"].work().checked.count == 1
    assert (tmp_path / "ran").exists()
    assert batch._done  # noqa: SLF001
    assert (batch._done.argv[0] == str(whole)) == (started == "whole")  # noqa: SLF001


def test_a_checkov_of_the_users_own_is_started_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = REPORT.replace("NAME", "own")
    tool = Tool("checkov", (sys.executable, "-c", code), "3", "path", "")
    monkeypatch.setattr("hostwright.toolchain.provide", lambda _: tool)
    monkeypatch.setattr("hostwright.validate.scanners._KUBERNETES_ALONE", tmp_path / "none.py")
    assert Batch([chart()]).jobs("kubernetes")["checkov"].work().checked.count == 1


def test_a_package_can_be_put_in_place_without_its_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As checkov's own of Terraform, whose code imports every rule for it."""
    inner = tmp_path / "outermost" / "heavy"
    inner.mkdir(parents=True)
    (tmp_path / "outermost" / "__init__.py").write_text("")
    (inner / "__init__.py").write_text("raise RuntimeError")
    (inner / "light.py").write_text("ANSWER = 42")
    monkeypatch.syspath_prepend(str(tmp_path))
    checkov_kubernetes.without_rules("outermost.heavy")
    light = importlib.import_module("outermost.heavy.light")
    assert light.ANSWER == 42
    for name in ("outermost", "outermost.heavy", "outermost.heavy.light"):
        sys.modules.pop(name, None)


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
