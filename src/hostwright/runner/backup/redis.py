"""Redis: its snapshot copied, and turned back into a directory that it starts from with all keys.

A Redis that is started with ``appendonly yes`` on a snapshot alone comes up without a key and says
nothing. So a snapshot is loaded in a scratch container with the log off; the log is switched on at
run time, and only when it is written whole is the directory one to start from.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..fault import Code, RunnerError
from . import postgres, scratch

if TYPE_CHECKING:
    from ..operation import Host

_SAVE_SECONDS = 900.0
_ASK_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_KEYS = re.compile(r"^db\d+:keys=(\d+),expires=(\d+)", re.MULTILINE)
#: How much of Redis's own words is told.
_LONGEST = 200
#: Queues move while a snapshot is taken: fewer than this part of the keys is not that.
_MOVED = 0.9
#: The password goes by environment, never by argument; an argument would also be the command's.
_CLIENT = (
    'file=${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}; [ ! -r "$file" ] || '
    'export REDISCLI_AUTH="$(cat "$file")"; exec redis-cli --no-auth-warning "$@"'
)


class Store(NamedTuple):
    """A running Redis.

    Attributes:
        container: Its container.
        image: The image it runs.
        directory: Where its data lies on this host.
    """

    container: str
    image: str
    directory: Path


class Keys(NamedTuple):
    """How many keys there are, and how many of them go by themselves."""

    all: int
    expiring: int

    @property
    def least(self) -> int:
        """What a restored one has to have at least."""
        return int((self.all - self.expiring) * _MOVED)


def find(host: Host) -> Store | None:
    """The Redis of the base, or None where the application has none.

    Raises:
        RunnerError: It is there and does not run, or its data is nowhere on this host.
    """
    found = postgres.service(host, "redis")
    if found is None:
        return None
    if not found["State"]["Running"]:
        raise _broken("Redis does not run")
    for mount in found["Mounts"]:
        if mount.get("Type") == "volume" and mount.get("Destination") == "/data":
            return Store(str(found["Id"]), str(found["Image"]), Path(mount["Source"]))
    raise _broken("Redis keeps its data in no volume")


def save(host: Host, store: Store, target: Path) -> Keys:
    """Let it write a snapshot, and copy that; how many keys it had.

    Raises:
        RunnerError: It could not be written.
    """
    before = keys(host, store.container)
    started = int(ask(host, store.container, "LASTSAVE").strip())
    # LASTSAVE counts in whole seconds, and lies ahead of a clock that was set back.
    time.sleep(min(1.05, max(0.0, 1.05 - (time.time() - started))))
    ask(host, store.container, "BGSAVE", "SCHEDULE")
    until = time.monotonic() + _SAVE_SECONDS
    while int(ask(host, store.container, "LASTSAVE").strip()) == started:
        state = ask(host, store.container, "INFO", "persistence")
        if "rdb_last_bgsave_status:err" in state and "rdb_bgsave_in_progress:0" in state:
            raise _broken("Redis could not write its snapshot: its log says why")
        if time.monotonic() > until:
            raise _broken(f"Redis did not write its snapshot within {_SAVE_SECONDS:g} s")
        time.sleep(_LOOK_SECONDS)
    after = keys(host, store.container)
    shutil.copyfile(store.directory / "dump.rdb", target)
    return min(before, after)


def keys(host: Host, container: str) -> Keys:
    """How many keys a Redis has, over all its databases."""
    found = _KEYS.findall(ask(host, container, "INFO", "keyspace").replace("\r", ""))
    return Keys(sum(int(all_) for all_, _ in found), sum(int(some) for _, some in found))


def ask(host: Host, container: str, *words: str) -> str:
    """What a Redis answers.

    Raises:
        RunnerError: It did not, or refused.
    """
    argv = ["/bin/sh", "-c", _CLIENT, "sh", *words]
    code, text = host.engine.execute(container, argv, _ASK_SECONDS)
    if code != 0 or text.startswith(("ERR ", "NOAUTH", "WRONGPASS", "MISCONF")):
        said = text.strip()[:_LONGEST] or f"exit code {code}"
        raise _broken(f"Redis refused {words[0]}: {said}")
    return text


def prepare(host: Host, image: str, snapshot: Path, directory: Path) -> Keys:
    """Make *directory* one that a Redis with its log on starts from; how many keys it has.

    Args:
        host: The host.
        image: Whose Redis.
        snapshot: A dump.rdb.
        directory: Empty; its owner is Redis's user.

    Raises:
        RunnerError: The snapshot cannot be loaded, or the log not be written.
    """
    directory.mkdir(mode=0o700)
    shutil.copyfile(snapshot, directory / "dump.rdb")
    import os

    for path in (directory, directory / "dump.rdb"):
        os.chown(path, scratch.UID, scratch.UID)
    options = ("--appendonly", "no", "--save", "", "--dir", "/data")
    with scratch.container(
        host, "redis", image, ["redis-server", *options], binds={directory: "/data"}
    ) as name:
        _await(host, name, "PING", "PONG", "the snapshot of Redis cannot be loaded")
        found = keys(host, name)
        ask(host, name, "CONFIG", "SET", "appendonly", "yes")
        _await_log(host, name)
        ask_softly(host, name, "SHUTDOWN", "NOSAVE")
        host.engine.stop(name, 20)
    return found


def _await_log(host: Host, name: str) -> None:
    until = time.monotonic() + _SAVE_SECONDS
    wanted = ("aof_enabled:1", "aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0")
    while time.monotonic() < until:
        state = ask(host, name, "INFO", "persistence").replace("\r", "")
        if "aof_last_bgrewrite_status:err" in state:
            break
        if all(word in state.splitlines() for word in wanted):
            return
        time.sleep(_LOOK_SECONDS)
    raise _broken("the log of the restored Redis was not written")


def _await(host: Host, name: str, word: str, answer: str, what: str) -> None:
    until = time.monotonic() + _SAVE_SECONDS
    while time.monotonic() < until:
        if answer in ask_softly(host, name, word):
            return
        if not host.engine.running(name):
            raise _broken(what)
        time.sleep(_LOOK_SECONDS)
    raise _broken(what)


def ask_softly(host: Host, container: str, *words: str) -> str:
    """The same as :func:`ask`; empty where it does not answer."""
    from .. import plain

    try:
        return ask(host, container, *words)
    except plain.FAULTS:
        return ""


def _broken(what: str) -> RunnerError:
    return RunnerError(Code.BACKUP, what, where="redis")
