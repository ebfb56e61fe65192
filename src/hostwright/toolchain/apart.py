"""Tools whose dependencies get along with nobody: each in an environment of its own, in the cache.

What such an environment holds is pinned with hashes in ``pins/NAME.txt``, which
``nox -s constraints`` compiles. An environment is made when a tool is first needed and made anew
when its pins or the interpreter change.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator

PINS = Path(__file__).with_name("pins")
#: Seconds that downloading and unpacking a tool with its dependencies may take.
PATIENCE = 900.0
_READY = "ready"
#: Part of every environment's key: raise it when :func:`commands` makes another environment.
RECIPE = 2


def pins(name: str) -> Path:
    """The pinned requirements of the tool called *name*."""
    return PINS / f"{name}.txt"


def version(name: str) -> str:
    """The tool's version by its pins; empty if it is not among them."""
    text = pins(name).read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(name)}==([\w.]+)", text, re.MULTILINE)
    return found[1] if found else ""


def home(name: str) -> Path:
    """Where the tool's environment is, once it is made."""
    made_by = f"{RECIPE} {sys.version}".encode()
    key = hashlib.sha256(pins(name).read_bytes() + made_by).hexdigest()[:12]
    return paths.cache() / "tools" / f"{name}-{key}"


def program(name: str) -> Path | None:
    """The tool's executable; None until :func:`make` has made its environment."""
    place = home(name)
    return place / "bin" / name if (place / _READY).exists() else None


def make(name: str) -> Path:
    """Make the tool's environment unless it is there, and return the executable.

    Raises:
        ToolError: It cannot be downloaded, or does not match its hashes.
    """
    place = home(name)
    with alone(place):
        if not (place / _READY).exists():
            shutil.rmtree(place, ignore_errors=True)
            for argv in commands(place, pins(name)):
                run(argv, timeout=PATIENCE)
            (place / _READY).touch()
    return place / "bin" / name


def commands(place: Path, requirements: Path) -> list[list[str]]:
    """What makes an environment: uv where there is one, else what Python brings with it.

    It gets what the pins name and nothing else: they are complete, or nothing else is wanted.
    """
    wanted = ["--require-hashes", "--requirement", str(requirements)]
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv:
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(place)],
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--no-deps",
                "--python",
                str(place),
                *wanted,
            ],
        ]
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    return [[sys.executable, "-m", "venv", str(place)], [*pip, *wanted]]


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Wait for whoever else is making the same environment."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
