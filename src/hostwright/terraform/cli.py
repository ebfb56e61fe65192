"""Run Terraform on a directory and read what it says; nothing is written into the directory.

::

    with workbench(directory) as bench:
        bench.validate()
        bench.test()
        bench.plan({"region": "eu-west-1"})

A workbench is a scratch directory with links to the files, a provider for each that the
configuration requires, and Terraform's settings kept apart from the user's: no state, no values of
theirs, no backend. Plans are always made with the schema provider: a real one refuses to plan
without credentials, and has no marks to give.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hostwright import toolchain
from hostwright.errors import ToolError
from hostwright.run import Completed, run
from hostwright.terraform import diagnostics, lines, providers, results
from hostwright.terraform import plan as plans
from hostwright.terraform.diagnostics import Diagnostic
from hostwright.terraform.provider import serve
from hostwright.terraform.providers import Used
from hostwright.terraform.results import Planned, Tested

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hostwright.terraform.provider import Mode, SchemaProvider
    from hostwright.terraform.providers import Required
    from hostwright.terraform.schema import Schema
    from hostwright.toolchain import Tool

#: Seconds that a command may take: a real provider takes some of them to start.
PATIENCE = 300.0
#: Seconds that ``init`` may take where it downloads real providers, some of 150 MB.
DOWNLOAD_PATIENCE = 600.0
#: What is not linked: state and plugins of the user's own work there, and their values.
_OWN = re.compile(r"\.terraform.*|.*\.tfstate.*|terraform\.tfvars.*|.*\.auto\.tfvars.*")
_BACKEND = re.compile(r'^\s*(?:backend\s+"|cloud\s*\{)', re.MULTILINE)
_MODULE = re.compile(r'^module\s+"', re.MULTILINE)
_LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
_DIFF = re.compile(r"^--- old/(.+)$", re.MULTILINE)
#: fmt: nothing to change, and something.
_FORMATTED = {0, 3}
_CONFIG = "terraform.rc"
#: The file of the values that a plan is given by a caller, in the scratch directory.
GIVEN = "values.tfvars.json"
_INIT = ("init", "-json", "-no-color", "-input=false")
_COMMANDS = ("fmt", "init", "plan", "show", "test", "validate")


@dataclass
class Workbench:
    """A directory laid out for Terraform; made by :func:`workbench`.

    Attributes:
        directory: The root module.
        used: The providers that :meth:`validate` and :meth:`test` work with.
    """

    directory: Path
    scratch: Path
    tool: Tool
    required: tuple[Required, ...]
    schemas: tuple[Schema, ...]
    used: tuple[Used, ...]
    stack: ExitStack = field(repr=False)
    _providers: dict[Mode, SchemaProvider] = field(default_factory=dict, repr=False)
    _initialised: tuple[Diagnostic, ...] | None = None

    @property
    def root(self) -> Path:
        """Where Terraform runs."""
        return self.scratch / "root"

    # -- commands -------------------------------------------------------------------------------

    def init(self) -> tuple[Diagnostic, ...]:
        """Prepare what the configuration calls for; the other commands do it first, once.

        Returns:
            What is wrong with the modules it calls, or the versions of providers it asks for.

        Raises:
            ToolError: Terraform ran out of time, or failed without saying why.
        """
        if self._initialised is None:
            self._initialised = (*self._out_of_range(), *self._init())
        return self._initialised

    def validate(self) -> tuple[Diagnostic, ...]:
        """Check the configuration, and its tests, against the providers.

        Raises:
            ToolError: Terraform ran out of time, or failed without saying why.
        """
        if errors := diagnostics.errors(self.init()):
            return errors
        done = self._run("validate", "-json", "-no-color")
        try:
            found = json.loads(done.stdout)["diagnostics"]
        except (ValueError, KeyError) as error:
            raise failed(done) from error
        return tuple(diagnostics.from_json(each) for each in found)

    def test(self, *files: str) -> Tested:
        """Run the tests in ``tests/``, or only these files of them: ``tests/main.tftest.hcl``.

        Raises:
            ToolError: Terraform ran out of time, or failed without saying why.
        """
        if errors := diagnostics.errors(self.init()):
            return Tested((), errors)
        done = self._run("test", "-json", "-no-color", *(f"-filter={file}" for file in files))
        tested = results.tested(done.stdout)
        if done.exit_code != 0 and not tested.runs and not tested.diagnostics:
            raise failed(done)
        return tested

    def plan(
        self,
        variables: Mapping[str, Any] | None = None,
        *,
        var_files: Sequence[Path] = (),
        targets: Iterable[str] = (),
        mode: Mode = "known",
    ) -> Planned:
        """Plan from an empty state, with the schema provider.

        Args:
            variables: Values for the root module's variables; they win over the files.
            var_files: Files of values.
            targets: Addresses to plan, with what they need; without any, everything.
            mode: ``known`` gives what a provider would decide a value that names it; ``unknown``
                leaves it unknown as a cloud would, and so finds what must be known but is not.

        Raises:
            ToolError: Terraform ran out of time, or failed without saying why.
        """
        if errors := diagnostics.errors(self.init()):
            return Planned(None, errors)
        provider = self.provider(mode)
        provider.forget()
        given = self.scratch / GIVEN
        given.write_text(json.dumps(dict(variables or {})), encoding="utf-8")
        file = self.scratch / "plan"
        options = ["-json", "-no-color", "-input=false", "-lock=false", f"-out={file}"]
        options += [f"-var-file={each.resolve()}" for each in (*var_files, given)]
        options += [f"-target={target}" for target in targets]
        done = self._run("plan", *options, env=provider.env)
        said = complaints(done)
        if done.exit_code != 0:
            return Planned(None, said)
        shown = self._run("show", "-json", str(file), env=provider.env)
        if shown.exit_code != 0:
            raise failed(shown)
        sources = lines.read(self.directory)
        return Planned(plans.read(json.loads(shown.stdout), provider.marks, sources), said)

    # -- helpers --------------------------------------------------------------------------------

    def _init(self) -> tuple[Diagnostic, ...]:
        text = "\n".join(file.read_text(encoding="utf-8") for file in self.root.glob("*.tf"))
        real = any(each.kind == "real" for each in self.used)
        if not (real or _BACKEND.search(text) or _MODULE.search(text)):
            return ()
        if _BACKEND.search(text):
            (self.root / "hostwright_override.tf").write_text(_LOCAL_BACKEND, encoding="utf-8")
        # What it warns of is said by other commands too, or is about the lock file, which is ours.
        return diagnostics.errors(complaints(self._run(*_INIT)))

    def _out_of_range(self) -> Iterator[Diagnostic]:
        """What ``init`` would say of a real provider: Terraform asks ours for no version."""
        versions = {each.provider: each.version for each in self.used if each.kind == "schema"}
        for name, wanted in self.required:
            if name in versions and not providers.fits(versions[name], wanted):
                detail = f"hashicorp/{name} {versions[name]} is not in the range {wanted}."
                yield Diagnostic("error", "Provider version out of range", detail)

    def provider(self, mode: Mode) -> SchemaProvider:
        """The schema provider in this mode, served from now on."""
        if mode not in self._providers:
            self._providers[mode] = self.stack.enter_context(serve(self.schemas, mode))
        return self._providers[mode]

    def _run(self, *words: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run Terraform; without *env*, with the providers that are used to check."""
        if env is None:
            by_schema = [each.provider for each in self.used if each.kind == "schema"]
            env = self.provider("unknown").env_of(by_schema) if by_schema else {}
        return run(
            [*self.tool.argv, *words],
            cwd=self.root,
            env={**settings(self.scratch), **env},
            without=inherited(),
            timeout=PATIENCE,
            check=False,
        )


