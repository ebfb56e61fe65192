"""The command lines that Helm and kubectl are given: a function each, no secret in any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.cloud.model import Call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hostwright.cluster.model import Where

#: Revisions that Helm is asked about: it keeps ten unless somebody raised that.
REVISIONS = 256
#: Lines of a log that are read.
LINES = 50
#: What is looked at while a release comes up.
WATCHED = "deployments.apps,replicasets.apps,jobs.batch,pods"


# --- contexts ----------------------------------------------------------------------------------


def contexts() -> Call:
    """The clusters that the kubeconfig knows."""
    words = ("kubectl", "config", "get-contexts", "--output", "name")
    return Call(words, "lists the contexts")


def current_context() -> Call:
    """The one that is used where none is named."""
    return Call(("kubectl", "config", "current-context"), "asks for the current context")


# --- Helm --------------------------------------------------------------------------------------


def history(where: Where) -> Call:
    """Every revision of the release that is kept."""
    words = ("history", where.release, "--max", str(REVISIONS), "--output", "json")
    return Call(_helm(where, *words), "reads the release's history")


def manifest(where: Where, revision: int = 0) -> Call:
    """The objects that a revision installed; the newest revision's without a number."""
    words = ("get", "manifest", where.release, *_revision(revision))
    return Call(_helm(where, *words), "reads what is installed")


def hooks(where: Where, revision: int = 0) -> Call:
    """The objects that a revision runs as hooks, its tests among them."""
    words = ("get", "hooks", where.release, *_revision(revision))
    return Call(_helm(where, *words), "reads the hooks that are installed")


def values(where: Where) -> Call:
    """Every value that the installed revision was made with, defaults included."""
    words = ("get", "values", where.release, "--all", "--output", "json")
    return Call(_helm(where, *words), "reads the installed values")


def upgrade(  # noqa: PLR0913 - what a release is made of
    where: Where,
    chart: Path,
    files: Sequence[Path],
    images: Mapping[str, str],
    *,
    major: int,
    seconds: int,
) -> Call:
    """Install or upgrade, wait until it serves, and go back to what served where it does not."""
    given = [word for file in files for word in ("--values", str(file))]
    chosen = [word for path, ref in images.items() for word in ("--set-string", f"{path}={ref}")]
    words = ("upgrade", where.release, str(chart), "--install", "--create-namespace")
    # Without --reset-values Helm would mix in the last release's where none are given.
    rest = ("--reset-values", *_whole(major), *_waiting(seconds))
    return Call(_helm(where, *words, *given, *chosen, *rest), "installs the release")


def rollback(where: Where, revision: int, *, seconds: int) -> Call:
    """Return to a revision, and wait until it serves."""
    words = ("rollback", where.release, str(revision), *_waiting(seconds))
    return Call(_helm(where, *words), f"returns to revision {revision}")


def _whole(major: int) -> tuple[str, ...]:
    """All of the release or nothing: Helm 4 calls it otherwise."""
    return ("--rollback-on-failure",) if major >= 4 else ("--atomic",)  # noqa: PLR2004 - a major


def _waiting(seconds: int) -> tuple[str, ...]:
    # The migrate Job is part of the release: one that fails must fail it.
    return ("--wait", "--wait-for-jobs", "--timeout", f"{seconds}s")


def _revision(number: int) -> tuple[str, ...]:
    return ("--revision", str(number)) if number else ()


def _helm(where: Where, *words: str) -> tuple[str, ...]:
    context = ("--kube-context", where.context) if where.context else ()
    return ("helm", *words, "--namespace", where.namespace, *context)


# --- kubectl -----------------------------------------------------------------------------------


def look(where: Where) -> Call:
    """What of the release comes up, and how far it is."""
    words = ("get", WATCHED, "--selector", where.selector, "--output", "json")
    return Call(_kubectl(where, *words), "looks at the release")


def external_secrets(where: Where) -> Call:
    """Whether External Secrets has fetched what the release refers to."""
    words = ("get", "externalsecrets.external-secrets.io", "--selector", where.selector)
    return Call(_kubectl(where, *words, "--output", "json"), "looks at the external secrets")


def job(where: Where, name: str) -> Call:
    """One Job; nothing is printed where it does not exist."""
    words = ("get", "job", name, "--ignore-not-found", "--output", "json")
    return Call(_kubectl(where, *words), f"looks at the Job {name}")


def pods_of_job(where: Where, name: str) -> Call:
    """The pods that a Job has started."""
    words = ("get", "pods", "--selector", f"batch.kubernetes.io/job-name={name}")
    return Call(_kubectl(where, *words, "--output", "json"), f"looks at the pods of {name}")


def delete_job(where: Where, name: str) -> Call:
    """Remove a Job and its pods."""
    words = ("delete", "job", name, "--ignore-not-found", "--cascade", "foreground", "--wait")
    return Call(_kubectl(where, *words), f"removes the Job {name}")


def create(where: Where, what: str) -> Call:
    """Make the object that standard input holds."""
    return Call(_kubectl(where, "create", "--filename", "-"), f"makes {what}")


def config_map(where: Where, name: str) -> Call:
    """One ConfigMap; nothing is printed where it does not exist."""
    words = ("get", "configmap", name, "--ignore-not-found", "--output", "json")
    return Call(_kubectl(where, *words), f"reads the ConfigMap {name}")


def replace(where: Where, what: str) -> Call:
    """Replace an object by the one that standard input holds."""
    return Call(_kubectl(where, "replace", "--filename", "-"), f"rewrites {what}")


def logs(where: Where, pod: str, container: str, *, previous: bool = False) -> Call:
    """The last lines that a container wrote; *previous* means the one before its restart."""
    before = ("--previous",) if previous else ()
    words = ("logs", pod, "--container", container, "--tail", str(LINES), *before)
    return Call(_kubectl(where, *words), f"reads the log of {pod}")


def execute(where: Where, pod: str, container: str, argv: Sequence[str]) -> Call:
    """Run a command beside what a container runs."""
    words = ("exec", pod, "--container", container, "--", *argv)
    return Call(_kubectl(where, *words), f"asks {pod}")


def forward(where: Where, service: str, port: int) -> Call:
    """Make a service answer on a free port of this machine, until it is ended."""
    words = ("port-forward", f"service/{service}", f":{port}", "--address", "127.0.0.1")
    return Call(_kubectl(where, *words), f"forwards a port to {service}")


def _kubectl(where: Where, verb: str, *words: str) -> tuple[str, ...]:
    """The flags that say where come first: what stands behind ``--`` is the container's."""
    context = ("--context", where.context) if where.context else ()
    return ("kubectl", "--namespace", where.namespace, *context, verb, *words)
