"""A bare server becomes a host, stays one, and locks nobody out: on a real server, by SSH."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.host.builders import KEY
from tests.host.talk import Said

from hostwright.errors import LoginError, PreflightError, ProvisionError
from hostwright.host.apply import apply
from hostwright.host.change import Change, Directory, File
from hostwright.host.desired import Desired
from hostwright.host.provision import Outcome, provision
from hostwright.rig import Rig
from hostwright.runner_archive import build
from hostwright.transport import Address, connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.rig.server import Server
    from hostwright.transport import Session

pytestmark = pytest.mark.server

#: Long enough for two proofs, short enough to wait for.
REVERT_SECONDS = 20

#: Changes that people make by hand, and what finds them.
DRIFT = {
    "chmod 0644 /etc/sudoers.d/hostwright-deploy": "Authorize deploy",
    "echo '# x' >>/etc/docker/daemon.json": "Configure Docker",
    "dpkg --purge --force-depends unattended-upgrades": "Install packages",
    "systemctl disable --now apt-daily.timer": "Start the timers of security updates",
    "usermod --append --groups docker deploy": "Restrict the user deploy",
    "nft add rule inet hostwright input tcp dport 5432 accept": "Close the firewall",
    "rm /etc/ssh/sshd_config.d/10-hostwright.conf": "Harden sshd",
    "rmdir /var/lib/hostwright/app/live": "Make the application's directories",
}


class Host:
    """The server with what an operator has: an address, a key, pins."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.address = Address(server.address, server.port)
        key = " ".join(server.key.with_suffix(".pub").read_text().split()[:2])
        self.desired = Desired(
            runner=build().content,
            deploy_keys=(key,),
            admin_keys=(key,),
            min_memory_mib=100,
            revert_seconds=REVERT_SECONDS,
        )

    def connect(self, users: Sequence[str]) -> Session:
        return connect(
            self.address, key=self.server.key, known_hosts=self.server.known_hosts, users=users
        )

    def provision(self, *, dry_run: bool = False) -> Outcome:
        return provision(self.connect, self.desired, say=Said(), dry_run=dry_run)

    def sh(self, line: str) -> str:
        return self.server.exec(["sh", "-c", line]).stdout

    def reload_ssh(self, before: str) -> None:
        """Reload sshd after a command, and wait: for a moment nothing listens."""
        self.sh(f"{before}; systemctl reload ssh; sleep 1")
        self.sh("until ss -Hltn sport = :22 | grep -q .; do sleep 0.1; done")

    def answers(self, port: int) -> bool:
        try:
            socket.create_connection((self.server.address, port), 2).close()
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Rig(f"provision-{os.getpid()}") as rig:
        yield Host(rig.server())


def titles(outcome: Outcome) -> set[str]:
    return {change.title for change in outcome.changes}


def test_a_dry_run_touches_nothing(host: Host) -> None:
    before = host.sh("find /etc /usr/local /home -xdev | sort | sha256sum")
    assert {"Install packages", "Harden sshd"} <= titles(host.provision(dry_run=True))
    assert host.sh("find /etc /usr/local /home -xdev | sort | sha256sum") == before


def test_a_bare_server_becomes_a_host_and_a_second_run_changes_nothing(host: Host) -> None:
    first = host.provision()
    assert first.user == "root"
    second = host.provision()
    assert (second.changes, second.user) == ((), "admin")
    assert host.sh("systemctl --failed --no-legend") == ""
    assert "2." in host.sh("docker compose version --short")


def test_root_and_passwords_are_refused_afterwards(host: Host) -> None:
    with pytest.raises(LoginError):
        host.connect(("root",))
    settings = host.sh("sshd -T")
    assert re.search(r"^passwordauthentication no$", settings, re.MULTILINE)
    assert re.search(r"^permitrootlogin no$", settings, re.MULTILINE)


def test_the_deploy_user_runs_the_runner_as_root_and_nothing_else(host: Host) -> None:
    with host.connect(("deploy",)) as session:
        assert session.exec("sudo -n /usr/local/sbin/hostwright-runner version").exit_code == 0
        assert session.exec("sudo -n true").exit_code != 0
        assert session.exec("docker ps").exit_code != 0

    def as_deploy(users: Sequence[str]) -> Session:
        assert "deploy" not in users
        return host.connect(("deploy",))

    outcome = provision(as_deploy, host.desired, say=Said())
    assert (outcome.changes, outcome.user) == ((), "deploy")


SSH = "/home/deploy/.ssh"
AUTHORIZE = {
    "directory": Change("x", "y", directories=(Directory(SSH, 0o700, "deploy", "deploy"),)),
    "file": Change(
        "x", "y", files=(File(f"{SSH}/authorized_keys", b"", 0o600, "deploy", "deploy"),)
    ),
}


