from __future__ import annotations

import pytest

from hostwright.toolchain.versions import Range, parse

# What the tools really print.
PRINTED = {
    "docker-compose 2.40 --short": ("2.40.3\n", "2.40.3"),
    "docker-compose 1.29 --short": ("1.29.2\n", "1.29.2"),
    "docker compose without the plugin": ("unknown flag: --short\n\nUsage:  docker [OPTIONS]", ""),
    "caddy": ("v2.11.7 h1:yj0Y4fYZGPkSvibBJ1sTWE33xC0fxztVyXEW5iIdUT4=\n", "2.11.7"),
    "caddy from a checkout": ("(devel)\n", ""),
    "hadolint": ("Haskell Dockerfile Linter 2.15.1\n", "2.15.1"),
    "shellcheck": (
        "ShellCheck - shell script analysis tool\nversion: 0.11.0\nlicense: GNU General Public\n",
        "0.11.0",
    ),
    "yamllint": ("yamllint 1.38.0\n", "1.38.0"),
    "actionlint": (
        "actionlint.kjanat.dev 1.17.0\nbuilt with go1.27.1 compiler for linux/amd64\n",
        "1.17.0",
    ),
    "zizmor": ("zizmor 1.32.0\n", "1.32.0"),
    "rclone": ("rclone v1.75.2\n- os/version: debian 12.11 (64 bit)\n", "1.75.2"),
    "docker": ("Docker version 28.2.2, build e6534b4\n", "28.2.2"),
    "dockerd of Debian": ("Docker version 20.10.24+dfsg1, build 5d6db84\n", "20.10.24"),
    "systemd-nspawn": ("systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT\n", "252.39"),
    "mmdebstrap": ("mmdebstrap 1.3.5\n", "1.3.5"),
    "ip": ("ip utility, iproute2-6.1.0, libbpf 1.1.2\n", "6.1.0"),
    "iptables": ("iptables v1.8.9 (nf_tables)\n", "1.8.9"),
    "zstd": ("*** Zstandard CLI (64-bit) v1.5.4, by Yann Collet ***\n", "1.5.4"),
    "docker-registry": ("docker-registry github.com/docker/distribution 2.8.2+ds1\n", "2.8.2"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("tool", PRINTED)
def test_the_version_is_found_in_what_each_tool_prints(tool: str) -> None:
    printed, version = PRINTED[tool]
    assert parse(printed) == version


@pytest.mark.parametrize(
    ("version", "inside"),
    [
        ("2.23.9", False),
        ("2.24", True),
        ("2.24.0", True),
        ("2.100.1", True),  # numbers, not letters
        ("3.0.0", False),
        ("3", False),
    ],
)
def test_a_range_holds_its_least_and_not_its_end(version: str, inside: bool) -> None:  # noqa: FBT001 - table
    assert (version in Range("2.24", "3")) is inside


def test_a_range_reads_as_packages_write_it() -> None:
    assert str(Range("2.24", "3")) == ">=2.24,<3"
