"""A password of the base changes while somebody serves: what is written, and both ends of it.

What the real Postgres and Redis make of it is shown in ``tests/e2e/test_fleet.py``.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake

from hostwright.runner import base, durable, operate, passwords, redis_wire, releases, scram
from hostwright.runner.backup import postgres
from hostwright.runner.fault import RunnerError, broken

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.operation import Host, Operation

BOTH = {"postgres_password": fake.MINE, "redis_password": fake.MINE}
BEFORE = {"secrets/postgres_password": b"old-horse\n", "secrets/redis_password": b"old-mouse\n"}
AFTER = {"secrets/postgres_password": b"new-horse\n", "secrets/redis_password": b"new-mouse\n"}


class Services:
    """Postgres and Redis that write down what they are asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.refuses = ""

    def postgres(self, host: Host, made: passwords.Record, *, new: bool, let_in: list[str]) -> None:
        del host, made
        self._take("postgres", "new" if new else "old", sorted(let_in))

    def redis(self, host: Host, known: list[str], commands: list[tuple[str, ...]]) -> None:
        del host
        self._take("redis", known, [" ".join(words) for words in commands])

    def _take(self, service: str, *what: Any) -> None:  # noqa: ANN401 - as it comes
        if service == self.refuses:
            raise broken(f"{service} refused")
        self.asked.append((service, *what))


@pytest.mark.parametrize("stands", [True, False])
def test_who_is_asked_runs_and_is_well_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stands: bool
) -> None:
    """At a boot Postgres is started, and goes on putting its data in order for a while."""
    host = fake.host(tmp_path, docker := fake.Docker(db=False))
    said: list[str] = []

    def stand(*_: object) -> None:
        if not stands:
            raise broken("Compose could not bring the base up")
        docker.known["db"] = True

    def service(_: Host, name: str) -> dict[str, Any] | None:
        return {"Id": "db"} if name == "postgres" else None

    monkeypatch.setattr(base, "stand", stand)
    monkeypatch.setattr(base, "await_well", lambda _, names: said.extend(sorted(names)))
    monkeypatch.setattr(postgres, "service", service)
    made = passwords.Record(fake.NEW, fake.OLD, tuple(BOTH), None, None)

    passwords._running(host, made)  # noqa: SLF001 - with what everything else begins

    assert docker.known["db"]
    assert said == ["postgres"]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    found = Services()
    monkeypatch.setattr(passwords, "_postgres", found.postgres)
    monkeypatch.setattr(passwords, "_redis", found.redis)
    monkeypatch.setattr(passwords, "_kept", lambda _: "SCRAM-SHA-256$former")
    monkeypatch.setattr(passwords, "_running", lambda *_: None)
    monkeypatch.setattr(passwords, "_addresses", lambda _, release: [f"where {release} is"])
    monkeypatch.setattr(base, "up", lambda *_: None)
    return found


def turning(at: Path, files: dict[str, bytes] | None = None) -> Operation:
    """OLD serves with the old passwords; NEW brings others, and may."""
    host = fake.host(at)
    fake.unpacked(host, fake.OLD, BEFORE, base_sha256="0" * 64, secrets=BOTH)
    described = releases.load(host.layout, fake.OLD)
    assert described is not None
    base.write(host.layout, described)
    for name in BOTH:
        (host.layout.base / "secrets" / name).chmod(0o600)  # these tests may not be root's
    durable.write_json(host.layout.base_state, {"sha256": "0" * 64, "release": fake.OLD})
    fake.serve(host, fake.OLD)
    fake.unpacked(host, fake.NEW, files or AFTER, base_sha256="1" * 64, secrets=BOTH)
    op = fake.operation(host)
    op.passwords = True
    return op


def secrets_of(op: Operation) -> list[str]:
    place = op.layout.base / "secrets"
    return [(place / name).read_text().strip() for name in sorted(BOTH)]


