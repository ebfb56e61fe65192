"""How validation is run and told; what it finds in a blueprint is in tests/blueprints."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from hostwright import validate
from hostwright.__main__ import main
from hostwright.checks.finding import Checked, Finding
from hostwright.errors import ToolError, UserError
from hostwright.validate import job
from hostwright.validate.job import Done, Job, Outcome, Watch

if TYPE_CHECKING:
    from pathlib import Path

FAULT = Finding("a-check", "vps", "ops/a.yml", 7, "api", "", "is wrong", "Correct it.")


def ended(name: str) -> Job:
    return Job(name, lambda: Outcome(Checked(1)))


def test_outcomes_come_in_the_order_of_the_jobs_whichever_ends_first() -> None:
    second_ended = threading.Event()

    def patient() -> Outcome:
        assert second_ended.wait(10)
        return Outcome(Checked(1))

    def quick() -> Outcome:
        second_ended.set()
        return Outcome(Checked(2))

    done = job.run([Job("patient", patient), Job("quick", quick)], Watch())

    assert [(item.job.name, item.outcome.checked.count) for item in done] == [
        ("patient", 1),
        ("quick", 2),
    ]


def test_whoever_watches_is_told_of_every_job() -> None:
    begun: list[str] = []
    over: list[str] = []
    watch = Watch(lambda item: begun.append(item.name), lambda item: over.append(item.job.name))
    job.run([ended("a"), ended("b")], watch)
    assert sorted(begun) == sorted(over) == ["a", "b"]


def test_the_watch_is_closed_after_a_failure_too() -> None:
    def fails() -> Outcome:
        raise ToolError("caddy is not installed")

    closed: list[bool] = []
    with pytest.raises(ToolError):
        job.run([Job("fails", fails)], Watch(close=lambda: closed.append(True)))
    assert closed


def test_an_error_of_a_job_is_raised() -> None:
    def fails() -> Outcome:
        raise ToolError("caddy is not installed")

    with pytest.raises(ToolError, match="caddy"):
        job.run([Job("fails", fails), ended("b")], Watch())


def test_a_part_tells_a_fault_that_two_views_show_once() -> None:
    outcome = Outcome(Checked(3, (FAULT,)))
    done = [
        Done(Job("by hand", lambda: outcome), outcome, 0.1),
        Done(Job("release", lambda: outcome, "in a release"), outcome, 0.2),
    ]
    part = validate.part_of("vps", done)
    assert (part.checks, part.findings) == (6, (FAULT,))


def test_a_target_without_a_blueprint_is_refused_before_anything_runs() -> None:
    with pytest.raises(UserError, match="mars") as caught:
        validate.run(["mars"])
    assert "vps" in caught.value.remedy


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["validate", "--target", "mars"], "there is no blueprint of the target mars"),
        (["no-such-verb"], "there is no verb 'no-such-verb'"),
        ([], "no verb is given"),
    ],
)
def test_the_command_tells_wrong_words_plainly(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == UserError.exit_code
    told = capsys.readouterr().err
    assert expected in told
    assert "Traceback" not in told


def test_a_report_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hostwright.report import Part, Report

    monkeypatch.setattr(validate, "examine", lambda *_: Report((Part("vps", 1),), 0.1))
    with pytest.raises(UserError, match="cannot be written"):
        validate.run(["vps"], tmp_path / "absent" / "report.json", say=lambda _: None)


def test_reports_are_written_and_findings_decide_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hostwright.report import Part, Report

    report = Report((Part("vps", 1, (FAULT,)),), 0.1)
    monkeypatch.setattr(validate, "examine", lambda *_: report)
    said: list[str] = []

    code = validate.run(
        ["vps"],
        tmp_path / "r.json",
        github=True,
        say=said.append,
        sarif_path=tmp_path / "r.sarif",
    )

    assert code == 1
    assert said[0].startswith("::error file=ops/a.yml,line=7")
    assert json.loads((tmp_path / "r.json").read_text())["exit_code"] == 1
    assert json.loads((tmp_path / "r.sarif").read_text())["version"] == "2.1.0"