@pytest.fixture
def planted(host: Host) -> Iterator[str]:
    """A directory of root's that deploy has linked its own to."""
    host.sh("mkdir -m 0755 /etc/planted")
    host.sh(f"runuser -u deploy -- sh -c 'mv {SSH} {SSH}-aside && ln -s /etc/planted {SSH}'")
    yield "/etc/planted"
    host.sh(f"rm {SSH} && mv {SSH}-aside {SSH} && rm -r /etc/planted")


def test_a_link_in_the_deploy_users_home_is_refused(host: Host, planted: str) -> None:
    with pytest.raises(PreflightError, match=rf"{SSH} is a link"):
        host.provision()
    assert host.sh(f"stat -c '%U %a' {planted}; ls -A {planted}") == "root 755\n"


@pytest.mark.parametrize("kind", AUTHORIZE)
def test_a_link_that_is_made_after_the_look_leads_root_nowhere(
    host: Host, planted: str, kind: str
) -> None:
    with host.connect(("admin",)) as session, pytest.raises(ProvisionError):
        apply(session, [AUTHORIZE[kind]], host.desired.app, Said())
    assert host.sh(f"stat -c '%U %a' {planted}; ls -A {planted}") == "root 755\n"


def test_a_deploy_user_with_keys_of_others_alone_is_hardened_as_well(host: Host) -> None:
    host.sh("rm /etc/ssh/sshd_config.d/10-hostwright.conf")
    outcome = provision(host.connect, replace(host.desired, deploy_keys=(KEY,)), say=Said())
    assert titles(outcome) == {"Authorize deploy", "Harden sshd"}
    with pytest.raises(LoginError):
        host.connect(("deploy",))
    assert titles(host.provision()) == {"Authorize deploy"}
    host.connect(("deploy",)).close()


def test_a_second_file_of_keys_lets_nobody_in(host: Host) -> None:
    """Who got in once would stay in by it, and by a note that tells the first one is as it was."""
    host.sh(
        f"cd {SSH} && cp -p authorized_keys authorized_keys2 && : >authorized_keys && "
        "echo $(sha256sum <authorized_keys2 | cut -d ' ' -f 1) $(stat -c '%.9Z %s' authorized_keys)"
        " >.authorized_keys.sha256"
    )
    with pytest.raises(LoginError):
        host.connect(("deploy",))
    host.sh(f"rm {SSH}/authorized_keys2")
    assert titles(host.provision()) == {"Authorize deploy"}
    host.connect(("deploy",)).close()


def test_a_command_that_a_signal_ended_is_no_lost_connection(host: Host) -> None:
    with host.connect(("admin",)) as session:
        assert session.exec("kill -9 $$").exit_code == -1


def test_only_the_open_ports_answer_from_outside(host: Host) -> None:
    sockets = "s=[socket.create_server(('',p)) for p in (80,5432)]"
    listen = f"import socket,time; {sockets}; time.sleep(99)"
    host.sh(f'systemd-run --quiet --unit=planted python3 -c "{listen}"; sleep 1')
    assert host.answers(22)
    assert host.answers(80)
    assert not host.answers(5432)
    host.sh("nft delete table inet hostwright")
    assert host.answers(5432)
    host.sh("systemctl restart hostwright-firewall docker; systemctl stop planted")


def test_drift_is_found_named_and_repaired(host: Host) -> None:
    for line in DRIFT:
        host.sh(line)
    assert set(DRIFT.values()) <= titles(host.provision())
    assert host.provision().changes == ()


def test_a_reboot_changes_nothing_and_keeps_the_firewall(host: Host) -> None:
    host.server.power_off()
    host.server.boot()
    assert "policy drop" in host.sh("nft list table inet hostwright")
    assert host.provision().changes == ()


def test_a_hardening_that_locks_people_out_is_taken_back(host: Host) -> None:
    drop_in = "/etc/ssh/sshd_config.d/10-hostwright.conf"
    host.reload_ssh(f"rm {drop_in}")
    # Not in force before the reload that hardening brings: the first proof still works.
    host.sh("echo 'DenyUsers deploy' >/etc/ssh/sshd_config.d/00-planted.conf")
    with pytest.raises(ProvisionError, match="have been put back as they were"):
        host.provision()
    assert host.sh(f"ls {drop_in} 2>/dev/null || true") == ""
    host.reload_ssh("true")
    with host.connect(("root",)) as session:
        assert session.user == "root"
    host.reload_ssh("rm /etc/ssh/sshd_config.d/00-planted.conf")
    assert "Harden sshd" in titles(host.provision())
    assert host.provision().changes == ()
