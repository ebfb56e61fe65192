"""Each thing that the watch knows: seen, told with its kind, and forgotten when it is mended."""

from __future__ import annotations

import os
import shutil
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.unit.runner import fake_host
from tests.unit.runner.test_backup_state import (
    NAME,
    ONE,
    SETTINGS,
    TWO,
    Caddys,
    certificate,
    entry,
    keeps,
    webhook,
)

from hostwright.runner import durable, releases
from hostwright.runner.backup import alerts, ledger, wal, watch
from hostwright.runner.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hostwright.runner.operation import Host

MIB = 1 << 20
DAY = 86_400
POINT_IN_TIME = {"keep_seconds": 7 * DAY, "max_age_seconds": 300, "unsent_bytes": 64 * MIB}


class Watched:
    """A host on which all is well, whatever its machine is like."""

    def __init__(self, at: Host, volume: Path, patch: pytest.MonkeyPatch) -> None:
        self.at, self.layout, self.volume = at, at.layout, volume
        self.docker: Engine = Caddys(volume)
        self.available = 101
        patch.setattr(watch, "Engine", lambda: self.docker)
        patch.setattr(os, "statvfs", self.disk)
        self.backed_up(0)
        ledger.append(ledger.drills(self.layout), entry(at=int(time.time())))
        wal.place(self.layout).mkdir()
        self.log_is()
        fake_host.unpacked(at, fake_host.OLD, public={"api": [NAME]})
        fake_host.serve(at, fake_host.OLD)
        releases.change(self.layout, fake_host.OLD, outcome="good", committed=1)
        self.certified(60)

    def disk(self, _place: str) -> SimpleNamespace:
        return SimpleNamespace(f_blocks=1000, f_bavail=self.available)

    def backed_up(self, age: int) -> None:
        path = ledger.backups(self.layout)
        path.unlink(missing_ok=True)
        ledger.append(path, entry(at=int(time.time()) - age))

    def log_is(self, *, unsent: int = 0, based: str = ONE) -> None:
        reached = {"here": time.time() + 60}
        facts = {"span": ONE, "based": based, "unsent": unsent, "reached": reached}
        durable.write_json(wal.state_file(self.layout), facts)

    def certified(self, days: float) -> None:
        shutil.rmtree(self.volume / "caddy", ignore_errors=True)
        keeps(self.volume, "ca", certificate(days))


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(fake_host.host(tmp_path), tmp_path / "volume", monkeypatch)


class Trouble(NamedTuple):
    """What goes wrong, how it is told, and what mends it."""

    kind: str
    subject: str
    what: str
    begins: Callable[[Watched], object]
    ends: Callable[[Watched], object]


TROUBLES = (
    Trouble(
        "backup-stale", "", "the last good backup is 49 hours old",
        lambda it: it.backed_up(2 * DAY + 3600),
        lambda it: it.backed_up(0),
    ),
    Trouble(
        "log-unsent", "",
        "Postgres keeps 32 MiB of its log that could not be brought away; from 64 MiB on it gives "
        "them up, and moments are lost",
        lambda it: it.log_is(unsent=32 * MIB),
        lambda it: it.log_is(unsent=32 * MIB - 1),
    ),
    Trouble(
        "log-unbased", "", "no moment since the last gap can be restored: a backup is needed",
        lambda it: it.log_is(based=TWO),
        lambda it: it.log_is(),
    ),
    Trouble(
        "disk", "/var/lib/docker", "the disk of /var/lib/docker is 90 % full",
        lambda it: setattr(it, "available", 100),
        lambda it: setattr(it, "available", 101),
    ),
    Trouble(
        "unhealthy", "docker", "Docker does not answer",
        lambda it: setattr(it, "docker", Engine("/nonexistent")),
        lambda it: setattr(it, "docker", Caddys(it.volume)),
    ),
    Trouble(
        "certificate", NAME, f"the certificate of {NAME} ends in 13.0 days",
        lambda it: it.certified(13),
        lambda it: it.certified(15),
    ),
)  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: one.kind)
def test_it_is_told_when_it_begins_once_and_when_it_returns(
    watched: Watched, trouble: Trouble
) -> None:
    with webhook(watched.layout, point_in_time=POINT_IN_TIME) as server:
        assert [watch.main(watched.layout), server.took] == [0, []]
        for change in (trouble.begins, lambda _: None, trouble.ends, trouble.begins):
            change(watched)
            assert watch.main(watched.layout) == 0

    mine = [told for told in server.took if told["subject"] == trouble.subject]
    assert [told["kind"] for told in mine] == [trouble.kind] * 2
    assert {told["what"] for told in mine} == {trouble.what}
    others = {told["kind"] for told in server.took} - {trouble.kind}
    assert others == set()
    assert alerts.due(watched.layout, trouble.kind, trouble.subject) is False


def test_where_moments_are_not_wanted_the_log_is_nobodys_concern(watched: Watched) -> None:
    watched.log_is(unsent=1 << 40, based=TWO)
    with webhook(watched.layout) as server:
        assert watch.main(watched.layout) == 0
    assert server.took == []


@pytest.mark.parametrize(
    ("available", "percent", "full"),
    [(100, 90, True), (101, 90, False), (0, 100, True), (1, 100, False), (1000, 1, False)],
)
def test_a_disk_is_told_of_from_its_limit_on(
    watched: Watched, available: int, percent: int, *, full: bool
) -> None:
    watched.available = available
    wanted = SETTINGS._replace(alerts=SETTINGS.alerts._replace(disk_percent=percent))

    found = watch.look(watched.layout, wanted, watched.docker, time.time())

    places = {sign.subject: bool(sign.what) for sign in found if sign.kind == "disk"}
    assert places == {str(watched.layout.root): full, "/var/lib/docker": full}
