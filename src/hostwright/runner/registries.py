"""Logins to registries: they come with the request that pulls, and are kept in memory alone.

No file of the host ever has a password: not the journal, not the events, no Docker configuration,
and no command line. So whoever repeats a command that was cut off has to bring it again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .fault import refused

#: How Docker names its own registry in an image's name, and in a login for it.
HUB = "docker.io"
_HUB_LOGIN = "https://index.docker.io/v1/"
_ALIASES = ("index.docker.io", "registry-1.docker.io")
#: Characters of a user's name or a password: cloud registries give out tokens of some thousand.
LONGEST = 8192
#: What registries, and Docker for them, say where a login is missing or wrong.
_ASKING = (
    *("unauthorized", "authentication required", "no basic auth credentials"),
    *("access denied", "denied: ", "403 forbidden", "incorrect username or password"),
)


class Login(NamedTuple):
    """A user and a password; only ever in memory."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Without the password: it may stand in a trace."""
        return f"Login({self.username!r}, ***)"


def canonical(name: str) -> str:
    """A registry under the one name that images of it have."""
    return HUB if name in _ALIASES else name


def server(reference: str) -> str:
    """The registry that a reference names, as Docker reads it: ``host[:port]``."""
    first, slash, _ = reference.partition("/")
    named = slash and (first == "localhost" or "." in first or ":" in first)
    return canonical(first) if named else HUB


def read(value: object) -> dict[str, Login]:
    """The logins of a request, by registry.

    Raises:
        RunnerError: They are none; their values are not told.
    """
    if not isinstance(value, dict):
        raise refused("logins by registry are needed here", where="registries")
    return {str(name): _login(str(name), entry) for name, entry in value.items()}


def _login(name: str, entry: Any) -> Login:  # noqa: ANN401 - JSON
    fields = entry if isinstance(entry, dict) else {}
    username, password = fields.get("username"), fields.get("password")
    for text in (username, password):
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
            where = f"registries: {name[:80]}"
            raise refused("a username and a password are needed here", where=where)
    return Login(str(username), str(password))


def header(name: str, login: Login) -> dict[str, str]:
    """The header by which Docker's API takes a login, for one request."""
    import base64
    import json

    address = _HUB_LOGIN if name == HUB else name
    told = {"username": login.username, "password": login.password, "serveraddress": address}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(told).encode()).decode()}


def asks_login(said: str) -> bool:
    """Whether these words of a registry are about a login that is missing or wrong."""
    return any(words in said.lower() for words in _ASKING)
