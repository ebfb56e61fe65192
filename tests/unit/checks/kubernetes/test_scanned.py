from __future__ import annotations

from hostwright.checks.finding import Checked, Finding
from hostwright.checks.kubernetes.scanned import on_templates

CHART = "ops/charts/app"


def found(preset: str, name: str) -> Finding:
    return Finding(
        "checkov-ckv_k8s_9",
        "kubernetes",
        f"{CHART}/{preset}/templates/migrate/job.yaml",
        7,
        "",
        f"Job.app.{name}",
        f"Container migrate in job {name} (namespace: app) uses no probe",
        "Add one.",
    )


def test_what_two_presets_show_is_one_finding_on_their_template() -> None:
    one, other = found("minimal", "app-migrate-0b0ac809b3"), found("production", "shop-migrate")
    names = ["app", "app-migrate-0b0ac809b3", "shop-migrate", "shop"]
    checked = on_templates(Checked(9, (one, other)), CHART, names)
    assert checked.count == 9
    [told] = checked.findings
    assert (told.file, told.line) == (f"{CHART}/templates/migrate/job.yaml", 0)
    assert told.variable == "Job"
    assert told.message == "Container migrate in job uses no probe"
    assert told.object == f"kubernetes/{CHART}/templates/migrate/job.yaml/Job"


def test_without_objects_findings_stay_what_they_are() -> None:
    [told] = on_templates(Checked(1, (found("minimal", "a"),)), CHART, []).findings
    assert "job a uses" in told.message
