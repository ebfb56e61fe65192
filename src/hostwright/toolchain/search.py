"""Look for a tool on PATH and in this Python environment, and choose."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.run import run
from hostwright.toolchain import apart, unpacked, versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hostwright.toolchain.table import Wanted

#: Root's directories: on Debian they are missing from PATH for everyone else.
_ADMIN_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin")
#: Seconds a tool may take to say its version.
_PATIENCE = 20.0

Origin = Literal["path", "package"]


class Tool(NamedTuple):
    """A tool that may be run: ``run([*tool.argv, …])``."""

    name: str
    argv: tuple[str, ...]
    #: Empty where no range is asked for.
    version: str
    origin: Origin
    #: Why this one, in words.
    why: str


class Candidate(NamedTuple):
    """Something that goes by a tool's name; *refusal* says why it will not do."""

    argv: tuple[str, ...]
    version: str
    origin: Origin
    refusal: str = ""


def resolve(wanted: Wanted) -> Tool:
    """The first candidate that will do: PATH before the package.

    Raises:
        ToolError: None will do.
    """
    return choose(wanted, candidates(wanted))


def choose(wanted: Wanted, found: Iterable[Candidate]) -> Tool:
    """The first of *found* that nothing speaks against; pure.

    Raises:
        ToolError: There is none; it says what each lacks and how to get one that will do.
    """
    refused: list[str] = []
    for candidate in found:
        if not candidate.refusal:
            why = _why(wanted, candidate, refused)
            return Tool(wanted.name, candidate.argv, candidate.version, candidate.origin, why)
        refused.append(candidate.refusal)
    if wanted.apart:
        refused.append("not in its own environment")
    if wanted.package and not any(text.startswith("package ") for text in refused):
        refused.append(f"package {wanted.package.name} is not in this environment")
    what = "; ".join(refused) or "not on PATH"
    raise ToolError(what, where=wanted.name, remedy=remedy(wanted))


def _why(wanted: Wanted, candidate: Candidate, refused: list[str]) -> str:
    if candidate.origin == "path":
        return f"on PATH, {wanted.versions}" if wanted.versions else "on PATH"
    return "; ".join(refused) or "none on PATH"


def remedy(wanted: Wanted) -> str:
    """How to get the tool, one sentence."""
    if wanted.package:
        package = wanted.package
        return (
            f"`nox -s dev` makes an environment that has it "
            f"(package {package.name}, group {package.group})."
        )
    if wanted.apart:
        return f"`{wanted.needed_by[0]}` makes an environment that has it."
    if wanted.inside:
        return (
            f"What needs it unpacks it from package {wanted.inside.package}, for Linux on x86-64; "
            f"elsewhere put one on PATH that is {wanted.versions}."
        )
    if wanted.vendor:
        return f"Install it as {wanted.vendor} says, and log in."
    return f"`apt install {wanted.apt}` on Debian or Ubuntu."


def candidates(wanted: Wanted) -> Iterator[Candidate]:
    """What goes by the tool's name here, in the order in which it is considered.

    It is lazy: a tool is asked for its version only when nothing before it will do.
    """
    where = search_path(os.environ.get("PATH", ""))
    for spelling in wanted.spellings:
        program = shutil.which(spelling[0], path=where)
        if program:
            yield on_path(wanted, (program, *spelling[1:]))
    yield from packaged(wanted)
    if wanted.apart and (found := apart.program(wanted.name)):
        yield set_apart(wanted, found)
    if wanted.inside:
        held = unpacked.program(wanted.inside)
        label = f"package {wanted.inside.package}"
        absent = Candidate((), "", "package", f"{label} is not unpacked yet")
        yield taken_out(wanted, held) if held else absent


def search_path(path: str) -> str:
    """*path* without virtual environments, with root's directories at its end.

    What lies in a virtual environment is that environment's package, not a tool of the machine:
    ours is looked at as a package, and another's (nox runs inside one) is none of our business.
    """
    directories = [entry for entry in path.split(os.pathsep) if entry]
    kept = [entry for entry in directories if not (Path(entry).parent / "pyvenv.cfg").exists()]
    return os.pathsep.join((*kept, *_ADMIN_DIRECTORIES))


def on_path(wanted: Wanted, argv: tuple[str, ...]) -> Candidate:
    """The program on PATH, with its version where a range asks for one."""
    if wanted.versions is None:
        return Candidate(argv, "", "path")
    shown = paths.shown(Path(argv[0])) + "".join(f" {word}" for word in argv[1:])
    if not wanted.python_script and is_python(Path(argv[0])):
        return Candidate(argv, "", "path", f"{shown} is a Python wrapper that hides exit codes")
    version = asked(argv, wanted.ask, dict(wanted.quiet))
    return Candidate(argv, version, "path", _unfit(wanted, shown, version))


def packaged(wanted: Wanted) -> Iterator[Candidate]:
    """The tool's package in the running interpreter's environment, if it is there.

    The version is the package's own and no process is started to learn it, but for a library:
    what its command line says is the tool's version.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    package = wanted.package
    if package is None:
        return
    try:
        installed = distribution(package.name)
    except PackageNotFoundError:
        return
    files = (
        file.locate() for file in installed.files or () if f"/{file}".endswith(f"/{package.file}")
    )
    program = next((Path(os.path.normpath(str(file))) for file in files), None)
    label = f"package {package.name}"
    if program is None or not os.access(program, os.R_OK if package.started_by else os.X_OK):
        yield Candidate((), "", "package", f"{label} {installed.version} has no {package.file}")
        return
    argv: tuple[str, ...] = (str(program),)
    version = installed.version
    if package.started_by:
        script = Path(__file__).parents[1] / package.started_by
        argv = (sys.executable, "-P", str(script))
        version = asked(argv, wanted.ask, dict(wanted.quiet))
    yield Candidate(argv, version, "package", _unfit(wanted, label, version))


def set_apart(wanted: Wanted, program: Path) -> Candidate:
    """The tool in an environment of its own, which has what is pinned: nobody needs to ask."""
    version = apart.version(wanted.name)
    refusal = _unfit(wanted, paths.shown(program), version)
    return Candidate((str(program),), version, "package", refusal)


def taken_out(wanted: Wanted, program: Path) -> Candidate:
    """The tool as it was unpacked; a program for another kind of machine gives no version."""
    version = asked((str(program),), wanted.ask, dict(wanted.quiet))
    return Candidate(
        (str(program),), version, "package", _unfit(wanted, paths.shown(program), version)
    )


def _unfit(wanted: Wanted, shown: str, version: str) -> str:
    if not version:
        return f"{shown} gives no version"
    if wanted.versions is None or version in wanted.versions:
        return ""
    return f"{shown} is {version}, not {wanted.versions}"


def is_python(program: Path) -> bool:
    """Whether the first line of the file hands it to a Python interpreter."""
    with program.open("rb") as file:
        head = file.readline(256)
    return head.startswith(b"#!") and b"python" in head


def asked(
    argv: tuple[str, ...], question: tuple[str, ...], env: Mapping[str, str] | None = None
) -> str:
    """The version that the tool itself gives; empty if it cannot be started or gives none."""
    try:
        done = run([*argv, *question], env=env, timeout=_PATIENCE, check=False)
    except ToolError:  # missing, hung, not executable here: all mean "no version"
        return ""
    return versions.parse(done.stdout + done.stderr) if done.exit_code == 0 else ""
