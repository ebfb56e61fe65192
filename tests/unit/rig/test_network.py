from __future__ import annotations

import pytest

from hostwright.rig.network import (
    Subnet,
    bridge_commands,
    chain_commands,
    chains,
    link_commands,
    tap_commands,
)

SUBNET = Subnet(7)


def lines(commands: list[list[str]]) -> list[str]:
    return [" ".join(argv) for argv in commands]


@pytest.mark.parametrize(
    ("index", "gateway", "address", "link"),
    [
        (0, "10.99.7.1", "10.99.7.2", "hwr7s0"),
        (1, "10.99.7.5", "10.99.7.6", "hwr7s1"),
        (62, "10.99.7.249", "10.99.7.250", "hwr7s62"),
    ],
)
def test_each_server_has_a_network_of_its_own(
    index: int, gateway: str, address: str, link: str
) -> None:
    assert (SUBNET.gateway(index), SUBNET.address(index), SUBNET.link(index)) == (
        gateway,
        address,
        link,
    )


def test_the_longest_interface_name_fits_the_kernel() -> None:
    assert len(Subnet(254).link(62)) <= 15


def test_services_have_an_address_on_a_bridge_without_ports() -> None:
    assert lines(bridge_commands(SUBNET)) == [
        "ip link add hwr7 mtu 1500 type bridge",
        "ip address add 10.99.7.254/32 dev hwr7",
        "ip link set hwr7 up",
    ]


def test_a_server_is_linked_to_the_host_which_is_its_way_out() -> None:
    assert lines(link_commands(SUBNET, 1, "ns")) == [
        "ip netns add ns",
        "ip link add hwr7s1 mtu 1500 type veth peer name eth0 mtu 1500 netns ns",
        "ip address add 10.99.7.5/30 dev hwr7s1",
        "ip link set hwr7s1 up",
        "ip -n ns link set lo up",
        "ip -n ns address add 10.99.7.6/30 dev eth0",
        "ip -n ns link set eth0 up",
        "ip -n ns route add default via 10.99.7.5",
    ]


def test_a_virtual_machine_has_the_hosts_end_of_the_same_link() -> None:
    assert lines(tap_commands(SUBNET, 1)) == [
        "ip tuntap add dev hwr7s1 mode tap",
        "ip address add 10.99.7.5/30 dev hwr7s1",
        "ip link set hwr7s1 mtu 1500 up",
    ]


def test_only_what_leaves_for_elsewhere_is_masqueraded() -> None:
    rule = "iptables -w -t nat -A HWRIG-7 -s 10.99.7.0/24 ! -d 10.99.0.0/16 -j MASQUERADE"
    assert rule in lines(chain_commands(SUBNET))


def test_every_rule_is_in_a_chain_of_our_own_and_every_hook_is_known_to_the_chain() -> None:
    made = lines(chain_commands(SUBNET))
    hooks = [
        f"iptables -w -t {c.table} -I {h} -j {c.name}" for c in chains(SUBNET) for h in c.hooks
    ]
    others = [line for line in made if " HWRIG-7 " not in f"{line} " or " -I " in line]
    assert others == hooks
