"""A plan in a file: what was agreed on, and whether that still holds. Pure but for the file.

A release is built of nothing but its ingredients, the moment and the salt. The file has the last
two, and the manifest that came of it: built again from what is here now, the same manifest means
the same release, to the last byte; another one names what changed.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hostwright.backup import delivery
from hostwright.errors import StalePlan, UserError
from hostwright.plan.make import ingredients
from hostwright.release import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hostwright.deploy import Local
    from hostwright.images import Decision
    from hostwright.release.build import Release

_VERSION = 1
_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_AGAIN = "`invoke vps.plan` says what a deploy would do now. Nothing was touched."


def state(hello: Mapping[str, Any], references: Mapping[str, Any]) -> dict[str, Any]:
    """The host's state as far as a plan rests on it: no clock, no free space, no warmth.

    Args:
        hello: Its greeting.
        references: The images of the plan's manifest, by role.
    """
    backup = hello.get("backup") or {}
    names = sorted({str(entry["ref"]) for entry in references.values()})
    return {
        "runner": hello["runner"],
        "arch": hello["arch"],
        "docker": hello["docker"],
        "compose": hello["compose"],
        "store": hello.get("store"),
        "serving": hello["serving"],
        "releases": [_release(one) for one in hello["releases"]],
        "base": hello.get("base_applied"),
        "caddy": hello.get("caddy_sha256"),
        "cut off": bool(hello.get("pending")),
        "images": {name: hello["images"].get(name) for name in names},
        "backup settings": backup.get("sha256"),
    }


def _release(one: Mapping[str, Any]) -> dict[str, Any]:
    """A release, whether it is warm or not: that passes by itself."""
    lasting = {"serving": "good", "warm": "good"}.get(one["state"], one["state"])
    kept = {key: one.get(key) for key in ("id", "withdrawn", "migration")}
    return {**kept, "state": lasting}


@dataclass(frozen=True)
class Agreed:
    """A saved plan.

    Attributes:
        host: What was typed as ``--host``.
        flags: The settings that flags gave, by field.
        created: When the release was made.
        salt: What its hashes are salted with.
        manifest: The release's.
        state: The host's state, see :func:`state`.
        backup: Hash of the backup settings that go along; None where none are set.
        shown: The plan as people saw it.
    """

    host: str
    flags: Mapping[str, Any]
    created: datetime
    salt: str
    manifest: Mapping[str, Any]
    state: Mapping[str, Any]
    backup: str | None
    shown: Mapping[str, Any]

    def same_host(self, hello: Mapping[str, Any], where: str) -> None:
        """See that the host is as it was when the plan was made.

        Raises:
            StalePlan: It is not.
        """
        now = _through_json(state(hello, self.manifest["images"]))
        changed = list(_host_changes(self.state, now))
        if changed:
            raise StalePlan(
                f"the host changed since the plan was made: {'; '.join(changed)}",
                where=where,
                remedy=_AGAIN,
            )

    def same_release(self, local: Local, decision: Decision, architecture: str) -> Release:
        """The release of the plan, built again.

        Raises:
            StalePlan: What is here now gives another one.
        """
        made = ingredients(local, decision.placed, self.created, self.salt, architecture)
        release = build.build(made)
        changed = list(differences(self.manifest, _through_json(release.manifest)))
        if self.backup != fingerprint(local):
            changed.append("the settings of backups")
        if changed:
            raise StalePlan(
                f"what is here changed since the plan was made: {'; '.join(changed)}",
                where=self.host,
                remedy=_AGAIN,
            )
        return release


def fingerprint(local: Local) -> str | None:
    """Names the backup settings that a deploy gives the host."""
    return delivery.digest(local.backup) if local.backup else None


def _host_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        was, is_ = before.get(name), now.get(name)
        if was == is_:
            continue
        short = isinstance(was, str | None) and isinstance(is_, str | None)
        yield (
            f"{name} was {was or 'nothing'}, is {is_ or 'nothing'}"
            if short
            else _longer(name, was, is_)
        )


def _longer(name: str, was: Any, is_: Any) -> str:  # noqa: ANN401 - JSON
    if name == "releases":
        old, new = ([one["id"] for one in kept] for kept in (was or (), is_ or ()))
        fresh, gone = [i for i in new if i not in old], [i for i in old if i not in new]
        words = [f"{i} is new" for i in fresh] + [f"{i} is gone" for i in gone]
        return f"releases ({', '.join(words) or 'what became of one'})"
    if name == "images":
        differ = [ref for ref in sorted({*was, *is_}) if was.get(ref) != is_.get(ref)]
        return f"images ({', '.join(differ)})"
    return name


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two manifests that were built at one moment, in words; no value."""
    if before == now:
        return
    images = _changed(before.get("images"), now.get("images"))
    if images:
        # The id of a release is made of its images: everything else that names it follows.
        yield f"the image of {', '.join(images)}"
        return
    old, new = before.get("env") or {}, now.get("env") or {}
    for role in sorted({*old, *new}):
        if names := _changed(old.get(role), new.get(role)):
            yield f"values of {role} ({', '.join(names)})"
    follow = ("env/", "secrets/")
    files = _changed(before.get("files"), now.get("files"))
    if secret := [name for name in files if name.startswith("secrets/")]:
        yield ", ".join(secret)
    if others := [name for name in files if not name.startswith(follow)]:
        yield f"files ({', '.join(others)})"
    told = {"images", "env", "files", "base_sha256", "caddy_sha256"}
    keys = [key for key in _changed(before, now) if key not in told]
    if keys:
        yield f"settings ({', '.join(keys)})"


def _changed(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[str]:
    old, new = before or {}, now or {}
    return [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]


def _through_json(value: dict[str, Any]) -> dict[str, Any]:
    """As it would be read back: tuples are lists there."""
    found: dict[str, Any] = json.loads(json.dumps(value))
    return found


# --- the file ------------------------------------------------------------------------------------


def write(path: Path, agreed: Agreed) -> None:
    """Save a plan for its owner alone: salted hashes of short values can be guessed.

    Raises:
        UserError: The place cannot be written.
    """
    made = {
        "plan": _VERSION,
        "host": agreed.host,
        "flags": dict(agreed.flags),
        "created": agreed.created.strftime(_STAMP),
        "salt": agreed.salt,
        "manifest": dict(agreed.manifest),
        "state": dict(agreed.state),
        "backup": agreed.backup,
        "shown": dict(agreed.shown),
    }
    content = json.dumps(made, indent=1, sort_keys=True).encode() + b"\n"
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        beside.replace(path)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from error


def read(path: Path) -> Agreed:
    """A plan that was saved.

    Raises:
        UserError: It cannot be read, or is none.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise _none(path) from error
    if not isinstance(found, dict) or found.get("plan") != _VERSION:
        raise _none(path)
    try:
        return _agreed(found)
    except (KeyError, TypeError, ValueError) as error:
        raise _none(path) from error


def _agreed(found: Mapping[str, Any]) -> Agreed:
    for part in ("flags", "manifest", "state"):
        if not isinstance(found[part], dict):
            raise TypeError(part)
    return Agreed(
        host=str(found["host"]),
        flags=found["flags"],
        created=datetime.strptime(found["created"], _STAMP).replace(tzinfo=UTC),
        salt=str(found["salt"]),
        manifest=found["manifest"],
        state=found["state"],
        backup=found.get("backup"),
        shown=found.get("shown") or {},
    )


def _none(path: Path) -> UserError:
    return UserError(
        "is not a plan that this clone saved",
        where=str(path),
        remedy="`invoke vps.plan --host … --out FILE` saves one.",
    )
