"""Tasks whose failures are sentences: the one decorator that every task of ours wears."""

from __future__ import annotations

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
            try:
                code = work(context, *args, **kwargs)
            except HostwrightError as error:
                sys.stderr.write(f"{error}\n")
                raise Exit(code=error.exit_code) from None
            except KeyboardInterrupt:
                sys.stderr.write("interrupted\n")
                raise Exit(code=INTERRUPTED) from None
            except Exit:
                raise
            except Exception:  # noqa: BLE001 - by itself Python would exit as findings do
                traceback.print_exc()
                raise Exit(code=HostwrightError.exit_code) from None
            if code:
                raise Exit(code=code)

        # Flags only: Invoke would take `--help` for the value of a positional argument.
        made = task(**{"positional": [], **options})(told)
        # Invoke takes its own copy apart when it first reads the flags; docs want it whole.
        made.explained = dict(options.get("help", {}))
        return made

    return decorate
