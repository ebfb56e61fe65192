"""Outcomes of jobs that were done before on the very same files with the very same tools.

A key is a digest of everything that an outcome depends on: the blueprint's files, this package's
own source, the tools. What is remembered lies in the cache directory, one JSON file for each key;
it may be missing or broken at any time, and then the job is simply done.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright import paths
from hostwright.checks.finding import Checked, Finding
from hostwright.render.model import Rendered, Source
from hostwright.report.model import Proof
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Seconds after which an outcome that nobody asked for is removed.
KEPT = 30 * 86_400
_PACKAGE = Path(__file__).parents[1]


def remembered(job: Job, key: str) -> Job:
    """*job*, done only where no outcome is remembered under *key*."""
    return Job(job.name, partial(_recall, job.work, _file(key, job)), job.view)


def digest(parts: Iterable[str | Path]) -> str:
    """A digest of texts, and of files and whole directories by their content."""
    made = hashlib.sha256(_own_source().encode())
    for part in parts:
        if isinstance(part, str):
            made.update(f"\0text {part}".encode())
            continue
        for file in _files(part):
            made.update(f"\0file {file}\0".encode())
            made.update(file.read_bytes())
    return made.hexdigest()


def tool(program: str) -> str:
    """What stands for a tool: asking every one for its version would take longer than the rest."""
    found = Path(program)
    try:
        status = found.stat()
    except OSError:
        return program
    return f"{program} {status.st_size} {status.st_mtime_ns}"


@cache
def _own_source() -> str:
    made = hashlib.sha256()
    for file in _files(_PACKAGE):
        if file.suffix == ".py":
            made.update(file.read_bytes())
    return made.hexdigest()


def _files(place: Path) -> list[Path]:
    """The files below a directory, but for what Terraform keeps of a person's own work there.

    A real provider alone is hundreds of megabytes, and no blueprint depends on any of it.
    """
    if not place.is_dir():
        return [place]
    found: list[Path] = []
    for directory, inside, names in os.walk(place):
        inside[:] = [name for name in inside if name != ".terraform"]
        found += [Path(directory) / name for name in names if ".tfstate" not in name]
    return sorted(path for path in found if path.is_file())


def _file(key: str, job: Job) -> Path:
    name = hashlib.sha256(f"{key}\0{job.name}\0{job.view}".encode()).hexdigest()
    return paths.cache() / "validate" / f"{name}.json"


def _recall(work: Callable[[], Outcome], file: Path) -> Outcome:
    known = _read(file)
    if known:
        return known
    outcome = work()
    _write(file, outcome)
    return outcome


def _read(file: Path) -> Outcome | None:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        outcome = _outcome(data)
        os.utime(file)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return outcome


def _write(file: Path, outcome: Outcome) -> None:
    """Remember *outcome*; a cache that cannot be written is no fault of the blueprint."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, suffix=".new", delete=False, encoding="utf-8"
        ) as new:
            json.dump(asdict(outcome), new)
        Path(new.name).replace(file)
        _forget(file.parent)
    except OSError:
        return


def _forget(directory: Path) -> None:
    oldest = time.time() - KEPT
    for file in directory.iterdir():
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)


def _outcome(data: dict[str, Any]) -> Outcome:
    checked = data["checked"]
    return Outcome(
        Checked(checked["count"], tuple(Finding(**item) for item in checked["findings"])),
        _rendered(data["rendered"]),
        tuple(Proof(**item) for item in data["proofs"]),
        tuple(data["not_run"]),
    )


def _rendered(data: dict[str, Any] | None) -> Rendered | None:
    if data is None:
        return None
    roles = {
        role: {name: Source(**item) for name, item in sources.items()}
        for role, sources in data.pop("roles").items()
    }
    return Rendered(roles=roles, **data)
