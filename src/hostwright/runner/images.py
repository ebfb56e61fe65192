"""Images: load those that the laptop sent, pull those that a registry has, check all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import redact, registries, room
from .engine import Engine, EngineError
from .fault import RunnerError, broken, unfit
from .wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .manifest import Image
    from .operation import Operation
    from .registries import Login

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
    images = op.goal.images.values()
    # What is named by digest came from a registry, also where it was there when it was deployed.
    wanted = {image.ref: image for image in images if image.pull or "@sha256:" in image.ref}
    return [image for ref, image in sorted(wanted.items()) if op.engine.image(ref) is None]


def pull(op: Operation, image: Image) -> None:
    """Pull one image by its digest, with the login that the request brought.

    Raises:
        RunnerError: The registry or Docker refused.
    """
    op.events.note(f"pulling {image.ref}")
    name = registries.server(image.ref)
    login = op.host.logins.get(name)
    said = _with_login(op.engine, image.ref, login) if login else _as_the_host(op, image.ref)
    if not said:
        return
    if room.ran_out(said):
        raise unfit(f"the disk filled up while {image.ref} was pulled", **_FULL)
    raise refusal(image.ref, login, said)


def _with_login(engine: Engine, ref: str, login: Login) -> str:
    """Pull through Docker's API; what was said against it, or nothing."""
    try:
        engine.pull(ref, registries.header(registries.server(ref), login), _PULL_SECONDS)
    except EngineError as error:
        return redact.blank(str(error), [login.password])
    except (OSError, WireError, ValueError):  # no connection, no HTTP, no JSON
        return "Docker broke off"
    return ""


def _as_the_host(op: Operation, ref: str) -> str:
    """Pull with whatever login somebody gave the host's own Docker; what was said against it."""
    done = op.host.shell.run(["docker", "pull", "--quiet", ref], timeout=_PULL_SECONDS)
    said = " ".join(done.tail).removeprefix("Error response from daemon: ")
    return (said or "no word of why") if done.exit_code != 0 else ""


def refusal(ref: str, login: Login | None, said: str) -> RunnerError:
    """Why an image could not be pulled: a login that is missing or wrong, or anything else.

    Args:
        ref: The image.
        login: What was tried.
        said: The registry's or Docker's words, without the password.
    """
    name = registries.server(ref)
    if not registries.asks_login(said):
        return unfit(
            f"the host could not pull the image: {said}",
            where=ref,
            remedy="Check its name and digest, and that the host may read that registry; "
            "an image that the host has needs no registry.",
        )
    if login is None:
        return unfit(
            f"the registry {name} gives the image only after a login, and none came along: {said}",
            where=ref,
            remedy=f"Set registries.{name} of the host in hosts.yaml (username, password_from), "
            "then run the command again. The host keeps no password: whoever pulls brings it.",
        )
    return unfit(
        f"the registry {name} does not give the image to {login.username}: {said}",
        where=ref,
        remedy=f"Correct the value that registries.{name}.password_from in hosts.yaml names, or "
        "let that account read the image.",
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