def test_both_are_taken_from_the_base_on_and_the_files_stay(
    tmp_path: Path, services: Services
) -> None:
    op = turning(tmp_path)
    assert base.bring(op) == "the base project was changed"
    assert services.asked == [
        ("redis", ["old-mouse", "new-mouse"], [
            "ACL SETUSER default >old-mouse", "ACL SETUSER default >new-mouse"
        ]),
        ("postgres", "new", [f"where {fake.OLD} is"]),
    ]  # fmt: skip
    assert secrets_of(op) == ["old-horse", "old-mouse"]
    assert releases.base_applied(op.layout) == "1" * 64


def test_the_way_back_is_written_before_anything_is_asked(
    tmp_path: Path, services: Services
) -> None:
    op = turning(tmp_path)
    services.refuses = "redis"
    with pytest.raises(RunnerError, match="redis refused"):
        base.bring(op)
    made = passwords.record(op.layout)
    assert made is not None
    assert (made.release, made.previous) == (fake.NEW, fake.OLD)
    assert (made.names, made.verifier) == (
        ("postgres_password", "redis_password"),
        "SCRAM-SHA-256$former",
    )
    place = op.layout.rotation
    assert place.stat().st_mode & 0o777 == 0o700
    assert (place / "old" / "redis_password").read_text() == "old-mouse\n"


def test_it_ends_with_the_new_ones_where_the_release_serves(
    tmp_path: Path, services: Services
) -> None:
    op = turning(tmp_path)
    base.bring(op)
    mounted = (op.layout.base / "secrets" / "redis_password").stat().st_ino
    fake.serve(op.host, fake.NEW)
    services.asked.clear()

    passwords.settle(op.host)

    assert services.asked == [
        ("postgres", "new", []),
        ("redis", ["new-mouse", "old-mouse"], ["CONFIG SET requirepass new-mouse"]),
    ]
    assert secrets_of(op) == ["new-horse", "new-mouse"]
    # A container has the file itself mounted: another one of that name would not be seen there.
    assert (op.layout.base / "secrets" / "redis_password").stat().st_ino == mounted
    assert not op.layout.rotation.exists()
    assert releases.base_applied(op.layout) == "1" * 64
    services.asked.clear()
    passwords.settle(op.host)
    assert services.asked == []


def test_it_ends_with_the_old_ones_where_the_release_before_serves(
    tmp_path: Path, services: Services
) -> None:
    op = turning(tmp_path)
    base.bring(op)
    services.asked.clear()

    passwords.settle(op.host)

    assert services.asked == [
        ("postgres", "old", []),
        ("redis", ["old-mouse", "new-mouse"], ["CONFIG SET requirepass old-mouse"]),
    ]
    assert secrets_of(op) == ["old-horse", "old-mouse"]
    assert releases.base_applied(op.layout) == "0" * 64
    assert passwords.changed(op.layout, fake.NEW) == ["postgres_password", "redis_password"]


def test_a_service_that_refuses_in_the_end_is_asked_again_by_the_next_command(
    tmp_path: Path, services: Services
) -> None:
    op = turning(tmp_path)
    base.bring(op)
    fake.serve(op.host, fake.NEW)
    services.refuses = "redis"
    with pytest.raises(RunnerError):
        passwords.settle(op.host)
    assert passwords.record(op.layout) is not None
    services.refuses = ""
    passwords.settle(op.host)
    assert passwords.record(op.layout) is None


def test_a_base_that_differs_otherwise_as_well_counts_as_nobodys_after_the_way_back(
    tmp_path: Path, services: Services
) -> None:
    del services
    op = turning(tmp_path, {**AFTER, "base.yaml": b'{"name": "x", "services": {}}\n'})
    base.bring(op)
    passwords.settle(op.host)
    assert releases.base_applied(op.layout) is None


def test_taking_the_release_back_lets_the_new_one_in_by_its_address_meanwhile(
    tmp_path: Path, services: Services
) -> None:
    op = turning(tmp_path)
    base.bring(op)
    services.asked.clear()
    passwords.lean_back(op.host)
    assert services.asked[-1] == ("postgres", "old", [f"where {fake.NEW} is"])


def test_only_a_push_may_change_them(tmp_path: Path, services: Services) -> None:
    op = turning(tmp_path)
    op.passwords = False
    with pytest.raises(RunnerError, match="has another postgres_password"):
        base.bring(op)
    assert (services.asked, passwords.record(op.layout)) == ([], None)


