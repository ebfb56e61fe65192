"""Every generated file: what is made of the contract, and pages and regions of the docs."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.contract import export
from hostwright.docs import exit_codes, regions, sessions
from hostwright.docs.model import Reference
from hostwright.docs.pages import COMMAND, pages
from hostwright.docs.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hostwright.contract.models import Contract


def main(words: list[str]) -> int:
    """``generated [--check]``: write the generated files, or say which are stale (exit code 1)."""
    parser = argparse.ArgumentParser(
        prog="python -m hostwright generated", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a stale file")
    return run(check=parser.parse_args(words).check)


def run(*, check: bool) -> int:
    """Bring every generated file up to date, or with *check* say which are not; an exit code.

    Raises:
        ContractError: The contract breaks its rules; nothing was written.
        UserError: A region of a page cannot be filled; nothing was written.
    """
    from hostwright.contract import load

    made = files(load())
    changed = export.differing(made) if check else export.write(made)
    for path in changed:
        sys.stdout.write(f"{paths.shown(path)} {'is stale' if check else 'written'}\n")
    if check and changed:
        sys.stderr.write(f"Run `{COMMAND}`, and commit the result.\n")
    elif not changed:
        sys.stdout.write("Every generated file is current.\n")
    return int(check and bool(changed))


def files(contract: Contract) -> dict[Path, str]:
    """What every generated file should hold, by its path."""
    known = reference(contract)
    made = export.files(contract)
    if paths.REFERENCE.is_dir():
        made |= {paths.REFERENCE / name: text for name, text in pages(known).items()}
    named = texts(known)
    for path in with_regions():
        if path not in made:
            text = path.read_text(encoding="utf-8")
            made[path] = regions.fill(text, paths.shown(path), named)
    return made


def reference(contract: Contract) -> Reference:
    """What the docs are made of: the contract, and the code of this clone."""
    from hostwright.tasks import described

    found = sessions.read(paths.NOXFILE.read_text("utf-8")) if paths.NOXFILE.is_file() else ()
    return Reference(contract, described.tasks(), found, exit_codes.read())


def with_regions() -> Iterator[Path]:
    """The pages that may hold regions: README.md, docs/, and every README.md of ops/."""
    pages_ = [
        paths.ROOT / "README.md",
        *sorted(paths.DOCS.rglob("*.md")),
        *sorted(paths.OPS.rglob("README.md")),
    ]
    for path in pages_:
        # What tools leave in .terraform and the like is not ours.
        ours = not any(part.startswith(".") for part in path.relative_to(paths.ROOT).parts)
        if ours and path.is_file() and regions.has_any(path.read_text(encoding="utf-8")):
            yield path
