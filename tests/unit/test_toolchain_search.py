from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from hostwright import toolchain
from hostwright.errors import ToolError
from hostwright.toolchain.search import Candidate, choose, resolve, search_path
from hostwright.toolchain.table import Package, Wanted
from hostwright.toolchain.versions import Range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A package that every environment of the tests has, with a script of its own.
PYTEST = Package("pytest", "tests", "bin/pytest")
RANGE = Range("2.24", "3")
PACKAGED = Wanted("it", ("invoke validate",), RANGE, package=Package("it-bin", "vps", "bin/it"))
SYSTEM = Wanted("it", ("nox -s demo",), apt="it-tools")

GOOD = Candidate(("/usr/bin/it",), "2.30", "path")
OLD = Candidate(("/usr/bin/it",), "1.0", "path", "/usr/bin/it is 1.0, not >=2.24,<3")
BUNDLED = Candidate(("/venv/bin/it",), "2.40", "package")
BROKEN = Candidate((), "2.40", "package", "package it-bin 2.40 has no bin/it")


# --- choosing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "argv", "why"),
    [
        ([GOOD, BUNDLED], GOOD.argv, "on PATH, >=2.24,<3"),
        ([OLD, BUNDLED], BUNDLED.argv, OLD.refusal),
        ([BUNDLED], BUNDLED.argv, "none on PATH"),
        ([OLD, GOOD], GOOD.argv, "on PATH, >=2.24,<3"),
    ],
)
def test_path_wins_when_it_will_do_and_the_choice_is_explained(
    found: list[Candidate], argv: tuple[str, ...], why: str
) -> None:
    tool = choose(PACKAGED, found)
    assert (tool.argv, tool.why) == (argv, why)


@pytest.mark.parametrize(
    ("wanted", "found", "what", "remedy"),
    [
        (PACKAGED, [], "package it-bin is not in this environment", "package it-bin, group vps"),
        (PACKAGED, [OLD], f"{OLD.refusal}; package it-bin is not in", "nox -s dev"),
        (PACKAGED, [OLD, BROKEN], f"{OLD.refusal}; {BROKEN.refusal}", "nox -s dev"),
        (SYSTEM, [], "not on PATH", "`apt install it-tools`"),
    ],
)
def test_without_one_that_will_do_the_error_says_what_was_found_and_how_to_get_it(
    wanted: Wanted, found: list[Candidate], what: str, remedy: str
) -> None:
    with pytest.raises(ToolError) as caught:
        choose(wanted, found)
    assert caught.value.where == "it"
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_what_comes_after_a_candidate_that_will_do_is_not_looked_at() -> None:
    def found() -> Iterator[Candidate]:
        yield GOOD
        pytest.fail("the package was looked for")

    assert choose(PACKAGED, found()).origin == "path"


# --- looking -----------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(directory: Path, name: str, script: str, interpreter: str = "/bin/sh") -> Path:
    """Put an executable script into *directory*."""
    program = directory / name
    program.write_text(f"#!{interpreter}\n{script}\n")
    program.chmod(0o755)
    return program


def test_a_tool_on_path_in_range_is_used(machine: Path) -> None:
    program = install(machine, "pt", "echo it 2.30.1")
    tool = resolve(Wanted("pt", ("x",), RANGE, package=PYTEST))
    assert tool == ("pt", (str(program),), "2.30.1", "path", "on PATH, >=2.24,<3")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo it 1.9", "pt is 1.9, not >=8,<99"),
        ("echo it 99.0", "pt is 99.0, not >=8,<99"),
        ("echo no number", "pt gives no version"),
        ("echo 8.1; exit 1", "pt gives no version"),
    ],
)
def test_the_package_is_used_when_the_one_on_path_will_not_do(
    machine: Path, script: str, why: str
) -> None:
    install(machine, "pt", script)
    tool = resolve(Wanted("pt", ("x",), Range("8", "99"), package=PYTEST))
    assert tool.origin == "package"
    assert tool.argv == (f"{sys.prefix}/bin/pytest",)
    assert tool.version == pytest.__version__
    assert tool.why == f"{machine}/{why}"


def test_a_program_that_cannot_be_started_is_refused_not_raised(machine: Path) -> None:
    (machine / "pt").write_bytes(b"\x7fELF of another machine")
    (machine / "pt").chmod(0o755)
    with pytest.raises(ToolError, match="pt gives no version"):
        resolve(Wanted("pt", ("x",), RANGE, apt="pt"))


def test_a_package_out_of_range_is_refused_too(machine: Path) -> None:
    assert list(machine.iterdir()) == []
    with pytest.raises(ToolError, match=r"package pytest is \S+, not >=2\.24,<3"):
        resolve(Wanted("pt", ("x",), RANGE, package=PYTEST))


def test_a_package_without_the_executable_is_refused(machine: Path) -> None:
    assert list(machine.iterdir()) == []
    wanted = Wanted("pt", ("x",), Range("8", "99"), package=Package("pytest", "tests", "bin/pt"))
    with pytest.raises(ToolError, match=r"package pytest \S+ has no bin/pt"):
        resolve(wanted)


def test_a_python_wrapper_that_hides_exit_codes_is_refused_unasked(machine: Path) -> None:
    install(machine, "pt", "raise SystemExit('it was started')", sys.executable)
    wanted = Wanted("pt", ("x",), Range("8", "99"), package=PYTEST, python_script=False)
    assert "hides exit codes" in resolve(wanted).why


def test_a_plugin_is_found_behind_its_program_when_the_program_itself_is_absent(
    machine: Path,
) -> None:
    program = install(machine, "docker", 'test "$1 $2" = "compose version" && echo 2.30.0')
    commands = (("docker-compose",), ("docker", "compose"))
    wanted = Wanted("c", ("x",), RANGE, ask=("version",), apt="c", commands=commands)
    assert resolve(wanted).argv == (str(program), "compose")


def test_a_tool_without_a_range_is_not_started_to_be_found(machine: Path) -> None:
    program = install(machine, "pt", f"touch {machine}/started")
    tool = resolve(Wanted("pt", ("x",), apt="pt"))
    assert tool == ("pt", (str(program),), "", "path", "on PATH")
    assert not (machine / "started").exists()


def test_virtual_environments_on_path_are_no_source_of_tools(tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").touch()
    path = os.pathsep.join([f"{environment}/bin", "", "/usr/bin"])
    assert search_path(path).split(os.pathsep)[0] == "/usr/bin"
    assert "/usr/sbin" in search_path(path).split(os.pathsep)


def test_find_looks_once_per_process(machine: Path) -> None:
    toolchain.find.cache_clear()
    program = install(machine, "hadolint", f"echo >> {machine}/asked; echo 2.14.0")
    try:
        first, second = toolchain.find("hadolint"), toolchain.find("hadolint")
    finally:
        toolchain.find.cache_clear()
    assert first.argv == (str(program),)
    assert first is second
    assert (machine / "asked").read_text() == "\n"


def test_pinned_is_the_package_even_where_path_has_one_that_will_do(machine: Path) -> None:
    toolchain.pinned.cache_clear()
    install(machine, "hadolint", f"touch {machine}/asked; echo 2.14.0")
    tool = toolchain.pinned("hadolint")
    assert (tool.origin, tool.argv) == ("package", (f"{sys.prefix}/bin/hadolint",))
    assert not (machine / "asked").exists()
