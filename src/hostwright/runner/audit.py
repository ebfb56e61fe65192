"""One line per command: who, what, when, how it ended. Names and ids, never values."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from . import durable
from .identity import boot_id

if TYPE_CHECKING:
    from .layout import Layout


def record(layout: Layout, actor: str, op: str, **facts: object) -> None:
    """Add a line."""
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "actor": actor,
        "user": os.environ.get("SUDO_USER") or "root",
        "op": op,
        "boot_id": boot_id(),
        **facts,
    }
    durable.append(layout.audit, json.dumps(line, ensure_ascii=False))
