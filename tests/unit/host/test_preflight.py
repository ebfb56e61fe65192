from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.host.builders import RUNS, bare, desired, entry, provisioned, without

from hostwright.errors import PreflightError
from hostwright.host.facts import Account, Listener
from hostwright.host.preflight import RESERVE_MIB, obstacles, refuse
from hostwright.host.steps.runner import ARCHIVE

if TYPE_CHECKING:
    from hostwright.host.facts import Facts

GOOD = provisioned()
ELSEWHERE = Account("/srv/deploy", "/bin/sh", frozenset(), password=False)


def test_a_good_host_has_nothing_in_the_way() -> None:
    assert obstacles(bare(), desired(architectures=("amd64",))) == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (bare(architecture="arm64"), "the host is arm64, the images are amd64"),
        (bare(disk_free_kib=1024 * 100), "100 MiB are free in /var/lib, 4096 are needed"),
        (bare(memory_kib=1024 * 500), "500 MiB of memory"),
        (bare(listeners=(Listener("tcp", 80, "nginx"),)), "80/tcp is taken by nginx"),
        (bare(listeners=(Listener("udp", 443, ""),)), "443/udp is taken by an unknown process"),
        (bare(rivals=frozenset({"ufw"})), "the firewall ufw is active"),
        (bare(units={"firewalld.service": RUNS}), "the firewall firewalld is active"),
        (bare(packages={"docker.io": "19.03.8"}), "Docker 19.3 is too old"),
        (bare(packages={"docker-ce": "5:19.03.8~3"}), "Docker 19.3 is too old"),
        (bare(python=(3, 9, 2)), "older than 3.10"),
        (bare(accounts={"deploy": ELSEWHERE}), "the user deploy lives in /srv/deploy"),
        (entry(GOOD, "/home/deploy/.ssh", kind="link"), "/home/deploy/.ssh is a link"),
        (
            entry(GOOD, "/home/admin/.ssh/authorized_keys", kind="link"),
            "/home/admin/.ssh/authorized_keys is a link",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(facts: Facts, words: str) -> None:
    found = obstacles(facts, desired(architectures=("amd64",)))
    assert len(found) == 1
    assert words in found[0].what
    with pytest.raises(PreflightError, match="Nothing was changed") as caught:
        refuse(found, "host")
    assert found[0].remedy in caught.value.remedy


NO_SWAP = replace(GOOD, swap_kib=0)


@pytest.mark.parametrize(
    ("facts", "needed"),
    [
        (bare(), 4096),
        (replace(GOOD, packages=without(GOOD.packages, "docker.io")), 4096),
        (replace(GOOD, paths=without(GOOD.paths, ARCHIVE)), 4096),
        (GOOD, RESERVE_MIB),
        (replace(GOOD, packages={"docker-ce": "5:28.0"}), RESERVE_MIB),
        (entry(GOOD, ARCHIVE, sha256="0"), RESERVE_MIB),
        (NO_SWAP, RESERVE_MIB + 1024),
        (replace(NO_SWAP, virtualization="lxc"), RESERVE_MIB),
    ],
)
def test_only_what_is_not_a_host_yet_needs_room_for_a_first_release(
    facts: Facts, needed: int
) -> None:
    found = obstacles(replace(facts, disk_free_kib=needed * 1024 - 1), desired())
    assert [item.what for item in found] == [
        f"{needed - 1} MiB are free in /var/lib, {needed} are needed"
    ]
    assert obstacles(replace(facts, disk_free_kib=needed * 1024), desired()) == []


@pytest.mark.parametrize("path", ["/usr/local/lib/hostwright", "/home/deploy"])
def test_a_link_that_only_root_can_have_made_is_left_to_it(path: str) -> None:
    assert obstacles(entry(GOOD, path, kind="link"), desired()) == []


@pytest.mark.parametrize(
    ("skew", "words"), [(61.0, "61 s ahead"), (-3600.0, "3600 s behind"), (59.0, "")]
)
def test_a_clock_may_be_off_by_a_minute(skew: float, words: str) -> None:
    found = obstacles(bare(), desired(), skew=skew)
    assert [words in item.what for item in found] == ([True] if words else [])


def test_our_own_proxy_may_have_the_ports() -> None:
    ours = (Listener("tcp", 80, "docker-proxy"), Listener("tcp", 443, "caddy"))
    assert obstacles(bare(listeners=ours), desired()) == []


def test_a_newer_docker_is_fine() -> None:
    assert obstacles(bare(packages={"docker-ce": "5:28.1.1-1~debian"}), desired()) == []


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (("203.0.113.7",), ""),
        (("10.99.5.2",), ""),
        (("198.51.100.1",), "points to"),
        ((), "nowhere"),
    ],
)
def test_a_domain_that_points_elsewhere_is_a_warning(points: tuple[str, ...], words: str) -> None:
    facts = replace(bare(), addresses=frozenset({"10.99.5.2"}))
    found = obstacles(facts, desired(), resolved={"app.example.com": points}, address="203.0.113.7")
    assert [words in item.what for item in found] == ([True] if words else [])
    refuse(found, "host")


def test_all_reasons_are_told_at_once() -> None:
    facts = bare(memory_kib=1, listeners=(Listener("tcp", 80, "nginx"),))
    with pytest.raises(PreflightError) as caught:
        refuse(obstacles(facts, desired()), "host")
    assert "memory" in caught.value.what
    assert "nginx" in caught.value.what
