"""What of a host's settings becomes what it should be like."""

from __future__ import annotations

from tests.host.builders import KEY
from tests.unit.release.plans import host

from hostwright.host.desired import Desired
from hostwright.host.steps import firewall
from hostwright.provisioning import desire


def test_ports_of_ones_own_are_opened_beside_caddy_s() -> None:
    wanted = desire(host(tcp_ports=(8443, 80), udp_ports=(51820,), revert_seconds=90), KEY)

    assert wanted.tcp_ports == (80, 443, 8443)
    assert wanted.udp_ports == (443, 51820)
    assert wanted.revert_seconds == 90
    assert firewall._set(wanted.udp_ports) == "443, 51820"  # noqa: SLF001 - as the rules have it


def test_without_any_it_is_as_by_default() -> None:
    wanted = desire(host(), KEY)

    assert wanted.tcp_ports == Desired.tcp_ports
    assert wanted.udp_ports == Desired.udp_ports
    assert wanted.revert_seconds == Desired.revert_seconds
    assert wanted.deploy_keys == wanted.admin_keys == (KEY,)
