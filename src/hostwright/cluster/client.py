"""Run Helm and kubectl against one installation: the only module here that asks a cluster."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hostwright import toolchain
from hostwright.cluster import commands, refusals
from hostwright.contract.rules import near
from hostwright.errors import KubernetesError, NoCluster
from hostwright.run import run, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostwright.cloud.model import Call
    from hostwright.cluster.model import Where
    from hostwright.run import Completed
    from hostwright.toolchain import Tool

#: Seconds that one question may take.
PATIENCE = 60.0


@dataclass(frozen=True)
class Cluster:
    """One installation, and the tools that speak to its cluster; made by :func:`connect`.

    Args:
        where: Which installation.
        echo: Whether commands are shown before they run.
        say: Takes lines for people.
    """

    where: Where
    echo: bool
    say: Callable[[str], None]

    @property
    def major(self) -> int:
        """Helm's major version: its flags differ."""
        return int(_tool("helm").version.partition(".")[0] or 3)

    def ask(self, call: Call, *, stdin: bytes | None = None, seconds: float = PATIENCE) -> str:
        """What a command prints.

        Raises:
            KubernetesError: It failed; the class says whose fault that is.
            ToolError: The tool is missing, or does not end.
        """
        done = self.run(call, stdin=stdin, seconds=seconds)
        if done.exit_code != 0:
            raise refusals.error(call, done, self.where)
        return done.stdout

    def read(self, call: Call) -> Any:  # noqa: ANN401 - JSON
        """What a command prints, as JSON; None where it prints nothing.

        Raises:
            KubernetesError: As :meth:`ask`, or it is something else.
        """
        text = self.ask(call)
        try:
            return json.loads(text) if text.strip() else None
        except ValueError as error:
            raise KubernetesError(
                f"{call.what}: the answer is no JSON", where=shown(call.argv)
            ) from error

    def run(
        self, call: Call, *, stdin: bytes | None = None, seconds: float = PATIENCE
    ) -> Completed:
        """Run a command to its end, however that is.

        Raises:
            ToolError: The tool is missing, or does not end.
        """
        argv = self.argv(call)
        if self.echo:
            self.say(shlex.join(argv))
        return run(argv, stdin=stdin, timeout=seconds, check=False)

    def argv(self, call: Call) -> list[str]:
        """The command line, with the tool that was found."""
        return [*_tool(call.argv[0]).argv, *call.argv[1:]]


def connect(where: Where, *, echo: bool, say: Callable[[str], None]) -> Cluster:
    """Settle which cluster is meant, so that both tools mean the same one.

    Raises:
        NoCluster: The kubeconfig has no such context, or none that is current.
        ToolError: Helm or kubectl is missing.
    """
    _tool("helm")
    cluster = Cluster(where, echo, say)
    context = _named(cluster) if where.context else _current(cluster)
    return replace(cluster, where=replace(where, context=context))


def _named(cluster: Cluster) -> str:
    known = cluster.ask(commands.contexts()).split()
    wanted = cluster.where.context
    if wanted not in known:
        told = near(wanted, known) if known else "The kubeconfig has none; set KUBECONFIG."
        raise NoCluster("the kubeconfig has no such context", where=wanted, remedy=told)
    return wanted


def _current(cluster: Cluster) -> str:
    done = cluster.run(commands.current_context())
    if done.exit_code == 0:
        return done.stdout.strip()
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return ""  # in a pod: its service account says who and where
    known = cluster.ask(commands.contexts()).split()
    contexts = f"Known contexts: {', '.join(sorted(known)[:12])}." if known else ""
    raise NoCluster(
        "no cluster was named, and the kubeconfig has no current context",
        remedy=f"Give --context, or set KUBECONFIG. {contexts}".strip(),
    )


def _tool(name: str) -> Tool:
    return toolchain.provide(name)
