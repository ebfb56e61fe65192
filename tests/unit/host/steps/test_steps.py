"""A row per situation: the step, what is otherwise on a provisioned host, and what is done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.host.builders import (
    KEY,
    RUNS,
    STOPPED,
    bare,
    desired,
    entry,
    provisioned,
    without,
)

from hostwright.host.desired import Plugin, Timers
from hostwright.host.facts import Account, Sysctl
from hostwright.host.plan import watch
from hostwright.host.steps import (
    backups,
    clock,
    directories,
    docker,
    firewall,
    journal,
    packages,
    ratelimit,
    runner,
    sshd,
    swap,
    sysctl,
    unproven,
    upgrades,
    users,
)

if TYPE_CHECKING:
    from hostwright.host.facts import Facts

GOOD = provisioned()
OLD = provisioned(("debian", "12"))
PLUGIN = Plugin("ab" * 32, lambda: b"packed")
APT_INSTALL = (
    "apt_get install -y --no-install-recommends"
    " -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
)
STRONG = Account("/home/deploy", "/bin/sh", frozenset({"deploy", "docker", "sudo"}), password=True)


class Row(NamedTuple):
    step: Any
    about: str
    facts: Facts
    title: str
    commands: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    settings: dict[str, Any] = {}  # noqa: RUF012 - a row is written once


def units(facts: Facts, **changed: Any) -> Facts:  # noqa: ANN401
    given = {name.replace("__", "-").replace("_", "."): unit for name, unit in changed.items()}
    return replace(facts, units={**facts.units, **given})


def no_path(facts: Facts, *gone: str) -> Facts:
    return replace(facts, paths=without(facts.paths, *gone))


def setting(facts: Facts, **values: str) -> Facts:
    return replace(facts, sshd={**facts.sshd, **values})


ROWS = [
    Row(
        packages,
        "one of them was removed",
        replace(GOOD, packages=without(GOOD.packages, "unattended-upgrades", "nftables")),
        "Install packages",
        (
            "apt_get update -o Acquire::Languages=none",
            f"{APT_INSTALL} nftables unattended-upgrades",
        ),
    ),
    Row(
        docker,
        "the configuration was edited while it runs",
        entry(GOOD, "/etc/docker/daemon.json", sha256="0"),
        "Configure Docker",
        ("systemctl restart docker.service",),
        ("/etc/docker/daemon.json",),
    ),
    Row(
        docker,
        "it was stopped",
        units(GOOD, docker_service=STOPPED),
        "Start Docker",
        ("keep_running docker.service",),
    ),
    Row(
        docker,
        "Debian 12 has no Compose v2",
        OLD,
        "Upload the Compose plugin",
        (),
        ("/usr/local/lib/docker/cli-plugins/docker-compose",),
        {"plugin": PLUGIN},
    ),
    Row(
        users,
        "the account is missing",
        replace(GOOD, accounts=without(GOOD.accounts, "deploy")),
        "Create the user deploy",
        ("add_user deploy /bin/sh",),
    ),
    Row(
        users,
        "somebody made it powerful",
        replace(GOOD, accounts={**GOOD.accounts, "deploy": STRONG}),
        "Restrict the user deploy",
        (
            "gpasswd --delete deploy docker",
            "gpasswd --delete deploy sudo",
            "usermod --password '*' deploy",
        ),
    ),
    Row(
        users,
        "a key was added on the host",
        entry(GOOD, "/home/deploy/.ssh/authorized_keys", sha256="0"),
        "Authorize deploy",
        (),
        ("/home/deploy/.ssh/authorized_keys",),
    ),
    Row(
        users,
        "the sudo rule is readable by all",
        entry(GOOD, "/etc/sudoers.d/hostwright-admin", mode=0o644),
        "Authorize admin",
        (),
        ("/etc/sudoers.d/hostwright-admin",),
    ),
    Row(
        runner,
        "it is of another version",
        entry(GOOD, "/usr/local/lib/hostwright/runner.pyz", sha256="0"),
        "Install the runner",
        (
            "systemctl -q enable hostwright-resume@app.service",
            "/usr/local/sbin/hostwright-runner version",
        ),
        ("/usr/local/lib/hostwright/runner.pyz",),
    ),
    Row(
        runner,
        "it belongs to somebody else",
        entry(GOOD, "/usr/local/lib/hostwright/runner.pyz", owner="deploy"),
        "Install the runner",
        (
            "systemctl -q enable hostwright-resume@app.service",
            "/usr/local/sbin/hostwright-runner version",
        ),
        ("/usr/local/lib/hostwright/runner.pyz",),
    ),
    Row(
        firewall,
        "a rule was added by hand",
        replace(GOOD, firewall="edited"),
        "Close the firewall",
        (
            "systemctl -q enable hostwright-firewall.service",
            "systemctl restart hostwright-firewall.service",
        ),
    ),
    Row(
        firewall,
        "it would not be loaded at boot",
        units(GOOD, hostwright__firewall_service=RUNS._replace(enabled="disabled")),
        "Close the firewall",
        (
            "systemctl -q enable hostwright-firewall.service",
            "systemctl restart hostwright-firewall.service",
        ),
    ),
    Row(
        firewall,
        "sshd listens on another port",
        replace(GOOD, ssh_ports=frozenset({22, 2222})),
        "Close the firewall",
        (
            "systemctl -q enable hostwright-firewall.service",
            "systemctl restart hostwright-firewall.service",
        ),
        ("/usr/local/lib/hostwright/firewall.nft",),
    ),
    Row(
        upgrades,
        "the timers were switched off",
        units(GOOD, apt__daily_timer=STOPPED, apt__daily__upgrade_timer=STOPPED),
        "Start the timers of security updates",
        ("keep_running apt-daily.timer apt-daily-upgrade.timer",),
    ),
    Row(
        upgrades,
        "no restart is wanted",
        GOOD,
        "Configure security updates",
        (),
        ("/etc/apt/apt.conf.d/52hostwright",),
        {"reboot_time": None},
    ),
    Row(
        clock,
        "the service was stopped",
        units(GOOD, systemd__timesyncd_service=STOPPED),
        "Keep time",
        ("keep_running systemd-timesyncd.service",),
    ),
    Row(
        clock,
        "chrony is there, and stopped",
        replace(units(GOOD, chrony_service=STOPPED), packages={**GOOD.packages, "chrony": "4.6"}),
        "Keep time",
        ("keep_running chrony.service",),
    ),
    Row(
        journal,
        "another size is wanted",
        GOOD,
        "Bound the journal",
        ("systemctl restart systemd-journald.service",),
        ("/etc/systemd/journald.conf.d/50-hostwright.conf",),
        {"journal_mib": 100},
    ),
    Row(
        sysctl,
        "one was changed by hand",
        replace(
            GOOD,
            sysctls={**GOOD.sysctls, "net.ipv4.ip_forward": Sysctl("0", writable=True)},
        ),
        "Set kernel settings",
        ("/usr/lib/systemd/systemd-sysctl /etc/sysctl.d/90-hostwright.conf",),
        ("/etc/sysctl.d/90-hostwright.conf",),
    ),
    Row(
        swap,
        "there is none",
        replace(GOOD, swap_kib=0),
        "Make a swap file",
        (
            "swapoff /swapfile 2>/dev/null || true",
            "rm -f /swapfile",
            "install -m 0600 /dev/null /swapfile",
            "dd if=/dev/zero of=/swapfile bs=1M count=1024 status=none",
            "mkswap -q /swapfile",
            "systemctl -q enable --now swapfile.swap",
        ),
        ("/etc/systemd/system/swapfile.swap",),
    ),
    Row(
        ratelimit,
        "the jail was edited while it runs",
        entry(OLD, "/etc/fail2ban/jail.d/hostwright.conf", sha256="0"),
        "Configure fail2ban",
        ("systemctl reload fail2ban.service",),
        ("/etc/fail2ban/jail.d/hostwright.conf",),
    ),
    Row(
        ratelimit,
        "it was stopped",
        units(OLD, fail2ban_service=STOPPED),
        "Start fail2ban",
        ("keep_running fail2ban.service",),
    ),
    Row(
        directories,
        "releases can be listed by all",
        entry(GOOD, "/var/lib/hostwright/app/releases", mode=0o755),
        "Make the application's directories",
    ),
    Row(
        unproven,
        "an earlier run was cut off",
        replace(GOOD, paths={**GOOD.paths, unproven.BEFORE: GOOD.paths["/var/lib/hostwright"]}),
        "Keep sshd and firewall",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.step.__name__}: {row.about}")
def test_what_a_step_does(row: Row) -> None:
    done = row.step.plan(row.facts, desired(**row.settings))
    assert [change.title for change in done] == [row.title]
    assert done[0].commands == row.commands
    assert tuple(file.path for file in done[0].files) == row.files
    assert done[0].why


NOOPS = [
    (swap, replace(GOOD, swap_kib=0, virtualization="lxc"), {}, "a container has no swap"),
    (swap, replace(GOOD, swap_kib=0, filesystem="btrfs"), {}, "btrfs needs care"),
    (swap, replace(GOOD, swap_kib=0), {"swap_mib": 0}, "none is wanted"),
    (swap, replace(GOOD, swap_kib=4_000_000), {}, "the provider made some"),
    (
        sysctl,
        replace(GOOD, sysctls={"net.core.rmem_max": Sysctl("1", writable=False)}),
        {},
        "a container cannot set it",
    ),
    (
        clock,
        replace(units(GOOD, systemd__timesyncd_service=STOPPED), virtualization="systemd-nspawn"),
        {},
        "a container has its host's time",
    ),
    (
        docker,
        replace(OLD, packages={**OLD.packages, "docker-ce": "5:28", "docker-compose-plugin": "2"}),
        {"plugin": PLUGIN},
        "Docker's own packages bring Compose",
    ),
    (docker, GOOD, {"plugin": PLUGIN}, "Debian 13 has Compose v2"),
    (ratelimit, no_path(GOOD, "/etc/fail2ban/jail.d/hostwright.conf"), {}, "sshd has penalties"),
    (sshd, setting(GOOD, permitrootlogin="without-password"), {"root_login": "keys"}, "a synonym"),
]


@pytest.mark.parametrize(
    ("step", "facts", "settings", "about"), NOOPS, ids=lambda value: str(value)[:40]
)
def test_where_a_step_keeps_still(
    step: Any,  # noqa: ANN401 - a module
    facts: Facts,
    settings: dict[str, Any],
    about: str,
) -> None:
    if about == "a synonym":
        facts = replace(provisioned(wanted=desired(**settings)), sshd=facts.sshd)
    assert step.plan(facts, desired(**settings)) == [], about


def test_sshd_is_hardened_with_its_reason_and_checked_before_it_is_reloaded() -> None:
    done = sshd.plan(setting(GOOD, passwordauthentication="yes"), desired())[0]
    assert done.why == "sshd's passwordauthentication is yes"
    assert done.commands[0] == "sshd -t"
    twice = ".ssh/authorized_keys .ssh/authorized_keys2"
    [done] = sshd.plan(setting(GOOD, authorizedkeysfile=twice), desired())
    assert done.why == f"sshd's authorizedkeysfile is {twice}"
    assert done.commands[-1] == "systemctl try-reload-or-restart ssh.service"
    assert any("passwordauthentication no" in line for line in done.commands[1:-1])


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, b"PermitRootLogin no\n"),
        ({"root_login": "keys"}, b"PermitRootLogin prohibit-password\n"),
        ({"administrator": "root"}, b"PermitRootLogin prohibit-password\n"),
    ],
)
def test_root_logs_in_only_where_that_was_chosen(settings: dict[str, Any], line: bytes) -> None:
    assert line in sshd.plan(bare(), desired(**settings))[0].files[0].content


def test_the_deploy_user_may_run_one_program_as_root_and_forward_nothing() -> None:
    files = {file.path: file for change in users.plan(bare(), desired()) for file in change.files}
    rule = files["/etc/sudoers.d/hostwright-deploy"]
    assert rule.content == b"deploy ALL=(root) NOPASSWD: /usr/local/sbin/hostwright-runner\n"
    assert rule.check == "visudo -cqf"
    keys = files["/home/deploy/.ssh/authorized_keys"].content.decode()
    assert keys == f"restrict,pty {KEY}\n"


def test_a_bootstrap_user_that_is_not_root_stays_the_administrator_untouched() -> None:
    changes = users.plan(bare(), desired(bootstrap_user="debian"))
    assert {change.title for change in changes} == {"Create the user deploy", "Authorize deploy"}


def test_the_firewall_opens_the_port_that_ssh_really_has() -> None:
    moved = replace(bare(), ssh_ports=frozenset({2222}))
    rules = firewall.plan(moved, desired())[0].files[0].content.decode()
    assert "tcp dport { 80, 443, 2222 } accept" in rules
    assert "ct original proto-dst { 80, 443 } accept" in rules
    assert "policy drop" in rules


def test_docker_that_is_not_installed_yet_reads_its_configuration_when_it_starts() -> None:
    configure = docker.plan(bare(), desired())[0]
    assert (configure.title, configure.commands) == ("Configure Docker", ())


def test_apparmors_loader_comes_where_the_kernel_has_it_on() -> None:
    assert "apparmor" in docker.packages(replace(bare(), apparmor=True), desired())
    assert "apparmor" not in docker.packages(bare(), desired())


@pytest.mark.parametrize(
    ("system", "names"),
    [
        (("debian", "12"), {"docker.io", "fail2ban", "python3-systemd"}),
        (("debian", "13"), {"docker.io", "docker-cli", "docker-compose"}),
        (("ubuntu", "22.04"), {"docker.io", "docker-compose-v2", "fail2ban", "python3-systemd"}),
        (("ubuntu", "24.04"), {"docker.io", "docker-compose-v2", "fail2ban", "python3-systemd"}),
    ],
)
def test_packages_go_by_the_distribution(system: tuple[str, str], names: set[str]) -> None:
    common = {"nftables", "python3", "restic", "sudo", "systemd-timesyncd", "unattended-upgrades"}
    assert set(packages.wanted(bare(system), desired())) == names | common


def test_every_package_that_is_wanted_is_looked_for() -> None:
    """One that is not would be installed anew by every provision."""
    for facts in (GOOD, OLD):
        assert set(packages.wanted(facts, BACKED_UP)) <= set(watch(BACKED_UP).packages)


def test_docker_from_its_own_repository_is_left_alone() -> None:
    own = replace(bare(), packages={"docker-ce": "5:28.0"})
    assert set(docker.packages(own, desired())) == {"docker-ce", "docker-compose-plugin"}


# --- timers of backups ---------------------------------------------------------------------------

TIMERS = Timers("02:30", 30, "Sun 05:00", 60)
BACKED_UP = desired(timers=TIMERS)


def timed() -> Facts:
    """A host whose backups have their timers."""
    names = [f"hostwright-{kind}@app.timer" for kind in backups.KINDS]
    return replace(
        provisioned(wanted=BACKED_UP), units={**GOOD.units, **dict.fromkeys(names, RUNS)}
    )


def test_timers_of_backups_are_set_once() -> None:
    [change] = backups.plan(GOOD, BACKED_UP)
    texts = {file.path.rsplit("/", 1)[1]: file.content.decode() for file in change.files}
    assert len(texts) == 6
    assert "OnCalendar=02:30\nRandomizedDelaySec=30min\n" in texts["hostwright-backup@app.timer"]
    assert "OnCalendar=Sun 05:00\n" in texts["hostwright-drill@app.timer"]
    assert backups.plan(timed(), BACKED_UP) == []


def test_another_schedule_restarts_its_timer() -> None:
    [change] = backups.plan(timed(), desired(timers=replace(TIMERS, backup="hourly")))
    assert [file.path.rsplit("/", 1)[1] for file in change.files] == ["hostwright-backup@app.timer"]
    assert change.commands[1].startswith("systemctl restart hostwright-backup@app.timer ")


def test_a_timer_that_was_switched_off_is_switched_on() -> None:
    found = timed()
    facts = replace(found, units={**found.units, "hostwright-drill@app.timer": STOPPED})
    [change] = backups.plan(facts, BACKED_UP)
    assert (change.files, change.why) == ((), "hostwright-drill@app.timer does not run")


def test_the_log_of_postgres_has_a_timer_only_where_moments_are_kept() -> None:
    wanted = desired(timers=replace(TIMERS, log=True))
    [change] = backups.plan(timed(), wanted)
    names = [file.path.rsplit("/", 1)[1] for file in change.files]
    assert names == ["hostwright-wal@.service", "hostwright-wal@app.timer"]
    assert change.files[1].content.decode().count("OnUnitInactiveSec=15\n") == 1
    there = replace(
        provisioned(wanted=wanted),
        units={**timed().units, "hostwright-wal@app.timer": RUNS},
    )
    assert backups.plan(there, wanted) == []

    [change] = backups.plan(there, BACKED_UP)
    assert change.commands[0] == "systemctl -q disable --now hostwright-wal@app.timer"
    assert change.why == "recovery to a moment is not set"


def test_without_backups_their_timers_are_taken_away() -> None:
    [change] = backups.plan(timed(), desired())
    assert change.commands[0].startswith("systemctl -q disable --now hostwright-backup@app.timer")
    assert backups.plan(GOOD, desired()) == []
