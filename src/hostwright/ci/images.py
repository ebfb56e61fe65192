"""Which images a workflow deploys: by digest, and only those that a run of ours has built.

An artifact can be of any run, also of one that a stranger's pull request started. So the run is
judged by what GitHub says of it before its list is believed. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hostwright.contract.models import RoleName

BUILDER = ".github/workflows/build-images.yml"
#: What may start a run whose images are deployed: a tag, or a person.
EVENTS = ("push", "workflow_dispatch")
_PINNED = re.compile(r"([a-z]+)=([a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64})")


def named(words: Iterable[str], roles: Sequence[RoleName]) -> list[str]:
    """*words* as they were given, each ``ROLE=NAME@sha256:…`` and each role once.

    Raises:
        UserError: There is none, or one is something else.
    """
    found: dict[str, str] = {}
    for word in words:
        match = _PINNED.fullmatch(word)
        if match is None:
            raise UserError(
                "is not ROLE=NAME@sha256:…",
                where=word[:120],
                remedy="A tag can be moved; the summary of build-images shows the digests.",
            )
        role = match[1]
        if role not in roles:
            raise UserError("there is no such role", where=word, remedy=f"Roles: {_and(roles)}.")
        if role in found:
            raise UserError(f"{role} has two images", where=word)
        found[role] = word
    if not found:
        raise UserError("no image was named", remedy="Give a run of build-images, or images.")
    return list(found.values())


def refuse_run(run: Mapping[str, Any], repository: str) -> None:
    """See that *run* (GitHub's answer of it) is a good run of build-images in *repository*.

    Raises:
        UserError: It is another one.
    """
    source = (run.get("head_repository") or {}).get("full_name")
    path = str(run.get("path", "")).partition("@")[0]
    faults = [
        f"it is a run of {path or 'nothing'}" if path != BUILDER else "",
        f"it was started by {run.get('event')}" if run.get("event") not in EVENTS else "",
        f"its code is of {source}" if source != repository else "",
        f"it ended with {run.get('conclusion')}" if run.get("conclusion") != "success" else "",
    ]
    told = "; ".join(fault for fault in faults if fault)
    if told:
        raise UserError(
            f"its images are not deployed: {told}",
            where=f"run {run.get('id')}",
            remedy="Name a run of build-images that succeeded, from a tag or by hand.",
        )


def _and(names: Sequence[str]) -> str:
    return ", ".join(names)
