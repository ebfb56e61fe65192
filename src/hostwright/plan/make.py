"""Compute a plan: what is here against what the host says of itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hostwright.images import PULLED, RESERVE_BYTES
from hostwright.plan import texts
from hostwright.plan.model import Backup, Base, Image, Migration, Plan, Room, Variable
from hostwright.release import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from hostwright.contract.values import Resolved
    from hostwright.deploy import Local
    from hostwright.images import Decision, Placed
    from hostwright.release.build import Release
    from hostwright.remote import Event

#: How many digits of a salted hash a plan has: enough to see that two differ.
DIGITS = 12
_HOUR = 3600


@dataclass(frozen=True)
class Inputs:
    """Everything that a plan is made of.

    Attributes:
        local: What was gathered here.
        decision: How each image gets to the host.
        made: What the release is built of.
        release: The release that would be deployed.
        hello: The host's greeting.
        planned: Its answer to ``planned``.
        migration: What would be migrated.
        sent: Bytes that travel for the images.
        loading: Bytes that the host needs for as long as it loads them.
        pulled: Bytes that the host pulls; None where that is not known here.
    """

    local: Local
    decision: Decision
    made: build.Plan
    release: Release
    hello: Mapping[str, Any]
    planned: Mapping[str, Any]
    migration: Migration
    sent: int = 0
    loading: int = 0
    pulled: int | None = 0


def ingredients(
    local: Local,
    placed: Mapping[str, Placed],
    created: datetime,
    salt: str,
    architecture: str,
) -> build.Plan:
    """What a release is built of; the same ones give the same release, to the last byte."""
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


def question(release: Release, env: Mapping[str, str]) -> Event:
    """What the host is asked about migrations: image, command, variables, networks."""
    compose = texts.document(release.files["compose.yaml"].content.decode())
    service, networks = compose["services"]["migrate"], compose.get("networks") or {}
    return {
        "image": release.manifest["images"]["migrate"]["ref"],
        "status": release.manifest["roles"]["migrate"]["status"],
        "env": dict(env),
        "networks": [networks[name]["name"] for name in service.get("networks") or ()],
    }


def unasked(inputs: Inputs) -> str:
    """Why the host cannot be asked about migrations; empty where it can."""
    if not inputs.hello["serving"]:
        return "known when the database is there"
    if inputs.planned["base"]["up"] is False:
        return "known when the base runs"
    reference = inputs.decision.placed["migrate"].ref
    if reference not in inputs.hello["images"]:
        return "known after upload"
    return ""


def plan(inputs: Inputs) -> Plan:
    """What a deploy of *inputs* would do."""
    serving, base = inputs.hello["serving"], _base(inputs)
    return Plan(
        app=inputs.local.app,
        serving=serving,
        release=inputs.release.id,
        images=tuple(_images(inputs)),
        env=tuple(_env(inputs)) if serving else (),
        compose=_compose(inputs) if serving else (),
        base=base,
        caddy=_caddy(inputs),
        migration=inputs.migration,
        backup=_backup(inputs),
        room=_room(inputs),
        downtime=tuple(_downtime(inputs, base)),
        notes=tuple(_notes(inputs)),
        refusals=tuple(_refusals(inputs, base)),
    )


# --- images --------------------------------------------------------------------------------------


def _images(inputs: Inputs) -> Iterator[Image]:
    before, known = _serving(inputs.hello).get("images") or {}, inputs.hello["images"]
    after = inputs.decision.placed
    for role in sorted({*before, *after}):
        old = before.get(role) or {}
        was, was_id = str(old.get("ref") or ""), old.get("id") or known.get(old.get("ref")) or ""
        new = after.get(role)
        if new is None:
            yield Image(role, was, "", was_id, "", "gone", changes=True)
            continue
        now_id = new.id or known.get(new.ref) or ""
        same = was == new.ref or bool(now_id and now_id == was_id)
        sent = new.ref in inputs.decision.to_send
        way = "sent" if sent else "there" if new.ref in known else "pulled"
        yield Image(role, was, new.ref, was_id, now_id, way, changes=not same)  # type: ignore[arg-type] # one of its words


def _serving(hello: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((one for one in hello["releases"] if one["id"] == hello["serving"]), {})


# --- variables and files -------------------------------------------------------------------------


def _resolved(inputs: Inputs, release_id: str) -> Resolved:
    return build.resolved(inputs.made, release_id)


def _env(inputs: Inputs) -> Iterator[Variable]:
    """Compared under the serving release's own id, which is part of some values."""
    salt, before = inputs.planned["salt"], inputs.planned["env"]
    roles = _resolved(inputs, inputs.hello["serving"]).roles
    after = {
        str(role): {name: build.salted(salt, name, value) for name, value in values.items()}
        for role, values in roles.items()
    }
    for role in sorted({*before, *after}):
        old, new = before.get(role, {}), after.get(role, {})
        for name in sorted({*old, *new}):
            was, now = old.get(name, ""), new.get(name, "")
            if not _same(was, now):
                how = "added" if not was else "removed" if not now else "changed"
                yield Variable(role, name, how, was[:DIGITS], now[:DIGITS])  # type: ignore[arg-type] # as above


def _same(one: str, other: str) -> bool:
    """Hashes may be cut, not to fewer than 16 digits."""
    length = min(len(one), len(other))
    return bool(length) and one[:length] == other[:length]


