"""Tasks that look at one server, hold it, switch its maintenance, prune and destroy."""

from __future__ import annotations

import json as json_
import sys
from typing import TYPE_CHECKING, Any

from hostwright.tasks import flags, hosts, question
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from invoke.context import Context

    from hostwright.settings import Host

_SHELL = ["/bin/sh"]


@command(
    several=True,
    name="releases",
    help={"host": flags.HOST, "identity": flags.KEY, "json": flags.JSON},
)
def releases(_: Context, host: str = "", identity: str = "", json: bool = False) -> None:
    """List the releases that the host keeps: state, images, migrations.

    Example: `invoke vps.releases --host shop`.
    """
    from hostwright.look import shown

    settings = hosts.settings(host, identity_file=identity)
    _, found = _ask(settings, {"do": "status"}, "status")
    if json:
        _print_json({key: found[key] for key in ("serving", "releases")})
        return
    _print_lines(shown.releases(found))
    print(_serves(settings, found))


@command(
    iterable=["role"],
    help={
        "host": flags.HOST,
        "role": "api, web, worker, caddy, postgres or redis; may be repeated; else the release's.",
        "follow": "Go on, also over deploys, until it is interrupted.",
        "lines": "How many of the last lines of each role; 0 is all.",
        "since": "Nothing older: 10m, 2h, 3d, or a time (UTC) as 2026-11-23T03:40.",
        "identity": flags.KEY,
        "json": "Print one JSON object a line.",
    },
)
def logs(
    _: Context,
    host: str = "",
    role: list[str] | None = None,
    follow: bool = False,
    lines: int = 100,
    since: str = "",
    identity: str = "",
    json: bool = False,
) -> None:
    """Show what the roles wrote, in order, with the release's secrets blanked.

    Example: `invoke vps.logs --host shop --role api --follow --since 10m`.
    """
    from hostwright.look import ask, shown

    settings = hosts.settings(host, identity_file=identity)
    wanted = {"roles": role or [], "follow": follow, "lines": lines}
    width = max((len(name) for name in role or ["worker"]), default=0)
    shown.since(since, 0)  # what is no time is said before a connection is made
    with hosts.session(settings) as session:
        bound: Callable[[float], int] = lambda now: shown.since(since, now)  # noqa: E731 - a name for its type
        for line in ask.logs(session, hosts.app(settings), wanted, bound):
            text = json_.dumps(line, ensure_ascii=False) if json else shown.log(line, width)
            print(text, flush=follow)


@command(
    name="exec",
    help={
        "host": flags.HOST,
        "role": "Whose container: api, web, worker, caddy, postgres or redis.",
        "identity": flags.KEY,
    },
)
def execute(_: Context, host: str = "", role: str = "api", identity: str = "") -> int:
    """Run the words after `--` in the serving container of a role (a shell without any).

    Input is passed on, and so is the command's exit code; on a terminal it gets one.

    Example: `invoke vps.exec --host shop --role api -- python -m probe migrate status`.
    """
    from hostwright.look import terminal

    settings = hosts.settings(host, identity_file=identity)
    argv = _after_dashes(sys.argv) or _SHELL
    with hosts.session(settings) as session:
        return terminal.run(
            session, hosts.app(settings), role, argv, terminal=terminal.interactive()
        )


