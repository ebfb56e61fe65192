"""Which of the contract's variables arrived, and whether each is valid: never a value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from probe import build

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

#: The contract's export, put into the image when it is built.
EXPORT = build.HOME / "contract.json"
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\*|\[[0-9A-Fa-f:]+\]")
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")
_HIGHEST_PORT = 65535


class NoContract(Exception):
    """The image carries no contract, or one that cannot be read."""


def load(path: Path = EXPORT) -> dict[str, Any]:
    """The contract's export.

    Raises:
        NoContract: There is none, or it is not one.
    """
    try:
        contract = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoContract(
            "the image was built without contract.json: see ops/probe/README.md"
        ) from None
    except ValueError:
        raise NoContract("contract.json is not JSON") from None
    if not isinstance(contract, dict) or not isinstance(contract.get("variables"), dict):
        raise NoContract("contract.json has no variables")
    return contract


def report(contract: Mapping[str, Any], environ: Mapping[str, str], role: str) -> dict[str, Any]:
    """What arrived of the role's variables, what did not, and what is not the role's.

    Args:
        contract: The export for one target.
        environ: This process's environment.
        role: Whose variables are looked at.

    Returns:
        The contract's ``version`` and ``target``; under ``variables`` each one's :func:`state`;
        ``missing``: required here, and absent or blank; ``foreign``: declared for other roles or
        for the target itself, and present all the same.
    """
    declared: Mapping[str, Mapping[str, Any]] = contract["variables"]
    mine = {name: v for name, v in declared.items() if role in v.get("roles", ())}
    foreign = {*declared, *contract.get("secrets", ())} - set(mine)
    missing = [n for n, v in mine.items() if not environ.get(n, "").strip() and needed(v, environ)]
    return {
        "version": contract.get("version"),
        "target": contract.get("target"),
        "role": role,
        "missing": sorted(missing),
        "variables": {name: state(mine[name], environ.get(name)) for name in sorted(mine)},
        "foreign": sorted(foreign & set(environ)),
    }


def state(variable: Mapping[str, Any], value: str | None) -> dict[str, Any]:
    """Presence and validity of one variable, and the reason when it is not valid."""
    if value is None:
        return {"present": False, "valid": None}
    reason = fault(variable, value)
    return {"present": True, "valid": not reason, **({"reason": reason} if reason else {})}


def fault(variable: Mapping[str, Any], value: str) -> str:
    """Why a value is not valid for its variable, without quoting it; empty when it is valid."""
    if not value.strip():
        return "is blank"
    if len(value) < (variable.get("min_length") or 0):
        return f"is shorter than {variable['min_length']} characters"
    if variable.get("type") == "enum" and value not in (variable.get("allowed") or ()):
        return "is not one of the allowed values"
    test, reason = _TYPES.get(str(variable.get("type")), (_anything, ""))
    return "" if test(value) else reason


def needed(variable: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Whether a variable is required in this process's profile, its conditions considered."""
    if environ.get("ENVIRONMENT", "production") not in variable.get("required", ()):
        return False
    conditions: Sequence[Mapping[str, Sequence[str]]] = variable.get("when") or [{}]
    return any(
        all(environ.get(name) in allowed for name, allowed in condition.items())
        for condition in conditions
    )


def _anything(_: str) -> bool:
    return True


def _is_number(value: str) -> bool:
    return _WHOLE_NUMBER.fullmatch(value) is not None


def _is_port(value: str) -> bool:
    return _is_number(value) and 1 <= int(value) <= _HIGHEST_PORT


def _is_bool(value: str) -> bool:
    return value.lower() in {"true", "false", "1", "0"}


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(parts.scheme and parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_pem(value: str) -> bool:
    return value.strip().startswith("-----BEGIN ") and "-----END " in value


def _is_path(value: str) -> bool:
    return value.startswith("/")


def _each(test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda value: all(test(part.strip()) for part in value.split(","))


def _is_host(value: str) -> bool:
    return _HOST.fullmatch(value) is not None


_TYPES: dict[str, tuple[Callable[[str], bool], str]] = {
    "int": (_is_number, "is not a whole number"),
    "port": (_is_port, "is not a port"),
    "bool": (_is_bool, "is neither true nor false"),
    "url": (_is_url, "is not a URL"),
    "pem": (_is_pem, "is not PEM"),
    "path": (_is_path, "is not an absolute path"),
    "host_list": (_each(_is_host), "is not a comma-separated list of host names"),
    "url_list": (_each(_is_url), "is not a comma-separated list of URLs"),
}