@contextmanager
def workbench(
    directory: Path,
    schemas: Iterable[Schema] = (),
    *,
    real: bool = False,
    tool: Tool | None = None,
) -> Iterator[Workbench]:
    """Lay a directory out for Terraform until the block ends.

    Args:
        directory: A root module.
        schemas: The providers to serve; without any, the committed ones that it requires.
        real: Whether to look for real providers first; to fetch them may take minutes.
        tool: Terraform; without it, what :func:`hostwright.toolchain.find` finds.

    Raises:
        ToolError: There is no Terraform, or no schema of a provider that is required.
        SettingsError: The setting that names real providers is wrong.
    """
    found = tool or toolchain.find("terraform")
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="hostwright-")))
        _link(directory, scratch / "root")
        required = providers.required(directory)
        used = _real(required, scratch, found) if real else ()
        served = tuple(schemas) or providers.committed(required)
        known = {each.provider for each in used}
        used += tuple(providers.by_schema(each) for each in served if each.name not in known)
        yield Workbench(directory, scratch, found, required, served, used, stack)


def _real(required: tuple[Required, ...], scratch: Path, tool: Tool) -> tuple[Used, ...]:
    """The real providers there are; Terraform's settings for them are left in *scratch*."""
    local = providers.local(required)
    config = scratch / _CONFIG
    if len(local) < len(required) and providers.registry_wanted():
        config.write_text(providers.installation(local.values(), registry=True), encoding="utf-8")
        if versions := _fetched(required, scratch, tool):
            return tuple(
                Used("real", name, version, str(local[name].place) if name in local else "registry")
                for name, version in versions.items()
            )
    config.write_text(providers.installation(local.values(), registry=False), encoding="utf-8")
    return tuple(
        Used("real", each.provider, each.version, str(each.place)) for each in local.values()
    )


