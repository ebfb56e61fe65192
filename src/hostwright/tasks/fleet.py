"""Make a task for one host one for several: `--host a,b,c`, `--host all`, `--hosts-file F`.

The body stays as it is: it works on the one host that it is given, and prints.
"""

from __future__ import annotations

import inspect
import json
import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from invoke.context import Context

    from hostwright.fleet.names import Chosen

#: What the flags of such a task say.
HELP = {
    "host": "Names from hosts.yaml or [user@]address[:port], separated by commas; `all` is every "
    "name. Several are worked on side by side.",
    "hosts-file": "Another hosts.yaml; without --host, every host of it.",
}


def widened(body: Callable[..., int | None]) -> Callable[..., int | None]:
    """*body*, which has a parameter ``host``, for any number of hosts.

    One host is the body, as it is. Several have each its own outcome: a summary (or with ``json``
    a list of results) is printed, and the exit code is that of the worst.
    """
    signature = inspect.signature(body)

    @wraps(body)
    def told(context: Context, /, *args: Any, hosts_file: str = "", **kwargs: Any) -> int | None:  # noqa: ANN401 - the body's own
        given = signature.bind(context, *args, **kwargs).arguments
        words = str(given.get("host", ""))
        if not hosts_file and "," not in words and words != "all":
            return body(context, *args, **kwargs)
        from hostwright import settings

        with settings.using(Path(hosts_file) if hosts_file else None):
            chosen = _chosen(words, whole_file=bool(hosts_file))
            rest = {name: value for name, value in given.items() if name != "host"}
            del rest[next(iter(signature.parameters))]

            def one(name: str) -> int | None:
                return body(context, **{**rest, "host": name})

            if not chosen.several:
                return one(chosen.names[0])
            return _several(chosen, one, as_json=bool(given.get("json")))

    added = inspect.Parameter("hosts_file", inspect.Parameter.KEYWORD_ONLY, default="")
    parameters = [*signature.parameters.values(), added]
    vars(told)["__signature__"] = signature.replace(parameters=parameters)  # what inspect looks for
    return told


def _chosen(words: str, *, whole_file: bool) -> Chosen:
    """The hosts that are meant; every name is known, and none is meant twice.

    Raises:
        SettingsError: One is not, or the file has faults; nothing was touched.
    """
    from hostwright import settings
    from hostwright.fleet import names

    known = settings.known()
    chosen = names.choose(words, list(known), whole_file=whole_file)
    if chosen.several:
        names.refuse_same({name: settings.host(name, overrides={}) for name in chosen.names})
    return chosen


def _several(chosen: Chosen, one: Callable[[str], int | None], *, as_json: bool) -> int:
    from hostwright.fleet import summary
    from hostwright.fleet.board import Board
    from hostwright.fleet.run import side_by_side

    ended = side_by_side(chosen.names, one, Board(chosen.names))
    for text in summary.errors(ended):
        sys.stderr.write(f"{text}\n")
    if as_json:
        print(json.dumps(summary.document(ended), indent=2))
    else:
        print("\n".join(summary.lines(ended)))
    return summary.exit_code(ended)
