"""Images: load those that the laptop sent, pull those that a registry has, check all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import room
from .engine import Engine, EngineError
from .fault import RunnerError, broken, unfit
from .wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .manifest import Image
    from .operation import Operation

_PULL_SECONDS = 900.0
_FULL = {"where": "disk", "remedy": room.FREE_SOME}


def load(engine: Engine, archive: Iterable[bytes], length: int) -> dict[str, str]:
    """Hand an archive of images to Docker.

    Args:
        engine: Docker.
        archive: The archive in pieces.
        length: How many bytes it has.

    Returns:
        The image id of each reference that was loaded.

    Raises:
        RunnerError: Docker refused it, or it was cut short.
    """
    try:
        messages = engine.load(archive, length)
    except EngineError as error:
        if room.ran_out(str(error)):
            raise unfit("the disk filled up while the images were loaded", **_FULL) from error
        raise broken(f"Docker did not load the images: {error}") from error
    except (OSError, WireError) as error:
        raise broken("Docker broke off while the images were loaded") from error
    refs = [m.partition(": ")[2].strip() for m in messages if m.startswith("Loaded image")]
    found = {ref: engine.image(ref) for ref in refs}
    return {ref: str(image["Id"]) for ref, image in found.items() if image}


def need_pull(op: Operation) -> list[Image]:
    """The images that the host has not and a registry has."""
    wanted = {image.ref: image for image in op.goal.images.values() if image.pull}
    return [image for ref, image in sorted(wanted.items()) if op.engine.image(ref) is None]


def pull(op: Operation, image: Image) -> None:
    """Pull one image by its digest, with the credentials of the host's Docker.

    Raises:
        RunnerError: The registry or Docker refused.
    """
    op.events.note(f"pulling {image.ref}")
    done = op.host.shell.run(["docker", "pull", "--quiet", image.ref], timeout=_PULL_SECONDS)
    if done.exit_code != 0 and room.ran_out(done.stderr):
        raise unfit(f"the disk filled up while {image.ref} was pulled", **_FULL)
    if done.exit_code != 0:
        said = " ".join(done.tail).removeprefix("Error response from daemon: ")
        raise unfit(
            f"the host could not pull the image: {said}",
            where=image.ref,
            remedy="Check its name and digest, and that the host may read that registry; "
            "an image that the host has needs no registry.",
        )


def check(op: Operation) -> None:
    """See that every image is there, is the one that was meant, and runs on this machine.

    Raises:
        RunnerError: One is not.
    """
    machine = str(op.engine.version().get("Arch", ""))
    for role, image in sorted(op.goal.images.items()):
        found = op.engine.image(image.ref)
        if found is None:
            raise unfit(
                "the host does not have this image",
                where=f"{role}: {image.ref}",
                remedy="Deploy again: the images that are missing are sent then.",
            )
        problem = mismatch(image, found, machine)
        if problem:
            raise _wrong(role, image, problem)


def mismatch(image: Image, found: dict[str, object], machine: str) -> str | None:
    """What is wrong with an image, or None.

    Where Docker keeps its images in containerd, an image's id is the digest of its manifest and
    not of its configuration, so that an id from the laptop says nothing there.
    """
    same_kind = "Descriptor" not in found
    if image.id and same_kind and found["Id"] != image.id:
        return "it is another image than the one this release was built with"
    theirs = found.get("Architecture")
    if machine and theirs and theirs != machine:
        return f"it is for {theirs}, this machine is {machine}"
    return None


def _wrong(role: str, image: Image, problem: str) -> RunnerError:
    return unfit(
        problem,
        where=f"{role}: {image.ref}",
        remedy="Build or push the image for this machine, then deploy again.",
    )
