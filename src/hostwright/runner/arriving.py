"""Images that arrive are flushed to the disk before anything is made of them.

Docker promises nothing about when the files of an image's layers reach the disk: after a power
loss it might believe that it has an image whose files are empty, and would never ask for it again.
So the images that were there are written down before others arrive, and that record goes when all
of them are flushed. Where it is still there, the machine tells what happened: on the same boot
nothing is lost that could not be flushed now, and on another one whatever has arrived since is
removed, to come once more.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import durable
from .engine import EngineError
from .identity import boot_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .engine import Engine
    from .layout import Layout
    from .process import Shell

_FLUSH_SECONDS = 600.0
#: Where layers are if Docker leaves them to containerd.
_CONTAINERD = Path("/var/lib/containerd")


class Record(NamedTuple):
    """What was written down before images arrived.

    Attributes:
        boot_id: The boot on which they arrived.
        had: Ids of the images that were there before.
    """

    boot_id: str
    had: frozenset[str]


@contextlib.contextmanager
def arriving(layout: Layout, engine: Engine, shell: Shell) -> Iterator[None]:
    """Let images arrive meanwhile, and flush them; needs the lock."""
    settle(layout, engine, shell)
    had = sorted(str(image["Id"]) for image in engine.images())
    durable.write_json(layout.arriving, {"boot_id": boot_id(), "had": had})
    try:
        yield
    finally:
        flush(engine, shell)
        durable.remove(layout.arriving)


def settle(layout: Layout, engine: Engine, shell: Shell) -> list[str]:
    """Flush or remove what was arriving when a runner or its machine ended; needs the lock.

    Nothing runs of what is removed: containers are only made of images that are flushed.

    Returns:
        The names of the images that were removed.
    """
    record = read(layout)
    if record is None:
        return []
    if record.boot_id == boot_id():
        flush(engine, shell)
        durable.remove(layout.arriving)
        return []
    removed = []
    for image in engine.images():
        if str(image["Id"]) in record.had:
            continue
        for name in names(image) or [str(image["Id"])]:
            # Another application's containers may have been made of an image that came later.
            with contextlib.suppress(EngineError):
                engine.remove_image(name)
                removed.append(name)
    durable.remove(layout.arriving)
    return removed


def read(layout: Layout) -> Record | None:
    """The record; None where no image was arriving."""
    value = durable.read_json(layout.arriving)
    if not isinstance(value, dict) or not isinstance(value.get("had"), list):
        return None
    return Record(str(value.get("boot_id")), frozenset(map(str, value["had"])))


def trusted(layout: Layout, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of *listed* that no power loss can have spoiled."""
    record = read(layout)
    if record is None or record.boot_id == boot_id():
        return listed
    return [image for image in listed if str(image["Id"]) in record.had]


def names(image: dict[str, Any]) -> list[str]:
    """All that an image is called: by tag and by digest."""
    found = [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
    return [str(name) for name in found if "<none>" not in name]


def flush(engine: Engine, shell: Shell) -> None:
    """Flush the file systems that Docker keeps images on.

    Not every file system: a network's that hangs would hold a deploy up for ever.
    """
    root = Path(str(engine.get("/info")["DockerRootDir"]))
    places = [str(place) for place in (root, _CONTAINERD) if place.is_dir()]
    done = shell.run(["sync", "--file-system", *places], timeout=_FLUSH_SECONDS)
    if done.exit_code != 0:
        os.sync()
