"""Ask an image how far the database is from where it wants it, before there is a release of it.

The job runs in a container of its own that can do no harm: no mount, no capability, a root that
cannot be written, none but the application's networks. The values of its variables come with the
request and are nowhere but in that container, which is removed in the end; one that a kill left is
removed by the next plan and by every deploy.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from . import lock, migration, plain, redact
from .engine import quote
from .fault import refused

if TYPE_CHECKING:
    from .engine import Engine
    from .layout import Layout

#: The request is a few kilobytes of JSON.
LARGEST = 1 << 20
_SECONDS = 120
_LINES = 200
_SHOWN_LINES = 10
_MEMORY_BYTES = 512 << 20
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,400}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Wanted(NamedTuple):
    """What is to be asked.

    Attributes:
        image: An image that the host has.
        status: The words of the command that tells the status.
        env: The job's variables.
        networks: The networks it is on, by their names in Docker.
    """

    image: str
    status: tuple[str, ...]
    env: dict[str, str]
    networks: tuple[str, ...]


def parse(layout: Layout, content: bytes) -> Wanted:
    """Read what is to be asked.

    Raises:
        RunnerError: It would reach beyond the application, or is something else.
    """
    try:
        value = json.loads(content)
    except ValueError as error:
        raise refused("it is not JSON", where="pending") from error
    found = value if isinstance(value, dict) else {}
    image, env = found.get("image"), found.get("env")
    if not isinstance(image, str) or not _REFERENCE.fullmatch(image):
        raise refused("an image is needed here", where="pending: image")
    if not isinstance(env, dict) or not all(_is_variable(*pair) for pair in env.items()):
        raise refused("variables are needed here", where="pending: env")
    networks = _words(found, "networks")
    if not all(name.startswith(f"{layout.app}_") for name in networks):
        raise refused("a network is not the application's", where="pending: networks")
    return Wanted(image, _words(found, "status"), env, networks)


def _is_variable(name: object, value: object) -> bool:
    return isinstance(value, str) and _VARIABLE.fullmatch(str(name)) is not None


def _words(found: dict[str, Any], key: str) -> tuple[str, ...]:
    value = found.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise refused("a list of words is needed here", where=f"pending: {key}")
    return tuple(value)


def pending(layout: Layout, engine: Engine, content: bytes, actor: str) -> dict[str, Any]:
    """The answer: what is pending, or why that cannot be told. Another command's lock is respected.

    Raises:
        RunnerError: What is asked is none, or somebody holds the lock (code 16).
    """
    wanted = parse(layout, content)
    held = lock.acquire(layout.lock)
    try:
        held.sign(actor, "plan")
        return {"event": "pending", **_asked(layout, engine, wanted)}
    finally:
        held.close()


def _asked(layout: Layout, engine: Engine, wanted: Wanted) -> dict[str, Any]:
    sweep(layout, engine)
    try:
        name = _create(layout, engine, wanted)
        engine.start(name)
        code = engine.wait(name, _SECONDS)
        lines = engine.logs(name, _LINES, errors=False)
        return _read(code, lines) if code == 0 else _unknown(engine, name, wanted, code)
    except TimeoutError:
        return {"known": False, "why": f"the status did not end within {_SECONDS} s", "log": []}
    except plain.FAULTS as error:
        return {"known": False, "why": plain.explained(error).what, "log": []}
    finally:
        sweep(layout, engine)


def _create(layout: Layout, engine: Engine, wanted: Wanted) -> str:
    name = _name(layout)
    first, *others = wanted.networks
    engine.call("POST", "/containers/create", {"name": name}, send=body(layout, wanted, first))
    for network in others:
        engine.call("POST", f"/networks/{quote(network)}/connect", send={"Container": name})
    return name


def body(layout: Layout, wanted: Wanted, network: str) -> dict[str, Any]:
    """The container, as Docker's API has it."""
    return {
        "Image": wanted.image,
        "Cmd": list(wanted.status),
        "Env": [f"{name}={value}" for name, value in wanted.env.items()],
        "Labels": {"dev.hostwright.app": layout.app, "dev.hostwright.role": "plan"},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": network,
            "ReadonlyRootfs": True,
            "Init": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "Tmpfs": {"/tmp": "mode=1777,size=64m"},  # noqa: S108 - in the container
            "PidsLimit": 512,
            "Memory": _MEMORY_BYTES,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
            "RestartPolicy": {"Name": "no"},
        },
    }


def _read(code: int, lines: list[str]) -> dict[str, Any]:
    try:
        status = migration.parse(lines)
    except ValueError:
        why = f"the status ended with exit code {code} and is not the JSON that the contract wants"
        return {"known": False, "why": why, "log": []}
    return {"known": True, **status._asdict()}


def _unknown(engine: Engine, name: str, wanted: Wanted, code: int) -> dict[str, Any]:
    texts = redact.secrets(wanted.env.values())
    lines = [redact.blank(line, texts)[:500] for line in engine.logs(name, _SHOWN_LINES)]
    return {"known": False, "why": f"the status ended with exit code {code}", "log": lines}


def _name(layout: Layout) -> str:
    return f"{layout.app}-plan"


def sweep(layout: Layout, engine: Engine) -> None:
    """Remove the container of a plan, best effort; only under the lock."""
    with contextlib.suppress(*plain.FAULTS):
        engine.remove(_name(layout))
