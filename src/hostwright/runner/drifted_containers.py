"""Containers, images and networks that are not as their Compose file and manifest have them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from . import durable, envcheck, releases, status
from . import images as checking
from .drifted import Finding
from .engine import quote
from .layout import RELEASE_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .engine import Engine
    from .layout import Layout
    from .manifest import Image, Manifest

_ANEW = "Deploy again: a new release has containers of its own."
_BASE = "Deploy again with another base, or remove the container and deploy: it is made anew."
_SEND = "Deploy again: images that are missing are sent or pulled."
_NETWORK = "End what uses it, remove it and deploy again: it is made anew."
_STRANGER = "End it, or take it off: nobody else belongs on the application's networks."
_PUBLISHES = "End it, or publish on 127.0.0.1: only Caddy is to be reached from outside."
_LOOPBACK = ("127.", "::1")
#: A timer ends what is no longer warm; it may be a moment late.
_LATE_SECONDS = 60


def compose(text: bytes) -> dict[str, Any]:
    """A rendered Compose file as Compose reads it; empty where it cannot be read."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return _unescaped(found) if isinstance(found, dict) else {}


def _unescaped(node: Any) -> Any:  # noqa: ANN401 - JSON is anything
    if isinstance(node, str):
        return node.replace("$$", "$")
    if isinstance(node, dict):
        return {key: _unescaped(value) for key, value in node.items()}
    return [_unescaped(item) for item in node] if isinstance(node, list) else node


# --- one container -------------------------------------------------------------------------------


def unlike(service: Mapping[str, Any], document: Mapping[str, Any], found: Any) -> list[str]:  # noqa: ANN401 - Docker's JSON
    """What of a container is not as its Compose service says, a few words each.

    Args:
        service: The service.
        document: The whole file: it says what its networks and volumes are called.
        found: The container, as Docker tells it.
    """
    return [
        *_state(found),
        *_confinement(service, found["HostConfig"]),
        *_command(service, found["Config"]),
        *_networks(service, document, found),
        *_mounts(service, document, found),
        *_published(service, found["HostConfig"]),
    ]


def _state(found: Mapping[str, Any]) -> Iterator[str]:
    state = found["State"]
    health = (state.get("Health") or {}).get("Status")
    if state["Status"] != "running":
        yield f"it is {state['Status']}"
    elif health == "unhealthy":
        yield "it is unhealthy"


def _confinement(service: Mapping[str, Any], host: Mapping[str, Any]) -> Iterator[str]:
    if host.get("Privileged"):
        yield "it is privileged"
    if service.get("read_only") and not host.get("ReadonlyRootfs"):
        yield "its root can be written"
    wanted, dropped = _capabilities(service.get("cap_drop")), _capabilities(host.get("CapDrop"))
    if wanted - dropped:
        yield "it keeps capabilities"
    more = _capabilities(host.get("CapAdd")) - _capabilities(service.get("cap_add"))
    if more:
        yield f"it has more capabilities: {', '.join(sorted(more))}"


def _capabilities(names: Iterable[str] | None) -> set[str]:
    return {name.upper().removeprefix("CAP_") for name in names or ()}


