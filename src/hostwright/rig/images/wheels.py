"""Wheels for an image's Python, downloaded by this machine's pip, which knows its certificates."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.rig.rootfs import locked
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable

#: The Python of each Debian.
PYTHON = {"bookworm": "3.11", "trixie": "3.13"}
MARKER = re.compile(r" ; [^\\\n]*")


def unconditional(requirements: str) -> str:
    """The same pins without their markers: pip would judge them by this machine's Python.

    A wheel too many does no harm, since the image's own pip judges again.
    """
    return MARKER.sub(" ", requirements)


def commands(requirements: Path, into: Path, python: str, machine: str) -> list[list[str]]:
    """The pip lines: the pinned wheels, and pip itself for a base that has none."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    target = [
        "--only-binary=:all:",
        f"--python-version={python}",
        *(f"--platform={tag}_{machine}" for tag in ("manylinux2014", "manylinux_2_28")),
        f"--dest={into}",
    ]
    return [
        [*pip, *target, "--no-deps", "--require-hashes", "--requirement", str(requirements)],
        [*pip, "--no-deps", f"--dest={into}", "pip"],
    ]


def gather(requirements: Path, suite: str, say: Callable[[str], None]) -> list[Path]:
    """The wheels of a requirements file, from the cache or downloaded now."""
    text, python = unconditional(requirements.read_text()), PYTHON[suite]
    key = hashlib.sha256(f"{python}\0{text}".encode()).hexdigest()[:12]
    target = paths.cache() / "rig" / f"wheels-{key}"
    with locked(target):
        if not target.exists():
            say("downloading the probe's wheels (once)")
            with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
                place, pins = Path(scratch, "wheels"), Path(scratch, "pins.txt")
                pins.write_text(text)
                for argv in commands(pins, place, python, platform.machine()):
                    run(argv, timeout=600)
                place.rename(target)
    return sorted(target.glob("*.whl"))
