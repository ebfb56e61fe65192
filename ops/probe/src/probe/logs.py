"""One JSON object per line on standard output (standard error for commands that print a result).

Every text passes :meth:`Config.scrub`, tracebacks included: a driver may quote a whole URL.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from probe import build
from probe.config import ConfigError

if TYPE_CHECKING:
    from probe.config import Config

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_log = logging.getLogger("probe")


class JsonLines(logging.Formatter):
    """Formats a record as one line: time, level, role, version, event, and the event's fields."""

    def __init__(self, role: str, config: Config) -> None:
        super().__init__()
        self._fixed = {"role": role, "version": build.read().version}
        self._scrub = config.scrub

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **self._fixed,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)[-2000:]
        return json.dumps({key: self._clean(value) for key, value in line.items()})

    def _clean(self, value: object) -> object:
        return self._scrub(value) if isinstance(value, str) else value


def configure(role: str, config: Config, stream: TextIO | None = None) -> None:
    """Send every log record of the process through :class:`JsonLines`."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines(role, config))
    logging.basicConfig(handlers=[handler], level=_level(config), force=True)
    # Libraries tell of every request and connection at info level: their warnings are enough.
    for library in ("alembic", "asyncio", "botocore", "httpcore", "httpx", "uvicorn", "websockets"):
        logging.getLogger(library).setLevel(logging.WARNING)


def _level(config: Config) -> int:
    level = config.text("LOG_LEVEL", "info").lower()
    if level not in _LEVELS:
        raise ConfigError(f"LOG_LEVEL is not one of {', '.join(_LEVELS)}")
    return _LEVELS[level]


def event(name: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Log one event with its fields."""
    _log.log(level, name, extra={"fields": fields})


def failure(name: str, /, **fields: object) -> None:
    """Log one event at error level."""
    event(name, logging.ERROR, **fields)
