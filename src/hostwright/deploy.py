"""Deploy and roll back: gather, plan purely, then hand over to the runner and follow it."""

from __future__ import annotations

import secrets as random
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright import image_pins, images, paths, registries, remote, resting, secrets
from hostwright.contract import load
from hostwright.errors import (
    Busy,
    PreflightError,
    RegistryLogin,
    RunnerError,
    SettingsError,
    ToolError,
    ValuesError,
)
from hostwright.fleet.shared import once
from hostwright.plan.make import ingredients
from hostwright.release import blueprint, build
from hostwright.release.bundle import File
from hostwright.remote import Runner, show
from hostwright.runner.phases import SWITCHED
from hostwright.settings import check_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostwright.contract.envfile import Given
    from hostwright.contract.models import Contract
    from hostwright.images import Decision, LocalImage
    from hostwright.plan.saved import Agreed
    from hostwright.progress import Progress
    from hostwright.registries import Login
    from hostwright.release.build import Release
    from hostwright.remote import Event
    from hostwright.settings import Host
    from hostwright.transport import Session


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
    #: Role to what the settings call its image, before a tag became a digest.
    asked: Mapping[str, str] = field(default_factory=dict)
    #: What the host is told about its backups; None where none are set.
    backup: bytes | None = None
    #: Registry to the login there; it goes no further than the registry and the host's memory.
    logins: Mapping[str, Login] = field(default_factory=dict)

    @property
    def app(self) -> str:
        """The application's name on the host."""
        return self.host.project_name or self.contract.application


@dataclass(frozen=True)
class Outcome:
    """How an operation ended.

    Attributes:
        serving: The release that serves.
        previous: The one that did before.
        seconds: What the host took for all of it.
        connect_seconds: What connecting took.
        serving_seconds: From being connected to the word that traffic has moved; None where it
            had not to.
        phases: Seconds of each.
    """

    serving: str
    previous: str | None
    seconds: float
    connect_seconds: float
    serving_seconds: float | None
    phases: dict[str, float]


def gather(host: Host) -> Local:
    """Read and check everything on this side.

    Raises:
        UserError: A family of its own per fault; nothing has been touched.
    """
    local = gather_values(host)
    chosen = wanted_images(local.contract, host, build.parsed(local.static[build.COMPOSE]))
    wanted = {role: _canonical(ref) for role, ref in chosen.items()}
    here = {} if host.transport == "registry" else _here(frozenset(wanted.values()))
    local = replace(local, wanted=wanted, here=here, asked=wanted)
    if host.transport == "ssh":  # nothing is pulled
        return local
    # Each once: a tag that moves meanwhile would give the roles different images.
    references = sorted(set(wanted.values()))
    pinned = {reference: _pinned(reference, here, local.logins) for reference in references}
    return replace(local, wanted={role: pinned[reference] for role, reference in wanted.items()})


def gather_values(host: Host) -> Local:
    """The same but for the images.

    Raises:
        UserError: A family of its own per fault; nothing has been touched.
    """
    from hostwright.backup import operate as backups

    contract = once("contract", load)
    check_inputs(host, contract)
    local = Local(
        contract=contract,
        host=host,
        given=secrets.gather(host.values, contract, "vps", registries.variables(host)),
        static=once("blueprint", static_files),
        acme_root=_acme_root(host),
        wanted={},
        here={},
        backup=backups.content(host) if host.backup else None,
        logins=registries.logins(host, contract),
    )
    _refuse_problems(local)
    return local


def _here(references: frozenset[str]) -> dict[str, LocalImage]:
    return once(("here", references), lambda: images.inspect(references))


def _canonical(reference: str) -> str:
    """*reference* as engines list it: a digest leaves no meaning to a tag beside it."""
    digest = reference.partition("@")[2]
    return image_pins.exact(reference, digest) if digest else reference


