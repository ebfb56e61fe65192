from __future__ import annotations

import io
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from hostwright import runner_archive
from hostwright.run import run

if TYPE_CHECKING:
    from pathlib import Path

#: Every Python that a supported server may have, as far as this machine has it.
PYTHONS = sorted(
    {
        path
        for version in ("3.10", "3.11", "3.12", "3.13")
        if (path := shutil.which(f"python{version}"))
        and run([path, "-c", ""], check=False).exit_code == 0
    }
    | {sys.executable}
)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runner") / "runner.pyz"
    path.write_bytes(runner_archive.build().content)
    return path


def test_the_same_sources_give_the_same_bytes_and_stay_small() -> None:
    archive = runner_archive.build()

    assert archive == runner_archive.build()
    assert len(archive.content) < 250_000


def test_another_line_is_another_version() -> None:
    sources = {"a.py": b"1"}

    assert runner_archive.hash_of(sources) != runner_archive.hash_of({"a.py": b"2"})
    assert runner_archive.hash_of(sources) != runner_archive.hash_of({"b.py": b"1"})


@pytest.mark.parametrize("python", PYTHONS)
def test_the_archive_runs_isolated_and_knows_its_version(shipped: Path, python: str) -> None:
    said = run([python, "-I", "-S", "-W", "error", shipped, "version"]).stdout.strip()

    assert said == runner_archive.build().version


@pytest.mark.parametrize("python", PYTHONS)
def test_every_module_of_the_archive_imports_everywhere(shipped: Path, python: str) -> None:
    names = [
        name.removesuffix(".py").replace("/", ".")
        for name in zipfile.ZipFile(io.BytesIO(shipped.read_bytes())).namelist()
        if name.startswith("runner/") and "__" not in name
    ]
    imports = "\n".join(f"import {name}" for name in names)
    code = f"import sys; sys.path.insert(0, sys.argv[1])\n{imports}"

    assert len(names) > 30
    run([python, "-I", "-S", "-W", "error", "-c", code, shipped])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["destroy"],
        ["session"],
        ["session", "--app"],
        ["session", "--app", "../x"],
        ["session", "--app", "a", "b"],
        ["status", "--host", "a"],
    ],
)
def test_arguments_that_it_does_not_know_are_refused(shipped: Path, words: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-I", shipped, *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
