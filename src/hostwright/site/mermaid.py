"""Mermaid's own JavaScript, which draws the diagrams: fetched once, into the cache.

The package ``mermaidx`` has it inside, byte for byte as npm's ``mermaid`` publishes it, so that a
Python index is enough. It comes by the hashes in ``toolchain/pins/mermaid.txt`` and is compared
with npm's own file; the rest of the package is thrown away.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.run import run
from hostwright.toolchain import apart

if TYPE_CHECKING:
    from collections.abc import Iterable

PINS = "mermaid"
#: Of ``dist/mermaid.min.js`` in npm's mermaid 11.16.0, computed from that package.
SHA256 = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"
#: Mermaid's licence asks to go where Mermaid goes; it was read from the same package.
LICENCE = Path(__file__).with_name("assets") / "mermaid-licence.txt"
_INSIDE = "lib/python*/site-packages/mermaidx/assets/mermaid.js"


def library() -> Path:
    """Mermaid as a file of the cache, fetched unless it is there.

    Raises:
        ToolError: It cannot be fetched, or is not what npm publishes.
    """
    place = paths.cache() / "site" / f"mermaid-{SHA256[:12]}.js"
    with apart.alone(place):
        if not place.exists():
            _fetch(place)
    return place


def served(script: bytes) -> bytes:
    """The script as the site serves it: after its licence."""
    return b"/*!\n" + LICENCE.read_bytes() + b"*/\n" + script


def checked(found: Iterable[Path]) -> bytes:
    """The one file that was found, when it is npm's.

    Raises:
        ToolError: There is another number of files, or other content.
    """
    files = [*found]
    script = files[0].read_bytes() if len(files) == 1 else b""
    if hashlib.sha256(script).hexdigest() != SHA256:
        raise ToolError(
            "the package's Mermaid is not the one that npm publishes",
            where=str(apart.pins(PINS)),
            remedy="Compare it with npm's before SHA256 in site/mermaid.py is changed.",
        )
    return script


def _fetch(place: Path) -> None:
    scratch = place.with_suffix(".new")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        for argv in apart.commands(scratch / "environment", apart.pins(PINS)):
            run(argv, timeout=apart.PATIENCE)
        made = scratch / "mermaid.js"
        made.write_bytes(checked((scratch / "environment").glob(_INSIDE)))
        made.rename(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
