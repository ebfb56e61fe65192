"""Blank the values of variables wherever text is about to be shown.

A log line of the application may quote its own configuration; what is shown, stored in events or
journalled must not. All values of some length are blanked, secret or not: the host does not know
which is which.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Shorter values are words like "info" or "8000": blanking them would hide the log, not a secret.
SHORTEST = 6
BLANK = "***"

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def values(text: str) -> dict[str, str]:
    """The variables of an env file in the double-quoted encoding of the bundle."""
    found = {}
    for line in text.split("\n"):  # alone: a value may hold the other line ends of Unicode
        match = _ASSIGNMENT.fullmatch(line.strip())
        if match:
            found[match[1]] = _decode(match[2])
    return found


def _decode(written: str) -> str:
    if len(written) > 1 and written[0] == written[-1] == '"':
        return _ESCAPED.sub(lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), written[1:-1])
    return written


def secrets(given: Iterable[str]) -> tuple[str, ...]:
    """Every text to blank for these values, longest first: lines, and passwords inside URLs.

    Each as it is and as it stands in JSON, which many an application writes its log in.
    """
    texts: set[str] = set()
    for value in given:
        texts.update(value.splitlines(), [value], _passwords(value))
    plain = {text for text in texts if len(text) >= SHORTEST}
    written = {_in_json(text, ascii_only=only) for text in plain for only in (True, False)}
    return tuple(sorted(plain | written, key=len, reverse=True))


def _in_json(text: str, *, ascii_only: bool) -> str:
    """The inside of a JSON string; Python's writers escape what is not ASCII, others do not."""
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _passwords(value: str) -> set[str]:
    if "://" not in value or "@" not in value:
        return set()
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        return set()
    return {password, unquote(password)}


def of_release(directory: Path) -> tuple[str, ...]:
    """Every text to blank in what a release's containers wrote."""
    given: list[str] = []
    for file in (*directory.glob("env/*.env"), *directory.glob("secrets/*")):
        text = file.read_text(encoding="utf-8", errors="replace")
        given += values(text).values() if file.suffix == ".env" else [text.strip()]
    return secrets(given)


def blank(text: str, texts: Iterable[str]) -> str:
    """*text* with every one of *texts* replaced by stars."""
    for secret in texts:
        text = text.replace(secret, BLANK)
    return text
