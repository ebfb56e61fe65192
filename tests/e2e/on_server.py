"""What tests do on and to a server besides commands: ask it, read its data, kill, and listen."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hostwright.errors import Busy
from hostwright.rig.scene import HOST
from hostwright.rig.server import enter_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostwright.rig.scene import Scene
    from hostwright.run import Completed

APP = "/var/lib/hostwright/app"
PLACE = f"{APP}/backup"
TOLD = "/tmp/told"  # noqa: S108 - on the server, where nobody may write it
_TELL = "/usr/local/bin/tell"


def asked(scene: Scene, *words: str, code: int = 0, patience: float = 0.0) -> dict[str, Any]:
    """A command's JSON, or what it said where it is to fail with *code*.

    Args:
        scene: Whose operator asks.
        words: The task and its flags, without the host's.
        code: How the command is to end.
        patience: For how many seconds it is asked again while another command works.
    """
    argv = (words[0], "--host", HOST, *words[1:], "--json")
    deadline = time.monotonic() + patience
    done = scene.invoke(*argv, check=False)
    while done.exit_code == Busy.exit_code != code and time.monotonic() < deadline:
        time.sleep(1)
        done = scene.invoke(*argv, check=False)
    assert done.exit_code == code, done.stderr
    assert scene.seen(done) == []
    found: dict[str, Any] = json.loads(done.stdout) if code == 0 else {"said": done.stderr}
    return found


def root(scene: Scene, *words: str, check: bool = True) -> Completed:
    return scene.server.exec(list(words), check=check)


def sql(scene: Scene, text: str, database: str = "app") -> str:
    words = ("docker", "exec", "app-postgres", "psql", "-XAtq", "-U", "app", "-d", database, "-c")
    return root(scene, *words, text).stdout.strip()


def databases(scene: Scene) -> list[str]:
    return sql(scene, "select datname from pg_database").splitlines()


def checksum(scene: Scene) -> str:
    """Every row of every table of the application."""
    tables = sql(scene, "select tablename from pg_tables where schemaname = 'public' order by 1")
    asks = [
        f"select '{name}', md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) "  # noqa: S608 - a test
        f'from "{name}" t'
        for name in tables.split()
    ]
    return sql(scene, " union all ".join(asks))


def serving_release(scene: Scene) -> str:
    """The release that the live link names."""
    return root(scene, "readlink", f"{APP}/live/current").stdout.strip().rpartition("/")[2]


def own_sftp(scene: Scene, path: str) -> dict[str, str]:
    """The server's own sshd: to restic it is a server like any other."""
    lines = (line.split() for line in scene.server.known_hosts.read_text().splitlines())
    return {
        "address": f"admin@{scene.server.address}",
        "path": path,
        "identity_file": str(scene.server.key),
        "host_key": next(f"{w[1]} {w[2]}" for w in lines if w[1] == "ssh-ed25519"),
    }


def until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for what comes by itself."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.2)


# -- at just the wrong moment ---------------------------------------------------------------------


@contextmanager
def beside(scene: Scene, script: str, seconds: int = 120) -> Iterator[None]:
    """Something that the server does while a test does something else, and that must succeed."""
    shot = subprocess.Popen(  # noqa: S603 - a list of words
        enter_command(scene.server.leader, ["timeout", str(seconds), "sh", "-c", script])
    )
    try:
        yield
        assert shot.wait(seconds + 10) == 0
    finally:
        shot.kill()
        shot.wait()


def killed_at(scene: Scene, found: str, *words: str, seconds: int = 120) -> None:
    """Run a command, and kill the runner the moment that *found* (a shell test) holds there."""
    kill = f"kill -9 $(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' {APP}/lock)"
    with beside(scene, f"until {found}; do sleep 0.01; done; {kill}", seconds):
        done = scene.invoke(words[0], "--host", HOST, *words[1:], check=False)
    assert done.exit_code != 0


# -- who is told ----------------------------------------------------------------------------------


def ear(scene: Scene) -> dict[str, Any]:
    """Alerts that are told to a program of the server, which has heard nothing yet."""
    scene.server.exec(["tee", _TELL], stdin=f"#!/bin/sh\ncat >> {TOLD}\n".encode())
    root(scene, "chmod", "755", _TELL)
    root(scene, "rm", "-f", TOLD)
    return {"command": [_TELL]}


def heard(scene: Scene) -> list[dict[str, Any]]:
    """What the program was told."""
    said = root(scene, "cat", TOLD, check=False).stdout
    return [json.loads(line) for line in said.splitlines()]


def kinds_heard(scene: Scene) -> set[str]:
    return {str(line["kind"]) for line in heard(scene)}
