"""The runner's command line.

::

    hostwright-runner version                  which runner this is
    hostwright-runner session --app APP        requests on stdin, events on stdout
    hostwright-runner status --app APP         one JSON object
    hostwright-runner resume --app APP         settle what a dead owner left; events on stdout
    hostwright-runner cool --app APP           end the warm releases whose time is over
    hostwright-runner backup --app APP         make a backup, as its timer does
    hostwright-runner drill --app APP          prove that the newest one restores
    hostwright-runner wal --app APP            bring Postgres's log away, as its timer does
    hostwright-runner watch --app APP          tell of what goes wrong
    hostwright-runner facts                    run the script of facts that provision installed
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .fault import RunnerError, refused
from .layout import FACTS_SCRIPT, Layout, layout
from .version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

#: Nobody watches a timer or a boot unit: they wait for their turn.
_QUEUE_SECONDS = 900.0

_USAGE = "hostwright-runner version | facts | VERB --app APP"


def _session(places: Layout) -> int:
    from .session import Session

    Session(places, sys.stdin.buffer, sys.stdout.buffer).run()
    return 0


def _status(places: Layout) -> int:
    from .engine import Engine
    from .events import encode
    from .status import status

    sys.stdout.buffer.write(encode(status(places, Engine())))
    return 0


def _resume(places: Layout) -> int:
    return _at_once(places, "resume")


def _cool(places: Layout) -> int:
    return _at_once(places, "cool")


def _backup(places: Layout) -> int:
    return _scheduled(places, "backup")


def _drill(places: Layout) -> int:
    return _scheduled(places, "drill")


def _wal(places: Layout) -> int:
    from . import hello
    from .backup import work
    from .compose import require
    from .engine import Engine
    from .events import Events
    from .operation import Host
    from .process import Shell

    places.ensure()
    memory = hello.Memory(places)
    found = require(memory.compose(Shell()))
    memory.keep()
    events = Events(places.backup / "wal.jsonl")
    return work.away(Host(places, Engine(), found, Shell(), events))


def _watch(places: Layout) -> int:
    from .backup import watch

    return watch.main(places)


def _scheduled(places: Layout, verb: str) -> int:
    """What a timer starts: where it cannot even begin, somebody is told."""
    from .backup import work

    try:
        return _at_once(places, verb) if work.configured(places) else 0
    except RunnerError as error:
        work.tell(places, f"{verb}-failed", error.what)
        raise


def _at_once(places: Layout, verb: str) -> int:
    """Do it in this very process: whoever calls it (systemd) waits for its end."""
    from . import destroy, hello, hold, lock
    from .backup import work
    from .compose import require
    from .engine import Engine
    from .events import LAST, Events, Reader, encode
    from .operation import Host
    from .process import Shell

    places.ensure()
    held = lock.acquire(places.lock, patience=_QUEUE_SECONDS)
    held.sign(verb, verb, places.events)
    found = require(hello.Memory(places).compose(Shell()))
    shell = Shell(inherited=(held.descriptor,))
    host = Host(places, Engine(), found, shell, Events(places.events))
    if hold.destroying(places) is None:
        work.scheduled(host, verb)
    else:  # whoever began it died; what is left of the application is nobody's any more
        destroy.destroy(host, verb, keep_backups=True)
    last = list(Reader(places.events).fresh())
    for event in last:
        sys.stdout.buffer.write(encode(event))
    ended = last[-1] if last and last[-1]["event"] in LAST else {}
    return int(ended.get("code", 0))


_VERBS: dict[str, Callable[[Layout], int]] = {
    "session": _session,
    "status": _status,
    "resume": _resume,
    "cool": _cool,
    "backup": _backup,
    "drill": _drill,
    "wal": _wal,
    "watch": _watch,
}


def main(words: list[str]) -> int:
    """Run one verb; its exit code is that of :class:`.fault.Code`."""
    try:
        return _verb(words)
    except RunnerError as error:
        place = f"{error.where}: " if error.where else ""
        sys.stderr.write(f"{place}{error.what}\n{error.remedy}\n")
        return int(error.code)
    except BrokenPipeError:
        # The laptop is gone. What was accepted goes on without it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _verb(words: list[str]) -> int:
    if words == ["version"]:
        sys.stdout.write(f"{VERSION}\n")
        return 0
    if words == ["facts"]:
        os.execv(FACTS_SCRIPT, [str(FACTS_SCRIPT)])  # noqa: S606 - root's own file, no arguments
    if len(words) == 3 and words[0] in _VERBS and words[1] == "--app":  # noqa: PLR2004 - verb, --app, name
        os.umask(0o022)
        return _VERBS[words[0]](layout(words[2]))
    raise refused("this is not a command of the runner", remedy=_USAGE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
