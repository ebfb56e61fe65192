from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hostwright.rig import rootfs
from hostwright.rig.carried import Carried

CARRIED = Carried(
    debian="http://m/debian",
    security="http://m/debian-security",
    apt='Acquire::Retries "3";\n',
    resolvers="nameserver 192.0.2.1\n",
    authorities={"own.crt": "PEM"},
)


def test_what_goes_in_makes_the_key() -> None:
    recipe = rootfs.server("trixie", CARRIED)
    others = [
        rootfs.base("trixie", CARRIED),
        rootfs.machine("trixie", CARRIED),
        rootfs.server("bookworm", CARRIED),
        rootfs.server("trixie", replace(CARRIED, authorities={"own.crt": "other"})),
        replace(recipe, packages=("systemd-sysv",)),
        replace(recipe, units=()),
    ]
    assert recipe.key == rootfs.server("trixie", CARRIED).key
    assert len({recipe.key, *(other.key for other in others)}) == 7


def test_another_network_needs_no_other_file_system() -> None:
    elsewhere = replace(CARRIED, resolvers="nameserver 192.0.2.99\n")
    assert rootfs.server("trixie", elsewhere).key == rootfs.server("trixie", CARRIED).key


def test_a_server_reaches_its_mirrors_as_this_machine_does() -> None:
    files = rootfs.files(rootfs.server("trixie", CARRIED))
    assert files["/etc/apt/apt.conf.d/90carried"] == CARRIED.apt
    assert files["/usr/local/share/ca-certificates/own.crt"] == "PEM"
    assert "deb http://m/debian trixie main\n" in files["/etc/apt/sources.list"]


def test_nothing_is_written_for_a_machine_without_settings() -> None:
    plain = Carried("http://m/debian", "http://m/debian-security", "", "")
    assert set(rootfs.files(rootfs.base("trixie", plain))) == {"/etc/apt/sources.list"}


def test_the_whole_line_for_a_base_image() -> None:
    argv = rootfs.command(rootfs.base("trixie", CARRIED), Path("/o"), Path("/t.tar"))
    assert argv == [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--include=ca-certificates,netbase,python3,tzdata",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        '--aptopt=Acquire::Retries "3";',
        "--customize-hook=sync-in /o /",
        '--customize-hook=chroot "$1" update-ca-certificates >/dev/null',
        "--skip=output/mknod",
        "trixie",
        "/t.tar",
        "deb http://m/debian trixie main",
    ]


def test_a_machine_is_a_server_with_a_kernel_and_a_way_in() -> None:
    recipe = rootfs.machine("trixie", CARRIED)
    assert recipe.on == rootfs.server("trixie", CARRIED)
    assert {"linux-image-cloud-amd64", "qemu-guest-agent"} <= set(recipe.packages)


def test_another_server_makes_another_machine() -> None:
    other = replace(CARRIED, authorities={"own.crt": "other"})
    recipe = rootfs.machine("trixie", CARRIED)
    grown = replace(recipe, on=rootfs.server("trixie", other))
    assert grown.key != recipe.key


def test_what_is_mounted_to_install_packages_goes_with_the_command() -> None:
    argv = rootfs.grow_command(rootfs.machine("trixie", CARRIED), Path("/r"))
    assert argv[:2] == ["unshare", "--mount"]
    assert "--kill-child" in argv
    assert argv[-2] == "/r"
    assert "install -y -qq --no-install-recommends e2fsprogs" in argv[-1]


def test_a_servers_unit_is_enabled() -> None:
    argv = rootfs.command(rootfs.server("trixie", CARRIED), Path("/o"), Path("/t.tar"))
    enable = '--customize-hook=chroot "$1" systemctl --quiet enable hostwright-rig-cgroup.service'
    assert enable in argv
