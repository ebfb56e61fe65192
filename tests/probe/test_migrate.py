from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests import engines
from tests.probe.roles import Installation

from probe import migrate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.probe.roles import Surroundings

pytestmark = pytest.mark.engines


def status(installation: Installation, env: dict[str, str]) -> dict[str, Any]:
    done = installation.run(["migrate", "status"], env)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def revision(url: str) -> str | None:
    with psycopg.connect(url) as connection:
        return migrate.current(connection)


def columns(url: str) -> set[str]:
    query = "select column_name from information_schema.columns where table_name = 'items'"
    with psycopg.connect(url) as connection:
        return {str(row[0]) for row in connection.execute(query)}


def test_up_reaches_the_images_head_and_a_second_up_changes_nothing(
    installation: Installation, empty: Surroundings
) -> None:
    env = empty.env()
    before = status(installation, env)
    assert before == {
        "current": None,
        "head": "0002",
        "pending": ["0001", "0002"],
        "irreversible": [],
        "ahead": False,
    }
    for _ in range(2):
        done = installation.run(["migrate", "up"], env)
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout.splitlines()[-1])["current"] == "0002"
    assert "migrating" not in done.stdout


def test_a_later_image_has_more_pending_and_the_earlier_one_then_sees_a_schema_ahead_of_it(
    tmp_path: Path, installation: Installation, own: Surroundings
) -> None:
    later = Installation(tmp_path / "later", version="2", extra=2)
    found = status(later, own.env())
    assert (found["pending"], found["irreversible"]) == (["0003", "0004"], ["0004"])
    assert later.run(["migrate", "up"], own.env()).returncode == 0
    assert "note" in columns(own.database_url)

    earlier = status(installation, own.env())
    assert (earlier["ahead"], earlier["current"], earlier["pending"]) == (True, "0004", [])
    done = installation.run(["migrate", "up"], own.env())
    assert done.returncode == 0
    assert "schema is ahead of this image" in done.stdout
    assert revision(own.database_url) == "0004"


def test_a_migration_that_fails_leaves_nothing_of_itself_and_says_why(
    tmp_path: Path, own: Surroundings
) -> None:
    broken = Installation(tmp_path / "broken", extra=3)
    done = broken.run(["migrate", "up"], own.env())
    assert done.returncode == 1
    assert "there_is_no_such_table" in json.loads(done.stdout.splitlines()[-1])["reason"]
    assert "half_done" not in columns(own.database_url)
    assert revision(own.database_url) == "0004"


def test_two_ups_at_once_take_turns(installation: Installation, empty: Surroundings) -> None:
    with psycopg.connect(empty.database_url, autocommit=True) as holder:
        holder.execute("select pg_advisory_lock(%s)", (migrate.LOCK,))
        with installation.start("migrate", "up", env=empty.env()) as waiting:
            query = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
            engines.wait_for("a waiting up", lambda: holder.execute(query).fetchone() == (1,))
            assert not columns(empty.database_url)
            holder.execute("select pg_advisory_unlock(%s)", (migrate.LOCK,))
            assert waiting.process.wait(engines.ENDING) == 0
    assert columns(empty.database_url)


def test_up_waits_for_a_database_that_is_still_starting(
    installation: Installation, around: Surroundings
) -> None:
    late = engines.Postgres(engines.free_port(), engines.authority())
    with installation.start("migrate", "up", env=around.env(DATABASE_URL=late.url())) as waiting:
        waiting.event("waiting for the database")
        with engines.postgres(late.port):
            assert waiting.process.wait(engines.ENDING) == 0
            assert columns(late.url())


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"DATABASE_URL": None}, 2, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "postgresql://app:hidden-word@[broken"}, 2, "is not a database URL"),
        ({"DATABASE_URL": "wrong password"}, 1, "password authentication failed"),
    ],
)
def test_what_is_wrong_is_said_at_once_and_without_the_password(
    installation: Installation,
    around: Surroundings,
    change: dict[str, str | None],
    code: int,
    words: str,
) -> None:
    if change["DATABASE_URL"] == "wrong password":
        change = {"DATABASE_URL": around.database_url.replace("p%40ss", "hidden-word")}
    done = installation.run(["migrate", "status"], around.env(**change))
    assert done.returncode == code
    assert words in done.stderr
    assert "waiting" not in done.stderr
    assert done.stdout == ""
    assert "hidden-word" not in done.stderr


def test_an_unknown_verb_is_refused_with_the_usage(
    installation: Installation, around: Surroundings
) -> None:
    done = installation.run(["migrate", "down"], around.env())
    assert (done.returncode, done.stderr.split(":")[0]) == (2, "usage")
