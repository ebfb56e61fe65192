"""Tasks that workflows call: the operator's files from secrets, and which images to deploy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from hostwright.tasks import named
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from pathlib import Path

    from invoke.context import Context


@command(
    iterable=["only"],
    help={
        "target": "aws, azure, gcp, kubernetes or vps.",
        "only": "Just this one, as ENV_FILE; may be repeated.",
        "remove": "Remove what was written, and nothing else.",
    },
)
def files(
    _: Context, target: str = "", only: list[str] | None = None, remove: bool = False
) -> None:
    """Write the operator's files from variables HOSTWRIGHT_…, or remove them again.

    Example: `invoke ci.files --target vps`.
    """
    import os

    from hostwright.ci import files as work

    lines = work.remove() if remove else work.write(named.target(target), os.environ, only or ())
    print("\n".join(lines) if lines else "nothing was there to remove")


@command(
    iterable=["image"],
    help={
        "image": "ROLE=NAME@sha256:…; may be repeated, or several in one, separated by spaces.",
        "list": "The list that a run of build-images left.",
        "run": "What GitHub says of that run: the JSON of its API.",
        "repository": "The repository that the run must be of, as OWNER/NAME.",
        "out": "The file to write: one image a line, all by digest.",
    },
)
def images(
    _: Context,
    image: list[str] | None = None,
    list: str = "",  # noqa: A002 - the flag's name
    run: str = "",
    repository: str = "",
    out: str = "images.txt",
) -> None:
    """Settle which images are deployed: those that are named, or those of a run of ours.

    Example: `invoke ci.images --list build/images.txt --run run.json --repository acme/shop`.
    """
    from pathlib import Path

    from hostwright.ci import images as work
    from hostwright.contract import load
    from hostwright.errors import UserError

    words = [word for text in image or () for word in text.split()]
    if words and list:
        raise UserError("images are named, or are those of a run: not both", where="--list")
    if list:
        work.refuse_run(_document(Path(run)), repository)
        words = _read(Path(list)).split()
    found = work.named(words, tuple(load().roles))
    Path(out).write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
    print("\n".join(found))


def _document(path: Path) -> dict[str, Any]:
    from hostwright.errors import UserError

    try:
        found = json.loads(_read(path))
    except ValueError as error:
        raise UserError("is no JSON", where=str(path)) from error
    if not isinstance(found, dict):
        raise UserError("says nothing of a run", where=str(path))
    return found


def _read(path: Path) -> str:
    from hostwright.errors import UserError

    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error


namespace = Collection("ci", files, images)
