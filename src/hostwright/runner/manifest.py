"""What a release consists of, read from its manifest.json and checked word by word.

Everything that later becomes a path, a Docker name or a number is checked here, so that the rest
of the runner can use it as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from .fault import Code, RunnerError, refused
from .layout import APPLICATION, RELEASE_ID

#: The manifest's "runner": the version of the protocol and of the bundle's layout.
PROTOCOL = "1"

_ROLES = frozenset({"api", "web", "worker", "migrate"})
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,30}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,400}")
_HEX = re.compile(r"[0-9a-f]{16,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}")
_MODES = {"0400", "0600", "0644", "0755"}
_LONGEST = 86_400


class Image(NamedTuple):
    """An image of a role or of a base service.

    Attributes:
        ref: What the Compose files call it.
        id: The image id it has to have, where the builder knew it.
        pull: Whether a registry has it.
        asked: What the operator's settings called it, so that the next release can tell whether
            it wants the same; may be empty.
    """

    ref: str
    id: str | None
    pull: bool
    asked: str = ""


class Service(NamedTuple):
    """A role that answers HTTP: api or web. Times are in seconds."""

    port: int
    live: str
    ready: str
    start_seconds: int
    stop_seconds: int
    drain_seconds: int


class Worker(NamedTuple):
    """A role that takes jobs. Times are in seconds.

    Attributes:
        health: The command that says whether it is well.
        start_seconds: How long it may take to get well.
        stop_seconds: How long it may take to finish its job and end.
        overlaps: Whether two versions may take jobs at the same time.
        before_switch: Whether it changes hands before the switch; only where they may not.
    """

    health: tuple[str, ...]
    start_seconds: int
    stop_seconds: int
    overlaps: bool
    before_switch: bool


class Job(NamedTuple):
    """The migration: how it is run, and how it is asked how far it is."""

    up: tuple[str, ...]
    status: tuple[str, ...]
    timeout_seconds: int


class File(NamedTuple):
    """A file of the bundle: what its content has to hash to, and its permissions."""

    sha256: str
    mode: int


class Account(NamedTuple):
    """Who owns a file inside a container."""

    uid: int
    gid: int


class Manifest(NamedTuple):
    """One release. Dictionaries are keyed by role, file path or variable name.

    Attributes:
        id: The release's id; part of the names of its Docker objects.
        app: The application it belongs to.
        images: By role, and by base service.
        services: api and web, as far as the application has them.
        domains: The host names that lead to them, in small letters; Caddy certifies each.
        worker: The worker, where it has one.
        migrate: The migration job, where it has one.
        files: Every file of the bundle but the manifest itself.
        env: Per role the salted hash of each variable.
        salt: What the hashes were salted with.
        secrets: Who owns the file secrets of the base project.
        caddy: Who Caddy runs as.
        keep_releases: How many good releases stay on the host.
        warm_seconds: How long the previous release stays up.
        base_sha256: Names the base project's content.
        caddy_sha256: Names Caddy's configuration.
        contract_sha256: Names the contract the release was built from.
        created: When it was built, as text.
        architecture: The architecture of its images, in Docker's words; may be empty.
        disk_bytes: What its images need at most on the host's disk.
        memory_bytes: What its roles need at most beside those of the previous release.
        networks: Docker networks to make where they are missing.
        volumes: Docker volumes to make where they are missing.
    """

    id: str
    app: str
    images: dict[str, Image]
    services: dict[str, Service]
    domains: tuple[str, ...]
    worker: Worker | None
    migrate: Job | None
    files: dict[str, File]
    env: dict[str, dict[str, str]]
    salt: str
    secrets: dict[str, Account]
    caddy: Account
    keep_releases: int
    warm_seconds: int
    base_sha256: str
    caddy_sha256: str
    contract_sha256: str
    created: str
    architecture: str
    disk_bytes: int
    memory_bytes: int
    networks: tuple[str, ...]
    volumes: tuple[str, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that run all the time: api, web, worker, as far as there are any."""
        return (*self.services, *(("worker",) if self.worker else ()))

    @property
    def base_services(self) -> frozenset[str]:
        """The services of its base project, each of which has an image; empty if it says none."""
        return frozenset(self.images) - _ROLES

    @property
    def refs(self) -> frozenset[str]:
        """The references of all images the release uses."""
        return frozenset(image.ref for image in self.images.values())

    def stop_seconds(self, role: str) -> int:
        """How long a role may take to end."""
        if role in self.services:
            return self.services[role].stop_seconds
        return self.worker.stop_seconds if self.worker and role == "worker" else 10


