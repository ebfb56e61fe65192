"""What is due, what is stale, what is watched, and what the host's own lists survive."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host

from hostwright.runner import base, durable
from hostwright.runner.backup import (
    alerts,
    certificates,
    drill,
    due,
    ledger,
    make,
    postgres,
    redis,
    restore,
    swap,
    watch,
    work,
)
from hostwright.runner.backup.settings import Alerts, Keep, Repository, Settings
from hostwright.runner.fault import Code, RunnerError

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.layout import Layout

ONE, TWO = "20260101t000000z-aaaaaaa", "20260102t000000z-bbbbbbb"
HERE = Repository("here", "local", "/var/backups/x")
SETTINGS = Settings("k" * 40, (HERE,), Keep(7, 4, 6), 86_400, 7200, 604_800, False, Alerts((), "", 90, 14), {})  # noqa: E501, FBT003 # fmt: skip


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return fake_host.layout(tmp_path)


def entry(identity: str = ONE, at: int = 1000, outcome: str = "ok", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"id": identity, "time": at, "outcome": outcome, **more}


# --- the lists -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "torn",
    [
        b'{"id": "20260102t000000z-bbbbbbb", "ti',
        b"\0\0\0\0",
        b'{"id": 5, "time": 1, "outcome": "ok"}\n',
        b'{"id": "../x", "time": 1, "outcome": "ok"}\n',
        b'{"id": "20260102t000000z-bbbbbbb", "time": "x", "outcome": "ok"}\n',
        b"[]\n",
        b"\xff\xfe\n",
    ],
)
def test_a_truncated_or_edited_list_keeps_its_good_lines(layout: Layout, torn: bytes) -> None:
    path = ledger.backups(layout)
    ledger.append(path, entry())
    with path.open("ab") as file:
        file.write(torn)

    ledger.append(path, entry(TWO, 2000))

    found = ledger.read(path)
    assert [one["id"] for one in found.entries] == [ONE, TWO]
    assert found.unreadable == 1
    last = ledger.last_good(path)
    assert last
    assert last["id"] == TWO


def test_the_last_word_about_a_backup_counts(layout: Layout) -> None:
    path = ledger.backups(layout)
    ledger.append(path, entry())
    ledger.append(path, entry(outcome="failed", error="its repository is damaged"))

    assert ledger.last_good(path) is None
    known = ledger.by_id(layout, ONE)
    assert known
    assert known["outcome"] == "failed"
    assert ledger.by_id(layout, TWO) is None


def test_a_list_that_is_not_there_is_empty(layout: Layout) -> None:
    assert ledger.read(ledger.backups(layout)) == ([], 0)
    assert work.told(layout) is None
    assert work.listing(layout)["backups"] == []


# --- due and stale -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "pending", "now", "why"),
    [
        (None, (), 0, "there was none"),
        (entry(at=0), (), 100, ""),
        (entry(at=0), ("0005",), 100, "1 migration pending"),
        (entry(at=0), ("0005", "0006"), 100, "2 migrations pending"),
        (entry(at=0), (), 90_000, "the last one is 25 h old"),
        (entry(at=100_000), (), 0, "the last one is -28 h old"),
    ],
)
def test_a_backup_is_due(
    last: dict[str, Any] | None, pending: tuple[str, ...], now: float, why: str
) -> None:
    assert due.reason(last, SETTINGS, pending, now) == why


def test_a_drill_is_stale_when_there_is_something_to_try(layout: Layout) -> None:
    assert drill.stale(layout, SETTINGS, 1000) == ""
    ledger.append(ledger.backups(layout), entry())
    assert "proven" in drill.stale(layout, SETTINGS, 1000)
    ledger.append(ledger.drills(layout), entry(at=1000))
    assert drill.stale(layout, SETTINGS, 2000) == ""
    assert "8.1 days" in drill.stale(layout, SETTINGS, 700_000 + 1000)


@pytest.mark.parametrize("age", [0, 2 * 86_400])
def test_a_backup_is_overdue_when_the_next_one_is_missing_too(layout: Layout, age: int) -> None:
    ledger.append(ledger.backups(layout), entry(at=1000))
    assert watch.overdue(layout, SETTINGS, 1000 + age) == ""
    assert "hours old" in watch.overdue(layout, SETTINGS, 1001 + 2 * 86_400)


# --- what a restored database has to be ----------------------------------------------------------

FACTS = postgres.Facts(170_006, 1, "abc", "alembic_version=4", {"items": 5})
STORED = {**FACTS._asdict(), "database": "app", "user": "app"}


def test_the_same_database_is_accepted() -> None:
    restore.compare(STORED, FACTS, {"items": 5})


@pytest.mark.parametrize(
    ("facts", "floors", "said"),
    [
        (FACTS._replace(fingerprint="x"), {}, "its schema is another one"),
        (FACTS._replace(head="alembic_version=3"), {}, "its migrations are at alembic_version=3"),
        (FACTS, {"items": 6}, "has 5 rows, at least 6"),
        (FACTS._replace(rows={"items": -1}), {"items": 0}, "the table items is missing"),
    ],
)
def test_another_database_is_refused(
    facts: postgres.Facts, floors: dict[str, int], said: str
) -> None:
    with pytest.raises(RunnerError, match=said):
        restore.compare(STORED, facts, floors)


def test_another_major_version_writes_its_schema_otherwise() -> None:
    restore.compare(STORED, FACTS._replace(version=180_001, fingerprint="x"), {})


@pytest.mark.parametrize(("dumped", "server"), [(170_006, 150_018), (180_010, 179_999)])
def test_a_newer_dump_is_refused_by_an_older_server(dumped: int, server: int) -> None:
    with pytest.raises(RunnerError, match=f"is of Postgres {dumped // 10_000}") as told:
        restore.refuse_newer(dumped, server)
    assert told.value.code == Code.RESTORE
    restore.refuse_newer(server, dumped)
    restore.refuse_newer(dumped, dumped - 5)


def test_queues_may_move_and_keys_may_not_be_lost() -> None:
    record = {"redis": redis.Keys(100, 20)._asdict()}
    restore.compare_keys(record, redis.Keys(75, 0))
    with pytest.raises(RunnerError, match="has 0 keys"):
        restore.compare_keys(record, redis.Keys(0, 0))


# --- what comes out of a repository --------------------------------------------------------------


def fetched(tmp_path: Path) -> Path:
    stage = tmp_path / "files" / "var" / "lib" / "hostwright" / "app" / "backup" / "stage"
    stage.mkdir(parents=True)
    durable.write_json(stage / make.RECORD, {"id": ONE, "time": 5, "volumes": {}})
    return stage


def test_only_plain_files_of_a_backup_are_read(tmp_path: Path) -> None:
    """Whoever may deploy may choose the repository, and root reads it."""
    stage = fetched(tmp_path)
    (stage / make.DUMP).symlink_to("/etc/shadow")
    found = restore.Fetched(tmp_path / "files")

    with pytest.raises(RunnerError, match=r"no postgres\.dump"):
        found.file(make.DUMP)
    with pytest.raises(RunnerError, match=r"no redis\.rdb"):
        found.file(make.SNAPSHOT)


def test_a_directory_outside_of_a_backup_is_none_of_it(tmp_path: Path) -> None:
    fetched(tmp_path)
    (tmp_path / "files" / "volumes").symlink_to("/etc")
    found = restore.Fetched(tmp_path / "files")

    assert found.directory("/volumes") is None
    assert found.directory("/../../etc") is None
    assert found.directory("") is None
    assert found.directory("/var/lib/hostwright") is not None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"id": "../x"}'])
def test_a_backup_that_does_not_say_what_it_is_is_refused(tmp_path: Path, content: bytes) -> None:
    (fetched(tmp_path) / make.RECORD).write_bytes(content)
    with pytest.raises(RunnerError, match="does not say what it is"):
        restore.Fetched(tmp_path / "files")


def test_an_unknown_backup_is_named_with_the_command_that_lists_them() -> None:
    with pytest.raises(RunnerError, match=f"no backup {ONE}") as told:
        restore.choose([], ONE, "away")
    assert told.value.code == Code.REQUEST
    assert "vps.backups" in told.value.remedy


# --- renames, and back ---------------------------------------------------------------------------


def plan(tmp_path: Path) -> swap.Plan:
    for name in ("_data", f"incoming-{TWO}"):
        (tmp_path / "volume" / name).mkdir(parents=True)
        (tmp_path / "volume" / name / "file").write_text(name)
    return swap.Plan(ONE, TWO, "", {"storage": str(tmp_path / "volume" / "_data")})


class Quiet(fake_host.Docker):
    def containers(self, project: str | None = None) -> list[dict[str, Any]]:
        del project
        return []


def test_containers_that_were_just_made_outlive_the_exchange(tmp_path: Path) -> None:
    """A recovered host's release is made before its data comes; nothing serves yet."""
    docker = fake_host.Docker()
    at = fake_host.host(tmp_path, docker)
    fake_host.unpacked(at, fake_host.NEW)
    name = at.layout.container(fake_host.NEW, "migrate-status")
    docker.known[name] = False

    swap.stop_roles(at, but=fake_host.NEW)
    assert name in docker.known

    swap.stop_roles(at)
    assert name not in docker.known


