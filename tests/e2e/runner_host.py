"""A host for the runner's tests: a Docker engine in a network of its own, and a tiny application.

The engine is real, with bridges, addresses and firewall rules, but in a network namespace, so that
this machine's own network is left alone. Every test is an application of its own on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hostwright import runner_archive
from hostwright.rig import Rig, carried, processes, rootfs
from hostwright.rig.engine import client, command
from hostwright.rig.resources import Cgroup, Directory, Mounts, Namespace
from hostwright.run import run
from hostwright.runner.identity import owner_from
from hostwright.runner.phases import PHASES
from hostwright.toolchain import pinned

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
BASE = "runner-test/app"
CADDY = "runner-test/caddy:1"
PASSWORD = "correct-horse-battery"
#: What the containers of the test may take to end.
STOP = 5
#: How long the other side of a test may be silent: a bound, far from what anything takes.
SILENT = 300.0

#: Room for the networks of many applications.
POOL = "--default-address-pool=base=10.200.0.0/16,size=26"

#: Begin a request and keep the last byte of it back until stdin closes.
HOLD = """
import socket, sys
host, port = sys.argv[1].split(":")
with socket.create_connection((host, int(port))) as held:
    held.sendall(b"POST / HTTP/1.1\\r\\nHost: app.test\\r\\nContent-Length: 2\\r\\n\\r\\nx")
    print("up", flush=True)
    sys.stdin.read()
"""

#: Ask each address for its version.
ASK = """
import sys, urllib.request
for address in sys.argv[1:]:
    print(urllib.request.urlopen("http://" + address, timeout=10).read().decode())
"""

CADDYFILE = """\
{{
    admin unix//run/hostwright/admin.sock|0600
    auto_https off
    grace_period 5s
}}
:80 {{
    {extra}
    reverse_proxy {{file./live/current/web}}:3000 {{
        lb_try_duration 5s
        lb_try_interval 50ms
    }}
}}
:81 {{
    reverse_proxy {{file./live/current/api}}:8000 {{
        lb_try_duration 5s
        lb_try_interval 50ms
    }}
}}
"""


@dataclass
class Engine:
    """The Docker engine of the tests, and the way into its network."""

    rig: Rig
    version: str = "0"

    @cached_property
    def home(self) -> Path:
        return self.rig.ledger.home / "runner"

    @cached_property
    def namespace(self) -> str:
        return f"hwrig-{self.rig.name}-runner"

    @property
    def socket(self) -> Path:
        return self.home / "docker.sock"

    @property
    def env(self) -> dict[str, str]:
        config = {"DOCKER_CONFIG": str(self.home / "config")}
        return {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0", **config}

    def inside(self, *words: str | Path) -> list[str]:
        """A command line that runs in the engine's network."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *(str(word) for word in words)]

    def docker(self, *words: str | Path, check: bool = True) -> str:
        return run([client(), *words], env=self.env, timeout=300, check=check).stdout

    def start(self) -> None:
        ledger, name = self.rig.ledger, self.namespace
        resources = (
            Directory(str(self.home)),
            Namespace(name),
            Cgroup(name),
            Mounts(str(self.home)),
        )
        for resource in resources:
            ledger.add(resource)
        self.home.mkdir(mode=0o700)
        plugin = self.home / "config" / "cli-plugins" / "docker-compose"
        plugin.parent.mkdir(parents=True)
        plugin.symlink_to(pinned("docker-compose").argv[0])
        run(["ip", "netns", "add", name])
        run(["ip", "-n", name, "link", "set", "lo", "up"])
        (self.home / "daemon.json").write_text("{}\n")
        words = [
            word
            for word in command(self.home, self.home / "data", name)
            if not word.startswith(("--bridge", "--ip", "--ip6", "--iptables", "--ip6tables"))
        ]
        ledger.add(
            processes.start(self.inside(*words, POOL), log=self.home / "dockerd.log", grace=20.0)
        )
        assert processes.wait(self._answers, 60), processes.tail(self.home / "dockerd.log")

    def _answers(self) -> bool:
        """Whether the engine itself answers: the client tells its own version without one."""
        return run([client(), "version"], env=self.env, check=False).exit_code == 0

    def images(self) -> None:
        """The application's base and Caddy, made once; versions of it are a label each."""
        packed = rootfs.tarball(rootfs.base("trixie", carried.gather()), print)
        run(
            ["sh", "-c", f"zstd -dcq {packed} | {client()} import - {BASE}:base"],
            env=self.env,
            timeout=300,
        )
        build = self.home / "build"
        build.mkdir()
        (build / "app.py").write_text((HERE / "runner_app.py").read_text())
        caddy = Path(sys.executable).parent / "caddy"
        run(["cp", "--reflink=auto", caddy, build / "caddy"])
        for version in ("1", "2", "3"):
            text = f"FROM {BASE}:base\nCOPY app.py /app.py\nENV APP_VERSION={version}\n"
            self._build(build, text, f"{BASE}:{version}")
        text = f"FROM {BASE}:base\nCOPY caddy /usr/bin/caddy\n"
        self._build(build, text, CADDY)

    def _build(self, directory: Path, text: str, tag: str) -> None:
        (directory / "Dockerfile").write_text(text)
        self.docker("build", "--quiet", "--tag", tag, directory)

    def image_id(self, tag: str) -> str:
        return self.docker("image", "inspect", "--format", "{{.Id}}", tag).strip()

    def runner(self) -> Path:
        """The runner as it is shipped."""
        path = self.home / "runner.pyz"
        if not path.exists():
            path.write_bytes(runner_archive.build().content)
        return path


