from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis as client
from tests import engines
from tests.probe.roles import Installation

from probe import jobs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.probe.roles import Surroundings

pytestmark = pytest.mark.engines


def queue(around: Surroundings, *, seconds: float = 0) -> int:
    """Store an item and queue its job, as the api does."""
    with psycopg.connect(around.database_url) as connection:
        row = connection.execute("insert into items (name) values ('x') returning id").fetchone()
    assert row is not None
    with client.Redis.from_url(around.redis_url) as redis:
        redis.rpush(jobs.QUEUE, jobs.Job(row[0], seconds).encode())
    return int(row[0])


def state(around: Surroundings, item: int) -> tuple[str, str | None]:
    with psycopg.connect(around.database_url) as connection:
        query = "select state, done_by from items where id = %s"
        row = connection.execute(query, (item,)).fetchone()
    assert row is not None
    return row[0], row[1]


def lengths(around: Surroundings, worker: str) -> tuple[object, object]:
    """How many jobs wait, and how many the worker has in hand."""
    with client.Redis.from_url(around.redis_url) as redis:
        return redis.llen(jobs.QUEUE), redis.llen(jobs.held(worker))


def test_sigterm_finishes_the_job_in_hand_and_takes_no_other(
    installation: Installation, around: Surroundings
) -> None:
    first, second = queue(around, seconds=1), queue(around)
    with installation.start("worker", "--name", "one", env=around.env()) as worker:
        engines.wait_for("a job in hand", lambda: lengths(around, "one") == (1, 1))
        assert worker.stop() == 0
    assert state(around, first) == ("done", "1")
    assert state(around, second) == ("pending", None)
    assert lengths(around, "one") == (1, 0)


def test_a_killed_workers_job_is_done_by_the_next_of_its_name(
    tmp_path: Path, installation: Installation, around: Surroundings
) -> None:
    item = queue(around, seconds=30)
    with installation.start("worker", "--name", "one", env=around.env()) as worker:
        engines.wait_for("a job in hand", lambda: lengths(around, "one") == (0, 1))
        worker.process.kill()
    assert state(around, item) == ("pending", None)
    hurry(around, "one")
    later = Installation(tmp_path / "later", version="2")
    with later.start("worker", "--name", "one", env=around.env()) as worker:
        assert worker.event("started")["put_back"] == 1
        worker.event("job done")
    assert state(around, item) == ("done", "2")


def test_a_killed_workers_job_goes_to_another_once_its_lease_has_run_out(
    installation: Installation, around: Surroundings
) -> None:
    item = queue(around, seconds=30)
    with installation.start("worker", "--name", "one", env=around.env()) as worker:
        engines.wait_for("a job in hand", lambda: lengths(around, "one") == (0, 1))
        worker.process.kill()
    hurry(around, "one")
    with installation.start("worker", "--name", "two", env=around.env()) as other:
        other.event("started")
        assert state(around, item) == ("pending", None)
        with client.Redis.from_url(around.redis_url) as redis:
            redis.delete(jobs.lease("one"))
        assert other.event("jobs reclaimed")["worker"] == "one"
        other.event("job done")
    assert state(around, item) == ("done", "1")


def hurry(around: Surroundings, worker: str) -> None:
    """Make the job in hand a short one, so that the test need not wait for it."""
    with client.Redis.from_url(around.redis_url, decode_responses=True) as redis:
        text = redis.lindex(jobs.held(worker), 0)
        job = json.loads(str(text))
        redis.lset(jobs.held(worker), 0, json.dumps({**job, "seconds": 0}))


def test_a_job_that_comes_twice_is_done_once_and_rubbish_is_refused(
    installation: Installation, around: Surroundings
) -> None:
    with client.Redis.from_url(around.redis_url) as redis:
        redis.rpush(jobs.QUEUE, "rubbish", "[]", '{"item": "x"}')
    item = queue(around)
    with client.Redis.from_url(around.redis_url) as redis:
        redis.rpush(jobs.QUEUE, jobs.Job(item).encode())
    with installation.start("worker", "--name", "one", env=around.env()) as worker:
        engines.wait_for("an empty queue", lambda: lengths(around, "one") == (0, 0))
        worker.stop()
        events = worker.events()
    assert [event["fresh"] for event in events if event["event"] == "job done"] == [True, False]
    assert len([event for event in events if event["event"] == "job refused"]) == 3


def test_health_follows_the_worker_from_waiting_to_ready_to_gone(
    installation: Installation, around: Surroundings
) -> None:
    def health() -> tuple[int, str]:
        done = installation.run(["worker", "--health"], around.env())
        return done.returncode, done.stderr

    wrong = around.env(SECRET_KEY=None, REDIS_URL="redis://:hidden-word@127.0.0.1:1/0")
    with installation.start("worker", env=wrong) as worker:
        worker.event("not ready")
        engines.wait_for("a reason", lambda: "SECRET_KEY is not set" in health()[1])
        code, reason = health()
        assert code == 1
        assert "redis: failed Error 111" in reason
        assert "hidden-word" not in reason + worker.log.read_text(encoding="utf-8")
        assert worker.stop() == 0
    assert health()[0] == 1
    with installation.start("worker", env=around.env()) as worker:
        worker.event("started")
        assert health() == (0, "")
        worker.stop()
    assert health() == (1, "no heartbeat: the worker has not started\n")


def test_it_goes_on_after_redis_was_away(
    installation: Installation, around: Surroundings, redis: engines.Redis
) -> None:
    with installation.start("worker", "--name", "one", env=around.env()) as worker:
        worker.event("started")
        with client.Redis.from_url(redis.url) as other:
            other.execute_command("CLIENT KILL TYPE normal")
        worker.event("dependency failed")
        item = queue(around)
        worker.event("job done")
    assert state(around, item)[0] == "done"
