"""The migrate Job: made anew, read, remembered. Pure.

What a migration did is known only while it happens: the image before it cannot know it, and after
it nothing is pending any more. So its log is read once it has ended, and what cannot be taken back
is remembered in a ConfigMap, by revision; a rollback asks there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.cluster import objects
from hostwright.cluster.model import RELEASE_LABEL, labels, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostwright.cluster.model import Body, Objects, Where

#: Labels that Helm owns: an object that it does not manage must not carry them.
_HELMS = ("app.kubernetes.io/managed-by", "helm.sh/chart")
_LONGEST_NAME = 63


class Status(NamedTuple):
    """How far the database is, as an image sees it."""

    current: str
    head: str
    pending: tuple[str, ...]
    irreversible: tuple[str, ...]
    ahead: bool


def status(text: str) -> Status | None:
    """The status in what a command wrote: its last JSON object with ``pending``; None without."""
    found = list(_statuses(text))
    return found[-1] if found else None


def applied(*logs: str) -> Status | None:
    """What a migration set out to do, by the logs of its tries, in any order.

    Each try has less to do than the one before, so the one with the most pending knows it all.
    """
    tried = [item for log in logs for item in _statuses(log) if item.pending]
    return max(tried, key=lambda item: len(item.pending), default=None)


def _statuses(text: str) -> Iterable[Status]:
    for chunk in (*text.splitlines(), text):
        start = chunk.find("{")
        try:
            value = json.loads(chunk[start:]) if start >= 0 else None
        except ValueError:
            continue
        if isinstance(value, dict) and "pending" in value:
            yield Status(
                str(value.get("current") or ""),
                str(value.get("head") or ""),
                _names(value["pending"]),
                _names(value.get("irreversible")),
                bool(value.get("ahead")),
            )


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list) else ()


def again(job: Body, stamp: str) -> dict[str, Any]:
    """The Job anew, under a name of its own and out of Helm's hands.

    Args:
        job: As a manifest has it.
        stamp: What makes its name another one.
    """
    meta = job.get("metadata") or {}
    kept = {name: value for name, value in labels(job).items() if name not in _HELMS}
    base = name_of(job)[: _LONGEST_NAME - len(stamp) - 1].rstrip("-.")
    made: dict[str, Any] = {"name": f"{base}-{stamp}", "labels": kept}
    if meta.get("namespace"):
        made["namespace"] = meta["namespace"]
    return {
        "apiVersion": job.get("apiVersion", "batch/v1"),
        "kind": "Job",
        "metadata": made,
        "spec": job.get("spec"),
    }


def to_remove(rendered: Objects, look: Iterable[Any]) -> str:
    """The failed Job that a new one of the same name would be taken for; empty if there is none.

    Args:
        rendered: What is about to be installed.
        look: The Jobs that there are (:class:`hostwright.cluster.pods.Job`).
    """
    wanted = objects.migrate_job(rendered)
    name = name_of(wanted) if wanted else ""
    return next((job.name for job in look if job.name == name and job.state == "failed"), "")


# --- what is remembered --------------------------------------------------------------------------


def memory_name(where: Where) -> str:
    """The ConfigMap that remembers what the release's migrations did."""
    return f"{where.release}-migrations"


def remembered(config_map: Body | None) -> dict[int, Status]:
    """What each revision's migration did, as far as it is known."""
    data: Mapping[str, str] = (config_map or {}).get("data") or {}
    found = {number: status(text) for number, text in data.items() if number.isdecimal()}
    return {int(number): item for number, item in found.items() if item}


def with_memory(
    config_map: Body | None, where: Where, revision: int, did: Status
) -> dict[str, Any]:
    """The ConfigMap that remembers one more."""
    data: Mapping[str, str] = (config_map or {}).get("data") or {}
    version = ((config_map or {}).get("metadata") or {}).get("resourceVersion")
    made: dict[str, Any] = {
        "name": memory_name(where),
        "namespace": where.namespace,
        "labels": {RELEASE_LABEL: where.release},
    }
    if version:  # a change in between is refused, not lost
        made["resourceVersion"] = version
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": made,
        "data": {**data, str(revision): json.dumps(did._asdict())},
    }


def irreversible(known: Mapping[int, Status], revisions: Iterable[int]) -> list[str]:
    """The migrations of these revisions after which no older image can run."""
    return [name for number in revisions if number in known for name in known[number].irreversible]
