from __future__ import annotations

import pytest

from hostwright.errors import ToolError
from hostwright.rig.carried import DEBIAN, SECURITY, Carried, mirrors, nameservers, reach, sources

DEB822 = """\
Types: deb
# http://snapshot.debian.org/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates

Types: deb
URIs: http://mirror.example/debian-security/
"""


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], (DEBIAN, SECURITY)),
        ([DEB822], ("http://mirror.example/debian", "http://mirror.example/debian-security")),
        (
            ["deb [signed-by=/k] https://a.example/debian trixie main"],
            ("https://a.example/debian", SECURITY),
        ),
        (["deb http://archive.ubuntu.com/ubuntu noble main"], (DEBIAN, SECURITY)),
        (["deb http://snapshot.debian.org/archive/2025/debian trixie main"], (DEBIAN, SECURITY)),
    ],
)
def test_the_machines_own_mirrors_are_used_where_it_is_a_debian(
    texts: list[str], expected: tuple[str, str]
) -> None:
    assert mirrors(texts) == expected


@pytest.mark.parametrize(
    ("dump", "environ", "expected"),
    [
        ("", {}, ""),
        ('APT::Architecture "amd64";', {}, ""),
        (
            'Acquire::http::Proxy "http://p.example:3128";',
            {},
            'Acquire::http::Proxy "http://p.example:3128";\n',
        ),
        ('Acquire::Check-Valid-Until "false";', {}, 'Acquire::Check-Valid-Until "false";\n'),
        ('Acquire::https::CaInfo "/etc/ssl/own.pem";', {}, ""),
        ('Acquire::http::Proxy "";', {}, ""),
        ("", {"http_proxy": "http://p.example"}, 'Acquire::http::Proxy "http://p.example";\n'),
        ("", {"HTTPS_PROXY": "http://p.example"}, 'Acquire::https::Proxy "http://p.example";\n'),
        ("", {"http_proxy": "http://127.0.0.1:3128"}, ""),
    ],
)
def test_only_what_says_how_to_reach_a_mirror_is_carried(
    dump: str, environ: dict[str, str], expected: str
) -> None:
    assert reach(dump, environ) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["nameserver 192.0.2.53\n"], "nameserver 192.0.2.53\n"),
        (
            ["nameserver 127.0.0.53\noptions edns0\n", "nameserver 192.0.2.1\n"],
            "nameserver 192.0.2.1\n",
        ),
        (["nameserver 192.0.2.1\n", "nameserver 192.0.2.1\n"], "nameserver 192.0.2.1\n"),
    ],
)
def test_name_servers_on_loopback_are_left_out(texts: list[str], expected: str) -> None:
    assert nameservers(texts) == expected


def test_without_a_reachable_name_server_it_says_so() -> None:
    with pytest.raises(ToolError, match="loopback"):
        nameservers(["nameserver 127.0.0.53\n"])


def test_a_server_gets_updates_and_security_fixes() -> None:
    carried = Carried("http://m/debian", "http://m/debian-security", "", "")
    assert sources("trixie", carried) == (
        "deb http://m/debian trixie main\n"
        "deb http://m/debian trixie-updates main\n"
        "deb http://m/debian-security trixie-security main\n"
    )
