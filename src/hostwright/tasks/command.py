"""Tasks whose failures are sentences: the one decorator that every task of ours wears."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from invoke.exceptions import Exit
from invoke.tasks import task

from hostwright.errors import HostwrightError

if TYPE_CHECKING:
    from invoke.context import Context

Body = TypeVar("Body", bound=Callable[..., Any])

INTERRUPTED = 130


def command(**options: Any) -> Callable[[Body], Any]:  # noqa: ANN401 - Invoke's own options
    """``invoke.task`` that prints our errors plainly and exits with their code.

    A body returns nothing, or an exit code. Anything but our own errors is a fault of ours and
    keeps its traceback.
    """

    def decorate(body: Body) -> Any:  # noqa: ANN401 - Invoke's Task
        @wraps(body)
        def told(context: Context, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            try:
                code = body(context, *args, **kwargs)
            except HostwrightError as error:
                sys.stderr.write(f"{error}\n")
                raise Exit(code=error.exit_code) from None
            except KeyboardInterrupt:
                sys.stderr.write("interrupted\n")
                raise Exit(code=INTERRUPTED) from None
            if code:
                raise Exit(code=code)

        # Flags only: Invoke would take `--help` for the value of a positional argument.
        return task(**{"positional": [], **options})(told)

    return decorate
