"""What each preset renders, as a file that is read in every change: ``golden/<preset>.yaml``.

After a change that is meant, write the files anew and read the difference::

    HOSTWRIGHT_GOLDEN=write pytest tests/blueprints/test_chart_golden.py; git diff tests/blueprints
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.blueprints.charts import MAJORS, PRESETS, WRITING, Chart, copied

from hostwright import paths, toolchain
from hostwright.helm import cli

GOLDEN = Path(__file__).parent / "golden"
#: Another version, as the next release of the chart has one.
NEXT = "77.1.0-rc.1+build.5"
REMEDY = f"is it meant? HOSTWRIGHT_GOLDEN=write pytest {paths.shown(Path(__file__))}"


def golden(preset: str) -> Path:
    return GOLDEN / f"{preset}.yaml"


@pytest.fixture(scope="module", autouse=True)
def written() -> None:
    """The files as they should be from now on, where somebody wants that."""
    if not WRITING:
        return
    GOLDEN.mkdir(exist_ok=True)
    for file in GOLDEN.glob("*.yaml"):
        file.unlink()
    for preset in PRESETS:
        golden(preset).write_text(Chart().bare(PRESETS[preset]), encoding="utf-8")


def test_every_preset_has_its_file() -> None:
    assert PRESETS.keys() >= {"minimal", "aws", "azure", "gcp", "production"}
    assert {file.stem for file in GOLDEN.iterdir()} == PRESETS.keys()


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_renders_what_its_file_says(preset: str, major: str) -> None:
    file = golden(preset)
    old, new = file.read_text(encoding="utf-8"), Chart(major=major).bare(PRESETS[preset])
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), paths.shown(file), "now", "")
    assert old == new, "\n".join([REMEDY, *list(lines)[:80]])


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("preset", ["aws", "production"])
def test_rendering_twice_is_identical(preset: str, major: str) -> None:
    chart = Chart(major=major)
    again = replace(chart, flags=("--debug=false",))
    assert chart.bare(PRESETS[preset]) == again.bare(PRESETS[preset])


@pytest.mark.parametrize("preset", PRESETS)
def test_another_version_of_the_chart_changes_its_label_alone(preset: str, tmp_path: Path) -> None:
    own = yaml.safe_load((paths.CHART / "Chart.yaml").read_text(encoding="utf-8"))

    def next_version(root: Path) -> None:
        about = {**own, "version": NEXT, "appVersion": "other", "description": "Another"}
        (root / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")

    text = Chart(copied(tmp_path / "app", next_version)).bare(PRESETS[preset])
    labels = re.findall(r"^    helm\.sh/chart: .*$", text, re.MULTILINE)
    assert set(labels) == {'    helm.sh/chart: "app-77.1.0-rc.1_build.5"'}
    assert len(labels) == text.count("\n# Source: "), "an object without the label, or two"
    old = f'helm.sh/chart: "app-{own["version"]}"'
    assert re.sub(r"helm\.sh/chart: .*", old, text) == Chart().bare(PRESETS[preset])


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("preset", PRESETS)
def test_helm_lint_has_no_complaint(preset: str, major: str) -> None:
    helm = toolchain.provide(major)
    told = cli.lint(paths.CHART, [PRESETS[preset]], helm=helm, kube_version="1.35.0")
    assert [each.what for each in told] == ["icon is recommended"], told
