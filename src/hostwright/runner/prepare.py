"""PREPARED: everything that can be refused or fetched before anything of the release runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import base, bundle, caddy, compose, durable, images, room, switch
from .arriving import arriving
from .fault import broken, unfit
from .parallel import Group

if TYPE_CHECKING:
    from .operation import Operation


def prepare(op: Operation) -> str:
    """Check the host and the release, bring images and base, and make the containers.

    Raises:
        RunnerError: Something is missing or does not fit; nothing that serves was touched.
    """
    done = [fit(op)]
    done += bring_images(op)
    images.check(op)
    shared(op)
    if op.host.serving is None:
        done.append(first_base(op))
    else:
        done += [base.bring(op), check_caddy(op)]
    began = time.monotonic()
    if op.goal.migrate is not None:
        # Its answer is waited for longest, and asking changes nothing.
        op.asking = Group([lambda _: start_asking(op)])
    op.host.create(op.goal)
    done.append(f"containers made in {time.monotonic() - began:.2f} s")
    switch.write(op.layout, op.goal.id, op.goal.services)
    return "; ".join(text for text in done if text)


def bring_images(op: Operation) -> list[str]:
    """Pull the images that a registry has and the host has not; what was done.

    Raises:
        RunnerError: One could not be pulled.
    """
    wanted = images.need_pull(op)
    if not wanted:
        return []
    with arriving(op.layout, op.engine, op.host.shell):
        for image in wanted:
            images.pull(op, image)
    return [f"pulled {image.ref}" for image in wanted]


def first_base(op: Operation) -> str | None:
    """Bring the base up where nothing serves yet: there is no live configuration to protect.

    Raises:
        RunnerError: It does not get well.
    """
    changed = caddy.installed(op.layout)[0] != op.goal.caddy_sha256
    caddy.install(op.layout, _caddy_files(op))
    done = base.bring(op, lambda: try_caddy(op))
    running = caddy.find(op.engine, op.layout) if changed else None
    if running is not None:  # a deploy that failed may have started it with another configuration
        caddy.reload(op.engine, op.layout, running)
    caddy.settled(op.layout, op.goal.id, op.goal.caddy_sha256)
    return done


def try_caddy(op: Operation) -> None:
    """Let a Caddy of its own say whether it could run the configuration on the disk.

    Raises:
        RunnerError: It could not.
    """
    argv = compose.validate_argv(op.host.tool, op.layout)
    done = op.host.shell.run(argv, cwd=op.layout.base)
    if done.exit_code != 0:
        raise caddy.refused(f"{done.stdout}\n{done.stderr}", "Caddy refuses the configuration")


def start_asking(op: Operation) -> None:
    """Make the migration's containers and start the one that asks for its status.

    Raises:
        RunnerError: Compose refused.
    """
    if op.goal.migrate is None:
        return
    wanted = compose.jobs(op.layout, op.goal.id, op.goal.migrate.status)
    durable.write_json(op.layout.release(op.goal.id).jobs, wanted)
    op.host.create_jobs(op.goal)
    op.engine.start(op.name(compose.STATUS_SERVICE))


def fit(op: Operation) -> str | None:
    """Check the release's files, the architecture, the disk and the memory.

    Raises:
        RunnerError: One does not fit.
    """
    spoiled = bundle.spoiled(op.layout, op.goal)
    if spoiled:
        raise broken(
            "a file of the release is not what its manifest says",
            where=f"releases/{op.goal.id}/{spoiled}",
            remedy="Deploy a new release; this one was changed on the host.",
        )
    machine = str(op.engine.version().get("Arch", ""))
    if op.goal.architecture not in {"", machine}:
        raise unfit(
            f"the release is for {op.goal.architecture}, this machine is {machine}",
            where="architecture",
            remedy="Build its images for this machine.",
        )
    if not op.is_rollback:  # it brings nothing, and may be what a full disk is waiting for
        room.demand("disk", room.disk(), op.goal.disk_bytes + room.RESERVE_BYTES)
    if not op.journal.warm:  # what runs already has its memory
        remedy = "Free some: `docker stats` on the host says who has it."
        room.demand("memory", room.memory(), op.goal.memory_bytes, remedy)
    return None


def shared(op: Operation) -> None:
    """Make the networks and volumes that no base service uses, where they are missing."""
    labels = {"dev.hostwright.app": op.layout.app}
    for name in op.goal.networks:
        op.engine.ensure_network(name, labels)
    for name in op.goal.volumes:
        op.engine.ensure_volume(name, labels)


def check_caddy(op: Operation) -> str | None:
    """Let the running Caddy say whether it could run this release's configuration.

    Raises:
        RunnerError: It could not; the live configuration is as it was.
    """
    if caddy.installed(op.layout)[0] == op.goal.caddy_sha256:
        return None
    running = caddy.find(op.engine, op.layout)
    if running is None:
        raise broken("Caddy does not run", where="caddy")
    path = caddy.candidate(op.layout, _caddy_files(op))
    try:
        caddy.validate(op.engine, running, path)
    finally:
        caddy.drop_candidate(op.layout)
    return "Caddy's new configuration is valid: the switch will reload it, which closes connections"


def _caddy_files(op: Operation) -> dict[str, bytes]:
    return caddy.files_of(op.layout.release(op.goal.id).directory / "caddy")


def configure_caddy(op: Operation, release: str, sha256: str) -> bool:
    """Give Caddy the configuration of a release where it differs; whether it did.

    Raises:
        RunnerError: Caddy refused; it goes on with what it had.
    """
    if caddy.installed(op.layout)[0] == sha256:
        return False
    files = caddy.files_of(op.layout.release(release).directory / "caddy")
    running = caddy.find(op.engine, op.layout)
    caddy.install(op.layout, files)
    if running is not None:
        caddy.reload(op.engine, op.layout, running)
    caddy.settled(op.layout, release, sha256)
    return True
