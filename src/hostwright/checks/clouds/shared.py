"""What holds on every cloud: the contract's names, nothing secret where it can be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.checks.finding import Checked, Finding, merged
from hostwright.terraform.diagnostics import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hostwright.checks.clouds.source import Source
    from hostwright.contract.models import Contract, TargetName
    from hostwright.render.clouds.model import Container
    from hostwright.terraform.diagnostics import Diagnostic
    from hostwright.terraform.plan import Json, Output, Plan, Variable
    from hostwright.terraform.results import Tested

CHECKS = {
    "terraform-refused": "Terraform takes the blueprint",
    "terraform-test": "the blueprint's own tests pass",
    "terraform-fmt": "files are formatted as terraform fmt does",
    "input-missing": "every canonical input of the target is a variable",
    "input-unknown": "no variable is an input that the contract does not have",
    "input-differs": "variables have the contract's words, defaults and secrecy",
    "output-missing": "every canonical output is there",
    "output-unknown": "no output has a name of its own",
    "output-differs": "outputs have the contract's words",
    "env-names-differ": "the output env_names tells what the containers get",
    "env-duplicate": "no variable is given twice",
    "secret-in-state": "no secret stands where the state keeps it",
    "image-ignored": "no image is ignored: Terraform says what runs",
    "shared-file-differs": "what all clouds share is the same on all clouds",
}
_TEST = "terraform-test"
_WRITE_ONLY = re.compile(r"_wo$")


class Shared:
    """The checks of one planned blueprint; each method is one of them."""

    def __init__(self, contract: Contract, target: TargetName, plan: Plan, source: Source) -> None:
        self._contract, self._target = contract, target
        self._plan, self._source = plan, source

    def names(self) -> Checked:
        """Variables and outputs against the contract's inputs and outputs."""
        found = [*self._inputs(), *self._outputs()]
        return Checked(len(self._plan.variables) + len(self._plan.outputs), tuple(found))

    def _inputs(self) -> Iterator[Finding]:
        inputs = self._contract.inputs
        wanted = {name for name, item in inputs.items() if self._target in item.targets}
        there = self._plan.variables
        for name in sorted(wanted - there.keys()):
            yield self._finding(
                "input-missing",
                "variables.tf",
                name,
                "is a canonical input, but no variable",
                f'Declare variable "{name}" in variables.tf.',
            )
        for name in sorted(there.keys() - wanted):
            yield self._finding(
                "input-unknown",
                f"var.{name}",
                name,
                f"is no input that the contract has for {self._target}",
                "Use the canonical name, or declare it under inputs in contract.yaml.",
            )
        for name in sorted(there.keys() & wanted):
            yield from self._input(name, there[name])

    def _input(self, name: str, there: Variable) -> Iterator[Finding]:
        item = self._contract.inputs[name]
        told = [
            ("description", there.description, item.meaning),
            ("ephemeral", there.ephemeral, item.ephemeral),
            ("sensitive", there.sensitive, item.ephemeral or item.sensitive),
        ]
        if not there.required:
            default = item.default_on(self._target)
            told.append(("default", _as_text(there.default), default))
        for what, has, wants in told:
            if has != wants:
                yield self._finding(
                    "input-differs",
                    f"var.{name}",
                    name,
                    f"has the {what} {has!r}; the contract says {wants!r}",
                    "Correct it here, or there for every target.",
                )

    def _outputs(self) -> Iterator[Finding]:
        wanted, there = self._contract.outputs, self._plan.outputs
        for name in sorted(wanted.keys() - there.keys()):
            yield self._finding(
                "output-missing",
                "outputs.tf",
                name,
                "is a canonical output that this blueprint does not have",
                f'Declare output "{name}" in outputs.tf.',
            )
        for name in sorted(there.keys() - wanted.keys()):
            yield self._finding(
                "output-unknown",
                f"output.{name}",
                name,
                "is no output that the contract has",
                "Use the canonical name, or declare it under outputs in contract.yaml.",
            )
        for name in sorted(there.keys() & wanted.keys()):
            yield from self._output(name, there[name])

    def _output(self, name: str, there: Output) -> Iterator[Finding]:
        meaning = self._contract.outputs[name].meaning
        if there.description != meaning:
            yield self._finding(
                "output-differs",
                f"output.{name}",
                name,
                f"has the description {there.description!r}; the contract says {meaning!r}",
                "Correct it here, or there for every target.",
            )

    def env_names(self, containers: Iterable[Container]) -> Checked:
        """The output ``env_names`` against what the containers get."""
        output = self._plan.outputs.get("env_names")
        told = output.value if output and isinstance(output.value, dict) else {}
        found = []
        for container in containers:
            has, says = sorted(container.env), sorted(told.get(container.role) or ())
            if has != says:
                odd = ", ".join(sorted({*has} ^ {*says})) or "the order"
                found.append(
                    self._finding(
                        "env-names-differ",
                        "output.env_names",
                        "env_names",
                        f"does not tell what the container gets: {odd}",
                        "Let containers and the output read local.env and local.secrets.",
                        container.role,
                    )
                )
        return Checked(len(told), tuple(found))

    def duplicates(self, containers: Iterable[Container]) -> Checked:
        """Variables that a container is given twice."""
        found = [
            self._finding(
                "env-duplicate",
                container.address,
                name,
                "is given twice: the platform takes either",
                "Give it once.",
                container.role,
            )
            for container in containers
            for name in container.duplicates
        ]
        return Checked(1, tuple(found))

    def state(self, secrets: Mapping[str, str]) -> Checked:
        """Planned values that hold a secret outside a write-only attribute; name to value."""
        found = []
        for resource in self._plan.resources:
            for path, text in _texts(resource.values):
                held = next((name for name, value in secrets.items() if value in text), "")
                if held:
                    found.append(
                        self._finding(
                            "secret-in-state",
                            resource.address,
                            held,
                            f"stands in {resource.address}.{path}, which the state keeps",
                            "Write it through the write-only attribute (…_wo) with its version.",
                        )
                    )
        return Checked(len(self._plan.resources), tuple(found))

    def _finding(  # noqa: PLR0913, PLR0917 - the parts of a finding
        self, check: str, address: str, name: str, message: str, remedy: str, role: str = ""
    ) -> Finding:
        file, line = self._source.line(address)
        return Finding(check, self._target, file, line, role, name, message, remedy)


