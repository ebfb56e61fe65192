"""A server's entry in hosts.yaml, beside others, in a file that somebody else writes too. Pure.

The lines of other hosts stay as they are. Of a host that is there, fields that were not asked for
stay; its comments go, which the difference shows before anything is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from hostwright import settings
from hostwright.cluster.graduation import scalar
from hostwright.contract.located import parse
from hostwright.errors import SettingsError
from hostwright.settings import Host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.setup.known import Value
    from hostwright.setup.settle import Settled

_HEAD = """\
# yaml-language-server: $schema=ops/contract/hosts.schema.json
# Servers, by `invoke setup`; hosts.example.yaml says what else a host can have.

version: 1

hosts:
"""
_INDENT = "  "
#: Inputs by which conditions of variables are decided, and what those variables come from.
DECIDING = frozenset({
    "secrets_provider",
    "auth_key_storage_provider",
    "storage_provider",
    "storage_bucket_name",
})  # fmt: skip


def name_of(settled: Settled) -> str:
    """What the server is called there."""
    return settled.host.get("host") or settled.name


def entry(settled: Settled, env_file: str) -> dict[str, Any]:
    """What is said of the server."""
    inputs = settled.inputs
    fields = Host.model_fields
    images = {
        role: inputs[f"{role}_image"]
        for role in ("api", "web", "worker")
        if f"{role}_image" in inputs
    }
    own = {name: _plain(value) for name, value in inputs.items() if name in fields}
    rest = {
        name: scalar(settled.contract.inputs[name].type, value)
        for name, value in inputs.items()
        if name not in fields and name != "environment" and not name.endswith("_image")
    }
    where: dict[str, Any] = {
        key: settled.host[key] for key in _HOST_FIELDS if settled.host.get(key)
    }
    if "port" in where:
        where["port"] = int(where["port"])
    email = settled.host.get("acme_email")
    made = {
        **where,
        "profile": settled.choice.profile,
        **own,
        "images": images,
        "values": {"env_file": env_file},
        "acme": {"email": email} if email else None,
        "inputs": rest,
    }
    return {key: value for key, value in made.items() if value}


_HOST_FIELDS = ("address", "port", "bootstrap_user", "identity_file")


def _plain(value: Value) -> Any:  # noqa: ANN401 - YAML
    return list(value) if isinstance(value, tuple) else value


def placed(settled: Settled, there: str, shown: str, env_file: str) -> str:
    """The text of the hosts file with the server in it.

    Args:
        settled: What holds.
        there: The file as it is; empty if there is none.
        shown: How errors name it.
        env_file: Where its values are, as hosts.yaml says it.

    Raises:
        SettingsError: The file has faults, or would have them.
    """
    name, mine = name_of(settled), entry(settled, env_file)
    if not there.strip():
        return _checked(f"{_HEAD}{_block(name, mine)}", shown)
    document = parse(there, shown, SettingsError)
    settings.from_text(there, shown)
    known: Mapping[str, Any] = document.data["hosts"]
    lines = there.splitlines(keepends=True)
    if not known or document.lines["hosts", next(iter(known))] == document.lines[("hosts",)]:
        # On one line there is no room for another: the file is written out.
        whole = {**document.data, "hosts": {**known, name: _merged(known.get(name) or {}, mine)}}
        return _checked(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True), shown)
    if name not in known:
        end = _end(document.lines, ("hosts",), lines)
        before = "".join(lines[:end])
        gap = "" if before.endswith("\n") else "\n"
        block = f"{gap}\n{_block(name, mine)}"
        return _checked(before + block + "".join(lines[end:]), shown)
    whole = _merged(known[name] or {}, mine)
    if whole == known[name]:
        return there
    start = document.lines["hosts", name] - 1
    end = _end(document.lines, ("hosts", name), lines)
    return _checked("".join([*lines[:start], _block(name, whole), *lines[end:]]), shown)


def _block(name: str, data: Mapping[str, Any]) -> str:
    text = yaml.safe_dump({name: dict(data)}, sort_keys=False, allow_unicode=True, width=100)
    return "".join(f"{_INDENT}{line}" for line in text.splitlines(keepends=True))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {**below, **above}
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            both[key] = {**below[key], **value}
    return both


def _end(at: Mapping[Any, int], path: tuple[str, ...], lines: list[str]) -> int:
    """The number of lines up to the end of what stands at *path*.

    Blanks and comments behind it are not counted: they belong to what follows.
    """
    inside = [line for key, line in at.items() if key[: len(path)] == path]
    after = [line for key, line in at.items() if line > max(inside) and key[: len(path)] != path]
    end = min(after) - 1 if after else len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _checked(text: str, shown: str) -> str:
    settings.from_text(text, shown)
    return text
