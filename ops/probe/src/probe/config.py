"""The contract's variables as this process received them.

Nothing else in the probe reads the environment. A missing or malformed variable raises
:class:`ConfigError` where it is *used*, so that an api with a wrong setting still starts, answers
``/health`` and names the variable in ``/health/ready``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The contract's secret variables; their texts are blanked wherever an error is shown.
SECRETS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "AUTH_SESSION_ENCRYPTION_KEY",
    "AUTH_PASSWORD_PEPPER",
    "VAULT_TOKEN",
    "INFISICAL_SERVICE_TOKEN",
    "S3_SECRET_ACCESS_KEY",
    "MINIO_SECRET_KEY",
)
#: Below this many characters blanking a text would garble the message more than hide a secret.
SHORTEST_SECRET = 4
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


class ConfigError(Exception):
    """A variable is missing or malformed; the message names it and never quotes its value."""


@dataclass(frozen=True)
class Config:
    """The environment of one process, read by name and type.

    Args:
        values: Variable to text; blank counts as absent.
    """

    values: Mapping[str, str]

    def text(self, name: str, default: str | None = None) -> str:
        """A variable's text.

        Raises:
            ConfigError: It is absent or blank, and there is no default.
        """
        value = self.values.get(name, "").strip() or default
        if value is None:
            raise ConfigError(f"{name} is not set")
        return value

    def number(self, name: str, default: int, *, low: int = 1, high: int = 65535) -> int:
        """A whole number in the closed range of *low* to *high*."""
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ConfigError(f"{name} is not a whole number from {low} to {high}")
        return int(text)

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean, in the spellings that operators use."""
        text = self.text(name, str(default)).lower()
        if text not in TRUE | FALSE:
            raise ConfigError(f"{name} is neither true nor false")
        return text in TRUE

    def words(self, name: str) -> tuple[str, ...]:
        """A comma-separated list; empty where the variable is absent."""
        return tuple(word for part in self.text(name, "").split(",") if (word := part.strip()))

    def scrub(self, text: str) -> str:
        """*text* without any secret of this process, on one line of bounded length."""
        for secret in sorted(set(self._secrets()), key=len, reverse=True):
            text = text.replace(secret, "***")
        return " ".join(text.split())[:400]

    def _secrets(self) -> Iterator[str]:
        for name in SECRETS:
            value = self.values.get(name, "").strip()
            password = _password(value)
            for secret in (value, password, unquote(password)):
                if len(secret) >= SHORTEST_SECRET:
                    yield secret


def _password(value: str) -> str:
    try:
        return urlsplit(value).password or ""
    except ValueError:  # not a URL: the value as a whole is blanked
        return ""


def from_environment() -> Config:
    """The configuration of this process."""
    return Config(dict(os.environ))
