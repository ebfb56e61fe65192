"""Trivy and checkov as jobs: each reads what a blueprint holds, or what was rendered from it.

Checkov takes longer to start than to scan, so it is started once for all targets that are validated
together: whichever job comes first scans them all, and the others wait for it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hostwright import toolchain
from hostwright.checks.clouds.scanners import READERS
from hostwright.checks.finding import Checked, Finding
from hostwright.checks.kubernetes.scanned import on_templates
from hostwright.errors import ToolError
from hostwright.run import Completed, run
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hostwright.contract.models import TargetName
    from hostwright.helm.manifest import Manifest
    from hostwright.toolchain import Tool

#: Seconds for one scan: checkov alone takes ten on a quiet machine.
PATIENCE = 300.0
#: Neither may ask the network for anything.
_QUIET = {"LOG_LEVEL": "ERROR", "BC_SKIP_MAPPING": "TRUE", "TRIVY_NO_PROGRESS": "true"}
#: Trivy reads all its rules and ends: collecting garbage meanwhile is a quarter of its work.
_UNCOLLECTED = {"GOGC": "400"}
_TRIVY = ("config", "--skip-check-update", "--skip-version-check", "--quiet", "--format", "json")
_CHECKOV = ("--skip-download", "--compact", "--output", "json")
#: Kinds that no scanner has rules for; looking at them would take as long as at others.
_UNKNOWN = frozenset({"ExternalSecret", "HTTPRoute", "ScaledObject", "SecretProviderClass"})
#: What starts the rules for Kubernetes alone, in checkov's own environment.
_KUBERNETES_ALONE = Path(__file__).with_name("checkov_kubernetes.py")
_DOCTOR = "`invoke doctor` says which one is used."


class Member(Protocol):
    """Something to be scanned, in a directory that is called as the last part of *shown*."""

    @property
    def target(self) -> TargetName:
        """For findings."""

    @property
    def shown(self) -> str:
        """How findings name the directory."""

    @property
    def framework(self) -> str:
        """Whose rules checkov is to apply."""

    def lay_out(self, place: Path) -> None:
        """Write what is scanned into an empty directory."""

    def trivy(self, place: Path) -> Sequence[str]:
        """Words that trivy is given besides, for what lies in *place*."""

    def told(self, checked: Checked) -> Checked:
        """A scanner's findings as they are told."""


@dataclass(frozen=True)
class Scanned:
    """A Terraform blueprint to be scanned.

    Args:
        target: For findings.
        directory: Its files.
        shown: How findings name the directory.
        inputs: Values for its variables; without secrets.
    """

    target: TargetName
    directory: Path
    shown: str
    inputs: Mapping[str, Any]
    framework: Literal["terraform"] = "terraform"

    def lay_out(self, place: Path) -> None:
        """Copy it with its values; without tests and examples, which nobody applies."""
        for file in self.directory.iterdir():
            if file.suffix in {".tf", ".json"}:
                shutil.copy(file, place)
        (place / _VALUES).write_text(json.dumps(dict(self.inputs)), encoding="utf-8")

    def trivy(self, place: Path) -> Sequence[str]:
        """Its values."""
        return ["--tf-vars", str(place / _VALUES)]

    def told(self, checked: Checked) -> Checked:
        """As they are."""
        return checked


@dataclass(frozen=True)
class Objects:
    """A chart's rendered objects to be scanned.

    Args:
        target: For findings.
        shown: How findings name the chart.
        renders: Preset to its objects, asked for when they are scanned.
    """

    target: TargetName
    shown: str
    renders: Callable[[], Mapping[str, Manifest]]
    framework: Literal["kubernetes"] = "kubernetes"

    def lay_out(self, place: Path) -> None:
        """Write a file for each template of each preset, with what was rendered from it."""
        for preset, rendered in self.renders().items():
            for item in rendered.objects:
                if item.kind in _UNKNOWN:
                    continue
                file = place / preset / item.file.removeprefix(f"{self.shown}/")
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("a", encoding="utf-8") as to:
                    to.write(f"---\n{json.dumps(item.body, indent=1)}\n")

    def trivy(self, _: Path) -> Sequence[str]:
        """Nothing."""
        return []

    def told(self, checked: Checked) -> Checked:
        """On the templates that the objects were rendered from."""
        rendered = self.renders().values()
        names = {item.name for manifest in rendered for item in manifest.objects}
        return on_templates(checked, self.shown, names)


@dataclass
class Batch:
    """What is scanned together."""

    members: Sequence[Member]
    _lock: Lock = field(default_factory=Lock)
    _done: Completed | None = None

    def jobs(self, target: TargetName) -> dict[str, Job]:
        """One job for each scanner, by its name."""
        [mine] = [item for item in self.members if item.target == target]
        return {
            "trivy": Job(
                f"{target}: trivy", partial(_judged, "trivy", mine, partial(_trivy, mine))
            ),
            "checkov": Job(f"{target}: checkov", partial(_judged, "checkov", mine, self._checkov)),
        }

    def _checkov(self) -> Completed:
        with self._lock:
            if self._done is None:
                frameworks = sorted({item.framework for item in self.members})
                with _laid_out(self.members) as root:
                    self._done = _checkov(toolchain.provide("checkov"), frameworks, root)
            return self._done


def _checkov(tool: Tool, frameworks: Sequence[str], root: Path) -> Completed:
    """Its report; of Kubernetes alone without the rules for all else, where its insides let us."""
    if frameworks == ["kubernetes"] and tool.origin == "package":
        python = Path(tool.argv[0]).with_name("python")
        done = _run([str(python), str(_KUBERNETES_ALONE), str(root)], root)
        if done.exit_code == 0:
            return done
    words = ["--framework", *frameworks, *_CHECKOV, "--directory", str(root)]
    return _run([*tool.argv, *words], root)


def _trivy(mine: Member) -> Completed:
    tool = toolchain.find("trivy")
    with _laid_out([mine]) as root:
        place = root / _name(mine)
        return _run([*tool.argv, *_TRIVY, *mine.trivy(place), str(place)], root)


def _run(argv: Sequence[str], root: Path) -> Completed:
    env = {**_QUIET, **_UNCOLLECTED}
    return run(argv, cwd=root, env=env, timeout=PATIENCE, check=False)


def _judged(name: str, mine: Member, scan: Callable[[], Completed]) -> Outcome:
    done = scan()
    try:
        checked = mine.told(READERS[name](mine.target, mine.shown, done.stdout))
    except (ValueError, KeyError, TypeError) as error:
        what = f"exit code {done.exit_code}\n{done.tail or error}"
        raise ToolError(f"gave no report: {what}", where=name, remedy=_DOCTOR) from error
    if not checked.count:
        what = f"{name} looked at nothing"
        fault = Finding("tool-failed", mine.target, mine.shown, 0, "", "", what, _DOCTOR)
        checked = Checked(1, (fault,))
    return Outcome(checked)


#: Both scanners take values from a file of this name beside the blueprint's own.
_VALUES = "inputs.auto.tfvars.json"


def _name(member: Member) -> str:
    return member.shown.rpartition("/")[2]


@contextmanager
def _laid_out(members: Sequence[Member]) -> Iterator[Path]:
    """A directory for each."""
    with tempfile.TemporaryDirectory(prefix="hostwright-") as name:
        root = Path(name).resolve()
        for item in members:
            place = root / _name(item)
            place.mkdir()
            item.lay_out(place)
        yield root
