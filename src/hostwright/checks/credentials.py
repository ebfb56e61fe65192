"""What looks like a secret, whichever target shows it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What a secret is called; ``…_FILE`` names where one lies and is none.
SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PEPPER|CREDENTIALS?|PRIVATE_KEY|ACCESS_KEY|API_KEY"
    r"|ENCRYPTION_KEY|SECRET_KEY)$"
)
#: ``scheme://user:password@host``.
CREDENTIALS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@")
#: Options whose next word is a password.
_FLAGS = ("--requirepass", "--password", "--masterauth", "-a", "--pass")


def in_variable(name: str, value: str) -> bool:
    """Whether a variable of this name and value is a secret that can be read."""
    return bool(value and (SECRET_NAME.search(name) or CREDENTIALS.search(value)))


def in_words(words: Sequence[str]) -> bool:
    """Whether a command line holds a password."""
    line = " ".join(words)
    given = any(
        before in _FLAGS and after and not after.startswith("-")
        for before, after in pairwise(words)
    )
    return given or bool(
        CREDENTIALS.search(line) or re.search(r"--(requirepass|password)=\S", line)
    )
