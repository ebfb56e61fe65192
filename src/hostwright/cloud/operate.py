"""Operate one cloud: refuse bad inputs first, then run Terraform and the cloud's own tool.

Whatever touches an account is a real command that ``--echo`` shows. Before any of them, the inputs
are planned against the committed schema, on this machine alone: a broken file, an unknown key or a
wrong secret is refused there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hostwright import paths, toolchain
from hostwright.cloud import refusals, values
from hostwright.cloud.model import Call, Where
from hostwright.errors import (
    ApplyError,
    CloudError,
    Drifted,
    MigrationError,
    SettingsError,
    ToolError,
    UserError,
    ValuesError,
)
from hostwright.run import attached, run, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hostwright.cloud.model import Live, Operations
    from hostwright.contract.envfile import Given
    from hostwright.contract.models import Contract, RoleName
    from hostwright.contract.values import Problem
    from hostwright.render.clouds.model import CloudName
    from hostwright.terraform.cli import Workbench
    from hostwright.terraform.diagnostics import Diagnostic
    from hostwright.terraform.plan import Plan
    from hostwright.terraform.results import Planned
    from hostwright.toolchain import Tool

#: Seconds that one question to a cloud's tool may take.
PATIENCE = 120.0
#: Seconds that bringing providers and the state's backend may take.
INIT_PATIENCE = 600.0
#: The file of values that is made from a process's own variables.
ENVIRONMENT = "environment.tfvars.json"
#: A secret's value, where nobody asks for the real one.
STAND_IN = "stands-in-for-a-secret"
#: Role to the input that names its image; migrate runs the worker's.
IMAGE_INPUTS: dict[RoleName, str] = {
    "api": "api_image",
    "web": "web_image",
    "worker": "worker_image",
}


@dataclass(frozen=True)
class Inputs:
    """What a person gives.

    Args:
        var_files: Files of Terraform's values.
        env_file: Of the secrets; empty if they are in the environment already.
        images: Role to image, on top of the files.
        below: What holds where neither the environment nor a file says otherwise.
    """

    var_files: tuple[Path, ...] = ()
    env_file: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    below: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Stack:
    """One cloud's blueprint, and a person's inputs for it.

    Args:
        contract: The contract.
        target: Which cloud.
        inputs: What the person gives.
        echo: Whether commands are shown before they run.
        say: Takes lines for people.
    """

    contract: Contract
    target: CloudName
    inputs: Inputs
    echo: bool = False
    say: Callable[[str], None] = print

    @property
    def directory(self) -> Path:
        """Where Terraform runs."""
        return paths.INFRA / self.target

    # --- before anything is touched ----------------------------------------------------------

    def secrets(self) -> dict[str, object]:
        """The ephemeral and sensitive variables, from the env file.

        Raises:
            ValuesError: The file cannot be taken as it is.
        """
        if not self.inputs.env_file:
            return {}
        given = self._env_file()
        found = values.problems(self.contract, self.target, given, self.inputs.env_file)
        if found:
            raise ValuesError(_listed("the secrets", found))
        return values.variables(self.contract, self.target, given)

    def _env_file(self) -> dict[str, Given]:
        from hostwright.secrets import from_file

        return from_file(Path(self.inputs.env_file)) if self.inputs.env_file else {}

    def _named_secrets(self) -> dict[str, str]:
        """The names in ``secret_values`` and where each stands; not those in a tfvars file."""
        if self.inputs.env_file:
            return {
                name: item.where
                for name, item in self._env_file().items()
                if name in self.contract.variables
            }
        given = self._surroundings().get("secret_values")
        return dict.fromkeys(given, "TF_VAR_secret_values") if isinstance(given, dict) else {}

    def chosen_images(self) -> dict[str, str]:
        """The image variables that were given on the command line.

        Raises:
            UserError: A role that has none.
        """
        # Migrate runs the worker's image, whether there is a worker or not.
        there = {"worker" if role == "migrate" else role for role in self.contract.roles}
        for role in self.inputs.images:
            if role not in there:
                known = ", ".join(role for role in IMAGE_INPUTS if role in there)
                raise UserError(f"there is no image of {role!r}", remedy=f"Roles: {known}.")
        return {IMAGE_INPUTS[role]: ref for role, ref in _roles(self.inputs.images)}

    def refuse(self) -> dict[str, str]:
        """Plan the inputs on this machine alone; the canonical inputs as texts.

        Raises:
            SettingsError: The inputs have problems; no account was asked anything.
            ValuesError: The secrets have.
        """
        with self._bench() as bench:
            above = {**self.secrets(), **self.chosen_images()}
            return self._inputs(*self._planned(bench, self._surroundings(), above))

    def applied(self) -> dict[str, str]:
        """The canonical inputs of what runs already: secrets and images are not asked for.

        Raises:
            SettingsError: The files have problems.
        """
        given = {**self._stand_ins(), **self._surroundings()}
        with self._bench() as bench:
            plan, said = self._planned(bench, given, {})
            if (made := refusals.made(said)) is not None:
                # Which secrets there are depends on the other inputs, which only Terraform reads.
                given["secret_values"] = dict.fromkeys(made, STAND_IN)
                plan, said = self._planned(bench, given, {})
        return self._inputs(plan, said)

    def _surroundings(self) -> dict[str, object]:
        return {**self.inputs.below, **from_environment(os.environ, self.contract, self.target)}

    @contextmanager
    def _bench(self) -> Iterator[Workbench]:
        from hostwright.terraform.cli import workbench

        for file in self.inputs.var_files:
            if not file.is_file():
                raise SettingsError("there is no such file", where=str(file))
        with workbench(self.directory) as bench:
            yield bench

    def _planned(
        self, bench: Workbench, below: Mapping[str, object], above: Mapping[str, object]
    ) -> Planned:
        """A plan; files win over *below*, *above* over files, as with Terraform."""
        environment = bench.scratch / ENVIRONMENT
        environment.write_text(json.dumps(dict(below)), encoding="utf-8")
        return bench.plan(above, var_files=(environment, *self.inputs.var_files))

    def _inputs(self, plan: Plan | None, said: Sequence[Diagnostic]) -> dict[str, str]:
        """The canonical inputs as texts, if nothing speaks against them."""
        secrets = self._named_secrets()
        found = refusals.of(said, self.contract, self.target, self._place, secrets)
        if found:
            raise SettingsError(_listed("the inputs", found))
        if plan is None:
            raise SettingsError(
                "\n".join(["the inputs cannot be planned", *(f"  {item}" for item in said)])
            )
        planned = plan.document.get("variables", {})
        return {name: _text(item.get("value")) for name, item in planned.items()}

    def _stand_ins(self) -> dict[str, object]:
        """Values for what a question to what runs does not need."""
        from hostwright.render.clouds.choices import chosen
        from hostwright.validate.clouds import cloud_of

        given = chosen(self.contract, cloud_of(self.target), {}).variables
        inputs = self.contract.inputs
        return {
            name: value
            for name, value in given.items()
            if inputs[name].ephemeral or inputs[name].sensitive or inputs[name].type == "image"
        }

    def _place(self, name: str, file: str) -> str:
        """Where a name stands in the person's files; the one that Terraform names comes first."""
        from hostwright.terraform.cli import GIVEN

        if not name:
            return ""
        of = Path(file).name
        if of == GIVEN and name in IMAGE_INPUTS.values():
            return "--image"  # wins over the files, which may hold the name as well
        named = [path for path in self.inputs.var_files if path.name == of]
        for path in (*named, *self.inputs.var_files):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            for number, line in enumerate(lines, 1):
                if line.strip().strip('"').startswith(name):
                    return f"{path}:{number}"
        # Files of ours are gone when somebody reads of them: what they were made from is told.
        return {GIVEN: self.inputs.env_file, ENVIRONMENT: f"TF_VAR_{name}"}.get(of, "")

    # --- Terraform ---------------------------------------------------------------------------

    def plan(self, out: Path) -> None:
        """Plan for real, and keep the plan in *out*, readable by its owner alone.

        Raises:
            ApplyError: Terraform could not.
        """
        self._init()
        out.parent.mkdir(parents=True, exist_ok=True)
        # Terraform would let others read it, and it may hold what is sensitive; it keeps the mode
        # of a file that is there.
        out.unlink(missing_ok=True)
        os.close(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        files = [f"-var-file={file.resolve()}" for file in self.inputs.var_files]
        images = [f"-var={name}={ref}" for name, ref in self.chosen_images().items()]
        self._terraform("plan", "-input=false", f"-out={out}", *files, *images)

    def apply(self, plan: Path) -> None:
        """Apply a kept plan.

        Raises:
            ApplyError: Terraform could not; what it had done stays done, and is in the state.
        """
        self._terraform("apply", "-input=false", str(plan))

    def outputs(self) -> dict[str, Any]:
        """Terraform's outputs by name.

        Raises:
            ApplyError: There are none: nothing was applied from here.
        """
        self._reach_state()
        tool = toolchain.find("terraform")
        argv = [*tool.argv, "output", "-json"]
        self._shown(argv)
        done = run(argv, cwd=self.directory, env=self._env(), timeout=PATIENCE, check=False)
        if done.exit_code != 0:
            raise ApplyError(done.tail, where=self._where, remedy=_INIT)
        found = {name: item["value"] for name, item in json.loads(done.stdout).items()}
        if not found:
            raise ApplyError("there are no outputs", where=self._where, remedy=_NOTHING_APPLIED)
        return found

    def _init(self) -> None:
        # A second init costs seconds, and -upgrade is a decision of its own.
        if not (self.directory / ".terraform").is_dir():
            self._terraform("init", "-input=false")

    def _reach_state(self) -> None:
        """In a fresh clone what was applied is known to the remote state alone."""
        if (self.directory / ".terraform").is_dir() or not (
            self.directory / "backend.tf"
        ).is_file():
            return
        argv = [*toolchain.find("terraform").argv, "init", "-input=false"]
        self._shown(argv)
        # Not to our standard output: that may be one JSON document.
        done = run(argv, cwd=self.directory, env=self._env(), timeout=INIT_PATIENCE, check=False)
        if done.exit_code != 0:
            raise ApplyError(done.tail, where=self._where, remedy="backend.tf says where it looks.")

    def _terraform(self, *words: str) -> None:
        tool = toolchain.find("terraform")
        argv = [*tool.argv, *words]
        self._shown(argv)
        code = attached(argv, cwd=self.directory, env=self._env())
        if code != 0:
            raise ApplyError(
                f"terraform {words[0]} ended with exit code {code}",
                where=self._where,
                remedy="What Terraform wrote above says why.",
            )

    def _env(self) -> dict[str, str]:
        """Secrets travel in the environment: arguments can be read by everybody on the machine."""
        told = {
            f"TF_VAR_{name}": item if isinstance(item, str) else json.dumps(item)
            for name, item in self.secrets().items()
        }
        return {**told, "CHECKPOINT_DISABLE": "1"}

    @property
    def _where(self) -> str:
        return paths.shown(self.directory)

    # --- the cloud's own tool ----------------------------------------------------------------

    @property
    def operations(self) -> Operations:
        """What the cloud's own tool is asked for."""
        found: Operations = import_module(f"hostwright.cloud.{self.target}").OPERATIONS
        return found

    def log_in(self, inputs: Mapping[str, str]) -> str:
        """Who is logged in.

        Raises:
            ToolError: The cloud's tool is not installed.
            NotLoggedIn: Nobody is.
        """
        return self.operations.account(self.ask, inputs)

    def ask(self, call: Call) -> str:
        """Run one command of the cloud's tool.

        Raises:
            ToolError: It is not installed.
            CloudError: It failed.
        """
        tool = self._tool()
        argv = [*tool.argv, *call.argv[1:]]
        self._shown(argv)
        done = run(argv, timeout=PATIENCE, check=False)
        if done.exit_code != 0:
            raise CloudError(
                f"{call.what}: exit code {done.exit_code}\n{done.tail}", where=shown(call.argv)
            )
        return done.stdout

    def _tool(self) -> Tool:
        operations = self.operations
        try:
            return toolchain.find(operations.tool)
        except ToolError as error:
            raise ToolError(
                f"{operations.title} is needed and not there: {error.what}",
                where=operations.tool,
                remedy=f"Install it, then log in: `{operations.login}`.",
            ) from error

    def where(self, inputs: Mapping[str, str]) -> Where:
        """What was applied."""
        return Where(self.outputs(), inputs)

    def migrate(self, inputs: Mapping[str, str]) -> None:
        """Run the migrate job to its end.

        Raises:
            MigrationError: It failed; its last lines are shown.
        """
        done = self.operations.migrate(self.ask, self.where(inputs), self.say, time.sleep)
        for line in done.log:
            self.say(f"  {line}")
        if done.exit_code != 0:
            raise MigrationError(
                f"the migrate job ended with exit code {done.exit_code}",
                where=self.target,
                remedy="What serves is unchanged; correct the migration and deploy again.",
            )

    def live(self, inputs: Mapping[str, str]) -> dict[RoleName, Live]:
        """What runs as each role."""
        return self.operations.live(self.ask, self.where(inputs))

    def _shown(self, argv: Sequence[str | Path]) -> None:
        if self.echo:
            sys.stderr.write(f"+ {shown([str(word) for word in argv])}\n")


_INIT = "Run `terraform init` with the backend that was used, or `invoke …plan` first."
_NOTHING_APPLIED = "Apply first; with a remote state, initialise its backend here."


def refuse_in_ci(environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to ask where nobody answers.

    Raises:
        UserError: This is CI, or no terminal.
    """
    if environ.get("CI"):
        raise UserError(
            "apply asks a person, and this is CI",
            remedy="Let CI plan, and apply a reviewed plan by hand.",
        )
    if not sys.stdin.isatty():
        raise UserError("apply asks a person, and there is no terminal", remedy="Run it in one.")


def previous_images(live: Mapping[RoleName, Live]) -> dict[str, str]:
    """Role to the image that ran before; the worker's is migrate's, too.

    Raises:
        CloudError: No role has a previous one.
    """
    found = {role: item.previous for role, item in live.items() if item.previous}
    chosen = {role: ref for role, ref in _roles(found) if ref != live[role].image}
    if not chosen:
        raise CloudError(
            "no role has run another image before",
            remedy="Name the one to go back to: `--image api=…@sha256:…`.",
        )
    return {str(role): ref for role, ref in chosen.items()}


def drift(
    expected: Mapping[str, Sequence[str]], live: Mapping[RoleName, Live], where: str
) -> list[str]:
    """What differs between the names that were deployed and those that run, a line each."""
    lines = []
    for role, names in expected.items():
        found = live.get(cast("RoleName", role))
        if found is None:
            lines.append(f"{where}: {role}: nothing runs")
            continue
        missing, extra = {*names} - found.env_names, found.env_names - {*names}
        lines += [f"{where}: {role}: {name} is missing" for name in sorted(missing)]
        lines += [f"{where}: {role}: {name} is not in the contract" for name in sorted(extra)]
    return lines


def refuse_drift(lines: list[str]) -> None:
    """Raise what differs.

    Raises:
        Drifted: Something does.
    """
    if lines:
        told = "\n".join(f"  {line}" for line in lines)
        raise Drifted(
            f"{len(lines)} differences between what runs and the contract\n{told}",
            remedy="Apply again; what was changed by hand is undone then.",
        )


def _roles(images: Mapping[Any, str]) -> list[tuple[RoleName, str]]:
    return [(role, images[role]) for role in IMAGE_INPUTS if role in images]


def from_environment(
    environ: Mapping[str, str], contract: Contract, target: CloudName
) -> dict[str, object]:
    """Terraform's own variables of a process, as Terraform takes them.

    Those of other projects are passed over, and only maps and lists are read as more than texts.

    Raises:
        SettingsError: A map or list is not JSON, which Terraform would take for its own language.
    """
    found: dict[str, object] = {}
    for name, item in contract.inputs.items():
        value = environ.get(f"TF_VAR_{name}")
        if value is None or target not in item.targets:
            continue
        found[name] = value
        if item.type in {"map", "list"}:
            try:
                found[name] = json.loads(value)
            except ValueError as error:
                raise SettingsError(
                    "is not JSON", where=f"TF_VAR_{name}", remedy='Write it as {"NAME": "value"}.'
                ) from error
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _listed(what: str, problems: Sequence[Problem]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''} with {what}"
    return "\n".join(
        [f"{count}; nothing was touched", *(f"  {item}" for item in dict.fromkeys(problems))]
    )
