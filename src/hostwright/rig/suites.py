"""Which of the supported systems a server of the rig can be, and which it cannot."""

from __future__ import annotations

from hostwright.host.steps.distribution import SUPPORTED

#: Debian suite to the system it is, as provisioning knows it.
SUITES = {"trixie": ("debian", "13"), "bookworm": ("debian", "12")}


def not_run() -> str:
    """One line on the supported systems that no server of the rig ever runs, and why."""
    left = [name for system, name in SUPPORTED.items() if system not in SUITES.values()]
    return f"not run: {', '.join(left)} (the rig makes its servers from Debian's archive)"
