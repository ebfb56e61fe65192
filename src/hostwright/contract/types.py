"""What a value of each type looks like. Messages never repeat the value: it may be secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostwright.contract.models import Variable, VariableType

_HOST = re.compile(r"^(\*\.)?([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9-]{1,63}$")
#: Linux takes no single environment string above 128 KiB; a CA bundle can come near it.
MAX_BYTES = 128 * 1024 - 64


def fault_of(variable: Variable, value: str) -> str | None:
    """What is wrong with *value* as a phrase that follows the variable's name, or None."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "is not UTF-8 text"
    if size > MAX_BYTES:
        return f"is {size:,} bytes long; Linux passes at most {MAX_BYTES:,} to a process"
    if "\0" in value:
        return "holds a NUL byte, which no environment can carry"
    if variable.allowed and value not in variable.allowed:
        return f"is not one of {', '.join(variable.allowed)}"
    check = _CHECKS.get(variable.type)
    return check(value) if check else None


def _int(value: str) -> str | None:
    return None if re.fullmatch(r"[+-]?[0-9]{1,18}", value) else "is not a whole number"


def _port(value: str) -> str | None:
    good = re.fullmatch(r"[1-9][0-9]{0,4}", value) and int(value) <= 65_535  # noqa: PLR2004
    return None if good else "is not a port from 1 to 65535"


def _bool(value: str) -> str | None:
    return None if value in {"true", "false"} else "is not true or false"


def _url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        whole = bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if whole and not re.search(r"\s", value):
        return None
    return "is not a URL with scheme and host"


def _host_list(value: str) -> str | None:
    hosts = [item.strip() for item in value.split(",")]
    good = all(item == "*" or _HOST.match(item) for item in hosts)
    return None if good else "is not a comma-separated list of host names"


def _url_list(value: str) -> str | None:
    good = all(_url(item.strip()) is None for item in value.split(","))
    return None if good else "is not a comma-separated list of URLs"


def _pem(value: str) -> str | None:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    whole = value.count(begin) == value.count(end) > 0
    return None if whole else "is not a PEM certificate"


def _path(value: str) -> str | None:
    return None if value.startswith("/") else "is not an absolute path"


_CHECKS: dict[VariableType, Callable[[str], str | None]] = {
    "int": _int,
    "port": _port,
    "bool": _bool,
    "url": _url,
    "host_list": _host_list,
    "url_list": _url_list,
    "pem": _pem,
    "path": _path,
}
