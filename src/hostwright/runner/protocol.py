r"""What laptop and runner say to each other: the authoritative text.

One SSH channel per command runs ``sudo -n hostwright-runner session --app <app>``. The runner
prints **events**, one JSON object per line; the laptop writes **requests**, one JSON object per
line, each followed by exactly ``bytes`` raw bytes where it has any. Requests may be sent without
waiting for answers: images and deploy in one go take one round trip. After a request was refused,
the later ones that would change something are refused as well, and their bytes are dropped.

The greeting
------------
``hello`` comes first, unasked::

    {"event": "hello", "runner": "<hash of its sources>", "protocol": "1", "python": "3.13.5",
     "app": …, "boot_id": …, "time": <epoch>,
     "arch": "amd64", "docker": "26.1.5", "compose": "2.26.1",
     "store": "layers" | "containerd", "disk_free": <bytes>, "memory_available": <bytes>,
     "serving": "<id>" | null, "releases": [<release>, …], "images": {<ref, tag or digest>: <id>},
     "layers": [<chain id>, …], "busy": null | {"pid", "actor", "op", "since", …},
     "pending": null | <the journal of a dead owner> | {"unreadable": true},
     "contract_sha256": …, "base_sha256": …, "caddy_sha256": …, "base_applied": …}

``docker`` and ``compose`` are null where they cannot be used. ``layers`` are chain ids:
``chain[0] = diff[0]``, ``chain[n] = "sha256:" + sha256(chain[n-1] + " " + diff[n])``; an archive
may leave out a layer whose chain id is there, but only where ``store`` is ``layers``. The three
hashes are those of the serving release; ``base_applied`` is that of the base that was applied last,
which a rollback leaves as it is, and null where none was applied to its end. ``asked`` is what the
settings called an image whose ``ref`` is a digest or the tag of an image that was sent. A release
is, newest first::

    {"id": …, "state": "serving" | "warm" | "good" | "failed" | "new" | "damaged", "sequence": 7,
     "withdrawn": false, "migration": null | {"before", "after", "applied", "irreversible"},
     "warm_until": <epoch> | null, "committed": <epoch> | null, "created": "…Z",
     "images": {<role>: {"ref", "id", "asked"}}, "contract_sha256", "base_sha256", "caddy_sha256"}

Requests
--------
=======================================================  ===========================================
``{"do": "images", "bytes": N}``                         a ``docker save`` archive, plain or gzip;
                                                         answered by ``images``
``{"do": "deploy", "bytes": N, "actor": …}``             a release bundle; ``accepted``, then events
``{"do": "rollback", "to": "<id>" | null, "actor": …}``  null is the previous good release
``{"do": "resume", "actor": …}``                         only settle what a dead owner left
``{"do": "status"}``                                     answered by ``status``; needs no lock
``{"do": "follow", "release": "<id>" | null,             the events of the running operation, or of
"from": n}``                                             the last one, after the *n*-th
=======================================================  ===========================================

images, deploy, rollback and resume take the host's lock, or are refused with code 16. The lock is
handed to the detached process that does the work, so there is no gap; the session only follows
that process's events, and losing it changes nothing.

Events
------
Events of an operation carry ``n``, counted from 1, and ``t``, seconds since it began::

    {"event": "accepted", "release": "<id>" | null, "pid": …}
    {"event": "images", "images": {<ref>: <id>}}
    {"event": "status", "serving": …, "releases": […], "containers": […], "busy": …, "pending": …}
    {"event": "begin", "phase": …}
    {"event": "phase", "phase": …, "seconds": 0.12, "text": "a few words"}        text may be absent
    {"event": "note", "text": …}
    {"event": "reconciled", "release": …, "action": "continued" | "reverted" | "left", "text": …}
    {"event": "done", "op": …, "serving": …, "previous": …, "seconds": …, "migration": …}
    {"event": "failed", "phase": … | null, "code": …, "what": …, "where": …, "remedy": …,
     "log": [last lines of the role that failed], "serving": …}

``done`` or ``failed`` is the last. Codes are exit codes of ``hostwright.errors``: 2 bad request or
bundle, 15 the host cannot take it (nothing was touched), 16 busy, 18 the release failed, 19 wrong
version, 70 a fault of the runner.

The bundle
----------
An uncompressed tar of regular files: ``manifest.json``, ``compose.yaml`` and ``base.yaml`` (both
JSON, and without anything that reaches the host, see :mod:`hostwright.runner.confine`),
``env/<role>.env``, ``secrets/<name>``, ``live/<role>``, ``caddy/**``, ``entrypoints/**``,
``base/**``. The manifest (see :class:`hostwright.runner.manifest.Manifest`) lists each with its
sha256 and mode. ``env`` holds per role and variable ``sha256(salt + "\0" + name + "\0" + value)``,
which may be cut to 16 or more digits. ``runner`` is the protocol's version, :data:`PROTOCOL`.

The order of things
-------------------
PREPARED (checks, images, base, containers made), BACKED_UP, MIGRATED, STARTED, HEALTHY, SWITCHED,
DRAINED, COMMITTED, PRUNED. api and web of the new release boot while the migration status is asked
for; they have no traffic, and are stopped again where something is pending.

The worker of a *stop-then-start* release changes hands in DRAINED: the old one gets its stop time
and ends, the new one starts and is gated, so two versions never take jobs. Where the new one does
not get well the link is renamed back and the old worker starts again: the whole release returns.
So the switch waits for nobody's last job, at the price that a broken worker is found when the new
api and web have already answered for a moment. A manifest whose worker says ``"turn":
"before-switch"`` has it the other way round: the worker changes hands in HEALTHY, when api and web
are well, a worker that fails leaves traffic untouched, and the switch waits for the old worker's
stop time. A rollback to a *warm* release always switches first, because its worker has been proven
before. With *overlap* the new worker starts with api and web, is gated with them, and the old one
ends in DRAINED.
"""

from __future__ import annotations

import json
from typing import Any

from .fault import refused
from .layout import RELEASE_ID
from .manifest import PROTOCOL

MUTATING = ("images", "deploy", "rollback", "resume")
REQUESTS = (*MUTATING, "status", "follow")
_ACTOR_SHOWN = 80


def parse(line: bytes) -> dict[str, Any]:
    """Read a request; ``bytes`` is always there in what is returned.

    Raises:
        RunnerError: It is none.
    """
    try:
        request = json.loads(line)
    except ValueError as error:
        raise refused("a request is one line of JSON") from error
    if not isinstance(request, dict) or request.get("do") not in REQUESTS:
        raise refused(f"a request says one of {', '.join(REQUESTS)}", where="do")
    for key in ("bytes", "from"):
        size = request.setdefault(key, 0)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise refused("a whole number is needed here", where=key)
    return request


def actor(request: dict[str, Any]) -> str:
    """Who asks, as they call themselves; printable and short."""
    text = "".join(c for c in str(request.get("actor") or "somebody") if c.isprintable())
    return text[:_ACTOR_SHOWN]


def release(request: dict[str, Any], key: str) -> str | None:
    """A release that a request names, or None.

    Raises:
        RunnerError: What it names is no release id.
    """
    value = request.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not RELEASE_ID.fullmatch(value):
        raise refused("this is no release id", where=key)
    return value


__all__ = ["MUTATING", "PROTOCOL", "REQUESTS", "actor", "parse", "release"]
