"""What Helm and kubectl write when they refuse, as errors of ours. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hostwright.errors import Forbidden, KubernetesError, NoCluster, NoRelease, Unfinished

if TYPE_CHECKING:
    from hostwright.cloud.model import Call
    from hostwright.cluster.model import Where
    from hostwright.run import Completed


class _Sign(NamedTuple):
    """Words by which a refusal is known, and what it comes to."""

    words: re.Pattern[str]
    kind: type[KubernetesError]
    what: str
    remedy: str


def _sign(words: str, kind: type[KubernetesError], what: str, remedy: str) -> _Sign:
    return _Sign(re.compile(words, re.IGNORECASE), kind, what, remedy)


#: The first that fits: what is more special stands before what is more general.
_SIGNS = (
    _sign(
        r"release: not found|release not loaded|has no deployed releases",
        NoRelease,
        "nothing is installed there under that name",
        "`invoke kubernetes.deploy` installs it; --release and --namespace name another.",
    ),
    _sign(
        r"another operation \(install/upgrade/rollback\) is in progress",
        Unfinished,
        "another command works on the release, or was cut off while it did",
        "Wait for its end. If nobody is at work, `invoke kubernetes.rollback` settles it.",
    ),
    _sign(
        r"\(Unauthorized\)|\bUnauthorized\b|must be logged in to the server"
        r"|asked for the client to provide credentials",
        Forbidden,
        "the cluster does not know these credentials",
        "Log in again with the tool that made the kubeconfig.",
    ),
    _sign(
        r"\(Forbidden\)|\bis forbidden\b",
        Forbidden,
        "the cluster does not allow it",
        "Ask whoever runs it for that right in the namespace.",
    ),
    _sign(
        r"getting credentials: exec|exec plugin",
        NoCluster,
        "the kubeconfig's login program failed",
        "Run it by hand: it is named in the kubeconfig, below users.",
    ),
    _sign(
        r"context \S+ does not exist|context was not found|no context exists",
        NoCluster,
        "the kubeconfig has no such context",
        "`kubectl config get-contexts` lists them; name one with --context.",
    ),
    _sign(
        r"current-context is not set|no configuration has been provided|invalid configuration"
        r"|error loading config file|stat \S*kube\S*: no such file",
        NoCluster,
        "there is no usable kubeconfig",
        "Set KUBECONFIG, or log in with your cluster's own tool, which writes one.",
    ),
    _sign(
        r"cluster unreachable|connection to the server \S+ was refused|connection refused"
        r"|no such host|i/o timeout|no route to host|Unable to connect to the server"
        r"|context deadline exceeded|TLS handshake timeout|x509:|network is unreachable"
        r"|EOF$|couldn't get current server API group list",
        NoCluster,
        "the cluster does not answer",
        "Check the network, the VPN and the address in the kubeconfig.",
    ),
)


def error(call: Call, done: Completed, where: Where) -> KubernetesError:
    """The failure of one command, in our words; the tool's own last lines stay below them."""
    text = done.stderr or done.stdout
    for sign in _SIGNS:
        if sign.words.search(text):
            told = f"{sign.what} ({call.what})\n{_last(done)}"
            return sign.kind(told, where=str(where), remedy=sign.remedy)
    told = f"{call.what}: exit code {done.exit_code}\n{_last(done)}"
    return KubernetesError(told, where=str(where))


def _last(done: Completed) -> str:
    lines = dict.fromkeys(line.strip() for line in done.tail.splitlines() if line.strip())
    return "\n".join(f"    {line}" for line in list(lines)[-5:])