def _pinned(reference: str, here: Mapping[str, LocalImage], logins: Mapping[str, Login]) -> str:
    """*reference* by digest where the host will pull it; a tag may mean something else tomorrow."""
    if reference in here or "@sha256:" in reference:
        return reference
    named = image_pins.repository(reference)
    tagged = f"{reference}:latest" if named == reference else reference
    try:
        login = registries.login_for(tagged, logins)
        digest = once(("digest", tagged, login), lambda: image_pins.resolve(tagged, login=login))
        return image_pins.exact(reference, digest)
    except ToolError as error:
        raise ToolError(
            error.what,
            remedy=f"Give {named}@sha256:… (`invoke vps.status --json` names those of the releases "
            "that the host keeps), or build it here. Nothing was touched.",
        ) from error


def wanted_images(contract: Contract, host: Host, compose: Mapping[str, Any]) -> dict[str, str]:
    """Role (and base service) to the reference that the settings ask for.

    Args:
        contract: The roles that there are.
        host: The operator's settings.
        compose: The blueprint, which says what else these roles need.

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
    pins = {pin.name: _reference(pin) for pin in image_pins.read(paths.IMAGES)}
    base: dict[str, str] = {**pins, **{str(name): ref for name, ref in host.base_images.items()}}
    chosen = {name: base[name] for name in blueprint.base_services(compose, roles)}
    return chosen | {str(role): image for role, image in roles.items() if image}


def _reference(pin: image_pins.Image) -> str:
    return f"{pin.ref.rpartition(':')[0]}@{pin.digest}" if pin.digest else pin.ref


def static_files() -> dict[str, File]:
    """The blueprint's files, by path below ``ops/compose``."""
    root = paths.COMPOSE
    chosen = [root / build.COMPOSE]
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
    plan = ingredients(local, {}, datetime.now(UTC), "", "")
    problems = build.resolved(plan, "new").errors
    if problems:
        lines = [f"  {problem}" for problem in problems]
        count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''} with the values"
        raise ValuesError("\n".join([f"{count}; nothing was touched", *lines]))


def values_in(local: Local, release: str) -> dict[str, dict[str, str]]:
    """What each role would get in a release of that id; what is composed names the release."""
    resolved = build.resolved(ingredients(local, {}, datetime.now(UTC), "", ""), release)
    return {str(role): values for role, values in resolved.roles.items()}


def decide_images(local: Local, hello: Mapping[str, Any]) -> Decision:
    """Which images travel, and under which names Compose finds them.

    Raises:
        PreflightError: The host's Docker does not answer, or its disk is full.
        UserError: An image is nowhere, or built for another processor.
    """
    _check_docker(hello)
    base = _base_asked(local)
    movable = base.keys() - {str(name) for name in local.host.base_images}
    kept = images.kept(base, movable, local.here, base_images(hello), hello["images"])
    found = images.decide(
        {role: reference for role, reference in local.wanted.items() if role not in kept},
        local.here,
        hello["images"],
        app=local.app,
        transport=local.host.transport,
    )
    asked = {
        role: item._replace(asked=local.asked.get(role, "")) for role, item in found.placed.items()
    }
    decision = images.Decision({**asked, **kept}, found.to_send)
    images.check_architecture(decision.to_send, hello["arch"])
    if decision.to_send:  # how much more they need is known when they are packed
        images.check_room(0, hello["disk_free"])
    return decision


def _check_docker(hello: Mapping[str, Any]) -> None:
    """Refuse a host that could take nothing, before anything is sent to it."""
    for tool in ("docker", "compose"):
        if hello[tool] is None:
            name = "Docker" if tool == "docker" else "Docker Compose"
            raise PreflightError(
                f"{name} cannot be used on the host",
                where=tool,
                remedy="See `systemctl status docker` there; `invoke vps.provision` installs it. "
                "Nothing was touched.",
            )


def _base_asked(local: Local) -> dict[str, str]:
    roles = {str(role) for role in local.contract.roles}
    return {name: asked for name, asked in local.asked.items() if name not in roles}


