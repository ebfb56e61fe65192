"""The queue in Redis, and how a job survives the worker that took it.

A worker moves a job from the queue to a list of its own and removes it there only after its effect
is committed. Each worker holds a lease (a key that expires); jobs of a worker without one go back
to the head of the queue. So a job runs at least once; :func:`probe.items.finish` makes twice
harmless.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from probe.config import Config, ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable

QUEUE = "probe:jobs"
WORKERS = "probe:workers"
#: Seconds after which a silent worker's jobs are given to another.
LEASE = 15
#: Seconds that a worker's request for a job waits at the server.
WAIT = 5
#: Seconds that a connection, and any other request, may take.
TIMEOUT = 2
#: Longest time in seconds that a job may be asked to take.
LONGEST = 60.0


class Job(NamedTuple):
    """An item to be done, and how many seconds that is to take."""

    item: int
    seconds: float = 0.0

    def encode(self) -> str:
        """The job as it lies in the queue."""
        return json.dumps(self._asdict())


def decode(text: str) -> Job:
    """A job from the queue.

    Raises:
        ValueError: Something else wrote to the queue.
    """
    try:
        fields = json.loads(text)
        return Job(int(fields["item"]), min(float(fields.get("seconds", 0)), LONGEST))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a job") from error


def connect(config: Config) -> Redis:
    """A client by the contract's variables; nothing is connected yet.

    Raises:
        ConfigError: A variable is missing or malformed.
    """
    if config.text("REDIS_CLUSTER_MODE", "disabled") != "disabled":
        raise ConfigError("REDIS_CLUSTER_MODE is not disabled: the probe speaks to one Redis only")
    url = config.text("REDIS_URL")
    options: dict[str, Any] = {
        "socket_connect_timeout": TIMEOUT,
        "socket_timeout": WAIT + TIMEOUT,
        # A request is tried once: a second BLMOVE would leave the first one's job in hand unseen.
        "retry": Retry(NoBackoff(), 0),
        # A notice of managed services only; elsewhere it costs every connection a round trip.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    if pem := config.text("REDIS_CA_CERT", ""):
        if not url.startswith("rediss:"):
            raise ConfigError("REDIS_CA_CERT is set, but REDIS_URL is not a rediss: URL")
        options["ssl_ca_data"] = pem
    try:
        return Redis.from_url(url, decode_responses=True, **options)
    except ValueError:
        raise ConfigError("REDIS_URL is not a Redis URL") from None


async def check(redis: Redis) -> None:
    """Reach Redis with a write: a full or read-only one answers a ping all the same.

    Raises:
        redis.RedisError: What Redis said.
    """
    await redis.set("probe:ready", "1", ex=60)


async def push(redis: Redis, job: Job) -> None:
    """Queue a job behind all others."""
    await _int(redis.rpush(QUEUE, job.encode()))


async def take(redis: Redis, worker: str) -> str | None:
    """Move the oldest job to the worker's own list; None when none came within :data:`WAIT`."""
    text = await redis.blmove(QUEUE, held(worker), WAIT, "LEFT", "RIGHT")
    return None if text is None else str(text)


async def acknowledge(redis: Redis, worker: str, text: str) -> None:
    """Forget a job whose effect is committed."""
    await _int(redis.lrem(held(worker), 1, text))


async def renew(redis: Redis, worker: str, version: str) -> None:
    """Hold the worker's lease for another :data:`LEASE` seconds."""
    await redis.set(lease(worker), version, ex=LEASE)
    await _int(redis.sadd(WORKERS, worker))


async def release(redis: Redis, worker: str) -> int:
    """End a worker: its jobs go back to the queue's head; how many that were."""
    count = 0
    while await redis.lmove(held(worker), QUEUE, "RIGHT", "LEFT") is not None:
        count += 1
    await redis.delete(lease(worker))
    await _int(redis.srem(WORKERS, worker))
    return count


async def reclaim(redis: Redis) -> dict[str, int]:
    """Release every worker whose lease has run out: name to number of jobs put back."""
    known = await _names(redis)
    return {
        name: await release(redis, name) for name in known if not await redis.exists(lease(name))
    }


async def workers(redis: Redis) -> dict[str, str]:
    """The workers that hold a lease, and their versions."""
    found = {name: await redis.get(lease(name)) for name in await _names(redis)}
    return {name: str(version) for name, version in found.items() if version is not None}


async def _names(redis: Redis) -> list[str]:
    return sorted(map(str, await redis.smembers(WORKERS)))


def held(worker: str) -> str:
    """Key of the list of jobs that a worker has in hand."""
    return f"probe:held:{worker}"


def lease(worker: str) -> str:
    """Key that exists as long as a worker shows life; its text is the worker's version."""
    return f"probe:lease:{worker}"


async def _int(answer: Awaitable[int] | int) -> int:
    """Narrow the union that redis-py shares between its two clients."""
    assert not isinstance(answer, int)  # noqa: S101
    return await answer