def test_files_are_exchanged_and_kept(tmp_path: Path) -> None:
    at, found = fake_host.host(tmp_path, Quiet()), plan(tmp_path)

    swap.exchange(at, found)

    assert (tmp_path / "volume" / "_data" / "file").read_text() == f"incoming-{TWO}"
    assert (found.kept("storage") / "file").read_text() == "_data"


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_whatever_was_renamed_is_put_back(tmp_path: Path, steps: int) -> None:
    at, found = fake_host.host(tmp_path, Quiet()), plan(tmp_path)
    place = tmp_path / "volume" / "_data"
    if steps > 0:
        place.rename(found.kept("storage"))
    if steps > 1:
        found.incoming("storage").rename(place)

    for _ in range(2):  # killed while it puts back: the next command does it again
        swap.put_back(at, found)
        assert (place / "file").read_text() == "_data"
    swap.clean(at, found)
    assert [path.name for path in (tmp_path / "volume").iterdir()] == ["_data"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"phase": "SWAPPING"}', b'{"phase": 5, "plan": {}}']
)
def test_an_edited_restore_is_kept_for_a_person_and_ends(tmp_path: Path, content: bytes) -> None:
    at = fake_host.host(tmp_path, Quiet())
    path = restore.journal(at.layout)
    path.write_bytes(content)

    work.settle(at)

    assert not path.exists()
    assert "cannot be read" in fake_host.notes(at)
    assert [one.read_bytes() for one in at.layout.backup.glob("restore.unreadable-*")] == [content]


