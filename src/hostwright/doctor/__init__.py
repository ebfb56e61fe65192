"""What this machine has of what hostwright needs, and what each target still needs.

Facts are read (:mod:`.machine`, :mod:`.logins`, :mod:`.servers`, :mod:`.names`), judged
(:mod:`.judge`, :mod:`.targets`: pure) and shown (:mod:`.shown`). A credential is looked for, never
read out: it is there or not. Whatever is asked has a time limit, so a tool or a resolver that hangs
is a line of the report.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from hostwright.contract.models import TARGETS, TargetName
from hostwright.contract.rules import near
from hostwright.doctor import gather, judge, shown
from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["run"]


def run(
    say: Callable[[str], None],
    *,
    json: bool = False,
    target: Sequence[str] = (),
    host: str = "",
    var_file: Sequence[str] = (),
) -> int:
    """Say what is here and what is not.

    Args:
        say: Takes the text.
        json: Say one JSON document instead of tables.
        target: Only these targets: what one of them lacks is then *missing*, else it is a *note*.
        host: Names from hosts.yaml or addresses, separated by commas; all of the file without it.
        var_file: Files of Terraform's inputs, whose domains are looked up.

    Returns:
        0, or ToolError's exit code where something is missing.

    Raises:
        UserError: There is no such target or file.
        SettingsError: There is no such host.
    """
    asked = _targets(target)
    facts = gather.look(asked or TARGETS, host, var_file)
    lines = judge.report(facts, asked)
    code = judge.exit_code(lines)
    screen = sys.stdout.isatty()
    say(shown.as_json(lines, code) if json else shown.drawn(lines, asked, table=screen))
    return code


def _targets(names: Sequence[str]) -> tuple[TargetName, ...]:
    for name in names:
        if name not in TARGETS:
            raise UserError(
                "there is no such target", where=f"--target {name}", remedy=near(name, TARGETS)
            )
    return tuple(cast("TargetName", name) for name in dict.fromkeys(names))
