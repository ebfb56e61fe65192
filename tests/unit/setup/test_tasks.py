"""The two tasks as people type them: their exit codes, and nothing but sentences."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from tests.unit.setup.setups import example

from hostwright import paths
from hostwright.contract import example as fresh
from hostwright.contract import load
from hostwright.run import run
from hostwright.tasks import namespace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.setup.setups import Setup

    from hostwright.run import Completed


def invoke(directory: Path, *words: str) -> Completed:
    argv = [sys.executable, "-m", "invoke", "--search-root", str(paths.ROOT), *words]
    return run(argv, cwd=directory, check=False)


def test_setup_is_a_task_and_has_one() -> None:
    assert {"setup.run", "setup.check"} <= namespace.task_names.keys()
    assert namespace["setup"] is namespace["setup.run"]


def test_answers_become_files_from_the_command_line(setup: Setup) -> None:
    setup.write(example("vps"))
    words = ("setup", "--answers", "answers.yaml", "--out", "prod")
    done = invoke(setup.root, *words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "invoke vps.deploy --host app --hosts-file prod/hosts.yaml" in done.stdout
    checked = invoke(
        setup.root, "setup.check", "--env-file", "prod/.env.production", "--target", "vps"
    )
    assert (checked.exit_code, checked.stderr) == (0, "")
    again = invoke(setup.root, *words, "--var", "app_domain=b.example.com")
    assert again.exit_code == 8
    assert again.stderr.startswith("hosts.yaml would be overwritten; nothing was written\n")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "nobody can be asked here: this is no terminal, and no answers were given\n"),
        (("--var", "preset=vsp"), 4, "Did you mean vps?"),
        (("--var", "preset=vps"), 2, "4 answers are missing; nothing was written\n"),
        (("--answers", "nowhere.yaml"), 4, "nowhere.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_an_exit_code(
    words: tuple[str, ...], code: int, told: str, tmp_path: Path
) -> None:
    done = invoke(tmp_path, "setup", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_check_tells_each_problem_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    fresh.write(load(), "vps", "production", path)
    lines = path.read_text().splitlines()
    lines.append("LOG_LEVLE=info")
    path.write_text("\n".join([line for line in lines if not line.startswith("SECRET_KEY")]))
    done = invoke(tmp_path, "setup.check", "--env-file", ".env", "--target", "vps")
    assert done.exit_code == 5
    assert f".env:{len(lines) - 1}: LOG_LEVLE is not in the contract" in done.stderr
    assert ".env: SECRET_KEY is missing; production requires it" in done.stderr
    same = invoke(tmp_path, "contract.check", "--env-file", ".env", "--target", "vps")
    assert (same.exit_code, same.stdout, same.stderr) == (5, done.stdout, done.stderr)
    words = ("setup.check", "--env-file", ".env", "--profile", "development", "--json")
    found = json.loads(invoke(tmp_path, *words).stdout)
    assert [item["name"] for item in found["problems"]] == ["LOG_LEVLE"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no env file was named"),
        (("--env-file", "x", "--target", "awz"), "Did you mean aws?"),
        (("--env-file", "x", "--profile", "prod"), "Did you mean production?"),
    ],
)
def test_check_refuses_what_it_does_not_know(
    words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = invoke(tmp_path, "setup.check", *words)
    assert done.exit_code == 2
    assert told in done.stderr
