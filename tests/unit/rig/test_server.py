from __future__ import annotations

from pathlib import Path

import pytest

from hostwright.errors import ToolError
from hostwright.rig.ledger import Ledger
from hostwright.rig.server import Server, boot_command, enter_command, in_cgroup


@pytest.fixture
def server() -> Server:
    return Server(
        name="one",
        address="10.99.7.2",
        key=Path("/rig/key"),
        known_hosts=Path("/rig/known_hosts"),
        root=Path("/rig/root"),
        namespace="hwrig-try-one",
        log=Path("/rig/log"),
        ledger=Ledger("try", 7, None),
    )


def test_the_server_cannot_touch_this_machines_clock_modules_or_power(server: Server) -> None:
    argv = boot_command(server)
    assert "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE,CAP_SYS_BOOT" in argv


def test_the_server_boots_in_its_own_network_and_is_registered_nowhere(server: Server) -> None:
    argv = boot_command(server)
    wanted = {
        "--boot",
        "--register=no",
        "--network-namespace-path=/run/netns/hwrig-try-one",
        "--machine=hwrig-try-one",
        "--directory=/rig/root",
    }
    assert wanted <= set(argv)


def test_ssh_accepts_the_pinned_host_key_only(server: Server) -> None:
    argv = server.ssh("echo", "a b")
    assert "StrictHostKeyChecking=yes" in argv
    assert "UserKnownHostsFile=/rig/known_hosts" in argv
    assert argv[-2:] == ["root@10.99.7.2", "echo 'a b'"]


def test_a_command_in_a_server_that_is_off_is_refused(server: Server) -> None:
    with pytest.raises(ToolError, match="switched off"):
        server.exec(["true"])


def test_a_command_gives_up_what_the_server_may_not_before_it_enters() -> None:
    argv = enter_command(42, ["date"])
    given_up = "-sys_time,-sys_module,-sys_boot"
    assert argv[:3] == ["setpriv", f"--bounding-set={given_up}", f"--inh-caps={given_up}"]
    assert argv[3:5] == ["nsenter", "--target=42"]
    assert argv[-1] == "date"


def test_a_process_enters_its_cgroups_before_it_becomes_the_server() -> None:
    shell, _, script, *rest = in_cgroup("hwrig-try-one", ["systemd-nspawn", "--boot"])
    assert shell == "/bin/sh"
    assert script.endswith('exec "$@"')
    assert "/hwrig-try-one/cgroup.procs; " in script
    assert rest == ["sh", "systemd-nspawn", "--boot"]
