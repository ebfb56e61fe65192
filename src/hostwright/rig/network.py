"""Networks of a rig: 10.99.N.0/24 cut into a /30 for each server, and one address for services.

Services (ACME, registry, object store) live on a bridge without ports: its address is there
whatever happens to a server's own link. The way out is a MASQUERADE rule in chains of our own, so
that nothing of the machine's firewall is changed that could not be put back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.rig.ledger import switch_forwarding_on
from hostwright.rig.resources import Chain, Link, Namespace
from hostwright.run import run

if TYPE_CHECKING:
    from hostwright.rig.ledger import Ledger

Commands = list[list[str]]
#: Docker's bridge has 1500 as well; with 1400 on one side TLS hung on its first large record.
MTU = "1500"


@dataclass(frozen=True)
class Subnet:
    """10.99.N.0/24: server *k* has a /30 with the host's end, services have .254."""

    number: int

    @property
    def cidr(self) -> str:
        """The whole network."""
        return f"10.99.{self.number}.0/24"

    @property
    def service(self) -> str:
        """The address of the rig's services; outlives every server's link."""
        return f"10.99.{self.number}.254"

    @property
    def bridge(self) -> str:
        """The bridge that holds the service address."""
        return f"hwr{self.number}"

    @property
    def chain(self) -> str:
        """The name of the rig's chain in each iptables table."""
        return f"HWRIG-{self.number}"

    def gateway(self, index: int) -> str:
        """The host's end of server *index* (0 to 62)."""
        return f"10.99.{self.number}.{4 * index + 1}"

    def address(self, index: int) -> str:
        """The address of server *index*."""
        return f"10.99.{self.number}.{4 * index + 2}"

    def link(self, index: int) -> str:
        """The host's end of the veth of server *index*; interface names have 15 characters."""
        return f"hwr{self.number}s{index}"


def bridge_commands(subnet: Subnet) -> Commands:
    """Make the bridge for services."""
    return [
        ["ip", "link", "add", subnet.bridge, "mtu", MTU, "type", "bridge"],
        ["ip", "address", "add", f"{subnet.service}/32", "dev", subnet.bridge],
        ["ip", "link", "set", subnet.bridge, "up"],
    ]


def link_commands(subnet: Subnet, index: int, namespace: str) -> Commands:
    """Make a server's namespace and the veth into it."""
    host, inside = subnet.link(index), ["ip", "-n", namespace]
    veth = ["type", "veth", "peer", "name", "eth0", "mtu", MTU, "netns", namespace]
    return [
        ["ip", "netns", "add", namespace],
        ["ip", "link", "add", host, "mtu", MTU, *veth],
        ["ip", "address", "add", f"{subnet.gateway(index)}/30", "dev", host],
        ["ip", "link", "set", host, "up"],
        [*inside, "link", "set", "lo", "up"],
        [*inside, "address", "add", f"{subnet.address(index)}/30", "dev", "eth0"],
        [*inside, "link", "set", "eth0", "up"],
        [*inside, "route", "add", "default", "via", subnet.gateway(index)],
    ]


def tap_commands(subnet: Subnet, index: int) -> Commands:
    """Make the host's end of a virtual machine's link; the other end is in qemu."""
    host = subnet.link(index)
    return [
        ["ip", "tuntap", "add", "dev", host, "mode", "tap"],
        ["ip", "address", "add", f"{subnet.gateway(index)}/30", "dev", host],
        ["ip", "link", "set", host, "mtu", MTU, "up"],
    ]


def chains(subnet: Subnet) -> list[Chain]:
    """The chains a rig hooks into the machine's firewall."""
    return [
        Chain("nat", subnet.chain, ("POSTROUTING",)),
        Chain("filter", subnet.chain, ("FORWARD", "INPUT")),
        Chain("mangle", subnet.chain, ("FORWARD",)),
    ]


def chain_commands(subnet: Subnet) -> Commands:
    """Make, fill and hook the chains: in front, because a Docker host drops what it forwards."""
    made: Commands = []
    for chain in chains(subnet):
        base = ["iptables", "-w", "-t", chain.table]
        made.append([*base, "-N", chain.name])
        made += [[*base, "-A", chain.name, *rule] for rule in _rules(subnet)[chain.table]]
        made += [[*base, "-I", hook, "-j", chain.name] for hook in chain.hooks]
    return made


def _rules(subnet: Subnet) -> dict[str, Commands]:
    ours, ends = subnet.cidr, (["-s", subnet.cidr], ["-d", subnet.cidr])
    clamp = ["-p", "tcp", "--tcp-flags", "SYN,RST", "SYN", "-j", "TCPMSS", "--clamp-mss-to-pmtu"]
    return {
        "nat": [["-s", ours, "!", "-d", "10.99.0.0/16", "-j", "MASQUERADE"]],
        "filter": [[*end, "-j", "ACCEPT"] for end in ends],
        "mangle": [[*end, *clamp] for end in ends],
    }


def lay(ledger: Ledger) -> Subnet:
    """Bridge, chains and forwarding for a rig."""
    subnet = Subnet(ledger.number)
    ledger.add(Link(subnet.bridge))
    _apply(bridge_commands(subnet))
    for chain in chains(subnet):
        ledger.add(chain)
    _apply(chain_commands(subnet))
    switch_forwarding_on()
    return subnet


def connect(ledger: Ledger, index: int, namespace: str) -> None:
    """A namespace for server *index* with a link to the host."""
    subnet = Subnet(ledger.number)
    ledger.add(Link(subnet.link(index)))
    ledger.add(Namespace(namespace))
    _apply(link_commands(subnet, index, namespace))


def tap(ledger: Ledger, index: int) -> None:
    """A link to the host for virtual machine *index*."""
    subnet = Subnet(ledger.number)
    ledger.add(Link(subnet.link(index)))
    _apply(tap_commands(subnet, index))


def _apply(commands: Commands) -> None:
    for argv in commands:
        run(argv)