@command(
    several=True,
    help={
        "host": flags.HOST,
        "lines": "How many of the last commands; 0 is all.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def audit(
    _: Context, host: str = "", lines: int = 30, identity: str = "", json: bool = False
) -> None:
    """Show who did what on the host, and how it ended.

    Example: `invoke vps.audit --host shop --lines 100`.
    """
    from hostwright.look import shown

    settings = hosts.settings(host, identity_file=identity)
    hello, found = _ask(settings, {"do": "audit", "lines": lines}, "audit")
    if json:
        _print_json(found)
        return
    _print_lines(shown.audit(found["entries"]))
    if found["unreadable"]:
        print(f"{found['unreadable']} lines of the host's audit log cannot be read.")
    print(_serves(settings, hello))


@command(
    several=True,
    help={
        "host": flags.HOST,
        "take": "Hold the host: nobody deploys, rolls back or restores. Needs --reason.",
        "reason": "Why, for those who will be refused.",
        "release": "Give it back.",
        "force": "Also give back what somebody else took.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def lock(
    _: Context,
    host: str = "",
    take: bool = False,
    reason: str = "",
    release: bool = False,
    force: bool = False,
    identity: str = "",
    json: bool = False,
) -> None:
    """Show who holds the host; take it so that others wait, or give it back.

    It outlives this connection and a reboot. Backups go on.

    Example: `invoke vps.lock --host shop --take --reason "restoring by hand"`.
    """
    from hostwright.errors import UserError
    from hostwright.look import shown

    if take and release:
        raise UserError("a lock is taken or given back, not both", where="--take --release")
    if take and not reason.strip():
        raise UserError("a lock needs a reason: the others will read it", where="--reason")
    settings = hosts.settings(host, identity_file=identity)
    verb = "take" if take else "release" if release else None
    request = {"do": "lock", "verb": verb, "reason": reason, "force": force}
    hello, found = _ask(settings, request, "hold")
    if json:
        _print_json({key: found[key] for key in ("hold", "busy")})
        return
    print(f"{settings.address}: {shown.hold(found)}. {_now(hello)}")


@command(
    several=True,
    iterable=["allow"],
    help={
        "host": flags.HOST,
        "on": "Answer 503 to the public, except for the health paths and --allow.",
        "off": "Serve again.",
        "allow": "An address range that passes, as 203.0.113.0/24; may be repeated.",
        "reason": "Why, for whoever looks; visitors do not see it.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def maintenance(
    _: Context,
    host: str = "",
    on: bool = False,
    off: bool = False,
    allow: list[str] | None = None,
    reason: str = "",
    identity: str = "",
    json: bool = False,
) -> None:
    """Show whether maintenance is on; switch it with one rename, closing no connection.

    It stays over reboots, deploys and rollbacks until it is switched off.

    Example: `invoke vps.maintenance --host shop --on --allow 203.0.113.0/24`.
    """
    from hostwright.errors import UserError
    from hostwright.look import shown

    if on and off:
        raise UserError("maintenance is on or off, not both", where="--on --off")
    if allow and not on:
        raise UserError("who passes is said together with --on", where="--allow")
    settings = hosts.settings(host, identity_file=identity)
    wanted = True if on else False if off else None
    request = {"do": "maintenance", "on": wanted, "allow": allow or [], "reason": reason}
    hello, found = _ask(settings, request, "maintenance")
    if json:
        _print_json({key: found[key] for key in ("maintenance", "known")})
        return
    print(f"{settings.address}: {shown.maintenance(found)}. {_now(hello)}")


@command(
    several=True,
    help={
        "host": flags.HOST,
        "keep": "How many good releases stay; as the serving release says without it.",
        "dry-run": "Only say what would go.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def prune(
    _: Context,
    host: str = "",
    keep: int = 0,
    dry_run: bool = False,
    identity: str = "",
    json: bool = False,
) -> None:
    """Say what is no longer needed of this application on the host, then remove it.

    Releases beyond the kept, images that no kept release names, what killed commands left.

    Example: `invoke vps.prune --host shop --keep 3 --dry-run`.
    """
    from hostwright.look import ask, shown
    from hostwright.progress import Progress

    settings = hosts.settings(host, identity_file=identity)
    request = {"do": "prune", "keep": keep or None}
    with Progress() as progress, hosts.session(settings) as session:
        hello, plan = ask.one(session, hosts.app(settings), {**request, "look": True}, "prune")
        if not json:
            _print_lines(shown.prune(plan))
        count = shown.counted(plan)
        if dry_run or not count:
            found = plan
            most = f" (images: at most {shown.megabytes(plan['image_bytes'])})"
            words = f"{count} would go{most}" if count else "nothing to remove"
        else:
            asked = ask.Asked(session, hosts.app(settings))
            found, hello = ask.follow(asked, request, "prune", progress)
            asked.close()
            words = f"{shown.counted(found) or 'nothing'} removed"
            words += f", {shown.megabytes(found['freed'])} are free again"
    if json:
        _print_json({key: value for key, value in found.items() if key not in {"event", "n", "t"}})
        return
    print(f"{settings.address}: {words}. {_now(hello)}")


@command(
    help={
        "host": flags.HOST,
        "keep-backups": "Leave repositories on the host; those elsewhere are never touched.",
        "confirm": "The host's name again, where nobody can be asked.",
        "identity": flags.KEY,
        "json": flags.JSON,
    }
)
def destroy(
    _: Context,
    host: str = "",
    keep_backups: bool = True,
    confirm: str = "",
    identity: str = "",
    json: bool = False,
) -> None:
    """Remove the application and its data from the host, after its name was typed.

    The host stays provisioned: the next `vps.deploy` begins anew. The audit log stays.

    Example: `invoke vps.destroy --host shop`.
    """
    from hostwright.look import ask, shown
    from hostwright.progress import Progress

    settings = hosts.settings(host, identity_file=identity)
    app = hosts.app(settings)
    if confirm or not sys.stdin.isatty():
        ask.confirmed(None, host, confirm, "")  # before a connection is made
    with Progress() as progress, hosts.session(settings) as session:
        asked = ask.Asked(session, app)
        if not confirm:
            stake = f"{shown.at_stake(asked.hello, app)}.\nType the host's name ({host}): "
            ask.confirmed(question.answer, host, confirm, stake)
        request = {"do": "destroy", "app": app, "keep_backups": keep_backups}
        done, _ended = ask.follow(asked, request, "destroyed", progress)
        asked.close()
    if json:
        _print_json({key: value for key, value in done.items() if key not in {"event", "n", "t"}})
        return
    kept = "backups on the host are kept" if keep_backups else "backups on the host are gone, too"
    print(
        f"{settings.address}: {app} is removed; {kept}, those elsewhere were not touched. "
        "Serving now: nothing."
    )


def _after_dashes(words: list[str]) -> list[str]:
    """The words after ``--``: Invoke keeps them to itself."""
    return words[words.index("--") + 1 :] if "--" in words else []


def _ask(settings: Host, request: dict[str, Any], last: str) -> tuple[Any, Any]:
    from hostwright.look import ask

    with hosts.session(settings) as session:
        return ask.one(session, hosts.app(settings), request, last)


def _serves(settings: Host, found: dict[str, Any]) -> str:
    return f"{settings.address}: {_now(found)}"


def _now(found: dict[str, Any]) -> str:
    return f"Serving now: {found.get('serving') or 'nothing'}."


def _print_json(document: Any) -> None:  # noqa: ANN401 - JSON
    print(json_.dumps(document, indent=2, ensure_ascii=False))


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        print(line)


TASKS = (releases, logs, execute, audit, lock, maintenance, prune, destroy)