def test_a_password_that_postgres_would_read_otherwise_is_refused_first(
    tmp_path: Path, services: Services
) -> None:
    op = turning(tmp_path, {**AFTER, "secrets/postgres_password": "hörse-of-another\n".encode()})
    before = releases.base_applied(op.layout)
    assert before
    with pytest.raises(RunnerError) as refused:
        base.bring(op)
    assert refused.value.code == 15
    assert "hörse" not in f"{refused.value.what} {refused.value.remedy}"
    assert (services.asked, passwords.record(op.layout)) == ([], None)
    assert releases.base_applied(op.layout) == before


def test_nobody_goes_back_to_a_release_with_a_former_password(
    tmp_path: Path, services: Services
) -> None:
    op = turning(tmp_path)
    base.bring(op)
    fake.serve(op.host, fake.NEW)
    passwords.settle(op.host)
    for release in (fake.OLD, fake.NEW):
        releases.change(op.layout, release, outcome="good")
    del services
    with pytest.raises(RunnerError, match="postgres_password of the base was changed") as refused:
        operate.pick(op.layout, fake.NEW, fake.OLD)
    assert refused.value.code == 15


def test_what_was_killed_before_it_began_is_swept(tmp_path: Path) -> None:
    host = fake.host(tmp_path)
    (host.layout.rotation / "old").mkdir(parents=True)
    passwords.settle(host)
    assert not host.layout.rotation.exists()


def test_a_record_that_was_spoilt_by_hand_is_left_with_the_old_passwords(tmp_path: Path) -> None:
    host = fake.host(tmp_path)
    assert passwords.record(host.layout) is None
    (host.layout.rotation / "old").mkdir(parents=True)
    (host.layout.rotation / "record.json").write_text("[")
    assert passwords.record(host.layout) is None
    passwords.settle(host)
    assert (host.layout.rotation / "old").is_dir()


# --- what Postgres keeps -------------------------------------------------------------------------


def test_the_verifier_is_that_of_the_standard() -> None:
    """RFC 7677, section 3: the password is "pencil"."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert scram.verifier("pencil", salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_each_verifier_has_a_salt_of_its_own() -> None:
    assert scram.verifier("pencil") != scram.verifier("pencil")


@pytest.mark.parametrize("text", ["pinsel-ä", "a\tb", "a\nb"])
def test_what_would_have_to_be_normalised_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        scram.verifier(text)


# --- Redis's protocol ----------------------------------------------------------------------------


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A server that takes the password ``new`` alone; what it was sent."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection, server:
            while words := connection.recv(4096):
                heard.append(words)
                good = b"AUTH" not in words or b"new" in words
                connection.sendall(b"+OK\r\n" if good and b"BAD" not in words else b"-ERR x\r\n")

    monkeypatch.setattr(redis_wire, "PORT", server.getsockname()[1])
    threading.Thread(target=serve, daemon=True).start()
    return heard


def test_the_first_password_that_is_taken_opens_it(redis: list[bytes]) -> None:
    redis_wire.say("127.0.0.1", ["old", "new"], [("CONFIG", "SET", "requirepass", 'a "b"\r\n')])
    assert redis == [
        b"*2\r\n$4\r\nAUTH\r\n$3\r\nold\r\n",
        b"*2\r\n$4\r\nAUTH\r\n$3\r\nnew\r\n",
        b'*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$7\r\na "b"\r\n\r\n',
    ]


@pytest.mark.parametrize(
    ("known", "words", "said"),
    [(["old"], "PING", "none of the passwords"), (["new"], "BAD", "it refused BAD")],
)
def test_a_refusal_quotes_nothing(
    known: list[str], words: str, said: str, redis: list[bytes]
) -> None:
    with pytest.raises(redis_wire.RedisError, match=said):
        redis_wire.say("127.0.0.1", known, [(words, "secret")])
    assert redis


def test_the_record_says_no_password(tmp_path: Path, services: Services) -> None:
    del services
    op = turning(tmp_path)
    base.bring(op)
    text = json.dumps(durable.read_json(op.layout.rotation / "record.json"))
    assert not [word for word in ("horse", "mouse") if word in text]
