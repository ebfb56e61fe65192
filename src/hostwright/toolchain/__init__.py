"""Find external tools: the one on PATH when its version is in range, else the packaged one.

A machine with only Python and a package index can validate with the real engines, because each is
a package of a dependency group in pyproject.toml; a machine that has a tool already uses its own.
The table of tools is :mod:`hostwright.toolchain.table`; ``invoke doctor`` shows what was chosen.
"""

from __future__ import annotations

from functools import cache

from hostwright.errors import ToolError
from hostwright.toolchain import apart, unpacked
from hostwright.toolchain.search import Tool, choose, packaged, resolve, set_apart, taken_out
from hostwright.toolchain.table import TOOLS

__all__ = ["Tool", "find", "pinned", "provide"]


@cache
def find(name: str) -> Tool:
    """The tool called *name* in the table; looked for once per process.

    Raises:
        ToolError: Neither PATH nor this environment has one whose version is in range.
    """
    return resolve(TOOLS[name])


@cache
def pinned(name: str) -> Tool:
    """The packaged tool, whatever is on PATH: for what goes to a host, and so must be known.

    Raises:
        ToolError: Its package is not in this environment, or not in range.
    """
    wanted = TOOLS[name]
    return choose(wanted, packaged(wanted))


@cache
def provide(name: str) -> Tool:
    """The same as :func:`find`, for a tool that is made when it is first needed.

    Raises:
        ToolError: It cannot be made.
    """
    wanted = TOOLS[name]
    try:
        return resolve(wanted)
    except ToolError:
        if wanted.inside:
            return choose(wanted, [taken_out(wanted, unpacked.make(wanted.inside))])
        if wanted.apart:
            return choose(wanted, [set_apart(wanted, apart.make(name))])
        raise
