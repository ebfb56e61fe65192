"""A host whose Docker is a table: for decisions that a real engine can hardly be brought to.

What a real engine can show is shown in ``tests/e2e/test_runner.py``.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from tests.unit.runner import releases_of as made

from hostwright.runner import bundle, journal, releases, switch
from hostwright.runner.compose import Compose
from hostwright.runner.engine import Engine, EngineError
from hostwright.runner.events import Events
from hostwright.runner.layout import Layout
from hostwright.runner.operation import Host, Operation
from hostwright.runner.process import Ended, Shell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OLD = "20260101t000000z-aaaaaaa"
NEW = "20260102t000000z-bbbbbbb"
MINE = {"uid": os.getuid(), "gid": os.getgid()}


class Docker(Engine):
    """Containers by name, running or not, and the calls that were made."""

    def __init__(self, **running: bool) -> None:
        super().__init__("/nonexistent")
        self.known = {name.replace("_", "-"): up for name, up in running.items()}
        self.calls: list[str] = []
        self.down = False
        #: What is said against a pull.
        self.refusal = ""
        #: Names of the images, by their ids.
        self.stock: dict[str, list[str]] = {}

    def version(self) -> dict[str, Any]:
        return super().version() if self.down else {"Arch": "amd64"}

    def containers(self, project: str | None = None) -> list[dict[str, Any]]:
        label = "com.docker.compose.project"
        return [
            {"Names": [f"/{name}"], "Labels": {label: project or ""}, "State": "running"}
            for name in self.known
            if project is None or name.startswith(f"{project}-")
        ]

    def container(self, name: str) -> dict[str, Any] | None:
        if name not in self.known:
            return None
        up = self.known[name]
        state = {"Running": up, "Status": "running" if up else "exited", "ExitCode": 0}
        return {"State": state, "RestartCount": 0}

    def start(self, name: str) -> None:
        self.calls.append(f"start {name}")
        if name not in self.known:
            raise EngineError(404, f"No such container: {name}")
        self.known[name] = True

    def stop(self, name: str, seconds: int) -> None:
        self.calls.append(f"stop {name} {seconds}")
        if name in self.known:
            self.known[name] = False

    def remove(self, name: str) -> None:
        self.known.pop(name, None)

    def pull(self, ref: str, headers: dict[str, str], silence: float) -> None:
        del silence
        self.calls.append(f"pull {ref} {','.join(headers)}")
        if self.refusal:
            raise EngineError(500, self.refusal)

    def images(self) -> list[dict[str, Any]]:
        return [{"Id": identity, "RepoTags": tags} for identity, tags in self.stock.items()]

    def remove_image(self, ref: str) -> None:
        self.calls.append(f"remove image {ref}")

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        return {"DockerRootDir": "/"} if path == "/info" else super().get(path, query)

    def wait(self, name: str, seconds: float) -> int:
        self.calls.append(f"wait {name} {seconds:g}")
        raise TimeoutError

    def logs(self, name: str, lines: int, *, errors: bool = True) -> list[str]:
        del name, lines, errors
        return []


class Told(Shell):
    """A shell that only keeps what it is told."""

    said: list[list[str]]
    answer = Ended(0, "", "")

    def run(self, argv: Sequence[str], *, cwd: Path | None = None, timeout: float = 0) -> Ended:
        del cwd, timeout
        self.said.append(list(argv))
        return self.answer


def layout(directory: Path) -> Layout:
    found = Layout("app", directory / "app")
    found.ensure()
    return found


def host(directory: Path, docker: Docker | None = None) -> Host:
    places = layout(directory)
    shell = Told()
    shell.said = []
    return Host(places, docker or Docker(), Compose("/c", "2.26"), shell, Events(places.events))


def unpacked(
    at: Host,
    identity: str,
    files: dict[str, bytes] | None = None,
    **changes: Any,  # noqa: ANN401 - JSON
) -> None:
    """A release on the host; its base's files belong to whoever runs the tests."""
    whose = {"secrets": {"postgres_password": MINE}, "caddy": MINE}
    given = {**made.FILES, **(files or {})}
    bundle.unpack(at.layout, made.bundle(given, id=identity, **{**whose, **changes}))


def serve(at: Host, identity: str) -> None:
    switch.move(at.layout, identity)


def operation(at: Host, op: str = "deploy", **recorded: Any) -> Operation:  # noqa: ANN401 - a Journal's fields
    """NEW is to take the place of OLD, where that is there."""
    goal = releases.load(at.layout, NEW)
    previous = releases.load(at.layout, OLD)
    assert goal is not None
    begun = journal.begin(
        at.layout.journal,
        op=op,
        release=NEW,
        previous=OLD if previous else None,
        actor="me",
        warm=False,
    )
    return Operation(at, goal, previous, journal.record(at.layout.journal, begun, **recorded))


def told(at: Host) -> list[dict[str, Any]]:
    return [json.loads(line) for line in at.layout.events.read_text().splitlines()]


def notes(at: Host) -> str:
    return "\n".join(str(event.get("text", "")) for event in told(at))
