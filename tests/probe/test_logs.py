from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from probe import logs
from probe.config import Config, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "postgresql://app:hidden%20word@db/app"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged at level info; the test run's own logging is put back."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers.clear()
    stream = io.StringIO()
    logs.configure("api", Config({"DATABASE_URL": URL, "LOG_LEVEL": "info"}), stream)
    yield stream
    root.handlers[:], _ = before
    root.setLevel(before[1])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_fields(stream: io.StringIO) -> None:
    logs.event("done", item=5, name="a\nb")
    logs.event("too detailed", logging.DEBUG)
    [line] = lines(stream)
    assert (line["event"], line["item"], line["role"], line["level"]) == ("done", 5, "api", "info")
    assert line["name"] == "a b"


def test_no_secret_passes_in_a_field_a_message_or_a_traceback(stream: io.StringIO) -> None:
    logs.failure("failed", reason=f"cannot read {URL}")
    logging.getLogger("library").error("password is %s", "hidden word")
    logging.getLogger("library").error("failed", exc_info=ValueError(URL))
    assert len(lines(stream)) == 3
    assert stream.getvalue().count("***") >= 3
    assert "hidden" not in stream.getvalue()


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="LOG_LEVEL is not one of debug, info, warning, error"):
        logs.configure("api", Config({"LOG_LEVEL": "loud"}))
