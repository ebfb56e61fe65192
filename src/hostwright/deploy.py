"""Deploy and roll back: gather, plan purely, then hand over to the runner and follow it."""

from __future__ import annotations

import secrets as random
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright import image_pins, images, paths, remote, secrets
from hostwright.contract import load
from hostwright.errors import RunnerError, SettingsError, ValuesError
from hostwright.release import build
from hostwright.release.bundle import File
from hostwright.remote import Runner
from hostwright.settings import check_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract.envfile import Given
    from hostwright.contract.models import Contract
    from hostwright.images import Decision, LocalImage
    from hostwright.progress import Progress
    from hostwright.release.build import Release
    from hostwright.remote import Event
    from hostwright.settings import Host
    from hostwright.transport import Session

BASE_ROLES = ("caddy", "postgres", "redis")


@dataclass(frozen=True)
class Local:
    """Everything that is known before a host is asked; gathering it touches nothing."""

    contract: Contract
    host: Host
    given: Mapping[str, Given]
    static: Mapping[str, File]
    acme_root: bytes | None
    wanted: Mapping[str, str]
    here: Mapping[str, LocalImage]

    @property
    def app(self) -> str:
        """The application's name on the host."""
        return self.host.project_name or self.contract.application


@dataclass(frozen=True)
class Outcome:
    """How an operation ended: what serves, and the seconds of each phase."""

    serving: str
    previous: str | None
    seconds: float
    connect_seconds: float
    phases: dict[str, float]


def gather(host: Host) -> Local:
    """Read and check everything on this side.

    Raises:
        UserError: A family of its own per fault; nothing has been touched.
    """
    contract = load()
    check_inputs(host, contract)
    wanted = wanted_images(contract, host)
    here = {} if host.transport == "registry" else images.inspect(set(wanted.values()))
    local = Local(
        contract=contract,
        host=host,
        given=secrets.gather(host.values, contract, "vps"),
        static=static_files(),
        acme_root=_acme_root(host),
        wanted=wanted,
        here=here,
    )
    _refuse_problems(local)
    return replace(local, wanted={role: _pinned(ref, here) for role, ref in wanted.items()})


def _pinned(reference: str, here: Mapping[str, LocalImage]) -> str:
    """*reference* by digest where the host will pull it; a tag may mean something else tomorrow."""
    if reference in here or "@sha256:" in reference:
        return reference
    repository = reference.rpartition(":")[0] if ":" in reference.rpartition("/")[2] else reference
    return f"{repository}@{image_pins.resolve(reference)}"


def wanted_images(contract: Contract, host: Host) -> dict[str, str]:
    """Role (and base service) to the reference that the settings ask for.

    Raises:
        SettingsError: A role of the application has no image.
    """
    given = {str(role): image for role, image in host.images.items()}
    api, worker = given.get("api"), given.get("worker") or given.get("api")
    fallback = {"api": api, "web": given.get("web"), "worker": worker, "migrate": worker}
    roles = {role: given.get(role) or fallback[role] for role in contract.roles}
    missing = [role for role, image in roles.items() if not image]
    if missing:
        raise SettingsError(
            f"no image for {', '.join(missing)}",
            where=host.address,
            remedy=f"Give --image {missing[0]}=REFERENCE, or set images in hosts.yaml.",
        )
    base = {pin.name: _reference(pin) for pin in image_pins.read(paths.IMAGES)}
    chosen = {name: base[name] for name in BASE_ROLES} | {**host.base_images}
    return chosen | {str(role): image for role, image in roles.items() if image}


def _reference(pin: image_pins.Image) -> str:
    return f"{pin.ref.rpartition(':')[0]}@{pin.digest}" if pin.digest else pin.ref


def static_files() -> dict[str, File]:
    """The blueprint's files, by path below ``ops/compose``."""
    root = paths.COMPOSE
    chosen = [root / "docker-compose.prod.yml"]
    for folder in ("caddy", "entrypoints"):
        chosen += [path for path in (root / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): File(path.read_bytes()) for path in sorted(chosen)}


def _acme_root(host: Host) -> bytes | None:
    if not host.acme.root:
        return None
    try:
        return Path(host.acme.root).read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", where=host.acme.root) from error


def _refuse_problems(local: Local) -> None:
    """Refuse what would make a broken release, before a host is asked."""
    if "web" in local.contract.roles and not local.host.app_domain:
        raise SettingsError(
            "no host name for the web role",
            where=local.host.address,
            remedy="Give --app-domain, or set app_domain in hosts.yaml.",
        )
    plan = _plan(local, {}, datetime.now(UTC), "", "")
    problems = build.resolved(plan, "new").errors
    if problems:
        lines = [f"  {problem}" for problem in problems]
        count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''} with the values"
        raise ValuesError("\n".join([f"{count}; nothing was touched", *lines]))
    extras = {**local.host.api_env, **local.host.web_env, **local.host.worker_env}
    for name in extras:
        if name in local.contract.variables:
            raise SettingsError(
                f"{name} is a variable of the contract", remedy="Give it as a value instead."
            )


