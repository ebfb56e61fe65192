from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from tests.host.builders import bare, desired, text

from hostwright import paths
from hostwright.errors import HostError
from hostwright.host.change import Watch
from hostwright.host.facts import Entry, Listener, Sysctl, Unit, parse, script
from hostwright.host.plan import watch
from hostwright.run import run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_bare_server_is_read() -> None:
    facts = parse(text("trixie-bare"))
    assert facts.distribution == ("debian", "13")
    assert facts.name == "Debian GNU/Linux 13 (trixie)"
    assert facts.architecture == "amd64"
    assert facts.python == (3, 13, 5)
    assert facts.container
    assert facts.accounts == {}
    assert facts.paths == {}
    assert facts.ssh_ports == {22}
    assert facts.sshd["passwordauthentication"] == "yes"
    assert facts.firewall == "absent"
    assert facts.openssh == (10, 0)
    assert facts.units["apt-daily.timer"] == Unit("loaded", "active", "enabled")
    assert "docker.service" not in facts.units
    assert not facts.reboot_required


def test_a_provisioned_server_is_read() -> None:
    facts = parse(text("trixie-provisioned"))
    assert facts.accounts["deploy"].groups == {"deploy"}
    assert not facts.accounts["deploy"].password
    assert facts.packages["docker-compose"] == "2.26.1-4"
    assert facts.paths["/etc/sudoers.d/hostwright-deploy"].mode == 0o440
    assert len(facts.paths["/etc/sudoers.d/hostwright-deploy"].sha256) == 64
    assert facts.paths["/home/deploy/.ssh"] == Entry("directory", 0o700, "deploy", "deploy", "")
    assert facts.units["docker.service"].runs
    assert facts.units["hostwright-resume@app.service"].enabled == "enabled"
    assert facts.firewall == "loaded"
    assert Listener("tcp", 443, "docker-proxy") in facts.listeners
    assert "10.99.1.2" in facts.addresses


def test_a_link_is_told_from_what_it_points_to() -> None:
    there = text("trixie-provisioned")
    linked = there.replace("41c0 deploy deploy /home/deploy/.ssh\n", "a1ff x y /home/deploy/.ssh\n")
    assert linked != there
    assert parse(linked).paths["/home/deploy/.ssh"] == Entry("link", 0o777, "x", "y", "")


def test_a_kernel_setting_of_several_digits_is_read_whole() -> None:
    assert parse(text("trixie-bare")).sysctls["net.core.rmem_max"] == Sysctl(
        "4194304", writable=False
    )


def test_an_old_sshd_has_no_penalties() -> None:
    facts = parse(text("bookworm-provisioned"))
    assert facts.openssh == (9, 2)
    assert "persourcepenalties" not in facts.sshd


def test_what_ended_half_way_is_not_taken_for_facts() -> None:
    whole = text("trixie-bare")
    with pytest.raises(HostError, match="half way"):
        parse(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("lines", "state"),
    [("", "absent"), ("aa\naa\n", "loaded"), ("aa\nbb\n", "edited"), ("aa\n", "edited")],
)
def test_the_firewall_is_as_it_was_loaded_or_not(lines: str, state: str) -> None:
    whole = text("trixie-bare").replace("[firewall]\n", f"[firewall]\n{lines}")
    assert parse(whole).firewall == state


def test_the_port_that_the_caller_came_in_by_counts_as_one_of_sshd() -> None:
    whole = text("trixie-bare")
    start, end = whole.index("[connection]"), whole.index("[firewall]")
    moved = f"{whole[:start]}[connection]\n10.0.0.1 50000 10.0.0.2 2222\n{whole[end:]}"
    assert parse(moved).ssh_ports == {22, 2222}


def test_the_script_reads_everything_that_any_step_watches() -> None:
    watched = watch(desired())
    lines = script(watched).decode().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert any(line.startswith("hw_paths=") and "daemon.json" in line for line in lines)
    assert "/etc/sudoers.d/hostwright-admin" in watched.paths
    assert "docker.io" in watched.packages


def test_a_word_that_a_shell_reads_otherwise_never_gets_into_the_script() -> None:
    with pytest.raises(ValueError, match="shell"):
        script(Watch(paths=("/etc/$(reboot)",)))


def test_the_script_runs_on_any_system_and_ends() -> None:
    done = run(["sh", "-s"], stdin=script(Watch(paths=("/etc/hostname",))), check=False)
    assert done.exit_code == 0
    assert parse(done.stdout).distribution[0]
    assert done.stderr == ""


def test_what_others_may_write_is_never_told_by_a_note_beside_it(tmp_path: Path) -> None:
    """Whoever owns a directory could write there what provisioning expects to read."""
    keys = tmp_path / "authorized_keys"
    keys.write_text("mine and another's\n")
    status = run(["stat", "-c", "%.9Z %s", str(keys)]).stdout.strip()
    (tmp_path / ".authorized_keys.sha256").write_text(f"{'0' * 64} {status}\n")

    done = run(["sh", "-s"], stdin=script(Watch(paths=(str(keys),))), check=False)

    assert parse(done.stdout).paths[str(keys)].sha256 == sha256(keys.read_bytes()).hexdigest()


def test_the_script_tells_no_password_hash() -> None:
    written = (paths.HOST_FILES / "facts.sh").read_text()
    assert "getent shadow" in written
    for name in ("trixie-provisioned", "bookworm-provisioned"):
        assert "$y$" not in text(name)
        assert "admin locked" in text(name)


def test_containers_are_told_from_machines() -> None:
    assert not bare().container
    assert bare(virtualization="lxc").container
