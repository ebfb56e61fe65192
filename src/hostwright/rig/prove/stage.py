"""A provisioned server that serves, its operator, and what a proof asks of both.

The operator works in a copy of the clone: what is proven does not change while somebody goes on
editing.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.rig import disk
from hostwright.rig.load import Request
from hostwright.rig.prove import store
from hostwright.rig.scene import API_DOMAIN, HOST, Scene
from hostwright.rig.virtual import CPUS
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostwright.rig import Rig
    from hostwright.rig.load import Stream
    from hostwright.run import Completed

Kind = Literal["plain", "small", "power"]
APP = "app"
STATE = f"/var/lib/hostwright/{APP}"
RUNNER = "/usr/local/sbin/hostwright-runner"
#: What a small disk holds: images, data, and the runner's own things.
SMALL_MIB = 2600
#: Until a server that was killed serves again by itself, in seconds.
BACK_SECONDS = 120.0
#: Until the worker has done the jobs of a row, in seconds.
JOBS_SECONDS = 60.0
#: How many ids a question to the database names.
_IDS = 1000
#: An emulated machine is about five times slower, and this machine may do other things as well.
EMULATED = 6.0
EMULATED_SETTINGS = {"health_seconds": 600, "warm_seconds": 3600}

READS = (
    Request("https://api.test/version", weight=4),
    Request("https://app.test/api/version", weight=3),
    Request("https://api.test/slow?seconds=2", weight=1, slow=True),
)
WRITE = Request("https://api.test/items", "POST", '{"name": "proof"}', weight=2)
SOCKET = f"wss://{API_DOMAIN}/ws"

#: A version that never gets ready, and one whose migration trips.
_COMPILE = "python3 -m compileall -q -f --invalidation-mode unchecked-hash /opt/probe/app"
FAULTY = {
    "unwell": "sed -i 's/200 if ready else 503/503/' app/probe/readiness.py",
    "trips": "sed -i 's/op.add_column(.*/raise RuntimeError(\"it trips\")/' "
    "app/probe/migrations/extra1/m0003_note.py; "
    'printf \'{"version": "trips", "extra_migrations": 1}\' > app/build.json',
}
#: Puts all of the application's code, and a mark, into a layer of its own.
_MOVE = "cp -a app own && rm -r app && mv own app && echo {} > app/mark"

#: How a version looks, or the hash of a runner.
_VERSION = re.compile(r"(?<![0-9.])[0-9]+\.[0-9][0-9.+~a-z-]*|\b[0-9a-f]{12}\b")
#: Every table of the application: its rows, and two sums over all of every row.
_TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"
_SUMS = (
    "select '{0}', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0), "
    'coalesce(sum(hashtextextended(t::text, 1)::numeric), 0) from "{0}" t'
)


@dataclass
class Stage:
    """A server on which rows are tried.

    Attributes:
        scene: The server and its operator.
        kind: A server like any other (``plain``), one whose data is on a disk that can be filled
            (``small``), or a virtual machine whose power can be cut (``power``).
        acts: How many acts a phase of an operation has, where that was counted.
    """

    scene: Scene
    kind: Kind = "plain"
    acts: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def set_up(cls, rig: Rig, clone: Path, *, kind: Kind = "plain") -> Stage:
        """Bring a bare server to two releases and a backup.

        Args:
            rig: What it stands on.
            clone: What its operator works in.
            kind: What the server is.

        Raises:
            ToolError: A command failed.
        """
        scene = Scene.set_up(rig, kind="machine" if kind == "power" else "container")
        scene.clone = clone
        made = cls(scene, kind)
        scene.patience *= made.patience
        scene.settings["backup"] = made.backup
        if kind == "power":
            scene.settings |= EMULATED_SETTINGS
        with scene.env_file.open("a") as file:
            file.write(f'BACKUP_S3_ACCESS_KEY_ID="{rig.s3.key}"\n')
            file.write(f'BACKUP_S3_SECRET_ACCESS_KEY="{rig.s3.secret}"\n')
        scene.write_hosts()
        scene.trust()
        scene.invoke("vps.backup-key", "--host", HOST)
        if kind == "small":
            disk.attach(scene.server, SMALL_MIB, ["/var/lib/docker", "/var/lib/hostwright"])
        made.type("vps.provision")
        for number in ("1", "2"):
            made.type("vps.deploy", *scene.version(number))
        if not until(made.answers, BACK_SECONDS * made.patience):
            raise ToolError("no answer on the application's own names", where="the new server")
        made.type("vps.backup")
        return made

    @property
    def patience(self) -> float:
        """How many times longer than a container everything may take."""
        return EMULATED if self.kind == "power" else 1.0

    @property
    def backup(self) -> dict[str, Any]:
        """What hosts.yaml says of backups; no timer comes round while rows are tried."""
        s3 = self.scene.rig.s3
        away = {"endpoint": s3.endpoint, "bucket": s3.bucket, "prefix": "shop"}
        hour = (time.gmtime().tm_hour + 20) % 24
        return {
            "key_file": str(self.scene.home / "backup.key"),
            "repositories": {"away": {"s3": away}},
            "schedule": f"{hour:02d}:15",
        }

    # -- what the operator does ------------------------------------------------------------------

    def type(self, *words: str, check: bool = True) -> Completed:
        """Run a command on the host as the operator."""
        return self.scene.invoke(words[0], "--host", HOST, *words[1:], check=check, timeout=3600)

    def asked(self, *words: str) -> dict[str, Any]:
        """A command's JSON.

        Raises:
            ToolError: It failed.
        """
        told: dict[str, Any] = json.loads(self.type(*words, "--json").stdout)
        return told

    # -- what is seen on the server --------------------------------------------------------------

    def root(self, *words: str, check: bool = True, timeout: float = 120.0) -> Completed:
        """Run something as root on the server."""
        longest = timeout * self.patience
        return self.scene.server.exec(list(words), check=check, timeout=longest)

    def sql(self, text: str, *, timeout: float = 600.0) -> str:
        """Ask the application's database."""
        psql = ("docker", "exec", f"{APP}-postgres", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1")
        given = (*psql, "-U", APP, "-d", APP, "-c", text)
        return self.root(*given, timeout=timeout).stdout.strip()

    def items(self, ids: Sequence[int], where: str = "true") -> int:
        """How many of these items are there: each is a write that was answered."""
        parts = [ids[at : at + _IDS] for at in range(0, len(ids), _IDS)]
        return sum(int(self.sql(counted(part, where))) for part in parts)

    def undone(self, ids: Sequence[int]) -> int:
        """Jobs of these items that the worker has not done when it was given the time."""

        def pending() -> int:
            return self.items(ids, "state <> 'done'")

        until(lambda: pending() == 0, JOBS_SECONDS * self.patience)
        return pending()

    def checksum(self) -> str:
        """Rows of every table, and sums over all of them, in which any difference shows."""
        tables = self.sql(_TABLES).split()
        return self.sql(" union all ".join(_SUMS.format(name) for name in tables) + " order by 1")

    def link(self) -> str:
        """The release that the live link names; empty where there is none."""
        return self.root("readlink", f"{STATE}/live/current", check=False).stdout.strip()

    def status(self) -> dict[str, Any]:
        """What the runner itself says, without any lock."""
        told: dict[str, Any] = json.loads(self.root(RUNNER, "status", "--app", APP).stdout)
        return told

    def idle(self, seconds: float = 180.0) -> bool:
        """Wait until no command works on the server; whether that came in time."""
        return until(lambda: self.status()["busy"] is None, seconds * self.patience)

    def roles(self) -> set[str]:
        """The containers of the application's roles that run."""
        form = ("--format", "{{.Names}}", "--filter", "label=dev.hostwright.role")
        return set(self.root("docker", "ps", *form).stdout.split())

    def whole(self) -> str:
        """The release that serves with all its roles, or what keeps it from being whole."""
        serving, running = self.link(), self.roles()
        missing = [
            role for role in ("api", "web", "worker") if f"{APP}-{serving}-{role}" not in running
        ]
        workers = [name for name in running if name.endswith("-worker")]
        if missing:
            return f"{serving} without {', '.join(missing)}"
        if len(workers) != 1:
            return f"{serving} with {len(workers)} workers"
        if self.root("test", "-e", f"{STATE}/journal.json", check=False).exit_code == 0:
            return f"{serving} with an open journal"
        return serving

    def serving(self) -> str:
        """The version that answers by the application's own name; empty where none does."""
        try:
            return self.scene.serving()
        except Exception:  # noqa: BLE001 - whatever it says instead
            return ""

    def answers(self) -> bool:
        """Whether the application answers by both of its names: each has its own certificate."""
        try:
            told = self.scene.request("GET", f"https://{API_DOMAIN}/version")
        except Exception:  # noqa: BLE001 - whatever it says instead
            return False
        return not told.is_error and bool(self.serving())

    def back(self) -> bool:
        """Wait until a server that was switched on serves again by itself."""
        return until(self.answers, BACK_SECONDS * self.patience) and self.idle()

    # -- releases --------------------------------------------------------------------------------

    def image(self, version: str) -> list[str]:
        """The flags that deploy a version; a faulty one is built when it is first asked for."""
        if version in FAULTY and f"probe:{version}" not in self.scene.images:
            self._build(version, f"FROM probe:2\nUSER root\nRUN {FAULTY[version]}; {_COMPILE}\n")
        return self.scene.version(version)

    def fresh(self, version: str) -> list[str]:
        """The flags that deploy a version in an image that no server has had.

        All of the application's code is in its last layer, which is carried for this deploy: files
        that were written a moment ago are what a power loss can spoil.
        """
        name = f"{version}-{time.time_ns()}"
        self._build(name, f"FROM probe:{version}\nUSER root\nRUN {_MOVE.format(name)}\n")
        return self.scene.version(name)

    def _build(self, version: str, text: str) -> None:
        name, whole = f"probe:{version}", f"{text}USER 10001:10001\n"
        docker = self.scene.rig.engine.docker
        docker("build", "--quiet", "--tag", name, "-", stdin=whole.encode(), timeout=1800)
        self.scene.images = {**self.scene.images, name: name}

    def other(self) -> str:
        """The version that does not serve now."""
        return "2" if self.scene.serving() == "1" else "1"

    def earlier(self, state: str) -> str:
        """The newest release that is in a state: ``warm``, or ``good`` for a cold one.

        Raises:
            ToolError: There is none.
        """
        for release in self.status()["releases"]:
            if release["state"] == state:
                return str(release["id"])
        raise ToolError(f"no release is {state}", where="the server")

    # -- load ------------------------------------------------------------------------------------

    def stream(self, rate: float, *, writes: bool = True, socket: bool = False) -> Stream:
        """Requests of every kind, a tenth of them of two seconds."""
        requests = (*READS, WRITE) if writes else READS
        return self.scene.stream(requests=requests, rate=rate, websocket=SOCKET if socket else "")

    # -- what it is ------------------------------------------------------------------------------

    @cached_property
    def facts(self) -> dict[str, str]:
        """Versions, by name."""
        asks = {
            "Debian": "cat /etc/debian_version",
            "Python": "python3 --version",
            "Docker": "docker version --format '{{.Server.Version}}'",
            "Compose": "docker compose version --short || docker-compose version --short",
            "restic": "restic version",
            "Postgres": f"docker exec {APP}-postgres postgres --version",
            "Redis": f"docker exec {APP}-redis redis-server --version",
            "Caddy": f"docker exec {APP}-caddy caddy version",
            "runner": f"{RUNNER} version",
        }
        told = {
            name: version_in(self.root("sh", "-c", line, check=False).stdout)
            for name, line in asks.items()
        }
        cores = len(
            [1 for line in Path("/proc/cpuinfo").read_text().splitlines() if "processor" in line]
        )
        return {**self._machine(cores), **told}

    def _machine(self, cores: int) -> dict[str, str]:
        """What the server runs on, in words."""
        if self.kind != "power":
            where = f"{cores} cores, server in systemd-nspawn"
            return {"Kernel": platform.release(), "Machine": where}
        tools = {"qemu": ("qemu-system-x86_64", "--version"), "nbdkit": ("nbdkit", "--version")}
        return {
            "Kernel": self.root("uname", "-r").stdout.strip(),
            "Machine": f"{CPUS} emulated cores, server in qemu (TCG)",
            **{name: version_in(run(line).stdout) for name, line in tools.items()},
        }


def counted(ids: Sequence[int], where: str) -> str:
    """The question how many of these items are there, and are like that."""
    named = ",".join(map(str, ids))
    return f"select count(*) from items where id = any('{{{named}}}'::bigint[]) and {where}"  # noqa: S608 - numbers


def version_in(text: str) -> str:
    """The version that a tool tells of itself."""
    found = _VERSION.search(text)
    return found.group() if found else text.strip()[:40] or "not known"


def until(happened: Callable[[], bool], seconds: float) -> bool:
    """Whether something happens in time."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def copy(place: Path) -> Path:
    """A copy of what is proven, for the operator to work in."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in _trees(store.SUBJECT):
        source = paths.ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, place / name)
    return place


def _trees(subject: Sequence[str]) -> list[str]:
    """The directories first: they make the place of the files."""
    return sorted(subject, key=lambda name: "." in Path(name).name)