def _plan(
    local: Local,
    placed: Mapping[str, images.Placed],
    created: datetime,
    salt: str,
    architecture: str,
) -> build.Plan:
    return build.Plan(
        contract=local.contract,
        host=local.host,
        given=local.given,
        images=placed,
        static=local.static,
        acme_root=local.acme_root,
        created=created,
        salt=salt,
        architecture=architecture,
    )


def decide_images(local: Local, hello: Mapping[str, Any]) -> Decision:
    """Which images travel, and under which names Compose finds them."""
    decision = images.decide(
        local.wanted,
        local.here,
        hello["images"],
        app=local.app,
        transport=local.host.transport,
    )
    images.check_architecture(decision.to_send, hello["arch"])
    images.check_room(decision.to_send, hello["disk_free"])
    return decision


def make(local: Local, decision: Decision, architecture: str) -> Release:
    """The release as of now."""
    now, salt = datetime.now(UTC), random.token_hex(16)
    return build.build(_plan(local, decision.placed, now, salt, architecture))


def deploy(session: Session, local: Local, progress: Progress) -> Outcome:
    """Bring *local* to the host behind *session*, and follow until it serves.

    Raises:
        HostError: Of the family of what went wrong; traffic is where it was before.
    """
    with Runner(session, local.app) as runner:
        _same_version(runner)
        _announce(runner, progress)
        decision = decide_images(local, runner.hello)
        if decision.to_send:
            _send_images(runner, decision, progress)
        release = make(local, decision, runner.hello["arch"])
        runner.send({"do": "deploy", "actor": remote.actor()}, release.pack())
        return follow(runner, session, progress)


def rollback(session: Session, app: str, to: str | None, progress: Progress) -> Outcome:
    """Return the host to the previous good release, or to *to*."""
    with Runner(session, app) as runner:
        _same_version(runner)
        _announce(runner, progress)
        runner.send({"do": "rollback", "to": to, "actor": remote.actor()})
        return follow(runner, session, progress)


def status(session: Session, app: str) -> Event:
    """What serves, and which releases there are."""
    with Runner(session, app) as runner:
        runner.send({"do": "status"})
        return list(runner.events("status"))[-1]


def follow(runner: Runner, session: Session, progress: Progress) -> Outcome:
    """Show the operation's events until it is done."""
    phases: dict[str, float] = {}
    event: Event = {}
    for event in runner.events("done"):
        if event["event"] == "begin":
            progress.begin(event["phase"])
        elif event["event"] == "phase":
            phases[event["phase"]] = event["seconds"]
            text = f"{event['phase']:<10} {event.get('text') or ''}".rstrip()
            progress.end(text, event["seconds"])
        elif event["event"] in {"note", "reconciled"}:
            progress.note(event["text"])
    return Outcome(
        serving=event["serving"],
        previous=event.get("previous"),
        seconds=event["seconds"],
        connect_seconds=session.connect_seconds,
        phases=phases,
    )


def _same_version(runner: Runner) -> None:
    from hostwright import runner_archive

    mine, theirs = runner_archive.build().version, runner.hello["runner"]
    if mine != theirs:
        raise RunnerError(
            f"its runner is {theirs}, this clone brings {mine}",
            where=runner.where,
            remedy="Run `invoke vps.provision` first.",
        )


def _announce(runner: Runner, progress: Progress) -> None:
    hello = runner.hello
    serving = hello["serving"] or "nothing yet"
    progress.note(f"{runner.where}: Docker {hello['docker']}, serving {serving}")
    if hello.get("pending"):
        progress.note("an earlier operation was cut off; it is reconciled first")


def _send_images(runner: Runner, decision: Decision, progress: Progress) -> None:
    started = time.monotonic()
    names = ", ".join(sorted(decision.to_send))
    progress.begin(f"images    {names}")
    present = () if runner.hello.get("store") == "containerd" else runner.hello["layers"]
    with tempfile.TemporaryDirectory(prefix="hostwright-images-") as work:
        archive = images.save(decision.to_send, present, Path(work))
        content = archive.read_bytes()
    runner.send({"do": "images", "actor": remote.actor()}, content, progress.sent)
    list(runner.events("images"))
    count, size = len(decision.to_send), len(content) / 1e6
    progress.end(f"IMAGES     {count} sent, {size:.1f} MB", time.monotonic() - started)
