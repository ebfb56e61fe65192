"""The tables of docs: what each cell says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.contract.planted import edited, loaded, real

from hostwright.contract.models import TARGETS
from hostwright.docs import code_tables, exit_codes
from hostwright.docs import contract_tables as tables
from hostwright.docs.markdown import table
from hostwright.docs.model import ExitCode, Flag, Reference, Session, Task
from hostwright.docs.texts import texts
from hostwright.errors import HostError, HostwrightError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostwright.contract.models import TargetName

SHOW = Task(
    "a.show",
    ("a",),
    "Show it.",
    ("More of it.",),
    ("invoke a.show --name X",),
    (
        Flag(("--name", "-n"), "TEXT", "b", "Which one."),
        Flag(("--json", "-j"), "", "", "As JSON."),
        Flag(("--keep", "-k", "--no-keep"), "", "on", "Keep it."),
    ),
)


def row(lines: Iterable[str], first: str) -> list[str]:
    """The cells of the row that begins so, the first left out."""
    [found] = [line for line in lines if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in found.strip("|").split(" | ")][1:]


def test_a_cell_keeps_to_its_line_and_a_bar_in_it_is_no_border() -> None:
    assert list(table(("a", "b"), [("x|y", "1\n 2"), ("", "3")])) == [
        "| a | b |",
        "| --- | --- |",
        "| x\\|y | 1 2 |",
        "| - | 3 |",
    ]


# --- the contract --------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_every_variable_is_told_with_its_source_on_the_target(target: TargetName) -> None:
    lines = list(tables.variables_on(real(), target))
    assert len(lines) == 2 + len(real().variables)
    for name, item in real().variables.items():
        [line] = [each for each in lines if f" | `{name}` | " in each]
        assert f"| {str(item.source(target)) or '-'} |" in line
        assert f"| `{name}` | {'yes' if item.secret else '-'} |" in line
        assert line.startswith(f"| {', '.join(item.roles)} |")


@pytest.mark.parametrize("target", TARGETS)
def test_only_inputs_of_the_target_are_told(target: TargetName) -> None:
    lines = list(tables.inputs_on(real(), target))
    known = [name for name, item in real().inputs.items() if target in item.targets]
    assert [line.split("`")[1] for line in lines[2:]] == known


def test_an_input_is_told_with_the_targets_word_and_default() -> None:
    aws, chart = (list(tables.inputs_on(real(), one)) for one in ("aws", "kubernetes"))
    memory = ["memory of the task", "int", "`1024`", "Memory of one api instance in MiB"]
    assert row(aws, "`api_memory_mib`") == memory
    assert row(chart, "`api_memory_mib`")[:3] == ["`api.memoryMib`", "int", "`512`"]
    assert row(aws, "`worker_image`")[:3] == ["-", "image", "as `api_image`"]
    assert row(aws, "`registry_password`")[1:3] == ["string, ephemeral", "unset"]
    assert row(aws, "`redis_auth_token`")[1] == "string, sensitive"


def test_what_a_secrets_provider_asks_for_is_told() -> None:
    lines = list(tables.secrets_by_provider(real()))
    providers = real().variables["SECRETS_PROVIDER"].allowed
    assert lines[0] == f"| variable | {' | '.join(f'`{one}`' for one in providers)} |"
    asks = dict(zip(providers, row(lines, "`VAULT_TOKEN` •"), strict=True))
    assert {one for one, cell in asks.items() if cell == "required"} == {"vault_hcp", "vault_dev"}
    assert set(row(lines, "`VAULT_NAMESPACE`")) == {"optional", "-"}
    where = dict(zip(providers, row(lines, "may be chosen on"), strict=True))
    assert (where["env"], where["aws_sm"]) == ("vps", "every target")
    assert not any("SECRET_KEY" in line for line in lines)  # is asked for whatever is chosen


def test_a_condition_on_something_else_as_well_is_told_in_the_cell() -> None:
    both = "when: {SECRETS_PROVIDER: [vault_hcp], STORAGE_PROVIDER: [s3, gcs]}"
    contract = loaded(edited("when: {SECRETS_PROVIDER: [vault_hcp]}", both))
    found = row(tables.secrets_by_provider(contract), "`VAULT_NAMESPACE`")
    assert "optional with STORAGE_PROVIDER=s3/gcs" in found


def test_the_small_matrix_counts_what_is_required_and_what_of_it_is_yours() -> None:
    lines = list(tables.matrix_small(real()))
    cells = dict(zip(TARGETS, row(lines, "**web**"), strict=True))
    # PORT is Cloud Run's own.
    assert cells["gcp"] == "3 (1 yours)"
    assert cells["vps"] == "4 (1 yours)"
    assert row(lines, "**migrate**")[0] == "3"
    assert "On kubernetes you choose both" in "\n".join(lines)


def test_what_is_yours_on_a_target_is_what_nothing_else_gives() -> None:
    def yours(target: TargetName) -> set[str]:
        names = tables.required(real(), target, "worker")
        return {name for name in names if tables.yours(real(), target, name)}

    keys = {"SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER", "APP_PUBLIC_URL"}
    assert yours("vps") == keys
    assert yours("aws") == keys | {"AWS_REGION", "S3_REGION"}
    assert yours("kubernetes") >= keys | {"DATABASE_URL", "REDIS_URL", "SECRETS_PROVIDER"}
    assert "AUTH_KEY_STORAGE_PROVIDER" not in yours("kubernetes")  # is that of the secrets


# --- the code ------------------------------------------------------------------------------------


def test_a_task_in_full_has_its_text_example_and_flags() -> None:
    assert list(code_tables.described(SHOW)) == [
        "Show it.",
        "",
        "More of it.",
        "",
        "Also called `a`.",
        "",
        "```sh",
        "invoke a.show --name X",
        "```",
        "",
        "| flag | default | meaning |",
        "| --- | --- | --- |",
        "| `--name TEXT` | `b` | Which one. |",
        "| `--json` | - | As JSON. |",
        "| `--[no-]keep` | `on` | Keep it. |",
        "",
    ]


def test_a_task_in_a_table_is_typed_by_its_short_name() -> None:
    lines = list(code_tables.tasks([SHOW]))
    assert row(lines, "`invoke a`") == ["Show it.", "`--name` `--json` `--keep`"]


def test_a_session_says_what_gets_its_words() -> None:
    session = Session("s", default=True, tags=("x",), summary="Do.", words="pytest")
    assert row(code_tables.sessions([session]), "`nox -s s`") == ["Do.", "yes", "x", "`pytest`"]


def test_an_exit_code_is_told_from_the_docstring_of_its_error() -> None:
    class Odd(HostError):
        """It is
        odd.

        Make it
        even.

        And more.
        """

        exit_code = 99

    assert exit_codes.told(Odd) == ExitCode(99, "Odd", "It is odd.", "Make it even.")

    class Bare(HostError):
        exit_code = 98

    assert exit_codes.told(Bare) == ExitCode(98, "Bare", "", "")


def test_every_class_of_error_and_what_python_and_signals_add_is_told() -> None:
    found = {each.code: each.name for each in exit_codes.read()}
    assert found[11] == "Unreachable"
    assert {0, 130, HostwrightError.exit_code} <= found.keys()


def test_every_target_cloud_and_namespace_has_texts_by_its_name() -> None:
    known = texts(Reference(real(), (SHOW,), (), exit_codes.read()))
    assert {f"{what}-{one}" for what in ("variables", "inputs") for one in TARGETS} <= known.keys()
    assert {name for name in known if name.startswith(("outputs", "tasks"))} == {
        "outputs-aws",
        "outputs-azure",
        "outputs-gcp",
        "tasks-a",
    }
    assert all(list(made())[-1].startswith("| ") for made in known.values())
