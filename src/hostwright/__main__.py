"""``python -m hostwright VERB …``: what nox sessions call.

A verb is a function that takes the words after it and returns an exit code; it is imported only
when it is asked for.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from hostwright.errors import HostwrightError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Verb to ``module:function``.
VERBS = {
    "apply-aws-local": "hostwright.cloud.aws_local:main",
    "bench": "hostwright.rig.bench:main",
    "crds": "hostwright.helm.vendoring:main",
    "demo": "hostwright.rig.demo:main",
    "docs": "hostwright.site.command:main",
    "generated": "hostwright.docs.generated:main",
    "packages": "hostwright.rig.requirements:main",
    "prove": "hostwright.rig.prove.command:main",
    "schemas": "hostwright.terraform.schema.refresh:main",
    "validate": "hostwright.validate.command:main",
}
INTERRUPTED = 130


def main(words: Sequence[str]) -> int:
    """Do what *words* say; our own errors are told plainly, with their exit code.

    Anything else is a fault of ours: it shows its traceback, and has an exit code of its own.
    """
    try:
        return _verb(words)(list(words[1:]))
    except HostwrightError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - by itself Python would exit as findings do
        traceback.print_exc()
        return HostwrightError.exit_code


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
