"""``python -m hostwright VERB …``: what nox sessions call.

A verb is a function that takes the words after it and returns an exit code; it is imported only
when it is asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from hostwright.errors import HostwrightError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Verb to ``module:function``.
VERBS = {
    "apply-aws-local": "hostwright.cloud.aws_local:main",
    "bench": "hostwright.rig.bench:main",
    "demo": "hostwright.rig.demo:main",
    "generated": "hostwright.contract.export:main",
    "packages": "hostwright.rig.requirements:main",
    "schemas": "hostwright.terraform.schema.refresh:main",
    "validate": "hostwright.validate.command:main",
}
INTERRUPTED = 130


def main(words: Sequence[str]) -> int:
    """Do what *words* say; our own errors are told plainly, with their exit code."""
    try:
        return _verb(words)(list(words[1:]))
    except HostwrightError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED


def _verb(words: Sequence[str]) -> Callable[[list[str]], int]:
    name = words[0] if words else ""
    if name not in VERBS:
        known = f"Known: {', '.join(VERBS)}."
        raise UserError(f"there is no verb {name!r}" if name else "no verb is given", remedy=known)
    module, _, function = VERBS[name].partition(":")
    found: Callable[[list[str]], int] = getattr(import_module(module), function)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
