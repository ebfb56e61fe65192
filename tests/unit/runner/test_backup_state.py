"""What is due, what is stale, what is watched, and what the host's own lists survive."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host

from hostwright.runner import base, durable, releases
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
    settings,
    swap,
    watch,
    work,
)
from hostwright.runner.backup.settings import Alerts, Keep, Repository, Settings
from hostwright.runner.fault import Code, RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterator
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


def test_what_was_made_by_a_clock_that_was_ahead_does_not_look_new(layout: Layout) -> None:
    """Neither now, when nobody knows how old it is, nor when there is one made since."""
    for path in (ledger.backups(layout), ledger.drills(layout)):
        ledger.append(path, entry(at=90_000))
    assert "set back" in drill.stale(layout, SETTINGS, 1000)
    assert "set back" in watch.overdue(layout, SETTINGS, 1000)

    for path in (ledger.backups(layout), ledger.drills(layout)):
        ledger.append(path, entry(TWO, 2000))
    assert drill.stale(layout, SETTINGS, 2500) == ""
    assert watch.overdue(layout, SETTINGS, 2500) == ""
    assert due.reason(ledger.last_good(ledger.backups(layout)), SETTINGS, (), 2500) == ""


def test_what_was_told_by_a_clock_that_was_ahead_is_told_again(layout: Layout) -> None:
    marks = {"disk /": int(time.time()) + 90_000, "disk /var": int(time.time()) - 5}
    durable.write_json(layout.backup / "alerts.json", marks)
    assert alerts.due(layout, "disk", "/")
    assert not alerts.due(layout, "disk", "/var")


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
    with pytest.raises(RunnerError, match=said) as refused:
        restore.compare(STORED, facts, floors)
    assert ("row_floors" in refused.value.remedy) == bool(floors)


def test_too_few_rows_of_a_moment_are_refused_with_where_they_are_asked_for() -> None:
    restore.refuse_fewer(FACTS, {"items": 5})
    with pytest.raises(RunnerError, match="cannot be all: the table items has 5 rows") as refused:
        restore.refuse_fewer(FACTS, {"items": 6})
    assert "row_floors" in refused.value.remedy


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
    monkeypatch.setattr(base, "mend", lambda *_: before.append(found.kept("storage").exists()))

    work.settle(at)

    assert before == [False]  # who may have stopped with a full disk is started on its own files
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

    taken, wrong = alerts.tell(layout, who, "disk", "the disk is full")

    if os.geteuid() != 0:  # who cannot become nobody runs nothing, and says so
        assert (taken, len(wrong)) == (False, 1)
        assert not (tmp_path / "told").exists()
        return
    assert (taken, wrong) == (True, ())
    told = (tmp_path / "told").read_text()
    assert '"kind": "disk"' in told
    assert told.splitlines()[-1] != "0"


def test_a_command_that_fails_and_a_webhook_that_is_away_are_said(layout: Layout) -> None:
    who = Alerts(("false",), "http://127.0.0.1:9/x", 90, 14)
    taken, wrong = alerts.tell(layout, who, "disk", "it is full")
    assert (taken, len(wrong)) == (False, 2)


@pytest.mark.parametrize("port", ["44a", "1/ HTTP/1.1"])
def test_a_webhook_whose_address_is_none_is_said_and_no_fault(layout: Layout, port: str) -> None:
    who = Alerts((), f"http://127.0.0.1:{port}/x", 90, 14)
    assert alerts.tell(layout, who, "disk", "it is full") == (
        False,
        ("the webhook cannot be reached: InvalidURL",),
    )


def test_a_webhook_that_does_not_speak_http_is_said_and_no_fault(layout: Layout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        who = Alerts((), f"http://127.0.0.1:{listener.getsockname()[1]}/", 90, 14)
        taken, [wrong] = alerts.tell(layout, who, "disk", "it is full")
        thread.join()
    assert (taken, wrong) == (False, "the webhook cannot be reached: BadStatusLine")


class Webhook(http.server.BaseHTTPRequestHandler):
    """Answers with the codes of its server in turn, then 200; keeps what it took."""

    server: Server

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        code = self.server.codes.pop(0) if self.server.codes else 200
        if code == 200:
            self.server.took.append(json.loads(content))
        self.send_response(code)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(http.server.HTTPServer):
    def __init__(self, codes: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), Webhook)
        self.codes = codes
        self.took: list[dict[str, Any]] = []

    @property
    def kinds(self) -> list[str]:
        return [str(message["kind"]) for message in self.took]


@contextlib.contextmanager
def webhook(
    layout: Layout,
    *codes: int,
    command: tuple[str, ...] = (),
    **more: Any,  # noqa: ANN401 - JSON
) -> Iterator[Server]:
    """The host has been told of a web address that answers so, and of *more* settings."""
    with Server(list(codes)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            configure(layout, command, f"http://127.0.0.1:{server.server_port}/", **more)
            yield server
        finally:
            server.shutdown()
            thread.join()


def configure(
    layout: Layout,
    command: tuple[str, ...] = (),
    address: str = "",
    **more: Any,  # noqa: ANN401 - JSON
) -> None:
    document = {
        "version": 1,
        "key": "k" * 40,
        "repositories": [{"name": "here", "kind": "local", "path": "/var/backups/x"}],
        "keep": {"daily": 7, "weekly": 4, "monthly": 6},
        "max_age_seconds": 86_400,
        "timeout_seconds": 7200,
        "row_floors": {},
        "drill": {"max_age_seconds": 604_800, "stale": "warn"},
        "alerts": {
            "command": list(command),
            "webhook": address,
            "disk_percent": 90,
            "certificate_days": 14,
        },
        **more,
    }
    settings.store(layout, json.dumps(document).encode())


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> list[watch.Sign]:
    """What the watch sees."""
    seen = [watch.Sign("disk", "/", "the disk is full")]
    monkeypatch.setattr(watch, "look", lambda *_: iter(seen))
    return seen


def test_it_is_told_once_while_it_lasts_and_again_when_it_returns(
    layout: Layout, signs: list[watch.Sign]
) -> None:
    wrong, [well] = list(signs), [sign._replace(what="") for sign in signs]
    with webhook(layout) as server:
        for seen in (wrong, wrong, [*wrong, watch.Sign("disk", "/var", "full")], [well], wrong):
            signs[:] = seen
            assert watch.main(layout) == 0
    assert [message["subject"] for message in server.took] == ["/", "/var", "/"]


@pytest.mark.usefixtures("signs")
def test_what_nobody_took_is_told_at_the_next_look(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    with webhook(layout, 503) as server:
        assert [watch.main(layout) for _ in range(3)] == [1, 0, 0]
    assert server.kinds == ["disk"]
    said = capsys.readouterr().out.splitlines()
    assert said == ["the disk is full", "the webhook answered 503", "the disk is full"]


@pytest.mark.usefixtures("signs")
def test_one_who_took_it_is_enough(layout: Layout) -> None:
    with webhook(layout, command=("false",)) as server:
        assert [watch.main(layout) for _ in range(2)] == [1, 0]
    assert server.kinds == ["disk"]


@pytest.mark.usefixtures("signs")
def test_where_nobody_is_to_be_told_it_is_printed_once_a_day(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(layout)
    assert [watch.main(layout) for _ in range(2)] == [0, 0]
    assert capsys.readouterr().out == "the disk is full\n"


def test_a_failed_backup_that_nobody_took_is_told_by_the_watch_with_its_time(
    layout: Layout, signs: list[watch.Sign]
) -> None:
    signs.clear()
    began = int(time.time())
    with webhook(layout, 503, 503) as server:
        work.tell(layout, "backup-failed", "the bucket is away")
        time.sleep(1)
        assert [watch.main(layout) for _ in range(3)] == [1, 0, 0]
    [told] = server.took
    assert (told["kind"], told["what"]) == ("backup-failed", "the bucket is away")
    assert began <= told["time"] < time.time() - 1


def test_a_failed_backup_that_was_taken_is_not_told_again(
    layout: Layout, signs: list[watch.Sign]
) -> None:
    signs.clear()
    with webhook(layout) as server:
        work.tell(layout, "backup-failed", "the bucket is away")
        assert watch.main(layout) == 0
    assert server.kinds == ["backup-failed"]


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


NAME = "app.test"


def keeps(data: Path, issuer: str, text: str, name: str = NAME) -> None:
    """Caddy keeps a certificate of an issuer."""
    path = data / "caddy" / "certificates" / issuer / name / f"{name}.crt"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def ending(data: Path, *names: str, since: float = 0.0) -> list[watch.Sign]:
    now = time.time()
    return list(watch.expiring(certificates.newest(data), names or (NAME,), 14, now, now - since))


@pytest.mark.parametrize(
    ("days", "said"), [(60, ""), (5, "ends in 5.0 days"), (40_000, ""), (-0.5, "ends in -0.5 days")]
)
def test_a_certificate_near_its_end_is_seen(tmp_path: Path, days: float, said: str) -> None:
    keeps(tmp_path, "ca", certificate(days))

    [sign] = ending(tmp_path)

    assert said in sign.what
    assert bool(said) is bool(sign.what)


@pytest.mark.parametrize("former", [certificate(-0.5), "torn"])
@pytest.mark.parametrize("issuers", [("a", "b"), ("b", "a")])
def test_the_newest_certificate_of_a_name_counts(
    tmp_path: Path, issuers: tuple[str, str], former: str
) -> None:
    for issuer, text in zip(issuers, (former, certificate(60)), strict=True):
        keeps(tmp_path, issuer, text)

    assert ending(tmp_path) == [watch.Sign("certificate", NAME, "")]


def test_a_certificate_that_cannot_be_read_and_none_at_all_are_seen(tmp_path: Path) -> None:
    keeps(tmp_path, "ca", "torn")

    assert [sign.what for sign in ending(tmp_path, NAME, "api.test", since=3600)] == [
        "the certificate of app.test cannot be read",
        "there is no certificate of api.test",
    ]


def test_a_name_that_is_new_has_time_to_get_its_certificate(tmp_path: Path) -> None:
    assert ending(tmp_path, since=60) == []


class Caddys(fake_host.Docker):
    """A Docker that knows where Caddy's volume is."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self.place = place

    def find(self, path: str) -> dict[str, Any] | None:
        assert path == "/volumes/app_caddy_data"
        return {"Mountpoint": str(self.place)}

    def containers(self, project: str | None = None) -> list[dict[str, Any]]:
        del project
        return []


def test_only_names_that_are_served_are_looked_at(tmp_path: Path) -> None:
    at = fake_host.host(tmp_path)
    fake_host.unpacked(at, fake_host.OLD, public={"web": ["web.test"], "api": ["API.test"]})
    keeps(tmp_path, "ca", certificate(3), "api.test")
    keeps(tmp_path, "ca", certificate(3), "former.test")

    def seen() -> list[tuple[str, str]]:
        found = watch.look(at.layout, SETTINGS, Caddys(tmp_path), time.time())
        return [(one.subject, one.what) for one in found if one.kind == "certificate"]

    assert seen() == []  # nothing serves
    fake_host.serve(at, fake_host.OLD)
    releases.change(at.layout, fake_host.OLD, outcome="good", committed=1)
    assert seen() == [("api.test", "the certificate of api.test ends in 3.0 days")]


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_has_no_end(text: str) -> None:
    assert certificates.not_after(text) is None
