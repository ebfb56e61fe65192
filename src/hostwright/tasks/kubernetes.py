"""Tasks on Kubernetes: render, compare, deploy, roll back, migrate, look, move there."""

from __future__ import annotations

import json as json_
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from hostwright.tasks import flags, question
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from invoke.context import Context

    from hostwright.cluster.client import Cluster
    from hostwright.cluster.deploy import Outcome
    from hostwright.cluster.desired import Desired, Inputs
    from hostwright.cluster.model import Where

_WHERE = {
    "release": "Helm's name for the installation.",
    "namespace": "Namespace that it is, or is to be, installed in.",
    "context": "The kubeconfig's name for the cluster; its current one without it.",
}
_VALUES = {
    "values": "A file of values; may be repeated, later ones win.",
    "image": "ROLE=REF; wins over the files; may be repeated.",
}
_MANY = ["values", "image"]
_YES = "Do not ask."
_SECONDS = "How long it may take; reckoned from the contract without it."


@command(
    iterable=_MANY,
    help={
        **_VALUES,
        "release": _WHERE["release"],
        "namespace": _WHERE["namespace"],
        "out": "The file to write; standard output without it.",
    },
)
def render(
    _: Context,
    values: list[str],
    image: list[str],
    release: str = "app",
    namespace: str = "app",
    out: str = "",
) -> None:
    """Check the values and show every object that they give; asks no cluster.

    Example: `invoke kubernetes.render --values prod.yaml --out prod-objects.yaml`.
    """
    from pathlib import Path

    wanted = _desired(_where(release, namespace), values, image)
    if not out:
        print(wanted.text, end="")
        return
    Path(out).write_text(wanted.text, encoding="utf-8")
    print(f"{out} written: {len(wanted.objects)} objects")


@command(iterable=_MANY, help={**_VALUES, **_WHERE, "json": flags.JSON})
def diff(
    context_: Context,
    values: list[str],
    image: list[str],
    release: str = "app",
    namespace: str = "app",
    context: str = "",
    json: bool = False,
) -> int:
    """Show what a deploy would change, object by object; exit code 47 where it is something.

    Example: `invoke kubernetes.diff --values prod.yaml`.
    """
    from hostwright.cluster.deploy import plan
    from hostwright.errors import Differs

    where = _where(release, namespace, context)
    wanted = _desired(where, values, image)
    planned = plan(_cluster(context_, where), wanted)
    if json:
        found = [change.as_json() for change in planned.changes]
        print(json_.dumps({"changes": found}, indent=2))
    else:
        print(planned.text)
    return Differs.exit_code if planned.changes else 0


@command(
    iterable=_MANY,
    help={**_VALUES, **_WHERE, "seconds": _SECONDS, "yes": _YES, "json": flags.JSON},
)
def deploy(
    context_: Context,
    values: list[str],
    image: list[str],
    release: str = "app",
    namespace: str = "app",
    context: str = "",
    seconds: int = 0,
    yes: bool = False,
    json: bool = False,
) -> None:
    """Check the values, show what changes, ask, and bring it up: all of it, or what served before.

    Example: `invoke kubernetes.deploy --values prod.yaml --image api=ghcr.io/acme/api@sha256:…`.
    """
    from hostwright.cluster import deploy as deploying
    from hostwright.progress import Progress

    where = _where(release, namespace, context)
    wanted = _desired(where, values, image)
    cluster = _cluster(context_, where)
    planned = deploying.plan(cluster, wanted)
    _say(f"{cluster.where}\n{planned.text}")
    if planned.settled:
        _print_settled(planned, wanted, json)
        return
    _confirm("Deploy this?", yes=yes)
    with Progress() as progress:
        outcome = deploying.deploy(cluster, wanted, planned, progress, seconds=seconds)
    _print_outcome(outcome, json)


@command(
    help={
        **_WHERE,
        "to": "A revision; the previous good one without it.",
        "seconds": _SECONDS,
        "yes": _YES,
        "json": flags.JSON,
    }
)
def rollback(
    context_: Context,
    release: str = "app",
    namespace: str = "app",
    context: str = "",
    to: int = 0,
    seconds: int = 0,
    yes: bool = False,
    json: bool = False,
) -> None:
    """Return to the previous good revision; the database stays as far as it was migrated.

    Example: `invoke kubernetes.rollback --to 3`.
    """
    from hostwright.cluster import rollback as returning
    from hostwright.contract import load
    from hostwright.progress import Progress

    contract = load()
    cluster = _cluster(context_, _where(release, namespace, context))
    back = returning.way(cluster, contract, to)
    _say(f"{cluster.where}\n{back.text}")
    _confirm("Roll back?", yes=yes)
    with Progress() as progress:
        outcome = returning.rollback(cluster, contract, back, progress, seconds=seconds)
    _print_outcome(outcome, json)


@command(help={**_WHERE, "json": flags.JSON})
def migrate(
    context_: Context,
    release: str = "app",
    namespace: str = "app",
    context: str = "",
    json: bool = False,
) -> None:
    """Run the installed migrate Job anew, wait for its end, and fail as it fails.

    Example: `invoke kubernetes.migrate`.
    """
    from hostwright.cluster import migrate as migrating
    from hostwright.contract import load
    from hostwright.progress import Progress

    cluster = _cluster(context_, _where(release, namespace, context))
    with Progress() as progress:
        ended = migrating.migrate(cluster, load(), progress)
    if json:
        print(json_.dumps(ended._asdict(), indent=2))
        return
    print("\n".join([*ended.log, f"{ended.job} migrated ({ended.seconds:.1f} s)"]))


