from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from probe import heartbeat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.probe.roles import Installation, Surroundings


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_no_heartbeat_is_not_healthy() -> None:
    assert heartbeat.check(0) == "no heartbeat: the worker has not started"


def test_a_fresh_and_ready_one_is_healthy_until_it_is_stale() -> None:
    heartbeat.beat(ready=True)
    beaten = os.stat(heartbeat.path()).st_mtime  # noqa: PTH116
    assert heartbeat.check(beaten + heartbeat.STALE - 1) == ""
    assert "is stuck" in heartbeat.check(beaten + heartbeat.STALE + 1)


def test_what_is_waited_for_is_the_reason() -> None:
    heartbeat.beat(ready=False, reason="redis: failed refused")
    assert heartbeat.check(0) == "redis: failed refused"


def test_the_end_removes_the_sign_of_life_even_twice() -> None:
    heartbeat.beat(ready=True)
    heartbeat.stop()
    heartbeat.stop()
    assert heartbeat.check(0).startswith("no heartbeat")


def test_the_check_imports_nothing_that_is_slow(
    installation: Installation, around: Surroundings
) -> None:
    script = (
        "import sys; sys.argv=['probe','worker','--health']\ntry:\n import runpy; runpy.run_module"
    )
    script += "('probe', run_name='__main__')\nfinally: print(sorted(sys.modules))"
    done = installation.python(script, around.env())
    loaded = set(done.stdout.replace("'", " ").split())
    assert {"probe.heartbeat", "json"} <= loaded
    assert not {"psycopg", "redis", "asyncio", "logging", "starlette"} & loaded