@pytest.mark.parametrize("phase", [restore.SWAPPING, restore.SWAPPED])
def test_a_restore_that_died_in_the_exchange_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    at, found = fake_host.host(tmp_path, Quiet()), plan(tmp_path)
    (tmp_path / "volume" / "_data").rename(found.kept("storage"))
    facts = {"phase": phase, "plan": found._asdict(), "goal": None}
    durable.write_json(restore.journal(at.layout), facts)
    before: list[bool] = []
    monkeypatch.setattr(base, "mend", lambda _: before.append(found.kept("storage").exists()))

    work.settle(at)

    assert before == [True]  # whoever is asked to put it back may have stopped with a full disk
    assert (tmp_path / "volume" / "_data" / "file").read_text() == "_data"
    assert "put back" in fake_host.notes(at)
    assert not restore.journal(at.layout).exists()


@pytest.mark.parametrize(
    ("phase", "data"), [(restore.LOADED, "_data"), (restore.HEALTHY, f"incoming-{TWO}")]
)
def test_before_the_exchange_it_ends_and_after_it_it_stays(
    tmp_path: Path, phase: str, data: str
) -> None:
    at, found = fake_host.host(tmp_path, Quiet()), plan(tmp_path)
    if phase == restore.HEALTHY:
        swap.exchange(at, found)
    facts = {"phase": phase, "plan": found._asdict(), "goal": None}
    durable.write_json(restore.journal(at.layout), facts)

    work.settle(at)

    assert (tmp_path / "volume" / "_data" / "file").read_text() == data
    assert not found.incoming("storage").exists()


