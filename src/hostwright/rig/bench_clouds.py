"""Measure the validation of cloud blueprints: against a script, side by side, repeated."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hostwright import paths, toolchain
from hostwright.contract import load
from hostwright.errors import ToolError
from hostwright.render.clouds.model import CLOUDS
from hostwright.terraform import providers
from hostwright.terraform.cli import settings
from hostwright.terraform.provider import serve
from hostwright.validate.clouds import public_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.render.clouds.model import CloudName

#: The cloud that is compared with a shell script.
COMPARED: CloudName = "gcp"
_CHECKOV = "--framework terraform --skip-download --quiet --compact --soft-fail"
_SAMPLE = 0.2
_KIB = 1024


class Run(NamedTuple):
    """One command: how long it took, and the most memory of it and all its children, in MiB."""

    seconds: float
    memory_mib: float


def compared(runs: int) -> Iterator[tuple[float, float]]:
    """By turns: a validation that remembers nothing, a script of the same tools; seconds."""
    with tempfile.TemporaryDirectory(prefix="hostwright-") as name:
        scratch = Path(name)
        script = _script(scratch)
        for _ in range(runs):
            ours = timed(_session(COMPARED), forgetful(scratch))
            with serve(providers.committed(providers.required(paths.INFRA / COMPARED))) as schema:
                theirs = timed(["sh", str(script)], {**settings(scratch), **schema.env})
            yield ours.seconds, theirs.seconds


def each(runs: int) -> Iterator[dict[str, Run]]:
    """Every cloud alone, then all of them together, none remembered."""
    with tempfile.TemporaryDirectory(prefix="hostwright-") as name:
        for _ in range(runs):
            alone = {str(cloud): (cloud,) for cloud in CLOUDS}
            yield {
                title: timed(_session(*clouds), forgetful(Path(name)))
                for title, clouds in {**alone, "together": CLOUDS}.items()
            }


def again(runs: int) -> list[float]:
    """The same validation with nothing changed since: seconds of the whole nox session."""
    session = [sys.executable, "-m", "nox", "--session", f"validate_{COMPARED}"]
    timed(session, {})
    return [timed(session, {}).seconds for _ in range(runs)]


def _session(*clouds: str) -> list[str]:
    targets = [word for cloud in clouds for word in ("--target", cloud)]
    return [sys.executable, "-m", "hostwright", "validate", *targets]


def forgetful(scratch: Path) -> dict[str, str]:
    """A cache of outcomes that is empty, beside the tools that are expensive to make again."""
    home = scratch / "cache"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    if paths.cache().is_dir():
        for entry in paths.cache().iterdir():
            if entry.name != "validate":
                (home / entry.name).symlink_to(entry)
    return {"HOSTWRIGHT_CACHE": str(home)}


def _script(scratch: Path) -> Path:
    """What a person would put into a shell script: each tool after the other, on a copy."""
    root = scratch / COMPARED
    shutil.copytree(paths.INFRA / COMPARED, root)
    values = scratch / "values.tfvars.json"
    values.write_text(json.dumps(public_inputs(load(), COMPARED)), encoding="utf-8")
    terraform, trivy, checkov = (
        shlex.join(toolchain.provide(name).argv) for name in ("terraform", "trivy", "checkov")
    )
    lines = [
        f"cd {shlex.quote(str(root))}",
        f"{terraform} fmt -check -recursive",
        f"{terraform} init -backend=false -input=false",
        f"{terraform} validate",
        f"{terraform} test",
        f"{trivy} config --skip-check-update --skip-version-check --quiet --tf-vars {values} .",
        # Neither scanner is asked for an exit code: what they find is judged by the ledger.
        f"{checkov} {_CHECKOV} --directory . --var-file {values}",
    ]
    script = scratch / "by-hand.sh"
    script.write_text("\n".join(["set -e", *lines, ""]), encoding="utf-8")
    return script


def timed(argv: Sequence[str], env: Mapping[str, str]) -> Run:
    """Run a command to its end.

    Raises:
        ToolError: It failed.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            argv, cwd=paths.ROOT, env={**os.environ, **env}, stdout=out, stderr=out
        )
        peak = _Peak(process.pid)
        peak.start()
        code = process.wait()
        seconds = time.monotonic() - started
        peak.stop()
        if code:
            out.seek(0)
            told = out.read().decode(errors="replace")[-2000:]
            raise ToolError(told, where=shlex.join(argv))
    return Run(seconds, peak.kib / _KIB)


class _Peak(threading.Thread):
    """Samples the resident memory of a process and all that come from it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._done = pid, threading.Event()
        self.kib = 0

    def run(self) -> None:
        while not self._done.wait(_SAMPLE):
            self.kib = max(self.kib, sum(map(_resident_kib, _family(self._pid))))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _family(child)


def _children(pid: int) -> list[int]:
    """Those that run; a process that ended meanwhile has none."""
    children: list[int] = []
    with contextlib.suppress(OSError):
        # Each thread has the children that it started itself.
        for thread in sorted(Path(f"/proc/{pid}/task").iterdir()):
            with contextlib.suppress(OSError):
                words = (thread / "children").read_text(encoding="ascii").split()
                children.extend(map(int, words))
    return children


def _resident_kib(pid: int) -> int:
    """Memory that is its own: pages shared with others are counted once for all (PSS)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    line = next((line for line in rollup.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1])
