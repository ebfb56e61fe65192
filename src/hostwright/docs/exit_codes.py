"""The exit codes, read from the tree of errors."""

from __future__ import annotations

import inspect

from hostwright import errors
from hostwright.docs.model import ExitCode

#: What no class of ours says.
OTHERS = (
    ExitCode(0, "", "Done, or nothing was to be done.", ""),
    ExitCode(
        errors.HostwrightError.exit_code,
        "",
        "A fault of hostwright's own; a traceback is shown.",
        "Look whether the change log names it; else report it with the traceback.",
    ),
    ExitCode(130, "", "Interrupted with Ctrl-C.", "Look what became of it, then run it again."),
    ExitCode(
        141,
        "",
        "Nobody read the output to its end, as where `head` had enough.",
        "Nothing, where that was meant: it is what a shell says of any program.",
    ),
)


def read() -> tuple[ExitCode, ...]:
    """Every exit code, in order."""
    ours = [
        told(kind)
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.HostwrightError) and kind is not errors.HostwrightError
    ]
    return tuple(sorted((*OTHERS, *ours), key=lambda each: each.code))


def told(kind: type[errors.HostwrightError]) -> ExitCode:
    """What the docstring of *kind* says: its first paragraph what it means, its next what to do."""
    meaning, _, rest = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")
    remedy = rest.partition("\n\n")[0]
    return ExitCode(kind.exit_code, kind.__name__, _line(meaning), _line(remedy))


def _line(text: str) -> str:
    return " ".join(text.split())
