"""An S3 object store that refuses a wrong key: ``rclone serve s3`` over a directory."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright.rig import processes
from hostwright.rig.requirements import which
from hostwright.rig.resources import Directory

if TYPE_CHECKING:
    from hostwright.rig.ledger import Ledger

PORT = 9000


@dataclass(frozen=True)
class S3:
    """A running object store.

    Attributes:
        endpoint: Its URL, reachable from servers.
        bucket: A bucket that is there.
        key: Access key id.
        secret: Secret access key.
        place: The directory that holds the buckets.
    """

    endpoint: str
    bucket: str
    key: str
    secret: str = field(repr=False)
    place: Path


def start(ledger: Ledger, address: str, *, bucket: str = "rig") -> S3:
    """Start a store with one empty bucket.

    Raises:
        ToolError: It did not start.
    """
    home = ledger.home / "s3"
    ledger.add(Directory(str(home)))
    (home / "data" / bucket).mkdir(mode=0o700, parents=True)
    store = S3(
        endpoint=f"http://{address}:{PORT}",
        bucket=bucket,
        key=secrets.token_hex(10),
        secret=secrets.token_hex(20),
        place=home / "data",
    )
    process = processes.start(
        [rclone(), "serve", "s3", "--addr", f"{address}:{PORT}", store.place],
        log=home / "rclone.log",
        env={"RCLONE_AUTH_KEY": f'"{store.key},{store.secret}"', "RCLONE_CONFIG": "/dev/null"},
    )
    ledger.add(process)
    processes.await_port(process, address, PORT, log=home / "rclone.log")
    return store


def rclone() -> str:
    """The binary of the Python package, else the one on PATH."""
    beside = Path(sys.prefix, "bin", "rclone")
    return str(beside) if beside.exists() else which("rclone")
