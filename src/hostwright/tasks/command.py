"""Tasks whose failures are sentences: the one decorator that every task of ours wears."""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from invoke.exceptions import Exit
from invoke.tasks import task

from hostwright.errors import HostwrightError
from hostwright.tasks import fleet

if TYPE_CHECKING:
    from invoke.context import Context

Body = TypeVar("Body", bound=Callable[..., Any])

INTERRUPTED = 130
#: What a shell says of a program that SIGPIPE ended: under `pipefail` we look like any other one.
UNREAD = 141
_STDOUT = 1


def command(*, several: bool = False, **options: Any) -> Callable[[Body], Any]:  # noqa: ANN401 - Invoke's own options
    """``invoke.task`` that prints our errors plainly and exits with their code.

    A body returns nothing, or an exit code. Anything but our own errors is a fault of ours: it
    shows its traceback, and has an exit code of its own. With *several*, a body for one ``host``
    is a task for any number of them (:mod:`hostwright.tasks.fleet`).
    """
    if several:
        options["help"] = {**options.get("help", {}), **fleet.HELP}

    def decorate(body: Body) -> Any:  # noqa: ANN401 - Invoke's Task
        work = fleet.widened(body) if several else body

        @wraps(work)
        def told(context: Context, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            code = _code(lambda: work(context, *args, **kwargs))
            if code:
                raise Exit(code=code)

        # Flags only: Invoke would take `--help` for the value of a positional argument.
        made = task(**{"positional": [], **options})(told)
        # Invoke takes its own copy apart when it first reads the flags; docs want it whole.
        made.explained = dict(options.get("help", {}))
        return made

    return decorate


def _code(work: Callable[[], int | None]) -> int | None:
    """The exit code of *work*; what it failed of is told."""
    try:
        code = work()
        sys.stdout.flush()
    except HostwrightError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except Exit:
        raise
    except BrokenPipeError:
        return _broken_pipe()
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # Rich's way out
            return UNREAD
        raise
    except Exception:  # noqa: BLE001 - by itself Python would exit as findings do
        traceback.print_exc()
        return HostwrightError.exit_code
    return code


def _broken_pipe() -> int:
    """The exit code for a pipe that broke: quiet where it is our output's, as in ``… | head``."""
    if not _unread():
        traceback.print_exc()
        return HostwrightError.exit_code
    # What is left to be written goes nowhere; Python would complain of it at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    return UNREAD


def _unread() -> bool:
    """Whether standard output is a pipe that nobody reads any more."""
    watched = select.poll()
    watched.register(_STDOUT, select.POLLOUT)
    return any(found & (select.POLLERR | select.POLLHUP) for _, found in watched.poll(0))
