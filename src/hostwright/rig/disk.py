"""A small disk in a server: a file system of its own, in a file of this machine.

A server's disk is a directory of this machine, so nothing on it is ever full. What is put on a
small disk meets the real thing: ext4, with the share that only root may use, in a loop device.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.rig.server import Server

PLACE = "/srv/small"
#: The file that takes the room away.
BALLAST = f"{PLACE}/ballast"
#: A shell line that takes the last block, root's own share included. Steps become smaller, since
#: fallocate gives all of a step or nothing.
FILL = (
    f"at=$(stat -c %s {BALLAST} 2>/dev/null || echo 0); "
    "for step in 268435456 16777216 1048576 65536 4096; do "
    f"while fallocate -o $at -l $step {BALLAST} 2>/dev/null; do at=$((at+step)); done; done"
)


def attach(server: Server, mib: int, paths: Sequence[str]) -> None:
    """Put directories of a running server on one file system, until it is switched off.

    The server's mount is the last user of the loop device, which goes with it.
    """
    image = server.home / "small.img"
    run(["truncate", f"--size={mib}M", image])
    run(["mkfs.ext4", "-q", image])
    device = run(["losetup", "--find", "--show", image]).stdout.strip()
    try:
        number = re.sub(r"\D", "", device)
        server.exec(["mknod", "/dev/small", "b", "7", number])
        server.exec(["mkdir", "-p", PLACE])
        server.exec(["mount", "/dev/small", PLACE])
    finally:
        run(["losetup", "--detach", device])
    for path in paths:
        below = f"{PLACE}/{path.rpartition('/')[2]}"
        server.exec(["mkdir", "-p", below, path])
        server.exec(["mount", "--bind", below, path])


def free(server: Server) -> int:
    """Bytes that a program without privileges could still write."""
    blocks, size = server.exec(["stat", "-f", "-c", "%a %S", PLACE]).stdout.split()
    return int(blocks) * int(size)


def leave(server: Server, mib: int) -> None:
    """Fill the disk until that much is free."""
    make_room(server)
    taken = free(server) - mib * 1024**2
    server.exec(["fallocate", "-l", str(taken), BALLAST])


def make_room(server: Server) -> None:
    """Give all of it back."""
    server.exec(["rm", "-f", BALLAST])
