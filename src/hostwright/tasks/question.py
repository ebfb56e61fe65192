"""Ask whoever types: the question goes to standard error, since standard output is for results."""

from __future__ import annotations

import sys


def answer(question: str) -> str:
    """One line of standard input, without its end.

    Raises:
        UserError: Nothing was typed but Ctrl-D.
    """
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        from hostwright.errors import UserError

        sys.stderr.write("\n")
        raise UserError("not confirmed; nothing was touched")
    return line.removesuffix("\n")
