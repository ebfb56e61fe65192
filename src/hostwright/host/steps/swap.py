"""A swap file, so that a short peak of memory does not kill Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import static
from hostwright.host.change import Change, File, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

FILE = "/swapfile"
UNIT = File("/etc/systemd/system/swapfile.swap", static.text("swapfile.swap"))

#: Elsewhere a swap file needs care (btrfs) or does not work (zfs, overlay).
FILESYSTEMS = frozenset(("ext4", "xfs"))

#: Some swap is a little less than was asked for: its header, a provider's own rounding.
ENOUGH = 0.9


def watch(_desired: Desired) -> Watch:
    """How much swap there is comes with memory, which is always read."""
    return Watch()


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Make one unless there is enough swap of any kind, or the host cannot have a file."""
    enough = facts.swap_kib >= desired.swap_mib * 1024 * ENOUGH
    if enough or facts.container or facts.filesystem not in FILESYSTEMS:
        return []
    return [
        Change(
            "Make a swap file",
            f"{facts.swap_kib // 1024} MiB of swap, not {desired.swap_mib}",
            files=(UNIT,),
            commands=(
                f"swapoff {FILE} 2>/dev/null || true",
                f"rm -f {FILE}",
                f"install -m 0600 /dev/null {FILE}",
                f"dd if=/dev/zero of={FILE} bs=1M count={desired.swap_mib} status=none",
                f"mkswap -q {FILE}",
                "systemctl -q enable --now swapfile.swap",
            ),
        )
    ]