@dataclass
class Release:
    """What a test wants of a release; :meth:`App.bundle` makes the bundle of it."""

    version: str = "1"
    stamp: int = 0
    env: dict[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ("api", "web", "worker", "migrate")
    handover: str = "stop-then-start"
    turn: str = "after-switch"
    warm_seconds: int = 300
    start_seconds: int = 8
    extra: str = ""
    base: str = "1"
    manifest: dict[str, Any] = field(default_factory=dict)


@dataclass
class App:
    """One application on the engine, and the runner that looks after it."""

    engine: Engine
    name: str
    root: Path
    count: int = 0

    # -- what the laptop would build -------------------------------------------------------------

    def identity(self, release: Release, seed: str) -> str:
        self.count += 1
        digest = hashlib.sha256(f"{self.name}{seed}{self.count}".encode()).hexdigest()
        return f"20260101t{release.stamp or self.count:06d}z-{digest[:7]}"

    def bundle(self, release: Release) -> tuple[str, bytes]:
        """A release's id and its bundle."""
        identity = self.identity(release, release.version)
        files = self._files(release, identity)
        manifest = self._manifest(release, identity, files)
        manifest.update(release.manifest)
        modes = {name: int(entry["mode"], 8) for name, entry in manifest["files"].items()}
        documents = {"manifest.json": json.dumps(manifest).encode(), **files}
        return identity, archive(documents, modes)

    def env_of(self, release: Release) -> dict[str, str]:
        return {
            "PASSWORD": PASSWORD,
            "ODD": 'a $HOME "quoted" \\ ünï\nsecond line',
            **release.env,
        }

    def _files(self, release: Release, identity: str) -> dict[str, bytes]:
        env = encode(self.env_of(release))
        roles = {f"env/{role}.env": env for role in release.roles}
        live = {
            f"live/{role}": f"{self.name}-{identity}-{role}\n".encode()
            for role in release.roles
            if role in {"api", "web"}
        }
        return {
            "compose.yaml": json.dumps(self._release_project(release, identity)).encode(),
            "base.yaml": json.dumps(self._base_project(release)).encode(),
            "caddy/Caddyfile": CADDYFILE.format(extra=release.extra).encode(),
            "secrets/postgres_password": PASSWORD.encode(),
            "entrypoints/health.sh": b"#!/bin/sh\nexit 0\n",
            **roles,
            **live,
        }

    def _release_project(self, release: Release, identity: str) -> dict[str, Any]:
        services = {}
        for role in release.roles:
            name = f"{self.name}-{identity}-{role}"
            command = "up" if role == "migrate" else role
            service = {
                "image": f"{BASE}:{release.version}",
                "container_name": name,
                "command": ["python3", "/app.py", command],
                "env_file": [{"path": f"./env/{role}.env", "required": True}],
                "networks": {"edge": {"aliases": [name]}, "data": {"aliases": [name]}},
                "volumes": [{"type": "volume", "source": "shared", "target": "/shared"}],
                "stop_grace_period": f"{STOP}s",
                "labels": {"dev.hostwright.app": self.name, "dev.hostwright.role": role},
            }
            if role == "migrate":
                services["migrate"] = {**service, "profiles": ["migrate"]}
            else:
                services[name] = {**service, "restart": "unless-stopped"}
        networks = {n: {"external": True, "name": f"{self.name}_{n}"} for n in ("edge", "data")}
        shared = {"external": True, "name": f"{self.name}_shared"}
        return {"services": services, "networks": networks, "volumes": {"shared": shared}}

    def _base_project(self, release: Release) -> dict[str, Any]:
        caddy = {
            "image": CADDY,
            "container_name": f"{self.name}-caddy",
            "command": ["caddy", "run", "--config", "/etc/caddy/Caddyfile"],
            "networks": ["edge"],
            "restart": "unless-stopped",
            "volumes": [
                f"{self.root}/caddy:/etc/caddy:ro",
                f"{self.root}/live:/live:ro",
                f"{self.root}/run:/run/hostwright",
            ],
        }
        postgres = {
            "image": f"{BASE}:1",
            "container_name": f"{self.name}-postgres",
            "command": ["python3", "/app.py", "sleep"],
            "networks": ["data"],
            "restart": "unless-stopped",
            "environment": {"BASE": release.base},
            "secrets": ["postgres_password"],
            "healthcheck": {
                "test": ["CMD", "python3", "-c", "open('/run/secrets/postgres_password')"],
                "interval": "30s",
            },
        }
        secrets = {"postgres_password": {"file": "./secrets/postgres_password"}}
        networks = {
            "edge": {"name": f"{self.name}_edge"},
            "data": {"name": f"{self.name}_data", "internal": True},
        }
        services = {"caddy": caddy, "postgres": postgres}
        return {"services": services, "networks": networks, "secrets": secrets}

    def _manifest(self, release: Release, identity: str, files: dict[str, bytes]) -> dict[str, Any]:
        image = f"{BASE}:{release.version}"
        role_image = {"ref": image, "id": self.engine.image_id(image), "pull": False}
        seconds = {"start_seconds": release.start_seconds, "stop_seconds": STOP}
        service = {"kind": "service", "live": "/health", "ready": "/ready", "drain_seconds": 4}
        roles = {
            "api": {**service, **seconds, "port": 8000},
            "web": {**service, **seconds, "port": 3000},
            "worker": {
                "kind": "worker",
                "health": ["test", "-e", "/tmp/well"],  # noqa: S108 - the container's own
                "handover": release.handover,
                "turn": release.turn,
                **seconds,
            },
            "migrate": {
                "kind": "job",
                "up": ["python3", "/app.py", "up"],
                "status": ["python3", "/app.py", "status"],
                "timeout_seconds": 20,
            },
        }
        caddy = hashlib.sha256(files["caddy/Caddyfile"]).hexdigest()
        salted = {
            name: hashlib.sha256(f"salt\0{name}\0{value}".encode()).hexdigest()[:16]
            for name, value in self.env_of(release).items()
        }
        return {
            "manifest": 1,
            "runner": "1",
            "id": identity,
            "app": self.name,
            "created": "2026-01-01T00:00:00Z",
            "profile": "production",
            "contract": {"version": 1, "sha256": "0" * 64},
            "images": {
                **dict.fromkeys(release.roles, role_image),
                "caddy": {"ref": CADDY, "id": None, "pull": False},
                "postgres": {"ref": f"{BASE}:1", "id": None, "pull": False},
            },
            "roles": {role: roles[role] for role in release.roles},
            "public": {"web": ["app.test"]},
            "files": {
                name: {"sha256": hashlib.sha256(content).hexdigest(), "mode": mode(name)}
                for name, content in files.items()
            },
            "env": dict.fromkeys(release.roles, salted),
            "salt": "salt",
            "secrets": {"postgres_password": {"uid": 999, "gid": 999}},
            "shared": {"networks": [], "volumes": [f"{self.name}_shared"]},
            "architecture": "amd64",
            "keep_releases": 3,
            "warm_seconds": release.warm_seconds,
            "base_sha256": hashlib.sha256(files["base.yaml"]).hexdigest(),
            "caddy_sha256": caddy,
        }

    # -- talking to the runner -------------------------------------------------------------------

    @property
    def env(self) -> dict[str, str]:
        return {
            **self.engine.env,
            "HOSTWRIGHT_ROOT": str(self.root.parent),
            "PATH": os.environ["PATH"],
        }

    def verb(self, *words: str) -> list[str]:
        return self.engine.inside("/usr/bin/python3", "-I", self.engine.runner(), *words)

    def open(self, *, killed_at: str = "") -> Session:
        """A session; with *killed_at* the runner ends itself by SIGKILL at that point."""
        if killed_at:
            words = self.engine.inside(
                sys.executable, HERE / "runner_killed.py", killed_at, "session", "--app", self.name
            )
        else:
            words = self.verb("session", "--app", self.name)
        return Session(words, self.env)

    def deploy(self, release: Release, *, killed_at: str = "") -> Outcome:
        identity, content = self.bundle(release)
        with self.open(killed_at=killed_at) as session:
            session.deploy(content)
            return Outcome(identity, session.until_end())

    def rollback(self, to: str | None = None, *, killed_at: str = "") -> Outcome:
        with self.open(killed_at=killed_at) as session:
            session.send({"do": "rollback", "to": to, "actor": "test"})
            events = session.until_end()
            return Outcome(str(events[-1].get("serving")), events)

    def resume(self) -> Outcome:
        with self.open() as session:
            session.send({"do": "resume", "actor": "test"})
            events = session.until_end()
            return Outcome(str(events[-1].get("serving")), events)

    # -- looking ---------------------------------------------------------------------------------

    @property
    def serving(self) -> str | None:
        link = self.root / "live" / "current"
        return str(link.readlink()) if link.is_symlink() else None

    def addresses(self) -> list[str]:
        """Where Caddy serves web and api."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        ip = self.engine.docker("inspect", "--format", form, f"{self.name}-caddy").strip()
        return [f"{ip}:80", f"{ip}:81"]

    def answers(self) -> set[str]:
        """The versions that web and api answer with, through Caddy."""
        words = self.engine.inside("python3", "-c", ASK, *self.addresses())
        return set(run(words).stdout.split())

    def running(self) -> set[str]:
        """The roles that run, as ``<release>-<role>``."""
        form = "{{.Names}}"
        names = self.engine.docker(
            "ps", "--format", form, "--filter", f"name=^{self.name}-2026"
        ).split()
        return {name.removeprefix(f"{self.name}-") for name in names}

    def existing(self) -> set[str]:
        form = "{{.Names}}"
        names = self.engine.docker(
            "ps", "--all", "--format", form, "--filter", f"name=^{self.name}-2026"
        ).split()
        return {name.removeprefix(f"{self.name}-") for name in names}

    def shared(self, name: str) -> str:
        place = self.engine.docker(
            "volume", "inspect", "--format", "{{.Mountpoint}}", f"{self.name}_shared"
        ).strip()
        path = Path(place) / name
        return path.read_text() if path.exists() else ""

    def state(self, release: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(
            (self.root / "releases" / release / "state.json").read_text()
        )
        return value

    def load(self) -> Load:
        return Load(
            self.engine.inside("/usr/bin/python3", HERE / "runner_load.py", *self.addresses())
        )

    @contextlib.contextmanager
    def endless_request(self) -> Iterator[None]:
        """A request to web that does not come to its end within the block."""
        words = self.engine.inside("/usr/bin/python3", "-c", HOLD, self.addresses()[0])
        with begun(words) as holder:
            yield
            assert holder.poll() is None, "the request came to its end"

    def remove(self) -> None:
        """Remove every container of the application, so that tests do not pile up."""
        cooler = self.root / "cooler.json"
        if cooler.exists():
            owner = owner_from(json.loads(cooler.read_text()))
            if owner is not None and owner.alive:
                os.kill(owner.pid, signal.SIGTERM)
        names = self.engine.docker("ps", "-aq", "--filter", f"name=^{self.name}-").split()
        if names:  # the runner may be removing one of them at this very moment
            self.engine.docker("rm", "--force", "--volumes", *names, check=False)
        networks = (f"{self.name}_edge", f"{self.name}_data")
        self.engine.docker("network", "rm", *networks, check=False)


@dataclass
class Outcome:
    """How a command ended."""

    release: str
    events: list[dict[str, Any]]

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1]

    @property
    def done(self) -> bool:
        return bool(self.last["event"] == "done")

    @property
    def died(self) -> bool:
        """Whether the process that worked on it ended before its work did."""
        return "died in the middle" in str(self.last.get("what"))

    @property
    def phases(self) -> list[str]:
        return [event["phase"] for event in self.events if event["event"] == "phase"]

    @property
    def notes(self) -> str:
        return "\n".join(str(event.get("text", "")) for event in self.events)

    def seconds(self) -> dict[str, float]:
        return {e["phase"]: e["seconds"] for e in self.events if e["event"] == "phase"}

    def at(self, phase: str) -> float:
        """Seconds from the start of the operation to the end of a phase."""
        return float(
            next(e["t"] for e in self.events if e.get("phase") == phase and e["event"] == "phase")
        )


class Session:
    """The laptop's end of a session."""

    def __init__(self, words: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
            words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.hello = self.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout
        with answering(self.process):
            line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr
            said = self.process.stderr.read().decode()
            raise AssertionError(f"the session ended with {self.process.wait(30)}: {said}")
        value: dict[str, Any] = json.loads(line)
        return value

    def send(self, request: dict[str, Any], content: bytes = b"") -> None:
        assert self.process.stdin
        with answering(self.process):
            self.process.stdin.write(json.dumps(request).encode() + b"\n" + content)
            self.process.stdin.flush()

    def deploy(self, content: bytes) -> None:
        self.send({"do": "deploy", "bytes": len(content), "actor": "test"}, content)

    def events(self) -> Iterator[dict[str, Any]]:
        while True:
            event = self.read()
            yield event
            if event["event"] in {"done", "failed"}:
                return

    def until_end(self) -> list[dict[str, Any]]:
        return list(self.events())

    def until(self, phase: str, kind: str = "phase") -> None:
        for event in self.events():
            if event["event"] == kind and event.get("phase") == phase:
                return
        raise AssertionError(phase)

    def cut(self) -> None:
        """What the loss of the connection is to the runner."""
        self.process.kill()
        self.close()

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        self.process.wait(30)


@contextlib.contextmanager
def answering(process: subprocess.Popen[Any]) -> Iterator[None]:
    """End a process that is silent for too long, so that nobody waits for it for ever."""
    timer = threading.Timer(SILENT, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def begun(words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that works from its word ``up`` until its input ends; it is over afterwards."""
    with subprocess.Popen(  # noqa: S603 - a list of words, no shell
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            with answering(process):
                assert process.stdout.readline() == "up\n", "it did not get to work"
            yield process
        finally:
            process.kill()


class Load:
    """Requests at an application, from beginning to end of a block."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.counts: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self.ending = contextlib.ExitStack()
        self.process = self.ending.enter_context(begun(self.words))
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        with self.ending:
            if failed is None:
                self._count()

    def _count(self) -> None:
        """Let every client finish: what was not counted to its end says nothing."""
        output, _unused = self.process.communicate(timeout=SILENT)
        assert self.process.returncode == 0, f"the load ended with {self.process.returncode}"
        self.counts = json.loads(output)
        assert self.counts, "the load had no client"
        assert all(count["sent"] for count in self.counts), "a client of the load sent nothing"

    @property
    def failed(self) -> list[str]:
        return [text for count in self.counts for text in count["failed"]]


def mode(name: str) -> str:
    if name.startswith(("env/", "secrets/")):
        return "0600"
    return "0755" if name.startswith("entrypoints/") else "0644"


def encode(values: dict[str, str]) -> bytes:
    def quoted(value: str) -> str:
        for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n")):
            value = value.replace(plain, escaped)
        return f'"{value}"'

    return "".join(f"{name}={quoted(value)}\n" for name, value in values.items()).encode()


def archive(files: dict[str, bytes], modes: dict[str, int]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = modes.get(name, 0o644)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


__all__ = ["PHASES", "App", "Engine", "Load", "Outcome", "Release", "Session"]
