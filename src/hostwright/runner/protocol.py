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
     "hold": null | {"owner", "reason", "since"}, "maintenance": null | {"on", "allowed", …},
     "contract_sha256": …, "base_sha256": …, "caddy_sha256": …, "base_applied": …,
     "backup": null | {"sha256", "backup": null | {"id", "time"}, "drill": null | {"id", "time"}}}

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
                                                         (``"passwords": true``: it may bring other
                                                         passwords of the base)
``{"do": "rollback", "to": "<id>" | null, "actor": …}``  null is the previous good release
``{"do": "resume", "actor": …}``                         only settle what a dead owner left
``{"do": "backup-settings", "bytes": N, "actor": …}``    a document of :mod:`.backup.settings`;
                                                         answered by ``backup-settings``
``{"do": "backup", "actor": …}``                         make a backup; ``accepted``, then events
``{"do": "restore", "backup": "<id>" | null,             null is the newest; *beside* leaves what
"repository": "<name>" | null, "beside": true | false,   serves alone; *to* restores Postgres alone,
"to": null | "latest" | "2026-11-23T03:00:00.000000Z"}`` to a moment; ``accepted``, then events
``{"do": "drill", "repository": "<name>" | null}``       prove that the newest one restores
``{"do": "recover", "look": true | false, "backup": …,   an empty host; *look* unpacks the release
"repository": …}``                                       and tells its images in ``recover``
``{"do": "way-back", "to": "<id>" | null}``              what ``"with_data": true`` of a rollback
                                                         would restore: ``way-back``; no lock
``{"do": "backups"}``                                    answered by ``backups``; needs no lock
``{"do": "planned"}``                                    what a plan is made from: ``planned``
``{"do": "pending", "bytes": N, "actor": …}``            ``{image, status, env, networks}``: what
                                                         that image would migrate
``{"do": "drift"}``                                      answered by ``drift``; needs no lock
``{"do": "prune", "look": true | false,                  *look* only tells what would go; *keep*
"keep": 5 | null, "actor": …}``                          null is what the serving release says
``{"do": "destroy", "app": …,                            remove the application; *app* repeats its
"keep_backups": true | false, "actor": …}``              name; ``accepted``, then events
``{"do": "lock", "verb": "take" | "release" | null,      a person's lock; *force* gives back
"reason": …, "force": true | false, "actor": …}``        somebody else's; answered by ``hold``
``{"do": "maintenance", "on": true | false | null,       answered by ``maintenance``; null only
"reason": …, "allow": ["192.0.2.0/24"], "actor": …}``    shows; *allow* passes
``{"do": "logs", "roles": […], "lines": 100,             ``log`` events, then ``logs``; 0 lines are
"since": <epoch> | 0, "follow": true | false}``          all; *follow* ends with the connection
``{"do": "exec", "role": …, "argv": […],                 ``exec``, then bytes: see below
"terminal": true | false, "rows", "columns", "actor"}``
``{"do": "audit", "lines": 0}``                          answered by ``audit``; 0 lines are all
``{"do": "status"}``                                     answered by ``status``; needs no lock
``{"do": "follow", "release": "<id>" | null,             the events of the running operation, or of
"from": n}``                                             the last one, after the *n*-th
=======================================================  ===========================================

All of these but backups, planned, drift, way-back, status and follow take the host's lock, or are
refused with code 16. The lock is handed to the detached process that does the work, so there is no
gap; the session only follows that process's events, and losing it changes nothing.

Any request whose work may pull images can bring logins: ``"registries": {"ghcr.io": {"username":
…, "password": …}}``. They are in the memory of the processes that do the work, and nowhere else:
what a dead owner left is settled without them, and whoever runs its command again brings them.

Nor do lock, maintenance, logs, exec, audit and a prune that only looks. While a person holds the
host (``lock``) images, deploy, rollback, restore, recover, prune and destroy are refused with code
16; where a destroy was begun and has not ended, everything but destroy is, with code 15.

After the event ``exec`` the runner's standard output and error are the command's, and its exit
code is the command's. The laptop sends ``{"do": "input", "bytes": N}`` with N bytes (none: the
input has ended) and ``{"do": "size", "rows": …, "columns": …}``; where it just hangs up, the
command is ended, too.

Events
------
Events of an operation carry ``n``, counted from 1, and ``t``, seconds since it began::

    {"event": "accepted", "release": "<id>" | null, "pid": …}
    {"event": "images", "images": {<ref>: <id>}}
    {"event": "backup-settings", "sha256": …}
    {"event": "backups", "backups": […], "drills": […], "unreadable": 0, "configured": true,
     "point_in_time": null | {"since", "until", "repositories", "unsent", "error"}}
    {"event": "way-back", "release", "backup", "repositories", "time", "migrations": […]}
    {"event": "recover", "release", "backup", "data_time", "images": {<role>: {"ref", "id"}}}
    {"event": "backup" | "restored" | "drill", …}          what was done, just before ``done``
    {"event": "planned", "serving", "salt", "env": {<role>: {<name>: <salted hash>}}, "compose",
     "base": {"compose", "files", "secrets", "up"}, "caddy": {"sha256", "files"}, "backup"}
    {"event": "pending", "known": true, "current", "head", "pending", "irreversible", "ahead"}
    {"event": "pending", "known": false, "why", "log"}
    {"event": "drift", "serving", "time", "findings": [{"area", "where", "what", "remedy"}],
     "contract_sha256", "env": {<role>: [<name>]}, "certificates": [{"name", "not_after"}]}
    {"event": "prune", "releases": [<id>], "images": [<ref>], "leftovers": [<path>],
     "image_bytes": N | "freed": N}                        what would go, or what went
    {"event": "destroyed", "containers": […], "networks": […], "volumes": […], "images": […], …}
    {"event": "hold", "hold": null | {"owner", "reason", "since"}, "busy": null | {…}}
    {"event": "maintenance", "maintenance": null | {"on", "actor", "reason", "since", "allowed"},
     "known": whether the Caddyfile that serves knows maintenance}
    {"event": "log", "time": "…Z", "role": …, "error": true | false, "text": …}
    {"event": "logs", "lines": N}
    {"event": "exec", "role": …, "container": …}
    {"event": "audit", "entries": [{"time", "actor", "user", "op", …}], "unreadable": 0}
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

from . import registries
from .fault import refused
from .layout import RELEASE_ID
from .manifest import PROTOCOL

MUTATING = (
    *("images", "deploy", "rollback", "resume"),
    *("backup-settings", "backup", "restore", "drill", "recover"),
    *("prune", "destroy"),
)
_LOOKING = ("lock", "maintenance", "logs", "exec", "audit")
_ASKING = ("backups", "planned", "pending", "drift", "way-back", "status", "follow")
REQUESTS = (*MUTATING, *_LOOKING, *_ASKING)
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
    if "registries" in request:
        request["registries"] = registries.read(request["registries"])
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


def repository(request: dict[str, Any]) -> str | None:
    """A repository that a request names, or None.

    Raises:
        RunnerError: It is no name.
    """
    value = request.get("repository")
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > _ACTOR_SHOWN:
        raise refused("this is no name of a repository", where="repository")
    return value


__all__ = ["MUTATING", "PROTOCOL", "REQUESTS", "actor", "parse", "release", "repository"]