def base_images(hello: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The images of the base that runs on the host, as far as a release there still names them."""
    applied = hello.get("base_applied")
    for release in hello["releases"]:
        if applied and release.get("base_sha256") == applied:
            return dict(release["images"])
    return {}


def base_change(release: Release, hello: Mapping[str, Any]) -> str | None:
    """What to say where *release* brings another base than the one that runs; else None."""
    applied = hello.get("base_applied")
    if not hello["serving"] or release.manifest["base_sha256"] == applied:
        return None
    before = {name: entry["ref"] for name, entry in base_images(hello).items()}
    now = {name: entry["ref"] for name, entry in release.manifest["images"].items()}
    roles = release.manifest["roles"]
    new = [name for name in sorted(now) if name not in roles and before.get(name) != now[name]]
    images_of = f" (image of {', '.join(new)})" if before and new else ""
    return (
        f"the base changes{images_of}: services whose image or settings differ are recreated, "
        "and do not answer meanwhile"
    )


def room_for_pulls(
    decision: Decision,
    hello: Mapping[str, Any],
    note: Callable[[str], object],
    logins: Mapping[str, Login],
) -> int:
    """See that the host's disk can take what it is about to pull; how many bytes that leaves.

    A registry may answer the host and not us (a private network, a login that somebody gave the
    host's own Docker). *note* is told, and the host's own reserve has to do.

    Raises:
        RegistryLogin: A registry refuses the login that the host would have to use.
        PreflightError: The disk is too small.
    """
    parts: dict[str, int] = {}
    for reference in sorted({item.ref for item in decision.placed.values() if item.pull}):
        try:
            parts |= download_sizes(reference, str(hello["arch"]), logins)
        except ToolError as error:
            note(f"the size of what is pulled is not known here: {error.what}")
            break
    needed = images.PULLED * sum(parts.values())
    if needed:
        images.check_room(needed, hello["disk_free"])
    return int(hello["disk_free"]) - needed


def download_sizes(
    reference: str, architecture: str, logins: Mapping[str, Login]
) -> dict[str, int]:
    """What a pull of an image brings: each part's size in bytes, by its digest.

    Raises:
        RegistryLogin: The registry refuses our login.
        ToolError: It does not tell; it may tell the host.
    """
    login = registries.login_for(reference, logins)
    key = ("downloads", reference, architecture, login)
    try:
        return once(key, lambda: image_pins.downloads(reference, architecture, login))
    except RegistryLogin as error:
        if login is None:  # the host's own Docker may have one
            raise ToolError(error.what, remedy=error.remedy) from error
        raise


def make(local: Local, decision: Decision, architecture: str) -> Release:
    """The release as of now."""
    now, salt = datetime.now(UTC), random.token_hex(16)
    return build.build(ingredients(local, decision.placed, now, salt, architecture))


def deploy(
    session: Session, local: Local, progress: Progress, agreed: Agreed | None = None
) -> Outcome:
    """Bring *local* to the host behind *session*, and follow until it serves.

    Args:
        session: The host.
        local: What was gathered here.
        progress: Told what is going on.
        agreed: A saved plan that has to hold still.

    Raises:
        StalePlan: It does not; nothing was touched.
        HostError: Of the family of what went wrong; traffic is where it was before.
    """
    from hostwright.backup import operate as backups

    with resting.at_rest(session, local.app, progress) as runner:
        same_version(runner)
        announce(runner, progress)
        refuse_busy(runner)
        if agreed:
            agreed.same_host(runner.hello, runner.where)
        decision = decide_images(local, runner.hello)
        planned = agreed and agreed.same_release(local, decision, runner.hello["arch"])
        backups.tell(runner, local.backup, progress)
        free = room_for_pulls(decision, runner.hello, progress.note, local.logins)
        if decision.to_send:
            send_images(runner, decision, free, progress)
        release = planned or make(local, decision, runner.hello["arch"])
        if change := base_change(release, runner.hello):
            progress.note(change)
        pulled = [image.ref for image in decision.placed.values() if image.pull]
        login = registries.going_along(local.logins, pulled)
        runner.send({"do": "deploy", "actor": remote.actor(), **login}, release.pack())
        return follow(runner, session, progress)


def rollback(session: Session, host: Host, app: str, to: str | None, progress: Progress) -> Outcome:
    """Return the host to the previous good release, or to *to*."""
    with resting.at_rest(session, app, progress) as runner:
        same_version(runner)
        announce(runner, progress)
        login = registries.for_return(host, runner.hello, progress.note)
        runner.send({"do": "rollback", "to": to, "actor": remote.actor(), **login})
        return follow(runner, session, progress)


def status(session: Session, app: str) -> Event:
    """What serves, and which releases there are."""
    with Runner(session, app) as runner:
        runner.send({"do": "status"})
        return list(runner.events("status"))[-1]


def follow(runner: Runner, session: Session, progress: Progress) -> Outcome:
    """Show the operation's events until it is done."""
    phases: dict[str, float] = {}
    served: float | None = None
    event: Event = {}
    for event in runner.events("done"):
        if event["event"] == "phase":
            phases[event["phase"]] = event["seconds"]
            served = session.since_connected if event["phase"] == SWITCHED else served
        show(event, progress)
    return Outcome(
        serving=event["serving"],
        previous=event.get("previous"),
        seconds=event["seconds"],
        connect_seconds=session.connect_seconds,
        serving_seconds=served,
        phases=phases,
    )


def same_version(runner: Runner) -> None:
    """See that the host has this clone's runner.

    Raises:
        RunnerError: It has another one.
    """
    from hostwright import runner_archive

    mine, theirs = once("runner", runner_archive.build).version, runner.hello["runner"]
    if mine != theirs:
        raise RunnerError(
            f"its runner is {theirs}, this clone brings {mine}",
            where=runner.where,
            remedy="Run `invoke vps.provision` first.",
        )


def announce(runner: Runner, progress: Progress) -> None:
    """Say what the host said of itself."""
    hello = runner.hello
    serving = hello["serving"] or "nothing yet"
    progress.note(f"{runner.where}: Docker {hello['docker']}, serving {serving}")
    if hello.get("pending"):
        progress.note("an earlier operation was cut off; it is reconciled first")


def refuse_busy(runner: Runner) -> None:
    """Refuse before an upload what the host would refuse after it."""
    hold = runner.hello.get("hold")
    if hold is not None:
        owner, reason = hold["owner"] or "somebody", hold["reason"] or "nobody knows why"
        raise Busy(
            f"{owner} holds this host: {reason}",
            where=runner.where,
            remedy="Ask them; `invoke vps.lock` shows it. Nothing was sent.",
        )
    busy = runner.hello.get("busy")
    if busy is None:
        return
    actor, op = busy.get("actor") or "somebody", busy.get("op") or "a command"
    raise Busy(
        f"{actor} is running {op} there (process {busy.get('pid', 'unknown')})",
        where=runner.where,
        remedy="Wait for its end, then run this again; nothing was sent.",
    )


def send_images(runner: Runner, decision: Decision, free: int, progress: Progress) -> None:
    """Send the images that the host lacks, with the layers that it lacks."""
    started = time.monotonic()
    names = ", ".join(sorted(decision.to_send))
    progress.begin(f"images    {names}")
    present = () if runner.hello.get("store") == "containerd" else runner.hello["layers"]
    content = _packed(decision.to_send, frozenset(present), free)
    runner.send({"do": "images", "actor": remote.actor()}, content, progress.sent)
    list(runner.events("images"))
    count, size = len(decision.to_send), len(content) / 1e6
    progress.end(f"IMAGES     {count} sent, {size:.1f} MB", time.monotonic() - started)


def _packed(to_send: Mapping[str, LocalImage], present: frozenset[str], free: int) -> bytes:
    """The archive for one host; hosts that lack the same layers get the same, packed once.

    Raises:
        PreflightError: The host's disk cannot take it.
    """
    chains = {chain for image in to_send.values() for chain in images.chain_ids(image.layers)}
    lacking = frozenset(chains - present)
    names = frozenset((tag, image.id) for tag, image in to_send.items())

    def pack() -> tuple[bytes, int]:
        sizes: list[int] = []
        with tempfile.TemporaryDirectory(prefix="hostwright-images-") as work:
            archive = images.save(to_send, chains - lacking, Path(work), sizes.append)
            return archive.read_bytes(), sizes[0]

    content, size = once(("packed", names, lacking), pack)
    images.check_room(size, free)
    return content
