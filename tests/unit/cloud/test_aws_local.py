"""The apply to an emulator: what is left out, what is required, and when nothing is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.cloud import aws_local
from hostwright.cloud.aws_local import LACKS, Terraform
from hostwright.errors import ApplyError, ToolError, UserError
from hostwright.progress import Progress
from hostwright.terraform import lines, providers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.toolchain import Tool

Changes = dict[str, tuple[str, ...]]


def test_what_is_lacking_is_in_the_blueprint() -> None:
    sources = lines.read(paths.INFRA / "aws")
    for lack in LACKS:
        for address in lack.what:
            assert sources.place(address).file, f"{address} is not there any more"
        assert lack.why in str(lack)


def test_the_override_holds_what_is_lacking_and_nothing_else() -> None:
    found = aws_local.override()["resource"]
    named = {f"{kind}.{name}" for kind, each in found.items() for name in each}
    assert named == {address for lack in LACKS for address in lack.what}
    json.dumps(aws_local.override())


def test_what_is_made_there_can_be_destroyed() -> None:
    assert aws_local.inputs()["environment"] == "production"
    assert aws_local.inputs()["deletion_protection"] is False


def test_without_a_real_provider_nothing_is_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(providers.SETTING, "none")

    assert aws_local.main([]) == 0

    said = capsys.readouterr().out
    assert said.startswith("not run: no real AWS provider found: none of >= 5.100, < 7 in nowhere")
    assert providers.SETTING in said


def test_it_takes_no_words() -> None:
    with pytest.raises(UserError, match="unknown words: --fast"):
        aws_local.main(["--fast"])


def test_the_report_says_what_it_was_and_what_was_lacking() -> None:
    provider = providers.Local("aws", "5.100.0", Path("/opt/tf-plugins"))
    text = aws_local.report("moto 5", provider, "asked with aws-cli/1: account, live")
    assert "an emulator, no account of AWS" in text
    assert "\nasked with aws-cli/1: account, live\nnot asked: smoke: nothing answers" in text
    assert all(str(lack) in text for lack in LACKS)


# --- a Terraform that only says what it would do -------------------------------------------------


class Said(Terraform):
    """Answers plans from a list, one after the other, and notes what is applied."""

    def __init__(self, *plans: Changes, kept: tuple[str, ...] = ()) -> None:
        super().__init__(Path(), "http://127.0.0.1:1")
        object.__setattr__(self, "plans", list(plans))
        object.__setattr__(self, "held", list(kept))
        object.__setattr__(self, "done", [])

    plans: list[Changes]
    held: list[str]
    done: list[str]

    def apply(self, **more: object) -> int:
        self.done.append(f"apply {' '.join(more)}".strip())
        return 150

    def destroy(self) -> None:
        self.done.append("destroy")

    def changes(self, **_: object) -> Changes:
        return self.plans.pop(0)

    def state(self) -> list[dict[str, str]]:
        return [{"type": "aws_vpc", "name": "main"}] if "destroy" not in self.done else []

    def kept(self, texts: Mapping[str, str]) -> list[str]:
        assert {"SECRET_KEY", "db_admin_password", "registry_password"} <= texts.keys()
        return self.held


IMAGE: Changes = {
    'aws_ecs_service.api["api"]': ("update",),
    'aws_ecs_task_definition.service["api"]': ("delete", "create"),
}
OTHER: Changes = {"aws_vpc.main": ("update",)}


@pytest.fixture(autouse=True)
def _no_api(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Tool:
        raise ToolError("not on PATH", where=name)

    monkeypatch.setattr(aws_local, "_deploy", lambda *_: None)
    monkeypatch.setattr("hostwright.toolchain.find", find)


def test_all_steps_are_made_in_order() -> None:
    terraform = Said({}, IMAGE, {}, {}, {})
    aws_local.prove(terraform, Progress())
    assert terraform.done == ["apply", "apply api_image", "apply manage_image", "destroy"]


def test_without_awss_command_line_it_says_that_it_was_not_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = aws_local.prove(Said({}, IMAGE, {}, {}, {}), Progress())
    why = "account, live, drift, rollback, migrate: AWS's command line: not on PATH"
    assert told == f"not run: {why}"
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("plans", "says"),
    [
        ([OTHER], r"the second plan is not empty: aws_vpc.main \(update\)"),
        ([{}, {**IMAGE, **OTHER}], "another image changes .*aws_vpc.main"),
        ([{}, {}], r"another image changes , not aws_ecs_service.api\[\"api\"\] \(update\)"),
        ([{}, IMAGE, OTHER], "the plan after a deployment is not empty"),
        ([{}, IMAGE, {}, OTHER], "with manage_image = false is not empty"),
        ([{}, IMAGE, {}, {}, OTHER], "what CI deployed would be changed"),
    ],
)
def test_a_plan_that_is_not_as_it_must_be_ends_it(plans: list[Changes], says: str) -> None:
    with pytest.raises(ApplyError, match=says):
        aws_local.prove(Said(*plans), Progress())


def test_a_secret_in_the_state_ends_it() -> None:
    with pytest.raises(ApplyError, match="the state holds SECRET_KEY"):
        aws_local.prove(Said({}, kept=("SECRET_KEY",)), Progress())


def test_a_secret_is_found_in_a_state(tmp_path: Path) -> None:
    terraform = Terraform(tmp_path, "")
    terraform.root.mkdir()
    (terraform.root / "terraform.tfstate").write_text(json.dumps({"a": 'x "y" & z'}))
    assert terraform.kept({"A": 'x "y" & z', "B": "elsewhere"}) == ["A"]
