"""Make a plan of a host: gather here, ask there, compute; nothing is changed on either side."""

from __future__ import annotations

import json
import secrets as random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright import images, remote
from hostwright.deploy import decide_images, download_sizes, same_version
from hostwright.errors import Busy, ToolError
from hostwright.fleet.shared import once
from hostwright.plan import make, saved
from hostwright.plan.model import Migration
from hostwright.plan.still import still
from hostwright.release import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.deploy import Local
    from hostwright.images import Decision
    from hostwright.plan.model import Plan
    from hostwright.progress import Progress
    from hostwright.registries import Login
    from hostwright.remote import Runner
    from hostwright.transport import Session


def plan(
    session: Session, local: Local, named: Mapping[str, Any], progress: Progress
) -> tuple[Plan, saved.Agreed]:
    """What a deploy of *local* would do to the host behind *session*.

    Args:
        session: The host.
        local: What was gathered here.
        named: ``host`` and ``flags`` as they were given, for who deploys the plan later.
        progress: Told what is going on.

    Raises:
        HostError: The host does not answer as it should, or is at work.
        UserError: An image is nowhere, or built for another processor.
    """
    with still(session, local.app, progress) as runner:
        same_version(runner)
        runner.send({"do": "planned"})
        hello, told = runner.hello, list(runner.events("planned"))[-1]
        decision = decide_images(local, hello)
        # As a saved plan has it: whole seconds.
        created = datetime.now(UTC).replace(microsecond=0)
        salt = random.token_hex(16)
        made = make.ingredients(local, decision.placed, created, salt, hello["arch"])
        release = build.build(made)
        first = make.Inputs(local, decision, made, release, hello, told, Migration(known=False))
        migration = _migration(runner, first, progress)
    sent, loading = weigh(decision, hello, progress)
    pulled = downloads(decision, hello["arch"], progress, local.logins)
    inputs = make.Inputs(
        local, decision, made, release, hello, told, migration, sent, loading, pulled
    )
    found = make.plan(inputs)
    agreed = saved.Agreed(
        host=named["host"],
        flags=named["flags"],
        created=created,
        salt=made.salt,
        manifest=release.manifest,
        state=saved.state(hello, release.manifest["images"]),
        backup=saved.fingerprint(local),
        shown=found.as_json(),
    )
    return found, agreed


def _migration(runner: Runner, inputs: make.Inputs, progress: Progress) -> Migration:
    if "migrate" not in inputs.local.contract.roles:
        return Migration(known=True)
    why = make.unasked(inputs)
    if why:
        return Migration(known=False, why=why)
    began = time.monotonic()
    progress.begin("migrations that are pending")
    env = build.resolved(inputs.made, inputs.release.id).roles["migrate"]
    content = json.dumps(make.question(inputs.release, env)).encode()
    try:
        runner.send({"do": "pending", "actor": remote.actor()}, content)
        said = list(runner.events("pending"))[-1]
    except Busy as error:
        return Migration(known=False, why=error.what)
    progress.end("MIGRATIONS asked", time.monotonic() - began)
    return read(said)


def read(said: Mapping[str, Any]) -> Migration:
    """The host's answer about migrations."""
    if not said["known"]:
        return Migration(known=False, why=str(said["why"]), log=tuple(said.get("log") or ()))
    return Migration(
        known=True,
        pending=tuple(said["pending"]),
        irreversible=tuple(said["irreversible"]),
        current=str(said.get("current") or ""),
        head=str(said.get("head") or ""),
        ahead=bool(said.get("ahead")),
    )


def weigh(decision: Decision, hello: Mapping[str, Any], progress: Progress) -> tuple[int, int]:
    """Bytes that would travel for the images, and bytes that the host needs to load them.

    They are packed for it as a deploy packs them: nothing else knows what compression makes of
    them. Hosts that lack the same layers are told of one packing.
    """
    if not decision.to_send:
        return 0, 0
    began = time.monotonic()
    progress.begin(f"weighing  {', '.join(sorted(decision.to_send))}")
    present = frozenset(() if hello.get("store") == "containerd" else hello["layers"])
    names = frozenset((tag, image.id) for tag, image in decision.to_send.items())
    chains = {c for image in decision.to_send.values() for c in images.chain_ids(image.layers)}

    def pack() -> tuple[int, int]:
        sizes: list[int] = []
        with tempfile.TemporaryDirectory(prefix="hostwright-images-") as work:
            archive = images.save(decision.to_send, present, Path(work), sizes.append)
            return archive.stat().st_size, sizes[0]

    found = once(("weighed", names, frozenset(chains - present)), pack)
    progress.end(f"WEIGHED    {len(decision.to_send)} images", time.monotonic() - began)
    return found


def downloads(
    decision: Decision, architecture: str, progress: Progress, logins: Mapping[str, Login]
) -> int | None:
    """Bytes that the host pulls from registries; None where that is not known here.

    Raises:
        RegistryLogin: A registry refuses our login.
    """
    parts: dict[str, int] = {}
    for reference in sorted({item.ref for item in decision.placed.values() if item.pull}):
        try:
            parts |= download_sizes(reference, architecture, logins)
        except ToolError as error:
            progress.note(f"the size of what is pulled is not known here: {error.what}")
            return None
    return sum(parts.values())
