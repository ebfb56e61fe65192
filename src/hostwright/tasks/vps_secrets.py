"""Tasks about the values of one server: compare, push, make a secret anew. No value is shown."""

from __future__ import annotations

import json as json_
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from hostwright.tasks import flags, hosts, question
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context

    from hostwright.rotation.difference import Change
    from hostwright.settings import Host


@command(
    several=True,
    help={
        "host": flags.HOST,
        "env-file": flags.VALUES,
        "check": "Exit with code 35 where something differs.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def diff(
    _: Context,
    host: str = "",
    env_file: str = "",
    check: bool = False,
    identity: str = "",
    json: bool = False,
) -> int:
    """Compare your values with those that serve, by name and salted hash; nothing is changed.

    Example: `invoke vps.secrets.diff --host shop --check`.
    """
    from hostwright.deploy import gather_values
    from hostwright.errors import Drifted
    from hostwright.progress import Progress, step
    from hostwright.rotation import difference, push

    settings = hosts.settings(host, env_file=env_file, identity_file=identity)
    with Progress() as progress:
        local = gather_values(settings)
        with (
            step(progress, f"ask {settings.address}"),
            hosts.session(settings) as session,
        ):
            serving, changes = push.compare(session, local)
    if json:
        document = {"serving": serving, "differences": _documents(changes)}
        print(json_.dumps(document, indent=2))
    else:
        for line in difference.shown(changes):
            print(line)
        print(f"{settings.address}: {_counted(changes)}. Serving now: {serving}")
    return Drifted.exit_code if check and changes else 0


@command(
    several=True,
    help={"host": flags.HOST, "env-file": flags.VALUES, "identity": flags.KEY, "json": flags.JSON},
)
def push(
    _: Context, host: str = "", env_file: str = "", identity: str = "", json: bool = False
) -> None:
    """Bring your values to the host: a release with the images that serve, as a deploy.

    A changed password of Postgres or Redis is changed in the running service as well.

    Example: `invoke vps.secrets.push --host shop`.
    """
    from hostwright.deploy import gather_values
    from hostwright.fleet.shared import checked
    from hostwright.progress import Progress
    from hostwright.rotation import push as pushing

    settings = hosts.settings(host, env_file=env_file, identity_file=identity)
    with Progress() as progress:
        local = gather_values(settings)
        checked()
        with hosts.session(settings) as session:
            done = pushing.push(session, local, progress)
    _print_pushed(done, settings, json)


@command(
    help={
        "name": "The secret, as the contract calls it.",
        "host": flags.HOST,
        "env-file": flags.VALUES,
        "yes": "Do not ask before a key of the application is replaced.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def rotate(
    _: Context,
    name: str = "",
    host: str = "",
    env_file: str = "",
    yes: bool = False,
    identity: str = "",
    json: bool = False,
) -> None:
    """Make a secret anew: in your env file (the one of before is kept), then on the host.

    A password of Postgres or Redis changes while the application serves.

    Example: `invoke vps.secrets.rotate --name POSTGRES_PASSWORD --host shop`.
    """
    from hostwright.contract import load
    from hostwright.progress import Progress
    from hostwright.rotation import fresh
    from hostwright.rotation.rotate import rotate as rotating

    settings = hosts.settings(host, env_file=env_file, identity_file=identity)
    contract = load()
    fresh.make(contract, name)  # what cannot be made is refused before anybody is asked
    meaning = fresh.meaning(contract, name)
    if meaning and not yes:
        _confirm(name, meaning)
    with Progress() as progress, hosts.session(settings) as session:
        done = rotating(session, settings, name, progress)
        for other in _sharing(host, settings):
            progress.note(
                f"{other} has the same env file: `invoke vps.secrets.push --host {other}` brings "
                "it there"
            )
    _print_pushed(done.pushed, settings, json, kept=str(done.kept))


def _sharing(host: str, settings: Host) -> list[str]:
    """The other hosts of hosts.yaml whose values come from the same env file."""
    from hostwright.settings import known

    file = settings.values.env_file
    return [name for name, one in known().items() if name != host and one.values.env_file == file]


def _confirm(name: str, meaning: str) -> None:
    import sys

    from hostwright.errors import UserError

    what = f"{name} ({meaning}): what was made with the value of before does not fit the new one"
    if not sys.stdin.isatty():
        raise UserError(what, where=name, remedy="Give --yes.")
    if question.answer(f"{what}. Continue? [yes/no] ") != "yes":
        raise UserError("not confirmed; nothing was touched", where=name)


def _print_pushed(done: Any, settings: Host, json: bool, kept: str = "") -> None:  # noqa: ANN401 - push.Pushed, imported lazily
    from dataclasses import asdict

    if json:
        outcome = asdict(done.outcome) if done.outcome else {"serving": done.serving}
        aside = {"kept": kept} if kept else {}
        document = {**outcome, "differences": _documents(done.changes), **aside}
        print(json_.dumps(document, indent=2))
        return
    if done.outcome is None:
        print(f"{settings.address}: nothing to push. Serving now: {done.serving}")
        return
    names = ", ".join(sorted({change.name for change in done.changes}))
    aside_ = f" The env file of before is {kept}." if kept else ""
    print(
        f"{settings.address}: {names} pushed ({done.outcome.seconds:.1f} s).{aside_} "
        f"Serving now: {done.serving}"
    )


def _documents(changes: list[Change]) -> list[dict[str, Any]]:
    return [{**change._asdict(), "roles": list(change.roles)} for change in changes]


def _counted(changes: list[Change]) -> str:
    names = {change.name for change in changes}
    if not names:
        return "these values serve"
    return f"{len(names)} variable{'s differ' if len(names) > 1 else ' differs'} from what serves"


namespace = Collection("secrets", diff, push, rotate)
