"""What a host is told about its backups: one document, settings and secrets together.

One file and one rename on the host: it never has the settings of one day and the key of another.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright.backup import key
from hostwright.errors import SettingsError, ValuesError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.backup.settings import Backup, PointInTime, Repository
    from hostwright.contract.models import Contract

#: Where a bucket's credentials stand among the operator's values; no role ever gets them.
ACCESS_KEY = "BACKUP_S3_ACCESS_KEY_ID"
SECRET_KEY = "BACKUP_S3_SECRET_ACCESS_KEY"  # noqa: S105 - a name
CREDENTIALS = (ACCESS_KEY, SECRET_KEY)

_HOUR = 3600


def document(backup: Backup, contract: Contract, credentials: Mapping[str, str]) -> bytes:
    """The document as it travels; equal settings give equal bytes.

    Args:
        backup: The operator's settings.
        contract: Says what a restored database must hold at least.
        credentials: The values named by :data:`CREDENTIALS`, as far as they were given.

    Raises:
        SettingsError: A key file is missing or open to others.
        ValuesError: A bucket is named and its credentials are not.
    """
    made = {
        "version": 1,
        "key": key.read(Path(backup.key_file).expanduser()),
        "repositories": [
            _repository(name, one, credentials) for name, one in sorted(backup.repositories.items())
        ],
        "keep": backup.keep.model_dump(),
        "max_age_seconds": backup.max_age_hours * _HOUR,
        "timeout_seconds": backup.timeout_minutes * 60,
        "drill": {
            "max_age_seconds": backup.drill.max_age_hours * _HOUR,
            "stale": backup.drill.stale,
        },
        "alerts": {
            "command": list(backup.alerts.command),
            "webhook": backup.alerts.webhook,
            "disk_percent": backup.alerts.disk_percent,
            "certificate_days": backup.alerts.certificate_days,
        },
        "row_floors": dict(sorted(contract.drill.row_floors.items())),
        "point_in_time": _point_in_time(backup.point_in_time),
    }
    return json.dumps(made, indent=1, sort_keys=True).encode() + b"\n"


def _point_in_time(wanted: PointInTime) -> dict[str, int] | None:
    if not wanted.enabled:
        return None
    return {
        "keep_seconds": wanted.keep_days * 24 * _HOUR,
        "max_age_seconds": wanted.max_age_seconds,
        "unsent_bytes": wanted.unsent_mib << 20,
    }


def digest(content: bytes) -> str:
    """What ``hello`` says of the document that a host has; the key in it cannot be guessed."""
    return hashlib.sha256(content).hexdigest()


def _repository(name: str, one: Repository, credentials: Mapping[str, str]) -> dict[str, Any]:
    if one.s3 is not None:
        return {"name": name, "kind": "s3", **one.s3.model_dump(), **_s3(name, credentials)}
    if one.sftp is not None:
        told = one.sftp.model_dump(exclude={"identity_file"})
        return {
            "name": name,
            "kind": "sftp",
            **told,
            "private_key": _private(one.sftp.identity_file),
        }
    return {"name": name, "kind": "local", "path": one.path}


def _s3(name: str, credentials: Mapping[str, str]) -> dict[str, str]:
    missing = [one for one in CREDENTIALS if not credentials.get(one, "").strip()]
    if missing:
        raise ValuesError(
            f"no value for {' and '.join(missing)}",
            where=f"backup.repositories.{name}",
            remedy="Give it where the host's other values come from.",
        )
    return {"access_key": credentials[ACCESS_KEY], "secret_key": credentials[SECRET_KEY]}


def _private(file: str) -> str:
    path = Path(file).expanduser()
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not ASCII"
        raise SettingsError(f"cannot be read: {reason}", where=str(path)) from error
    if "PRIVATE KEY" not in text:
        raise SettingsError(
            "is no private key", where=str(path), remedy="Name the file without .pub."
        )
    return text
