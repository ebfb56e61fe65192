"""Put what Docker or the operating system said into plain words."""

from __future__ import annotations

from . import room
from .engine import EngineError
from .fault import RunnerError, broken
from .wire import WireError

#: What can go wrong on a host without being a fault of the runner.
FAULTS = (RunnerError, EngineError, WireError, OSError)

_DOCKER = "See `journalctl -u docker` on the host."


def explained(error: Exception) -> RunnerError:
    """The same failure, as one that can be told."""
    if isinstance(error, RunnerError):
        return error
    full = room.ran_out(str(error))
    if isinstance(error, EngineError):
        return broken(f"Docker refused: {error}", remedy=room.FREE_SOME if full else _DOCKER)
    if isinstance(error, OSError) and error.strerror:
        remedy = room.FREE_SOME if full else ""
        where = str(error.filename or "")
        return broken(f"the host refused: {error.strerror}", where=where, remedy=remedy)
    return broken(f"Docker broke off: {error}", remedy=_DOCKER)
