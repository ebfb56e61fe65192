"""Trivy and checkov as jobs: each reads a blueprint's files with production's inputs.

Checkov takes longer to start than to scan, so it is started once for all clouds that are validated
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
from typing import TYPE_CHECKING, Any

from hostwright import toolchain
from hostwright.checks.clouds.scanners import READERS
from hostwright.checks.finding import Checked, Finding
from hostwright.errors import ToolError
from hostwright.run import Completed, run
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hostwright.contract.models import TargetName

#: Seconds for one scan: checkov alone takes ten on a quiet machine.
PATIENCE = 300.0
#: Neither may ask the network for anything.
_QUIET = {"LOG_LEVEL": "ERROR", "BC_SKIP_MAPPING": "TRUE", "TRIVY_NO_PROGRESS": "true"}
_TRIVY = ("config", "--skip-check-update", "--skip-version-check", "--quiet", "--format", "json")
_CHECKOV = ("--framework", "terraform", "--skip-download", "--compact", "--output", "json")
_DOCTOR = "`invoke doctor` says which one is used."


@dataclass(frozen=True)
class Scanned:
    """A blueprint to be scanned.

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


@dataclass
class Batch:
    """Blueprints that are scanned together."""

    members: Sequence[Scanned]
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
                tool = toolchain.provide("checkov")
                with _laid_out(self.members) as root:
                    self._done = _run([*tool.argv, *_CHECKOV, "--directory", str(root)], root)
            return self._done


def _trivy(mine: Scanned) -> Completed:
    tool = toolchain.find("trivy")
    with _laid_out([mine]) as root:
        place = root / mine.directory.name
        return _run([*tool.argv, *_TRIVY, "--tf-vars", str(place / _VALUES), str(place)], root)


def _run(argv: Sequence[str], root: Path) -> Completed:
    return run(argv, cwd=root, env=_QUIET, timeout=PATIENCE, check=False)


def _judged(name: str, mine: Scanned, scan: Callable[[], Completed]) -> Outcome:
    done = scan()
    try:
        checked = READERS[name](mine.target, mine.shown, done.stdout)
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


@contextmanager
def _laid_out(members: Sequence[Scanned]) -> Iterator[Path]:
    """Copies with their values; without tests and examples, which nobody applies."""
    with tempfile.TemporaryDirectory(prefix="hostwright-") as name:
        root = Path(name).resolve()
        for item in members:
            place = root / item.directory.name
            place.mkdir()
            for file in item.directory.iterdir():
                if file.suffix in {".tf", ".json"}:
                    shutil.copy(file, place)
            (place / _VALUES).write_text(json.dumps(dict(item.inputs)), encoding="utf-8")
        yield root
