"""Back over an irreversible migration, and an empty host from a backup: what is chosen, refused."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.unit.runner import fake_host
from tests.unit.runner.test_backup_state import configure

from hostwright.runner import durable, releases, room
from hostwright.runner.backup import due, ledger, make, postgres, recover, restore, way_back
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.migration import Status

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.backup.settings import Settings
    from hostwright.runner.operation import Host, Operation

OLD, NEW = fake_host.OLD, fake_host.NEW
ONE = "20260103t000000z-ccccccc"


def two_releases(tmp_path: Path, **migration: Any) -> Host:  # noqa: ANN401 - JSON
    at = fake_host.host(tmp_path)
    fake_host.unpacked(at, OLD)
    fake_host.unpacked(at, NEW)
    releases.change(at.layout, OLD, outcome="good")
    releases.change(at.layout, NEW, outcome="good", migration=migration or None)
    fake_host.serve(at, NEW)
    return at


def entry(before: str | None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    facts = {"id": ONE, "time": 5, "outcome": "ok", "before": before}
    return {**facts, "stored": {"away": {"snapshot": "x"}}, **more}


def test_the_backup_of_before_the_migration_is_found(tmp_path: Path) -> None:
    at = two_releases(tmp_path, applied=["0004"], irreversible=["0004"])
    ledger.append(ledger.backups(at.layout), entry(NEW))
    later = entry(None, id="20260104t000000z-ddddddd", time=9)
    ledger.append(ledger.backups(at.layout), later)

    found = way_back.find(at.layout, None)

    assert found == (OLD, ONE, ("away",), 5, ("0004",))


@pytest.mark.parametrize("written", [[], [entry(None)], [entry(OLD)], [entry(NEW, stored={})]])
def test_without_such_a_backup_there_is_no_way_back(
    tmp_path: Path, written: list[dict[str, Any]]
) -> None:
    at = two_releases(tmp_path, applied=["0004"], irreversible=["0004"])
    for one in written:
        ledger.append(ledger.backups(at.layout), one)
    with pytest.raises(RunnerError, match="no backup was made before"):
        way_back.find(at.layout, None)


def test_no_data_is_given_up_where_a_rollback_alone_will_do(tmp_path: Path) -> None:
    at = two_releases(tmp_path, applied=["0003"], irreversible=[])
    with pytest.raises(RunnerError, match="nothing irreversible") as told:
        way_back.find(at.layout, None)
    assert "without --with-data" in told.value.remedy


# --- recover -------------------------------------------------------------------------------------


def stored(tmp_path: Path, at: Host, **spoilt: bytes) -> restore.Fetched:
    """A backup whose release is a whole one, but for what is spoilt."""
    root = tmp_path / "files" / "var" / "lib" / "hostwright" / "app"
    place = root / "releases" / OLD
    fake_host.unpacked(at, OLD)
    place.parent.mkdir(parents=True)
    at.layout.release(OLD).directory.rename(place)
    (root / "backup" / "stage").mkdir(parents=True)
    record = {"id": ONE, "time": 5, "volumes": {}, "release": OLD}
    durable.write_json(root / "backup" / "stage" / make.RECORD, record)
    for name, content in spoilt.items():
        (place / name.replace("_", ".")).write_bytes(content)
    return restore.Fetched(tmp_path / "files")


def test_a_release_out_of_a_backup_is_a_release_like_another(tmp_path: Path) -> None:
    at = fake_host.host(tmp_path)
    found = stored(tmp_path, at)

    assert recover.unpack(at, found).id == OLD
    assert [one.id for one in releases.listing(at.layout)] == [OLD]
    assert releases.state(at.layout, OLD).outcome == "new"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"files": 5}', b'{"files": {"../../x": {}}}'])
def test_a_damaged_manifest_in_a_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    at = fake_host.host(tmp_path)
    found = stored(tmp_path, at, manifest_json=content)
    with pytest.raises(RunnerError):
        recover.unpack(at, found)
    assert not list(at.layout.known())


def test_a_compose_file_that_reaches_the_host_is_refused_here_too(tmp_path: Path) -> None:
    """Whoever may deploy may choose the repository: what comes from it is an upload."""
    at = fake_host.host(tmp_path)
    found = stored(tmp_path, at, compose_yaml=b'{"services": {"x": {"privileged": true}}}')
    with pytest.raises(RunnerError):
        recover.unpack(at, found)
    assert not list(at.layout.known())


def test_a_host_that_serves_is_no_empty_one(tmp_path: Path) -> None:
    at = two_releases(tmp_path)
    with pytest.raises(RunnerError, match="it is not an empty one") as told:
        recover._refuse_serving(at)  # noqa: SLF001 - what both commands ask first
    assert told.value.code == Code.PREFLIGHT


# --- before a deploy -----------------------------------------------------------------------------


def test_a_deploy_says_what_became_of_its_backup(tmp_path: Path) -> None:
    at = fake_host.host(tmp_path)
    fake_host.unpacked(at, NEW)
    op = fake_host.operation(at)
    assert due.before_deploy(op, lambda: None) == "no backup is configured"


def deploying(place: Path, *, drilled: int, stale: str = "warn", op: str = "deploy") -> Operation:
    """A deploy over a release that serves; its last backup is new, its last drill so many s old."""
    at = fake_host.host(place)
    for identity in (OLD, NEW):
        fake_host.unpacked(at, identity)
    configure(at.layout, drill={"max_age_seconds": 3600, "stale": stale})
    now = int(time.time())
    ledger.append(ledger.backups(at.layout), entry(None, time=now))
    ledger.append(ledger.drills(at.layout), entry(None, time=now - drilled))
    return fake_host.operation(at, op)


def nothing_pending() -> Status:
    return Status("0004", "0004", (), (), ahead=False)


def never_asked() -> Status:
    raise AssertionError("the migration was asked")


def test_a_recent_backup_is_enough_where_nothing_is_pending(tmp_path: Path) -> None:
    op = deploying(tmp_path, drilled=60)
    assert due.before_deploy(op, nothing_pending) == "the last backup is recent"
    assert fake_host.notes(op.host) == ""


def test_a_stale_drill_is_warned_of_and_the_deploy_goes_on(tmp_path: Path) -> None:
    op = deploying(tmp_path, drilled=90_000)
    assert due.before_deploy(op, nothing_pending) == "the last backup is recent"
    assert fake_host.notes(op.host) == (
        "warning: the last good drill is 1.0 days old: `invoke vps.drill`"
    )


def test_a_stale_drill_refuses_the_deploy_where_that_is_wanted(tmp_path: Path) -> None:
    """Before the migration is asked, and before a backup is made that nobody can vouch for."""
    op = deploying(tmp_path, drilled=90_000, stale="refuse")
    with pytest.raises(RunnerError, match=r"the last good drill is 1\.0 days old") as told:
        due.before_deploy(op, never_asked)
    assert (told.value.code, told.value.where) == (Code.PREFLIGHT, "drill")
    assert "vps.drill" in told.value.remedy

    recent = deploying(tmp_path / "recent", drilled=60, stale="refuse")
    assert due.before_deploy(recent, nothing_pending) == "the last backup is recent"


def test_a_rollback_makes_no_backup_and_waits_for_no_drill(tmp_path: Path) -> None:
    op = deploying(tmp_path, drilled=90_000, stale="refuse", op="rollback")
    assert due.before_deploy(op, never_asked) == "a rollback makes none"


def test_a_first_deploy_has_nothing_to_keep(tmp_path: Path) -> None:
    at = fake_host.host(tmp_path)
    fake_host.unpacked(at, NEW)
    configure(at.layout)
    op = fake_host.operation(at)
    assert due.before_deploy(op, never_asked) == "there is nothing to keep yet"


@pytest.mark.parametrize("irreversible", [(), ("0005",)], ids=["reversible", "irreversible"])
def test_what_a_migration_could_spoil_is_backed_up_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, irreversible: tuple[str, ...]
) -> None:
    made: list[tuple[str, make.Before]] = []

    def backup(*_: object, reason: str, before: make.Before) -> dict[str, str]:
        made.append((reason, before))
        return {"id": ONE}

    monkeypatch.setattr(make, "make", backup)
    op = deploying(tmp_path, drilled=60)
    status = Status("0004", "0005", ("0005",), irreversible, ahead=False)

    assert due.before_deploy(op, lambda: status) == f"{ONE}: 1 migration pending"
    assert made == [("deploy", make.Before(NEW, irreversible=bool(irreversible)))]


def test_room_is_asked_for_before_a_dump_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, dumped = fake_host.host(tmp_path), []
    at.layout.backup.mkdir(parents=True, exist_ok=True)
    facts = postgres.Facts(version=170_006, size=10, fingerprint="", head="", rows={})
    monkeypatch.setattr(postgres, "find", lambda _: postgres.Database("db", "app", "app", "image"))
    monkeypatch.setattr(postgres, "facts", lambda *_: facts)
    monkeypatch.setattr(postgres, "dump", lambda *_: dumped.append(True))
    settings = cast("Settings", SimpleNamespace(row_floors={}))

    monkeypatch.setattr(room, "disk", lambda: room.RESERVE_BYTES + 4)
    with pytest.raises(RunnerError, match="of disk left, the backup needs") as told:
        make.gather(at, settings, {})
    assert told.value.code == Code.BACKUP
    assert dumped == []

    monkeypatch.setattr(room, "disk", lambda: room.RESERVE_BYTES + 5)
    with pytest.raises(FileNotFoundError):  # the dump that was not made
        make.gather(at, settings, {})
    assert dumped == [True]
