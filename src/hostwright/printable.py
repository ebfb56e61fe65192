"""What others wrote, on its way to the operator's terminal."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """*text* with every control character but the tab as ``?``.

    A log repeats what a visitor sent, and a terminal obeys escape sequences: they set titles and
    clipboards, or hide lines.
    """
    return "".join(
        "?" if unicodedata.category(one) == "Cc" and one != "\t" else one for one in text
    )