def _command(service: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    for key, name in (("command", "Cmd"), ("entrypoint", "Entrypoint")):
        wanted = service.get(key)
        if isinstance(wanted, list) and wanted != list(config.get(name) or ()):
            yield f"its {key} is another one"


def _networks(
    service: Mapping[str, Any], document: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[str]:
    known = document.get("networks") or {}
    wanted = {_called(known, name) for name in service.get("networks") or ()}
    there = set((found.get("NetworkSettings") or {}).get("Networks") or {})
    if lost := wanted - there:
        yield f"it is not on {', '.join(sorted(lost))}"
    if more := there - wanted:
        yield f"it is on {', '.join(sorted(more))} as well"


def _called(known: Mapping[str, Any], name: str) -> str:
    return str((known.get(name) or {}).get("name") or name)


def _mounts(
    service: Mapping[str, Any], document: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[str]:
    known = document.get("volumes") or {}
    # Secrets are mounted below /run/secrets from the base's own directory.
    given = {f"/run/secrets/{name}" for name in service.get("secrets") or ()}
    wanted = {
        str(volume["target"]): _source(volume, known)
        for volume in service.get("volumes") or ()
        if isinstance(volume, dict) and volume.get("type") in {"bind", "volume"}
    }
    there = {
        str(mount["Destination"]): str(mount.get("Name") or mount.get("Source"))
        for mount in found.get("Mounts") or ()
        if mount.get("Type") in {"bind", "volume"} and mount["Destination"] not in given
    }
    for target in sorted({*wanted, *there}):
        if target not in there:
            yield f"nothing is mounted at {target}"
        elif target not in wanted:
            # An image may declare a volume that nobody named: Docker makes one of its own.
            if not RANDOM.issuperset(there[target]):
                yield f"something is mounted at {target}"
        elif wanted[target] != there[target]:
            yield f"something else is mounted at {target}"


#: The characters of a name that Docker made up for a volume.
RANDOM = frozenset("0123456789abcdef")


def _source(volume: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    source = str(volume.get("source") or "")
    return source if volume["type"] == "bind" else _called(known, source)


def _published(service: Mapping[str, Any], host: Mapping[str, Any]) -> Iterator[str]:
    wanted = {_port(entry) for entry in service.get("ports") or ()}
    bindings = host.get("PortBindings") or {}
    there = {
        (str(binding.get("HostPort")), port)
        for port, places in bindings.items()
        for binding in places or ()
    }
    if more := there - wanted:
        yield f"it publishes {', '.join(sorted(port for _, port in more))}"
    if lost := wanted - there:
        yield f"it does not publish {', '.join(sorted(port for _, port in lost))}"


def _port(entry: object) -> tuple[str, str]:
    """A published port as Docker has it: host's port, and the container's with its protocol."""
    if isinstance(entry, dict):
        kind = entry.get("protocol") or "tcp"
        return str(entry.get("published")), f"{entry.get('target')}/{kind}"
    pair, _, kind = str(entry).partition("/")
    outer, _, inner = pair.rpartition(":")
    return outer.rpartition(":")[2], f"{inner}/{kind or 'tcp'}"


# --- the serving release -------------------------------------------------------------------------


def of_release(layout: Layout, engine: Engine, manifest: Manifest) -> Iterator[Finding]:
    """The containers of the serving release, and those of others that should have ended."""
    document = compose(layout.release(manifest.id).compose.read_bytes())
    services = {body.get("container_name"): body for body in _services(document).values()}
    for role in manifest.roles:
        name = layout.container(manifest.id, role)
        found = engine.container(name)
        if found is None:
            yield Finding("containers", role, f"its container {name} is gone", _ANEW)
            continue
        wrong = [*unlike(services.get(name) or {}, document, found)]
        wrong += _made(found, layout.project(manifest.id))
        wrong += _image(engine, manifest.images.get(role), found)
        for what in wrong:
            yield Finding("containers", role, what, _ANEW)
        for what in env(engine, manifest, role, found):
            yield Finding("env", role, what, _ANEW)
    yield from _left_over(layout, engine, manifest.id)


def _services(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document.get("services") or {}
    return found


def _made(found: Mapping[str, Any], project: str) -> list[str]:
    labels = found["Config"].get("Labels") or {}
    ours = labels.get("com.docker.compose.project") == project
    return [] if ours else ["it was made by somebody else"]


def _image(engine: Engine, wanted: Image | None, found: Mapping[str, Any]) -> list[str]:
    if wanted is None:
        return []
    there = engine.image(wanted.ref) or {}
    # Where Docker keeps its images in containerd, the laptop's id says nothing.
    known = there.get("Id") if "Descriptor" in there else wanted.id or there.get("Id")
    if known and found["Image"] != known:
        return [f"it runs another image than {wanted.ref}"]
    return []


def env(engine: Engine, manifest: Manifest, role: str, found: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with a role's variables, names only."""
    declared = manifest.env.get(role)
    if declared is None:
        return ()
    image = engine.image(str(found["Image"])) or {}
    inherited = envcheck.variables((image.get("Config") or {}).get("Env"))
    actual = envcheck.variables(found["Config"].get("Env"))
    return envcheck.differences(declared, manifest.salt, actual, inherited)


def _left_over(layout: Layout, engine: Engine, serving: str) -> Iterator[Finding]:
    now = time.time()
    for entry in status.containers(layout, engine) or ():
        release = str(entry["release"])
        if entry["state"] != "running" or release == serving or not RELEASE_ID.fullmatch(release):
            continue
        until = releases.state(layout, release).warm_until or 0
        works = str(entry["service"]).endswith("-worker")
        if works or until + _LATE_SECONDS < now:
            what = f"it still runs, and {serving} serves"
            remedy = f"`docker stop {entry['name']}` on the host, or deploy: that ends it."
            yield Finding("containers", str(entry["name"]), what, remedy)


# --- the base ------------------------------------------------------------------------------------


def of_base(layout: Layout, engine: Engine) -> Iterator[Finding]:
    """The containers of the base, against the base's own Compose file."""
    document = compose((layout.base / "compose.yaml").read_bytes())
    applied = durable.read_json(layout.base_state)
    release = str(applied.get("release") or "") if isinstance(applied, dict) else ""
    brought = releases.load(layout, release) if release else None
    for name, service in sorted(_services(document).items()):
        found = engine.container(str(service.get("container_name") or f"{layout.app}-{name}"))
        if found is None:
            yield Finding("base", name, "its container is gone", "Deploy again: it is made anew.")
            continue
        wrong = [*unlike(service, document, found), *_made(found, layout.base_project)]
        wrong += _image(engine, brought.images.get(name) if brought else None, found)
        wrong += _environment(engine, service, found)
        for what in wrong:
            yield Finding("base", name, what, _BASE)


def _environment(
    engine: Engine, service: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[str]:
    """A base service's variables are no secrets: its Compose file has them."""
    image = engine.image(str(found["Image"])) or {}
    inherited = envcheck.variables((image.get("Config") or {}).get("Env"))
    actual = envcheck.variables(found["Config"].get("Env"))
    given = service.get("environment") or {}
    wanted = {**inherited, **{name: _told(value) for name, value in given.items()}}
    for name in sorted({*wanted, *actual}):
        if name not in wanted:
            yield f"{name} is not declared"
        elif wanted[name] != actual.get(name):
            yield f"{name} has another value" if name in actual else f"{name} is missing"


def _told(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


# --- images and networks -------------------------------------------------------------------------


def images(engine: Engine, manifest: Manifest) -> Iterator[Finding]:
    """The images that the serving release names: a rollback or a restart needs each of them."""
    machine = str(engine.version().get("Arch", ""))
    for role, image in sorted(manifest.images.items()):
        found = engine.image(image.ref)
        if found is None:
            yield Finding("images", f"{role}: {image.ref}", "the host has it no longer", _SEND)
        elif problem := checking.mismatch(image, found, machine):
            yield Finding("images", f"{role}: {image.ref}", problem, _SEND)


def networks(layout: Layout, engine: Engine) -> Iterator[Finding]:
    """The application's networks: there, as closed as they were made, and nobody else's."""
    document = compose((layout.base / "compose.yaml").read_bytes())
    for body in (document.get("networks") or {}).values():
        name = str((body or {}).get("name"))
        found = engine.find(f"/networks/{quote(name)}")
        if found is None:
            yield Finding("networks", name, "it is gone", "Deploy again: it is made anew.")
            continue
        if bool(found.get("Internal")) != bool(body.get("internal")):
            what = "it leads outside" if body.get("internal") else "it does not lead outside"
            yield Finding("networks", name, what, _NETWORK)
        for attached in (found.get("Containers") or {}).values():
            who = str(attached.get("Name"))
            if not who.startswith(f"{layout.app}-"):
                yield Finding("networks", name, f"{who} is attached to it", _STRANGER)


def ports(layout: Layout, engine: Engine) -> Iterator[Finding]:
    """Other people's containers that publish a port to everybody."""
    for entry in engine.get("/containers/json"):
        name = entry["Names"][0].lstrip("/") if entry["Names"] else str(entry["Id"])[:12]
        if name.startswith(f"{layout.app}-"):
            continue  # ours: compared with its Compose file
        open_ = {
            f"{port['PublicPort']}/{port.get('Type', 'tcp')}"
            for port in entry.get("Ports") or ()
            if port.get("PublicPort") and not str(port.get("IP", "")).startswith(_LOOPBACK)
        }
        if open_:
            what = f"it publishes {', '.join(sorted(open_))}"
            yield Finding("ports", name, what, _PUBLISHES)
