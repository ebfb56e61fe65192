"""The firewall: SSH, HTTP, HTTPS and HTTP/3 from outside, nothing else, containers included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift, static
from hostwright.host.change import Change, File, Phase, Watch
from hostwright.host.steps.runner import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

RULES = f"{LIBRARY}/firewall.nft"
LOADER = f"{LIBRARY}/firewall"
SERVICE = "hostwright-firewall.service"
UNIT = f"/etc/systemd/system/{SERVICE}"

#: Other tools for the same purpose; ufw's unit is active even where ufw is off: its file tells.
RIVALS = {"firewalld": "firewalld.service"}


def watch(_desired: Desired) -> Watch:
    """Rules, loader and unit; what the kernel has is always read."""
    return Watch(
        paths=(RULES, LOADER, UNIT), packages=("nftables",), units=(SERVICE, *RIVALS.values())
    )


def packages(_facts: Facts, _desired: Desired) -> tuple[str, ...]:
    """The tool; its own service stays off."""
    return ("nftables",)


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Load the rules now and at every boot, before the network is up."""
    files = drift.differing(facts, _files(facts, desired))
    why = drift.reasons(facts, files) or _not_in_force(facts)
    if not why:
        return []
    return [
        Change(
            "Close the firewall",
            why,
            Phase.LOGIN,
            files=files,
            # To enable is to reload as well.
            commands=(f"systemctl -q enable {SERVICE}", f"systemctl restart {SERVICE}"),
        )
    ]


def _not_in_force(facts: Facts) -> str:
    if facts.firewall != "loaded":
        return f"the rules in the kernel are {facts.firewall}"
    return f"{SERVICE} does not run" if drift.idle(facts, [SERVICE]) else ""


def _files(facts: Facts, desired: Desired) -> tuple[File, ...]:
    rules = static.text(
        "firewall.nft",
        TCP_PORTS=_set({*facts.ssh_ports, *desired.tcp_ports}),
        PUBLISHED_TCP=_set(desired.tcp_ports),
        UDP_PORTS=_set(desired.udp_ports),
    )
    return (
        File(RULES, rules, check="nft -c -f"),
        File(LOADER, static.text("firewall.sh"), 0o755),
        File(UNIT, static.text(SERVICE)),
    )


def _set(ports: Iterable[int]) -> str:
    return ", ".join(str(port) for port in sorted(set(ports)))