@command(
    help={
        **_WHERE,
        "seconds": "How long to wait until all is ready.",
        "forward": "Ask through forwarded ports, even where there is a public address.",
        "json": flags.JSON,
    }
)
def smoke(
    context_: Context,
    release: str = "app",
    namespace: str = "app",
    context: str = "",
    seconds: int = 300,
    forward: bool = False,
    json: bool = False,
) -> None:
    """Ask what is deployed whether it is ready, until it is.

    Example: `invoke kubernetes.smoke --seconds 120`.
    """
    from hostwright.cluster.smoke import smoke as asked
    from hostwright.contract import load
    from hostwright.progress import Progress

    cluster = _cluster(context_, _where(release, namespace, context))
    with Progress() as progress:
        answers = asked(cluster, load(), progress, seconds=float(seconds), forward=forward)
    if json:
        print(json_.dumps([item._asdict() for item in answers], indent=2))


@command(help={**_WHERE, "json": flags.JSON})
def drift(
    context_: Context,
    release: str = "app",
    namespace: str = "app",
    context: str = "",
    json: bool = False,
) -> None:
    """Compare what runs with what was installed and with the contract: names, images, replicas.

    Example: `invoke kubernetes.drift`.
    """
    from hostwright.cluster.look import drift as looked
    from hostwright.contract import load
    from hostwright.errors import Drifted

    cluster = _cluster(context_, _where(release, namespace, context))
    found, roles = looked(cluster, load())
    if json:
        print(json_.dumps({"differences": [item._asdict() for item in found]}, indent=2))
    if found:
        told = "\n".join(f"  {item}" for item in found)
        raise Drifted(
            f"{len(found)} difference{'s' if len(found) > 1 else ''}\n{told}",
            where=str(cluster.where),
            remedy="Deploy again to undo what was changed by hand; an ExternalSecret is mended in "
            "its store.",
        )
    if not json:
        print(f"no drift: {', '.join(roles)} run as they were installed and as the contract says")


@command(help={"json": "Also write the report as JSON to this file."})
def validate(_: Context, json: str = "") -> int:
    """Prove the chart against the contract, with real Helm; needs no cluster.

    The same as `nox -s validate_kubernetes`.
    """
    from hostwright.validate import run

    return run(["kubernetes"], json)


@command(
    name="from-vps",
    help={
        "host": "A name from hosts.yaml, or [user@]address[:port].",
        "identity": "Private key to log in with; else ~/.ssh and the agent.",
        "out": "The values file to write (mode 0600); the list of secrets is written beside it.",
        "force": "Replace the files where they exist.",
        "json": flags.JSON,
    },
)
def from_vps(
    _: Context,
    host: str = "",
    identity: str = "",
    out: str = "kubernetes-values.yaml",
    force: bool = False,
    json: bool = False,
) -> None:
    """Write the values and the list of secrets that move a server's installation here.

    Example: `invoke kubernetes.from-vps --host shop --out prod.yaml`.
    """
    from pathlib import Path

    from hostwright.cluster.graduate import from_host

    written = from_host(host, identity, Path(out), force=force)
    if json:
        print(json_.dumps(written.as_json(), indent=2))
    else:
        print(written.text)


# --- helpers -----------------------------------------------------------------------------------


def _where(release: str, namespace: str, context: str = "") -> Where:
    import re

    from hostwright.cluster.model import Where
    from hostwright.errors import UserError

    for flag, text in (("--release", release), ("--namespace", namespace)):
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?", text):
            raise UserError(
                "is no DNS label of at most 53 characters",
                where=f"{flag} {text!r}",
                remedy="Small letters, digits and hyphens.",
            )
    if context.startswith("-"):
        raise UserError("is no context", where=f"--context {context!r}")
    return Where(release, namespace, context)


def _inputs(values: list[str], image: list[str]) -> Inputs:
    from pathlib import Path

    from hostwright.cluster.desired import Inputs, images
    from hostwright.contract import load
    from hostwright.errors import UserError

    files = tuple(Path(name) for name in values)
    for file in files:
        if not file.is_file():
            raise UserError("there is no such file", where=f"--values {file}")
    return Inputs(files, images(image, load()))


def _desired(where: Where, values: list[str], image: list[str]) -> Desired:
    from hostwright.cluster.desired import desired
    from hostwright.contract import load

    return desired(_inputs(values, image), where, load())


def _cluster(context: Context, where: Where) -> Cluster:
    from hostwright.cluster.client import connect

    return connect(where, echo=bool(context.config.run.echo), say=_say)


def _say(line: str) -> None:
    import sys

    sys.stderr.write(f"{line}\n")


def _confirm(words: str, *, yes: bool) -> None:
    import sys

    from hostwright.errors import UserError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("nobody is there to be asked; nothing was changed", remedy="Give --yes.")
    if question.answer(f"{words} [yes/no] ") != "yes":
        raise UserError("not confirmed; nothing was changed")


def _print_settled(planned: Any, wanted: Desired, json: bool) -> None:  # noqa: ANN401 - a Plan
    from hostwright.cluster.deploy import Outcome
    from hostwright.cluster.objects import images

    now = planned.known[-1].number
    _print_outcome(Outcome(now, images(wanted.objects), 0.0, changed=False), json)


def _print_outcome(outcome: Outcome, json: bool) -> None:
    from dataclasses import asdict

    if json:
        print(json_.dumps(asdict(outcome), indent=2))
        return
    done = f"({outcome.seconds:.1f} s)" if outcome.changed else "already; nothing was changed"
    print(f"revision {outcome.revision} serves {_listed(outcome.images)} {done}")


def _listed(images: Mapping[str, str]) -> str:
    return ", ".join(f"{role} {image}" for role, image in images.items() if role != "migrate")


namespace = Collection(
    "kubernetes", render, diff, deploy, rollback, migrate, smoke, drift, validate, from_vps
)
