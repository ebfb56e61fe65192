"""Adapt and validate Caddyfiles with the real Caddy."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hostwright import toolchain
from hostwright.errors import UserError
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Where Caddy keeps the root of its own authority, below its data directory.
LOCAL_ROOT = "caddy/pki/authorities/local/root.crt"

_PLACE = re.compile(r"(?P<file>/[^\s:]+):(?P<line>\d+)")


class Refused(UserError):
    """Caddy does not take the configuration."""

    def __init__(self, what: str, *, file: str, line: int) -> None:
        super().__init__(what, where=f"{file}:{line}")
        self.file, self.line = file, line


def adapt(file: Path, env: Mapping[str, str], home: Path, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """The JSON configuration that *file* stands for, once Caddy has also provisioned it.

    Args:
        file: The Caddyfile to begin with.
        env: What its ``{$NAME}`` stand for.
        home: An empty directory for what Caddy keeps.
        names: Path on disk to how messages name that file.

    Raises:
        Refused: Caddy says no.
        ToolError: There is no Caddy.
    """
    homes = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(home))
    tool = toolchain.find("caddy")
    words: list[str | Path] = [
        *tool.argv,
        "adapt",
        "--config",
        file,
        "--adapter",
        "caddyfile",
        "--validate",
    ]
    done = run(words, env={**env, **homes}, cwd=file.parent, check=False)
    if done.exit_code == 0:
        return json.loads(done.stdout)
    raise _refused(_said(done.stderr), str(file), names)


def _said(stderr: str) -> str:
    """The message of the last error that Caddy logged."""
    said = "Caddy refuses it"
    for line in stderr.splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            said = line.removeprefix("Error: ") or said
            continue
        said = str(entry.get("msg")) if entry.get("level") == "error" else said
    return said


def _refused(said: str, top: str, names: Mapping[str, str]) -> Refused:
    place = _PLACE.search(said)
    file = place["file"] if place else top
    what = said
    for path, name in names.items():
        what = what.replace(path, name)
    shown = names.get(file, next(iter(names.values())))
    return Refused(what.rstrip("."), file=shown, line=int(place["line"]) if place else 1)
