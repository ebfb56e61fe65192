"""Tasks about backups of one server: the key, make, list, restore, drill, recover."""

from __future__ import annotations

import json as json_
import time
from typing import TYPE_CHECKING, Any

from hostwright.tasks import flags, hosts, question
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context

    from hostwright.settings import Host

_REPOSITORY = "A repository of the host's `backup`; else the first that is not on the host."
_HOUR = 3600


@command(name="backup-key", help={"host": flags.HOST, "out": "Where to write it, instead."})
def backup_key(_: Context, host: str = "", out: str = "") -> None:
    """Make the key that encrypts a host's backups; one that is there is never replaced.

    Example: `invoke vps.backup-key --host shop`.
    """
    from pathlib import Path

    from hostwright.backup import key
    from hostwright.errors import SettingsError

    file = out
    if not file:
        found = hosts.settings(host)
        if found.backup is None:
            raise SettingsError(
                "the host has no `backup`", where=host, remedy="Set it, or give --out."
            )
        file = found.backup.key_file
    path = Path(file).expanduser()
    key.make(path)
    print(f"{path} written. Keep a copy elsewhere: without it nobody can read the backups.")


@command(several=True, help={"host": flags.HOST, "identity": flags.KEY, "json": flags.JSON})
def backup(_: Context, host: str = "", identity: str = "", json: bool = False) -> None:
    """Back up database, Redis, files, certificates and releases to every repository.

    Example: `invoke vps.backup --host shop`.
    """
    settings = hosts.settings(host, identity_file=identity)
    done, ended = _ask(settings, {"do": "backup"})
    if json:
        print(json_.dumps(done, indent=2))
        return
    places = ", ".join(done.get("stored", {}))
    print(
        f"{settings.address}: {done['id']} is in {places} ({done['seconds']:.1f} s). "
        f"{_serves(ended)}"
    )


@command(several=True, help={"host": flags.HOST, "identity": flags.KEY, "json": flags.JSON})
def backups(_: Context, host: str = "", identity: str = "", json: bool = False) -> None:
    """List the backups and drills that the host has written down."""
    from hostwright.backup import operate
    from hostwright.progress import Progress

    settings = hosts.settings(host, identity_file=identity)
    with Progress(), hosts.session(settings) as session:
        found = operate.listing(session, hosts.app(settings))
    if json:
        print(json_.dumps(found, indent=2))
        return
    for entry in found["backups"]:
        places = ", ".join(entry.get("stored", {})) or "nowhere"
        print(f"{entry['id']}  {entry['outcome']:<6}  {places}  {entry.get('error', '')}".rstrip())
    if found["unreadable"]:
        print(f"{found['unreadable']} lines of the host's own list cannot be read.")
    if line := _reachable(found.get("point_in_time")):
        print(line)
    good = [entry for entry in found["drills"] if entry["outcome"] == "ok"]
    proven = f"{_ago(found['now'] - good[-1]['time'])} ago" if good else "never"
    print(f"{settings.address}: {len(found['backups'])} backups, last proven to restore: {proven}")