def _compose(inputs: Inputs) -> tuple[Any, ...]:
    text = inputs.release.files["compose.yaml"].content.decode()
    after = text.replace(inputs.release.id, inputs.hello["serving"])
    return texts.fields(texts.document(inputs.planned["compose"]), texts.document(after))


def _base(inputs: Inputs) -> Base:
    release, there = inputs.release, inputs.planned["base"]
    if not inputs.hello["serving"]:
        return Base(changes=False, starts=True)
    secrets = tuple(_other_secrets(inputs))
    if release.manifest["base_sha256"] == inputs.hello["base_applied"]:
        return Base(changes=False, secrets=secrets, starts=there["up"] is False)
    before = texts.document(there["compose"])
    after = texts.document(release.files["base.yaml"].content.decode())
    return Base(
        changes=True,
        fields=texts.fields(before, after),
        files=tuple(_other_files(inputs)),
        recreated=texts.recreated(before, after),
        secrets=secrets,
    )


def _other_files(inputs: Inputs) -> Iterator[str]:
    before: Mapping[str, str] = inputs.planned["base"]["files"]
    after = {
        path.removeprefix("base/"): file.sha256
        for path, file in inputs.release.files.items()
        if path.startswith(("entrypoints/", "base/"))
    }
    # What an older base left there does no harm, and stays.
    yield from (name for name in sorted(after) if before.get(name) != after[name])


def _other_secrets(inputs: Inputs) -> Iterator[str]:
    before, salt = inputs.planned["base"]["secrets"], inputs.planned["salt"]
    for path, file in sorted(inputs.release.files.items()):
        if path.startswith("secrets/") and path in before:
            line = file.content.decode().rstrip("\r\n")
            if not _same(before[path], build.salted(salt, path, line)):
                yield path.removeprefix("secrets/")


def _caddy(inputs: Inputs) -> tuple[Any, ...]:
    if not inputs.hello["serving"]:
        return ()
    after = {
        path.removeprefix("caddy/"): file.content.decode(errors="replace")
        for path, file in inputs.release.files.items()
        if path.startswith("caddy/")
    }
    return texts.texts(inputs.planned["caddy"]["files"], after)


# --- what it takes -------------------------------------------------------------------------------


def _room(inputs: Inputs) -> Room:
    needed = inputs.loading + PULLED * (inputs.pulled or 0) + RESERVE_BYTES
    return Room(inputs.sent, inputs.pulled, needed, int(inputs.hello["disk_free"]))


def _backup(inputs: Inputs) -> Backup:
    told, stated = inputs.planned["backup"], inputs.local.host.backup
    if told is None and stated is None:
        return Backup(due=False, why="no backup is configured")
    if not inputs.hello["serving"]:
        return Backup(due=False, why="there is nothing to keep yet")
    count = len(inputs.migration.pending)
    if count:
        return Backup(due=True, why=f"{count} migration{'s' if count > 1 else ''} pending")
    why = _old(inputs) if stated else str((told or {}).get("due") or "")
    if why:
        return Backup(due=True, why=why)
    if not inputs.migration.known:
        return Backup(due=None, why="only if a migration is pending")
    return Backup(due=False, why="the last backup is recent")


def _old(inputs: Inputs) -> str:
    """Why the last backup is too old by the settings that are here, which the host will get."""
    stated, last = inputs.local.host.backup, (inputs.planned["backup"] or {}).get("last")
    if last is None or stated is None:
        return "there was none"
    age = float(inputs.hello["time"]) - last
    recent = 0 <= age <= stated.max_age_hours * _HOUR
    return "" if recent else f"the last one is {age / _HOUR:.0f} h old"


def _downtime(inputs: Inputs, base: Base) -> Iterator[str]:
    if not inputs.hello["serving"]:
        return
    if inputs.release.manifest["caddy_sha256"] != inputs.planned["caddy"]["sha256"]:
        yield "Caddy reloads: connections that are open then are closed, new ones are taken at once"
    if base.recreated:
        names = ", ".join(base.recreated)
        yield f"{names} of the base recreated: no answer from there until well again"
    if base.starts:
        yield "the base does not run: nothing can be answered until it is started"


def _notes(inputs: Inputs) -> Iterator[str]:
    worker = inputs.release.manifest["roles"].get("worker")
    if inputs.hello["serving"] and worker and worker.get("handover") == "stop-then-start":
        yield "the worker takes no jobs while it changes hands; its last job ends first"
    if inputs.migration.ahead:
        yield "the database is ahead of this release"
    if inputs.migration.irreversible:
        names = ", ".join(inputs.migration.irreversible)
        yield f"irreversible: after {names} a rollback needs --with-data"
    if inputs.hello.get("pending"):
        yield "an earlier operation was cut off; a deploy settles that first"


def _refusals(inputs: Inputs, base: Base) -> Iterator[str]:
    room, hold = _room(inputs), inputs.hello.get("hold")
    if hold:
        owner, reason = hold.get("owner") or "somebody", hold.get("reason") or "nobody knows why"
        yield f"{owner} holds this host: {reason}"
    if room.needed > room.free:
        yield "the disk has too little room"
    for name in base.secrets:
        yield f"{name} differs from what the base runs with; `invoke vps.secrets.push` changes both"
    told, stated = inputs.planned["backup"] or {}, inputs.local.host.backup
    refuses = stated.drill.stale == "refuse" if stated else told.get("refuse_stale")
    if refuses and told.get("stale_drill"):
        yield f"{told['stale_drill']}: run `invoke vps.drill`"
