"""The wheel of a provider's bindings, opened as far as its schema needs."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zipfile
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from hostwright.errors import ToolError
from hostwright.terraform.schema import blocks, javascript
from hostwright.terraform.schema.model import Schema, Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from hostwright.terraform.schema.model import Block

#: Whose resources the blueprints use, and the package of each provider's bindings.
PACKAGES = {name: f"cdktn-provider-{name}" for name in ("aws", "azurerm", "google")}
_LICENSE = re.compile(r"^License(?:-Expression)?: (.+)$", re.MULTILINE)
_VERSION = re.compile(r"^Version: (.+)$", re.MULTILINE)
#: The generator splits the longest files into index.js and numbered files of structures.
_SPLIT_OFF = re.compile(r"structs\d+\.js")


class _File(NamedTuple):
    """A file of JavaScript, by the directory of the type that it belongs to."""

    directory: str
    name: str
    text: str


def extract(wheel: Path, provider: str, only: Collection[str] | None = None) -> Schema:
    """Read the schema of a provider from the wheel of its bindings.

    Args:
        wheel: The file.
        provider: ``google``.
        only: The types to read, which is faster than to read all.

    Raises:
        ToolError: The wheel does not look as expected.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            metadata = _text(archive, ".dist-info/METADATA")
            wanted = None if only is None else {provider, *only}
            bindings = [javascript.read(text) for text in _texts(archive) if _is(text, wanted)]
    except (OSError, zipfile.BadZipFile, tarfile.TarError, KeyError) as error:
        raise _unreadable(wheel, f"cannot be read: {error}") from error
    own = next((each for each in bindings if _base(each) == "TerraformProvider"), None)
    if own is None:
        raise _unreadable(wheel, f"has no schema of {provider}")
    version = next((each.provider_version for each in bindings if each.provider_version), "")
    source = Source(
        package=PACKAGES[provider],
        package_version=_found(_VERSION, metadata),
        sha256=digest(wheel),
        provider_version=version,
        license=_found(_LICENSE, metadata),
    )
    found = [_of_base(bindings, base) for base in ("TerraformResource", "TerraformDataSource")]
    return Schema(provider, source, blocks.provider(own), *found)


def _is(text: str, wanted: Collection[str] | None) -> bool:
    """Whether a type's JavaScript is of one that is wanted."""
    if wanted is None:
        return True
    found = javascript.RESOURCE_TYPE.search(text)
    return bool(found and found[1] in wanted)


def digest(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _base(bindings: javascript.Bindings) -> str:
    own = bindings.classes.get(bindings.own_class)
    return own.base if own else ""


def _of_base(bindings: Iterable[javascript.Bindings], base: str) -> dict[str, Block]:
    return {each.type: blocks.resource(each) for each in bindings if _base(each) == base}


def _texts(archive: zipfile.ZipFile) -> Iterator[str]:
    """The JavaScript of each type, what was split off before the rest."""
    [packed] = [name for name in archive.namelist() if name.endswith(".jsii.tgz")]
    with tarfile.open(fileobj=io.BytesIO(archive.read(packed))) as bundle:
        files = sorted(_files(bundle))
    for _, of_type in groupby(files, key=lambda file: file.directory):
        # `index.js` sorts before `structs0.js`, and is wanted after it.
        yield "\n".join(file.text for file in reversed(list(of_type)))


def _files(bundle: tarfile.TarFile) -> Iterator[_File]:
    for member in bundle:
        path = PurePosixPath(member.name)
        within = path.parts[2:-1]
        split_off = within[1:] == ("index-structs",) and _SPLIT_OFF.fullmatch(path.name)
        if split_off or (len(within) == 1 and path.name == "index.js"):
            content = bundle.extractfile(member)
            text = content.read().decode() if content else ""
            yield _File(within[0], path.name, text)


def _text(archive: zipfile.ZipFile, ending: str) -> str:
    [name] = [name for name in archive.namelist() if name.endswith(ending)]
    return archive.read(name).decode()


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1].strip() if found else ""


def _unreadable(wheel: Path, what: str) -> ToolError:
    return ToolError(
        what, where=wheel.name, remedy="Its bindings may be generated differently now."
    )