@command(
    name="restore",
    help={
        "host": flags.HOST,
        "backup": "Its id; the newest without it.",
        "to": "A moment: UTC, with an offset, or `latest`. Restores Postgres alone.",
        "repository": _REPOSITORY,
        "beside": "Load it beside what serves, under names that are told.",
        "yes": "Do not ask before data is replaced.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def restore(
    _: Context,
    host: str = "",
    backup: str = "",  # noqa: A002, RUF100 - the flag's name
    to: str = "",
    repository: str = "",
    beside: bool = False,
    yes: bool = False,
    identity: str = "",
    json: bool = False,
) -> None:
    """Restore a backup: into place (today's data is kept aside), or beside what serves.

    With --to Postgres goes back to a moment; Redis and files stay as they are.

    Example: `invoke vps.restore --host shop --beside`.
    Example: `invoke vps.restore --host shop --to "2026-11-23 03:00:00"`.
    """
    settings = hosts.settings(host, identity_file=identity)
    moment = _moment(settings, to, backup)
    if not beside and not yes:
        _confirm(host)
    request = {
        "do": "restore",
        "backup": backup or None,
        "to": moment,
        "repository": repository or None,
        "beside": beside,
    }
    done, ended = _ask(settings, request)
    if json:
        print(json_.dumps(done, indent=2))
        return
    names = [name for name in (done.get("beside"), *done.get("files", {}).values()) if name]
    kept = [name for name in (done.get("kept"), *done.get("kept_files", ())) if name]
    where = f"beside what serves: {', '.join(names)}" if beside else "in place"
    aside = f" What was there is kept: {', '.join(kept)}." if kept else ""
    age = _ago(int(time.time()) - done["data_time"])
    print(
        f"{settings.address}: {_what(done)} (data {age} old) is {where} "
        f"({done['seconds']:.1f} s).{aside} {_serves(ended)}"
    )


@command(
    several=True,
    help={"host": flags.HOST, "repository": _REPOSITORY, "identity": flags.KEY, "json": flags.JSON},
)
def drill(
    _: Context, host: str = "", repository: str = "", identity: str = "", json: bool = False
) -> None:
    """Prove that the newest backup restores, in containers of its own; what serves is not touched.

    Example: `invoke vps.drill --host shop`.
    """
    settings = hosts.settings(host, identity_file=identity)
    done, ended = _ask(settings, {"do": "drill", "repository": repository or None})
    if json:
        print(json_.dumps(done, indent=2))
        return
    print(
        f"{settings.address}: {done['backup']} restores, from {done['repository']} in "
        f"{done['seconds']:.1f} s; its data is {_ago(done['data_age'])} old{_newest(done)}. "
        f"{_serves(ended)}"
    )


@command(
    help={
        "host": "The new, empty host: a name from hosts.yaml with the lost one's settings.",
        "backup": "Its id; the newest without it.",
        "repository": _REPOSITORY,
        "identity": flags.KEY,
        "json": flags.JSON,
    }
)
def recover(
    _: Context,
    host: str = "",
    backup: str = "",
    repository: str = "",
    identity: str = "",
    json: bool = False,
) -> None:
    """Make an empty server the one that was lost: provisioned, release, data, certificates.

    Example: `invoke vps.recover --host shop-new`.
    """
    from hostwright import provisioning
    from hostwright.backup import operate
    from hostwright.progress import Progress

    settings = hosts.settings(host, identity_file=identity)
    operate.content(settings)  # what is missing here is said before a host is touched
    began = time.monotonic()
    key = hosts.key(settings)
    address = hosts.address(settings)
    provisioning.run(address, settings, key=key, dry_run=False)
    request = {"do": "recover", "backup": backup or None, "repository": repository or None}
    with Progress() as progress, hosts.session(settings) as session:
        done, ended = operate.recover(session, settings, hosts.app(settings), request, progress)
    seconds = time.monotonic() - began
    if json:
        print(json_.dumps({**done, "seconds": round(seconds, 3)}, indent=2))
        return
    age = _ago(int(time.time()) - done["data_time"])
    print(
        f"{settings.address}: recovered from {done['backup']} (data {age} old) in {seconds:.0f} s. "
        f"{_serves(ended)} Point the names of the old host here."
    )


def rollback_with_data(host: str, to: str, *, yes: bool, identity: str, json: bool) -> None:
    """`vps.rollback --with-data`: say what it loses, then go back with the data of before."""
    from hostwright.backup import operate
    from hostwright.progress import Progress

    settings = hosts.settings(host, identity_file=identity)
    with Progress() as progress, hosts.session(settings) as session:
        way = operate.way_back(session, hosts.app(settings), to or None)
        lost = _ago(int(time.time()) - way["time"])
        names = ", ".join(way["migrations"])
        progress.note(
            f"back to {way['release']} and to the data of {way['backup']}: the writes of the last "
            f"{lost} are not in it (kept aside). Irreversible since then: {names}"
        )
        if not yes:
            _confirm(host)
        request = {"do": "rollback", "to": way["release"], "with_data": True}
        done, ended = operate.ask(session, settings, hosts.app(settings), request, progress)
    if json:
        print(json_.dumps(done, indent=2))
        return
    kept = f" Today's data is kept as {done['kept']}." if done.get("kept") else ""
    print(f"{settings.address}: back, with data {lost} old.{kept} {_serves(ended)}")


def _ask(settings: Host, request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    from hostwright.backup import operate
    from hostwright.progress import Progress

    with Progress() as progress, hosts.session(settings) as session:
        return operate.ask(session, settings, hosts.app(settings), request, progress)


def _confirm(host: str) -> None:
    import sys

    from hostwright.errors import UserError

    if not sys.stdin.isatty():
        raise UserError(
            "this replaces the data of what serves",
            where=host,
            remedy="Give --yes; or --beside, to leave it alone.",
        )
    asked = f"This replaces the data of {host}; what was written since the backup is kept aside. "
    if question.answer(f"{asked}Continue? [yes/no] ") != "yes":
        raise UserError("not confirmed; nothing was touched", where=host)


def _moment(settings: Host, to: str, backup: str) -> str | None:
    """The moment that is asked for, as the host is told."""
    from hostwright.backup import moment
    from hostwright.errors import SettingsError, UserError

    if not to:
        return None
    if backup:
        raise UserError("a moment and a backup are two things", where="--to", remedy="Give one.")
    if settings.backup is None or not settings.backup.point_in_time.enabled:
        raise SettingsError(
            "no moments are kept for this host",
            where="backup.point_in_time",
            remedy="Set `enabled: true` there, provision, and make a backup.",
        )
    return moment.canonical(to)


def _what(done: dict[str, Any]) -> str:
    from hostwright.backup import moment

    if "moment" not in done:
        return str(done["backup"])
    return f"Postgres of {moment.shown(done['moment'])}"


def _newest(done: dict[str, Any]) -> str:
    found = done.get("point_in_time")
    return f", replayed to {_ago(int(found['data_age']))} ago" if found else ""


def _reachable(found: dict[str, Any] | None) -> str:
    """The moments that can be gone back to, as a line; empty where none are kept."""
    from hostwright.backup import moment

    if found is None:
        return ""
    since, until = found["since"], found["until"]
    if not since or not until:
        return "Moments: none yet; a backup makes the base that they need."
    trouble = f" But: {found['error']}." if found["error"] else ""
    return f"Moments: {moment.shown(since)} to {moment.shown(until)} (vps.restore --to).{trouble}"


def _serves(ended: dict[str, Any]) -> str:
    return f"Serving now: {ended.get('serving') or 'nothing'}."


def _ago(seconds: int) -> str:
    for unit, size in (("d", 24 * _HOUR), ("h", _HOUR), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


TASKS = (backup_key, backup, backups, restore, drill, recover)
