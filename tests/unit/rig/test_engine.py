from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright.rig import engine
from hostwright.rig.engine import Engine, command

if TYPE_CHECKING:
    import pytest


def test_the_engine_leaves_the_machines_network_alone() -> None:
    argv = command(Path("/h"), Path("/d"), "hwrig-try-engine")
    assert {
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
    } <= set(argv)


def test_the_engine_shares_nothing_with_the_machines_docker() -> None:
    argv = command(Path("/h"), Path("/d"), "hwrig-try-engine")
    assert {
        "--config-file=/h/daemon.json",
        "--host=unix:///h/docker.sock",
        "--pidfile=/h/docker.pid",
        "--exec-root=/h/exec",
        "--data-root=/d",
        "--cgroup-parent=/hwrig-try-engine",
        "--containerd-namespace=hwrig-try-engine",
    } <= set(argv)


def test_clients_are_pointed_at_it_by_environment() -> None:
    made = Engine(Path("/h/docker.sock"), Path("/d"))
    assert made.env == {"DOCKER_HOST": "unix:///h/docker.sock", "DOCKER_BUILDKIT": "0"}


def test_a_data_root_in_use_is_left_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path))
    first, lock = engine._slot()  # noqa: SLF001 - the promise is about which one is taken
    second, other = engine._slot()  # noqa: SLF001
    assert (first.name, second.name) == ("0", "1")
    other.close()
    fcntl.flock(lock, fcntl.LOCK_UN)
    lock.close()
    again, last = engine._slot()  # noqa: SLF001
    assert again == first
    last.close()
