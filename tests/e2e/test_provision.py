"""A bare server becomes a host, stays one, and locks nobody out: on a real server, by SSH."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.host.builders import KEY
from tests.host.talk import Said

from hostwright import paths
from hostwright.errors import LoginError, PreflightError, ProvisionError, Unreachable
from hostwright.host.apply import apply
from hostwright.host.change import Change, Directory, File
from hostwright.host.desired import Desired
from hostwright.host.provision import Outcome, provision
from hostwright.host.steps.firewall import RULES, SERVICE
from hostwright.host.steps.unproven import BEFORE
from hostwright.rig import Rig, ledger
from hostwright.rig.server import attach_all
from hostwright.runner_archive import build
from hostwright.transport import Address, connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.rig.server import Server
    from hostwright.transport import Session

pytestmark = pytest.mark.server

#: Long enough for two proofs, short enough to wait for.
REVERT_SECONDS = 20
DROP_IN = "/etc/ssh/sshd_config.d/10-hostwright.conf"

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


#: What every file is, whose it is, and when it was last written.
FILES = r"find /etc /usr/local /home -xdev -printf '%p %m %u %s %T@\n' | sort"


def titles(outcome: Outcome) -> set[str]:
    return {change.title for change in outcome.changes}


def test_a_dry_run_touches_nothing(host: Host) -> None:
    before = host.sh(FILES).splitlines()
    assert {"Install packages", "Harden sshd"} <= titles(host.provision(dry_run=True))
    assert sorted({*before} ^ {*host.sh(FILES).splitlines()}) == []


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


@pytest.fixture
def listening(host: Host) -> Iterator[None]:
    """Something that listens on a port that is open, and on one that is not."""
    sockets = "s=[socket.create_server(('',p)) for p in (80,5432)]"
    listen = f"import socket,time; {sockets}; time.sleep(600)"
    host.sh(f'systemd-run --quiet --unit=planted python3 -c "{listen}"')
    try:
        for port in (80, 5432):
            until = f"until ss -Hltn sport = :{port} | grep -q .; do sleep 0.1; done"
            host.sh(f"timeout 60 sh -c '{until}'")
        yield
    finally:
        host.sh("systemctl stop planted")


@pytest.mark.usefixtures("listening")
def test_only_the_open_ports_answer_from_outside(host: Host) -> None:
    assert host.answers(22)
    assert host.answers(80)
    assert not host.answers(5432)
    try:
        host.sh("nft delete table inet hostwright")
        assert host.answers(5432)
    finally:
        host.sh("systemctl restart hostwright-firewall docker")


def test_drift_is_found_named_and_repaired(host: Host) -> None:
    for line in DRIFT:
        host.sh(line)
    assert set(DRIFT.values()) <= titles(host.provision())
    assert host.provision().changes == ()


def test_the_firewall_is_loaded_however_often_it_changes(host: Host) -> None:
    host.sh("for i in 1 2 3 4 5 6 7 8; do systemctl restart hostwright-firewall || exit 1; done")
    assert host.provision().changes == ()


def test_a_reboot_changes_nothing_and_keeps_the_firewall(host: Host) -> None:
    host.server.power_off()
    host.server.boot()
    assert "policy drop" in host.sh("nft list table inet hostwright")
    assert host.provision().changes == ()


@pytest.fixture
def softened(host: Host) -> Iterator[None]:
    """A host whose sshd and firewall are about to change: root gets in, and so does a port."""
    host.reload_ssh(f"rm {DROP_IN}")
    host.sh(f"sed -i '/ct state invalid/a tcp dport 5432 accept' {RULES}")
    host.sh(f"systemctl restart {SERVICE}")
    yield
    host.reload_ssh("rm -f /etc/ssh/sshd_config.d/00-planted.conf")
    host.provision()
    assert host.provision().changes == ()


def lets_root_in(host: Host) -> bool:
    """Whether root gets in; after a reload that takes a moment, which is waited for."""
    try:
        with host.connect(("root",)) as session:
            return session.user == "root"
    except (LoginError, Unreachable):
        time.sleep(1)
        return False


def is_as_before(host: Host) -> None:
    """Sshd and the firewall are what :func:`softened` made of them, and in force."""
    assert host.sh(f"ls {DROP_IN} {BEFORE} 2>/dev/null || true") == ""
    assert any(lets_root_in(host) for _ in range(5))
    assert "tcp dport 5432 accept" in host.sh(f"cat {RULES}")
    assert "tcp dport 5432 accept" in host.sh("nft list table inet hostwright")
    assert titles(host.provision(dry_run=True)) == {"Harden sshd", "Close the firewall"}


@pytest.mark.usefixtures("softened")
def test_a_hardening_that_locks_people_out_is_taken_back(host: Host) -> None:
    # Not in force before the reload that hardening brings: the first proof still works.
    host.sh("echo 'DenyUsers deploy' >/etc/ssh/sshd_config.d/00-planted.conf")
    with pytest.raises(ProvisionError, match="have been put back as they were"):
        host.provision()
    is_as_before(host)


class Stuck(Said):
    """Says when sshd and the firewall have been changed, and never comes to the proof."""

    def begin(self, text: str) -> None:
        if text == "Prove them again":
            sys.stdout.write("changed\n")
            sys.stdout.flush()
            time.sleep(600)


def leave_unproven(rig: str) -> None:
    """What an operator does who is about to be killed; in a process of its own."""
    host = Host(attach_all(ledger.read(rig))[0])
    desired = replace(host.desired, revert_seconds=2 * REVERT_SECONDS)
    provision(host.connect, desired, say=Stuck())


@pytest.mark.usefixtures("softened")
def test_what_nobody_is_left_to_prove_is_taken_back_by_the_host_alone(host: Host) -> None:
    """The timer is the last way in when the operator's machine is gone."""
    program = f"from {__name__} import leave_unproven as run; run({host.server.ledger.name!r})"
    operator = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", program], cwd=paths.ROOT, stdout=subprocess.PIPE
    )
    with operator:
        try:
            assert operator.stdout is not None
            assert operator.stdout.readline() == b"changed\n"
            assert "PermitRootLogin no" in host.sh(f"cat {DROP_IN}")
            assert "5432" not in host.sh("nft list table inet hostwright")
        finally:
            operator.kill()

    host.sh(f"timeout 100 sh -c 'while [ -d {BEFORE} ]; do sleep 0.2; done'")
    is_as_before(host)
