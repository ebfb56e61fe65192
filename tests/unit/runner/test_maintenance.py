from __future__ import annotations

import ipaddress
import random
import re
from typing import TYPE_CHECKING

import pytest
from tests.unit.runner import fake_host as fake

from hostwright import paths
from hostwright.runner import maintenance
from hostwright.runner.fault import Code, RunnerError

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.layout import Layout

RANGES = (
    "0.0.0.0/0", "10.0.0.0/8", "10.64.0.0/11", "192.168.1.0/24", "203.0.113.7", "203.0.113.64/27",
    "::/0", "::/1", "::1", "::/64", "::/96", "2001:db8::/32", "2001:db8::/29", "2001:db8:0:10::/60",
    "2001:db8:0:0:1::/80", "2001:db8:1:2::/64", "2001:db8::1", "2001:0:0:1::/64", "fe80::/10",
    "fc00::/7", "2001:db8:a00::/39", "2001:db8:0:0:8000::/65", "1:0:0:2::/64", "64:ff9b::/96",
    "2001:db8:0:ff00::/56", "2001:db8:0:f0::/61", "2001:db8:0:0:0:0:0:0/127", "0:0:1::/48",
)  # fmt: skip


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A host whose Caddy knows maintenance."""
    places = fake.layout(tmp_path)
    (places.caddy / "Caddyfile").write_text("file./live/maintenance\n")
    return places


def matched(layout: Layout) -> re.Pattern[str]:
    return re.compile(maintenance.path(layout).read_text())


def test_off_is_no_file_or_an_empty_one_which_lets_everybody_pass(layout: Layout) -> None:
    assert maintenance.told(layout) is None
    assert maintenance.off(layout) is False

    maintenance.on(layout, "anna", "", [])
    assert maintenance.off(layout) is True

    assert maintenance.told(layout) is None
    assert matched(layout).search("203.0.113.7")


def test_on_lets_nobody_pass(layout: Layout) -> None:
    maintenance.on(layout, "anna@desk", "a new disk\n", [])

    assert not any(matched(layout).search(text) for text in ("203.0.113.7", "::1", "127.0.0.1", ""))
    told = maintenance.told(layout)
    assert told is not None
    assert (told["actor"], told["reason"], told["allowed"]) == ("anna@desk", "a new disk", [])
    assert maintenance.path(layout).stat().st_mode & 0o777 == 0o644


def test_the_file_decides_where_the_words_are_lost(layout: Layout) -> None:
    maintenance.on(layout, "anna", "", ["10.0.0.0/8"])
    layout.maintenance.write_bytes(b"{")

    told = maintenance.told(layout)
    assert told is not None
    assert told["on"] is True


def test_a_caddy_that_does_not_know_it_is_not_said_to_be_in_maintenance(layout: Layout) -> None:
    (layout.caddy / "Caddyfile").write_text(":80\n")

    with pytest.raises(RunnerError) as caught:
        maintenance.on(layout, "anna", "", [])
    assert caught.value.code == Code.PREFLIGHT
    assert maintenance.told(layout) is None


def test_the_blueprint_knows_it() -> None:
    text = (paths.COMPOSE / "caddy" / "Caddyfile").read_text()
    assert maintenance.MARK in text
    sites = sorted((paths.COMPOSE / "caddy" / "apps").rglob("*.caddy"))
    assert sites
    for site in sites:
        assert "import maintenance " in site.read_text()


@pytest.mark.parametrize(
    "allowed", ["10.0.0.0/8", {"10.0.0.0/8": 1}, ["10.0.0.0/33"], ["shop.test"], [""], [None],
                ["10.0.0.0/8"] * 51, 7, ["1.2.3.4|.*"]]
)  # fmt: skip
def test_what_is_no_list_of_ranges_is_refused(layout: Layout, allowed: object) -> None:
    with pytest.raises(RunnerError):
        maintenance.on(layout, "anna", "", allowed)
    assert maintenance.told(layout) is None


@pytest.mark.parametrize("text", RANGES)
def test_an_expression_matches_the_addresses_of_its_range_and_no_other(text: str) -> None:
    network = ipaddress.ip_network(text)
    expression = re.compile(maintenance.expression((network,)))

    for address in around(network):
        assert bool(expression.search(str(address))) == (address in network), address


def test_several_ranges_are_one_expression() -> None:
    expression = re.compile(
        maintenance.expression(maintenance.parse(["10.0.0.1", "2001:db8::/32"]))
    )

    passed = [text for text in ("10.0.0.1", "10.0.0.10", "110.0.0.1", "2001:db8::9", "2001:db9::9")
              if expression.search(text)]  # fmt: skip
    assert passed == ["10.0.0.1", "2001:db8::9"]


def around(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Addresses in the range, at its ends, just beside it and anywhere; many with groups of 0."""
    draw = random.Random(str(network))  # noqa: S311 - a table, drawn
    bits, first, last = network.max_prefixlen, *map(int, (network[0], network[-1]))
    numbers = {first, last, first - 1, last + 1, first + 1, last - 1, 0, 2**bits - 1}
    for _ in range(400):
        inside = first + draw.getrandbits(bits) % (last - first + 1)
        zeros = 0
        for group in range(bits // 16):
            zeros |= (0xFFFF if draw.random() < 0.5 else 0) << 16 * group
        flipped = inside ^ (1 << draw.randrange(bits))
        numbers |= {inside, first | (inside & (last - first) & zeros), flipped, flipped & zeros}
        numbers.add(draw.getrandbits(bits))
    kind = type(network[0])
    return [kind(number) for number in numbers if 0 <= number < 2**bits]
