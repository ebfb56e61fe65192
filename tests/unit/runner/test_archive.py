from __future__ import annotations

import ast
import io
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest

from hostwright import runner_archive
from hostwright.run import run

#: What is promised of a supported server's Python.
OLDEST = (3, 10)
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def found(version: str) -> str | None:
    """A Python of this version that runs: on PATH, or where pyenv keeps its own."""
    kept = Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")
    for path in (shutil.which(f"python{version}"), *map(str, sorted(kept))):
        if path and run([path, "-c", ""], check=False).exit_code == 0:
            return path
    return None


HERE = {version: path for version in VERSIONS if (path := found(version))}
#: Every Python that a supported server may have, as far as this machine has it.
PYTHONS = sorted({*HERE.values(), sys.executable})


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


@pytest.mark.filterwarnings("default:not run")  # said at the end, and no failure
def test_the_runner_is_written_in_the_oldest_python_that_is_promised(shipped: Path) -> None:
    with zipfile.ZipFile(shipped) as archive:
        sources = {name: archive.read(name) for name in archive.namelist()}

    assert len(sources) > 30
    for name, source in sources.items():
        ast.parse(source, name, feature_version=OLDEST)
    if missing := [version for version in VERSIONS if version not in HERE]:
        told = f"not run: the runner by Python {', '.join(missing)} (there is none here)"
        warnings.warn(told, stacklevel=1)


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