@pytest.mark.parametrize(("serving", "data"), [(ONE, f"incoming-{TWO}"), (TWO, "_data")])
def test_a_rollback_with_data_that_died_keeps_the_data_of_whoever_serves(
    tmp_path: Path, serving: str, data: str
) -> None:
    at, found = fake_host.host(tmp_path, Quiet()), plan(tmp_path)
    fake_host.serve(at, serving)
    swap.exchange(at, found)
    facts = {"phase": restore.SWAPPED, "plan": found._asdict(), "goal": ONE}
    durable.write_json(restore.journal(at.layout), facts)

    work.settle(at)

    assert (tmp_path / "volume" / "_data" / "file").read_text() == data


def test_a_backup_that_died_leaves_no_stage_and_says_so(tmp_path: Path) -> None:
    at = fake_host.host(tmp_path, Quiet())
    make.stage(at.layout).mkdir()
    durable.write_json(make.current(at.layout), {"id": ONE, "time": 5})

    make.settle(at, SETTINGS._replace(repositories=()))

    assert not make.stage(at.layout).exists()
    assert not make.current(at.layout).exists()
    known = ledger.by_id(at.layout, ONE)
    assert known
    assert known["outcome"] == "failed"


def test_a_backup_that_died_after_it_was_written_down_is_good(tmp_path: Path) -> None:
    at = fake_host.host(tmp_path, Quiet())
    ledger.append(ledger.backups(at.layout), entry())
    durable.write_json(make.current(at.layout), {"id": ONE, "time": 5})

    make.settle(at, SETTINGS)

    known = ledger.by_id(at.layout, ONE)
    assert known
    assert known["outcome"] == "ok"


# --- telling -------------------------------------------------------------------------------------


def test_the_alert_command_is_told_as_nobody_or_not_at_all(layout: Layout, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.geteuid() and str(parent).startswith("/tmp/"):  # noqa: S108
            parent.chmod(parent.stat().st_mode | 0o011)
    script = f"cat > {tmp_path}/told; id -u >> {tmp_path}/told"
    who = Alerts(("sh", "-c", script), "", 90, 14)

    wrong = alerts.tell(layout, who, "disk", "the disk is full")

    if os.geteuid() != 0:  # who cannot become nobody runs nothing, and says so
        assert len(wrong) == 1
        assert not (tmp_path / "told").exists()
        return
    assert wrong == []
    told = (tmp_path / "told").read_text()
    assert '"kind": "disk"' in told
    assert told.splitlines()[-1] != "0"


def test_a_command_that_fails_and_a_webhook_that_is_away_are_said(layout: Layout) -> None:
    who = Alerts(("false",), "http://127.0.0.1:9/x", 90, 14)
    wrong = alerts.tell(layout, who, "disk", "it is full")
    assert len(wrong) == 2


def test_it_is_told_once_while_it_lasts_and_again_when_it_returns(layout: Layout) -> None:
    told = [alerts.raised(layout, "disk", "/", wrong=wrong) for wrong in (True, True, False, True)]
    assert told == [True, False, False, True]
    assert alerts.raised(layout, "disk", "/var", wrong=True)


@pytest.mark.parametrize(
    ("state", "status", "said"),
    [
        ("running", "Up 5 minutes (healthy)", ""),
        ("running", "Up 5 minutes", ""),
        ("running", "Up 5 minutes (unhealthy)", "api is unhealthy"),
        ("exited", "Exited (1)", "api is exited"),
        ("restarting", "Restarting", "api is restarting"),
    ],
)
def test_a_role_that_is_not_well_is_seen(state: str, status: str, said: str) -> None:
    assert watch.unwell("api", {"State": state, "Status": status}) == said


def certificate(days: float) -> str:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1 << 140)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("days", "said"), [(60, ""), (5, "ends in 5.0 days"), (40_000, ""), (-0.5, "ends in -0.5 days")]
)
def test_a_certificate_near_its_end_is_seen(tmp_path: Path, days: float, said: str) -> None:
    path = tmp_path / "caddy" / "certificates" / "ca" / "app.test" / "app.test.crt"
    path.parent.mkdir(parents=True)
    path.write_text(certificate(days))

    [sign] = watch.expiring(tmp_path, 14, time.time())

    assert said in sign.what
    assert bool(said) is bool(sign.what)


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_has_no_end(text: str) -> None:
    assert certificates.not_after(text) is None
