"""An empty host becomes the one that was lost: its release, and its data, out of one backup.

The release goes the way of every other one: its files are checked as those of an upload are, and
it is deployed by the same phases. Its data comes in BACKED_UP, when the base runs and no role does.
"""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from .. import bundle, carry, operate, plain
from ..compose import STATUS_SERVICE
from ..fault import Code, RunnerError, unfit
from ..layout import RELEASE_ID
from . import restore, swap
from .steps import step

if TYPE_CHECKING:
    from ..manifest import Manifest
    from ..operation import Host, Operation
    from .settings import Settings


def look(
    host: Host, settings: Settings, backup: str | None, repository: str | None
) -> dict[str, Any]:
    """Bring the release of a backup here, and say which images it needs.

    Raises:
        RunnerError: There is no such backup, or this host serves already.
    """
    _refuse_serving(host)
    try:
        fetched = restore.fetch(host, settings, backup, repository)
        release = unpack(host, fetched)
    except plain.FAULTS as error:
        raise restore.failed(host, error) from error
    restore.close(host)
    return {
        "release": release.id,
        "backup": fetched.record["id"],
        "data_time": fetched.record["time"],
        "images": {
            role: {"ref": image.ref, "id": image.id} for role, image in release.images.items()
        },
    }


def recover(
    host: Host, settings: Settings, actor: str, backup: str, repository: str | None
) -> dict[str, Any]:
    """Deploy the release of a backup with the data of that backup.

    Raises:
        RunnerError: It does not serve; nothing does, and the next try begins anew.
    """
    _refuse_serving(host)
    try:
        fetched = restore.fetch(host, settings, backup, repository)
        release = unpack(host, fetched)
        operation = operate.begin(host, actor, "deploy", release.id)
        if operation is None:
            raise AssertionError
        operation.bring = lambda: bring(operation, fetched, settings)
        carry.carry(operation)
    except plain.FAULTS as error:
        raise restore.failed(host, error) from error
    return {
        "release": release.id,
        "backup": fetched.record["id"],
        "data_time": fetched.record["time"],
    }


def bring(op: Operation, fetched: restore.Fetched, settings: Settings) -> str:
    """Put the data of a backup into the base, which runs and serves nobody.

    Raises:
        RunnerError: It could not be done, or is not what was backed up.
    """
    host = op.host
    if op.asking is not None:  # it asked the empty database: MIGRATED asks the restored one
        op.asking.abandon()
        op.asking = None
        op.engine.stop(op.name(STATUS_SERVICE), 0)
    plan = restore.load(host, fetched, settings)
    restore.bring(host, plan, goal=op.goal.id, untouched=op.goal.id)
    with step(host, "KEPT"):
        swap.forget_older(host, plan, all_of_it=True)
    restore.close(host)
    return f"the data of {fetched.record['id']}"


def _refuse_serving(host: Host) -> None:
    if host.serving is not None:
        raise unfit(
            f"this host serves {host.serving}: it is not an empty one",
            where="host",
            remedy="`invoke vps.restore` brings a backup's data to a host that serves.",
        )


def unpack(host: Host, fetched: restore.Fetched) -> Manifest:
    """Put the release of a backup among the releases, as if it had been uploaded.

    Raises:
        RunnerError: It is not in the backup, or is not what its manifest says.
    """
    release = str(fetched.record.get("release"))
    stored = fetched.stage.parents[1] / "releases" / release
    if not RELEASE_ID.fullmatch(release) or not (stored / "manifest.json").is_file():
        raise RunnerError(
            Code.RESTORE, "the backup holds no release that served", where=release[:60]
        )
    try:
        listed = json.loads((stored / "manifest.json").read_bytes())["files"]
        names = ["manifest.json", *(str(name) for name in listed)]
    except (ValueError, KeyError, TypeError) as error:
        raise RunnerError(Code.RESTORE, "its manifest is damaged", where=release) from error
    with step(host, "UNPACKED") as words:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            for name in names:
                path = fetched.inside(stored / name)
                entry = tarfile.TarInfo(name)
                entry.size = path.stat().st_size
                with path.open("rb") as file:
                    archive.addfile(entry, file)
        words.append(release)
        return bundle.unpack(host.layout, content.getvalue())