def ignored_images(target: TargetName, files: Mapping[str, str]) -> Checked:
    """``ignore_changes`` that hide an image, in the text: a plan does not hold it.

    Args:
        target: For findings.
        files: Terraform's files by path in the repository.
    """
    found = []
    for file, text in files.items():
        for match in re.finditer(r"ignore_changes\s*=\s*(all\b|\[[^\]]*\])", text):
            hidden = match[1]
            if hidden == "all" or re.search(r"image|containers?\b|template|_definition", hidden):
                line = text.count("\n", 0, match.start()) + 1
                what = f"ignores {hidden}: Terraform no longer says which image runs"
                remedy = "Remove it; manage_image = false is the switch for teams whose CI deploys."
                found.append(Finding("image-ignored", target, file, line, "", "", what, remedy))
    return Checked(len(files), tuple(found))


def complaints(
    target: TargetName, directory: str, said: Iterable[Diagnostic], check: str = "terraform-refused"
) -> Checked:
    """What Terraform says, as findings; warnings too."""
    found = [
        Finding(
            check,
            target,
            *_place(directory, item),
            "",
            item.address,
            _sentence(item),
            "Correct it; nothing that depends on it was checked.",
        )
        for item in said
    ]
    return merged([Checked(1, tuple(found))])


def tests(target: TargetName, directory: str, tested: Tested) -> Checked:
    """The blueprint's own tests: each run that did not pass, even one that does not say why."""
    found = list(complaints(target, directory, errors(tested.diagnostics), _TEST).findings)
    for run in tested.runs:
        if run.status == "pass":
            continue
        said = complaints(target, directory, errors(run.diagnostics), _TEST).findings
        what = f"the run {run.name!r} ended with {run.status}"
        remedy = f"Run `terraform test -filter={run.file}` there."
        alone = Finding(_TEST, target, f"{directory}/{run.file}", 0, "", "", what, remedy)
        found += said or [alone]
    if not tested.runs:
        what, remedy = "no test was run", "Write tests/*.tftest.hcl."
        found.append(Finding(_TEST, target, directory, 0, "", "", what, remedy))
    return merged([Checked(len(tested.runs), tuple(found))])


def _place(directory: str, item: Diagnostic) -> tuple[str, int]:
    """File and line; of the values that were planned with, which are no file of anybody's, none."""
    named = bool(item.file) and not item.file.startswith("/")
    return (f"{directory}/{item.file}", item.line) if named else (directory, 0)


def _sentence(item: Diagnostic) -> str:
    detail = " ".join(item.detail.split()).rstrip(".")
    return f"{item.summary}: {detail}" if detail else item.summary


def unformatted(target: TargetName, directory: str, files: Mapping[str, str]) -> Checked:
    """Files that ``terraform fmt`` would change."""
    found = [
        Finding(
            "terraform-fmt",
            target,
            f"{directory}/{file}",
            _first_line(diff),
            "",
            "",
            "is not formatted",
            f"Run `terraform fmt {directory}/{file}`.",
        )
        for file, diff in files.items()
    ]
    return Checked(1, tuple(found))


def _first_line(diff: str) -> int:
    match = re.search(r"^@@ -(\d+)", diff, re.MULTILINE)
    return int(match[1]) if match else 1


def same(files: Mapping[str, str]) -> Checked:
    """One file that every cloud has: path to text; all must be equal to the first."""
    paths = list(files)
    found = [
        Finding(
            "shared-file-differs",
            path.split("/")[2] if path.count("/") > 2 else "",  # noqa: PLR2004 - ops/infra/CLOUD/
            path,
            _first_difference(files[paths[0]], files[path]),
            "",
            "",
            f"differs from {paths[0]}: what the clouds share must be the same on all",
            f"Copy one of them over the others: `cp {paths[0]} {path}`.",
        )
        for path in paths[1:]
        if files[path] != files[paths[0]]
    ]
    return Checked(len(files), tuple(found))


def _first_difference(one: str, other: str) -> int:
    lines = zip(one.splitlines(), other.splitlines(), strict=False)
    return next((number for number, (a, b) in enumerate(lines, 1) if a != b), 1)


def _as_text(value: Json) -> str | None:
    """A variable's default as the contract writes it; empty maps and lists are no default."""
    if value is None or value in ({}, []):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _texts(value: Json, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in planned values with its path, but for what is write-only."""
    if isinstance(value, dict):
        for key, each in value.items():
            if not _WRITE_ONLY.search(str(key)):
                yield from _texts(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, f"{path}.{index}")
    elif isinstance(value, str):
        yield path, value