def parse(text: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        RunnerError: It is not one (code 2), or is for another runner (code 19).
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise refused("it is not JSON", where="manifest.json") from error
    root = _Reader(document, "manifest.json")
    _same_protocol(root)
    return _manifest(root)


def _same_protocol(root: _Reader) -> None:
    spoken = root.text("runner", "")
    if spoken != PROTOCOL or root.number("manifest", 0) != 1:
        raise RunnerError(
            Code.VERSION,
            f"the release speaks protocol {spoken!r}, this runner {PROTOCOL!r}",
            where="manifest.json: runner",
            remedy="Run `invoke vps.provision` again: it installs the runner that fits.",
        )


def _manifest(root: _Reader) -> Manifest:
    roles = root.part("roles").parts(_ROLE)
    services = {
        name: _service(role) for name, role in roles.items() if role.text("kind") == "service"
    }
    shared = root.part("shared")
    return Manifest(
        id=root.word("id", RELEASE_ID),
        app=root.word("app", APPLICATION),
        images={name: _image(entry) for name, entry in root.part("images").parts(_ROLE).items()},
        services=services,
        domains=_domains(root.part("public"), services),
        worker=_worker(roles.get("worker")),
        migrate=_job(roles.get("migrate")),
        files={name: _file(entry) for name, entry in root.part("files").parts().items()},
        env={
            role: env.words(_HEX, _VARIABLE) for role, env in root.part("env").parts(_ROLE).items()
        },
        salt=root.text("salt", ""),
        secrets={
            name: _account(entry) for name, entry in root.part("secrets").parts(_NAME).items()
        },
        caddy=_account(root.part("caddy")),
        keep_releases=root.number("keep_releases", 5, least=1),
        warm_seconds=root.number("warm_seconds", 300),
        base_sha256=root.text("base_sha256"),
        caddy_sha256=root.text("caddy_sha256"),
        contract_sha256=root.part("contract").text("sha256", ""),
        created=root.text("created", ""),
        architecture=root.text("architecture", ""),
        disk_bytes=root.number("disk_bytes", 0, most=1 << 50),
        memory_bytes=root.number("memory_bytes", 0, most=1 << 50),
        networks=shared.names("networks"),
        volumes=shared.names("volumes"),
    )


def _image(entry: _Reader) -> Image:
    ref, asked = entry.word("ref", _REFERENCE), entry.text("asked", "")
    return Image(ref, entry.text("id", "") or None, entry.flag("pull"), asked)


def _domains(public: _Reader, services: dict[str, Service]) -> tuple[str, ...]:
    """A name whose role is absent leads nowhere: Caddy has no site for it."""
    found = [name.lower() for role in services for name in public.names(role, _DOMAIN)]
    return tuple(dict.fromkeys(found))


def _service(role: _Reader) -> Service:
    live = role.path("live", "/")
    return Service(
        port=role.number("port", least=1, most=65_535),
        live=live,
        ready=role.path("ready", live),
        start_seconds=role.number("start_seconds", 60, least=1),
        stop_seconds=role.number("stop_seconds", 30),
        drain_seconds=role.number("drain_seconds", 30),
    )


def _worker(role: _Reader | None) -> Worker | None:
    if role is None:
        return None
    handover = role.text("handover", "stop-then-start")
    if handover not in {"stop-then-start", "overlap"}:
        raise role.wrong("handover", "stop-then-start or overlap")
    turn = role.text("turn", "after-switch")
    if turn not in {"after-switch", "before-switch"}:
        raise role.wrong("turn", "after-switch or before-switch")
    return Worker(
        health=role.argv("health"),
        start_seconds=role.number("start_seconds", 60, least=1),
        stop_seconds=role.number("stop_seconds", 60),
        overlaps=handover == "overlap",
        before_switch=turn == "before-switch",
    )


def _job(role: _Reader | None) -> Job | None:
    if role is None:
        return None
    seconds = role.number("timeout_seconds", 600, least=1)
    return Job(role.argv("up"), role.argv("status"), seconds)


def _file(entry: _Reader) -> File:
    mode = entry.text("mode")
    if mode not in _MODES:
        raise entry.wrong("mode", "one of " + ", ".join(sorted(_MODES)))
    return File(entry.word("sha256", re.compile("[0-9a-f]{64}")), int(mode, 8))


def _account(entry: _Reader) -> Account:
    most = 1 << 31
    return Account(entry.number("uid", 0, most=most), entry.number("gid", 0, most=most))


class _Reader:
    """A JSON object and where it lies, so that each refusal names the key."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise refused("an object is needed here", where=where)
        self.value: dict[str, Any] = value
        self.where = where

    def wrong(self, key: str, needed: str) -> RunnerError:
        return refused(f"{needed} is needed here", where=f"{self.where}: {key}")

    def part(self, key: str) -> _Reader:
        return _Reader(self.value.get(key) or {}, f"{self.where}: {key}")

    def parts(self, names: re.Pattern[str] | None = None) -> dict[str, _Reader]:
        for key in self.value if names is not None else ():
            self._named(key, names)
        return {
            str(key): _Reader(value, f"{self.where}.{key}") for key, value in self.value.items()
        }

    def text(self, key: str, default: str | None = None) -> str:
        value = self.value.get(key)
        value = default if value is None else value
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def word(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise self.wrong(key, f"a text like {pattern.pattern}")
        return value

    def words(self, pattern: re.Pattern[str], keys: re.Pattern[str]) -> dict[str, str]:
        for key in self.value:
            self._named(key, keys)
        return {key: self.word(key, pattern) for key in self.value}

    def _named(self, key: str, pattern: re.Pattern[str] | None) -> None:
        """What becomes a path or a Docker name is nothing but a name."""
        if pattern is not None and not pattern.fullmatch(key):
            raise self.wrong(key[:60], f"a name like {pattern.pattern}")

    def names(self, key: str, pattern: re.Pattern[str] = _NAME) -> tuple[str, ...]:
        values = self.value.get(key) or []
        if not isinstance(values, list) or not all(
            isinstance(value, str) and pattern.fullmatch(value) for value in values
        ):
            raise self.wrong(key, "a list of names")
        return tuple(values)

    def argv(self, key: str) -> tuple[str, ...]:
        values = self.value.get(key)
        if (
            not isinstance(values, list)
            or not values
            or not all(isinstance(value, str) for value in values)
        ):
            raise self.wrong(key, "a list of words")
        return tuple(values)

    def path(self, key: str, default: str) -> str:
        value = self.text(key, default)
        if not value.startswith("/") or not value.isprintable() or " " in value:
            raise self.wrong(key, "a path that begins with /")
        return value

    def flag(self, key: str) -> bool:
        value = self.value.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def number(
        self, key: str, default: int | None = None, *, least: int = 0, most: int = _LONGEST
    ) -> int:
        value = self.value.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(key, f"a whole number from {least} to {most}")
        return value