def _fetched(required: tuple[Required, ...], scratch: Path, tool: Tool) -> Mapping[str, str]:
    """The versions of all the providers, once the registry gave them; none if it does not."""
    root = scratch / "fetch"
    root.mkdir()
    (root / "main.tf").write_text(providers.requirement(required), encoding="utf-8")
    env = {**settings(scratch), "TF_DATA_DIR": str(root / "data")}
    try:
        run(
            [*tool.argv, *_INIT],
            cwd=root,
            env=env,
            without=inherited(),
            timeout=DOWNLOAD_PATIENCE,
        )
    except ToolError:
        return {}
    return providers.locked(root / ".terraform.lock.hcl")


def unformatted(directory: Path, *, tool: Tool | None = None) -> dict[str, str]:
    """What ``terraform fmt`` would change below a directory: file to diff.

    Raises:
        ToolError: A file is not in Terraform's language at all.
    """
    found = tool or toolchain.find("terraform")
    argv = [*found.argv, "fmt", "-check", "-diff", "-recursive", "-no-color"]
    env = {"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    done = run(argv, cwd=directory, env=env, without=inherited(), check=False)
    if done.exit_code not in _FORMATTED:
        raise failed(done)
    # Text before the first, then name and diff by turns.
    _, *parts = _DIFF.split(done.stdout)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def complaints(done: Completed) -> tuple[Diagnostic, ...]:
    """The diagnostics of a command that streams them.

    Raises:
        ToolError: It failed and gave none.
    """
    said = diagnostics.in_stream(done.stdout)
    if done.exit_code != 0 and not diagnostics.errors(said):
        raise failed(done)
    return said


def failed(done: Completed) -> ToolError:
    """The error for a command whose output says nothing that can be read."""
    command = next((word for word in done.argv[1:] if word in _COMMANDS), "")
    return ToolError(f"exit code {done.exit_code}\n{done.tail}", where=f"terraform {command}")


def inherited() -> list[str]:
    """Terraform's variables of this process: the user's settings and values are not ours."""
    return [name for name in os.environ if name.startswith("TF_")]


def settings(scratch: Path) -> dict[str, str]:
    """Terraform's variables for commands that work in *scratch* and ask nobody."""
    config = scratch / _CONFIG
    config.touch()
    return {
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(config),
        "TF_DATA_DIR": str(scratch / "data"),
        "TF_INPUT": "0",
        "TF_IN_AUTOMATION": "1",
        # Where there is no registry, that is to be known soon.
        "TF_REGISTRY_CLIENT_TIMEOUT": "5",
        "TF_REGISTRY_DISCOVERY_RETRY": "0",
    }


def _link(directory: Path, root: Path) -> None:
    root.mkdir()
    for entry in directory.resolve().iterdir():
        if not _OWN.fullmatch(entry.name):
            (root / entry.name).symlink_to(entry)
