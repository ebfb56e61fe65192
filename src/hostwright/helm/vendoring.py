"""``python -m hostwright crds CLONE [TAG]``: take schemas of custom resources from a git clone.

The clone is one of the repositories in :data:`WANTED`, bare or not; the tag is the newest release
that it has unless one is given. Everything that a schema says of its origin was read from git.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hostwright import paths
from hostwright.errors import ToolError, UserError
from hostwright.helm.crds import Custom, Origin, dumped, parse
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Where the schemas lie.
VENDOR = paths.CHARTS_VENDOR
_RELEASE = re.compile(r"v\d+\.\d+\.\d+")
_LICENCE = "Apache-2.0"


class Wanted(NamedTuple):
    """A kind that the chart makes, and the file of a repository that defines it."""

    repository: str
    file: str
    api_version: str
    kind: str


WANTED = (
    Wanted(
        "external-secrets/external-secrets",
        "config/crds/bases/external-secrets.io_externalsecrets.yaml",
        "external-secrets.io/v1",
        "ExternalSecret",
    ),
    Wanted(
        "kubernetes-sigs/gateway-api",
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
    ),
    Wanted(
        "kedacore/keda",
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "keda.sh/v1alpha1",
        "ScaledObject",
    ),
    Wanted(
        "kubernetes-sigs/secrets-store-csi-driver",
        "config/crd/bases/secrets-store.csi.x-k8s.io_secretproviderclasses.yaml",
        "secrets-store.csi.x-k8s.io/v1",
        "SecretProviderClass",
    ),
)


def main(words: Sequence[str]) -> int:
    """Write the schema of every kind that the clone's repository defines.

    Raises:
        UserError: There are too few words or too many.
        ToolError: It is no clone of a repository that is wanted, or has no such tag.
    """
    if len(words) not in {1, 2}:
        raise UserError("give a git clone, and a tag if it is not the newest release")
    clone = Path(words[0])
    tag = words[1] if len(words) == 2 else newest(_git(clone, "tag"))  # noqa: PLR2004
    for wanted in _defined(clone, tag):
        file = VENDOR / f"{wanted.kind.lower()}.json"
        file.write_text(dumped(taken(clone, tag, wanted)), encoding="utf-8")
        sys.stdout.write(f"{paths.shown(file)}: {wanted.repository} {tag}\n")
    return 0


def newest(tags: str) -> str:
    """The newest release among tags, one a line.

    Raises:
        ToolError: None is one.
    """
    releases = [tag for tag in tags.split() if _RELEASE.fullmatch(tag)]
    if not releases:
        raise ToolError("the clone has no tag of a release", remedy="Fetch its tags, or name one.")
    return max(releases, key=lambda tag: [int(part) for part in tag[1:].split(".")])


def taken(clone: Path, tag: str, wanted: Wanted) -> Custom:
    """One kind as the clone has it at *tag*.

    Raises:
        ToolError: The file does not serve that version of the kind.
    """
    text = _git(clone, "show", f"{tag}:{wanted.file}")
    origin = Origin(
        wanted.repository,
        tag,
        _git(clone, "rev-list", "-n", "1", tag).strip(),
        wanted.file,
        hashlib.sha256(text.encode()).hexdigest(),
        _LICENCE,
    )
    for custom in parse(text, origin):
        if (custom.api_version, custom.kind) == (wanted.api_version, wanted.kind):
            return custom
    what = f"{tag} does not serve {wanted.api_version} {wanted.kind}"
    raise ToolError(what, where=wanted.file, remedy="Move the chart to what it serves.")


def _defined(clone: Path, tag: str) -> list[Wanted]:
    names = set(_git(clone, "ls-tree", "-r", "--name-only", tag).split())
    found = [wanted for wanted in WANTED if wanted.file in names]
    if not found:
        known = ", ".join(wanted.repository for wanted in WANTED)
        raise ToolError(
            "defines no kind that the chart makes", where=str(clone), remedy=f"Clone {known}."
        )
    return found


def _git(clone: Path, *words: str) -> str:
    return run(["git", "-C", clone, *words]).stdout
