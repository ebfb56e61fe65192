"""Run a command in a role's container, and be its terminal: input in, output out, its exit code.

The command comes in the request, never as this process's arguments, so that neither ``ps`` nor
sudo's log shows it. From the event ``exec`` on, this process's standard output and error are the
command's, and its exit code is the command's exit code.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from . import audit, looking, looking_stream, protocol
from .engine import EngineError
from .fault import refused, unfit

if TYPE_CHECKING:
    from collections.abc import Callable

    from .engine import Engine
    from .layout import Layout
    from .looking_stream import Stream

#: What a shell says of a command that a signal ended is 128 and more; of one that is lost, nothing.
_LOST = 255
_MOST_WORDS = 1000
_LONGEST = 60_000
_LONGEST_LINE = 65_536
_MOST_SIZE = 10_000
_PROGRAM_SHOWN = 40
_GRACE_SECONDS = 2.0


class Wanted(NamedTuple):
    """A command to run.

    Attributes:
        role: Where.
        argv: Its words.
        terminal: Whether it gets one.
        size: Of the terminal: rows and columns.
    """

    role: str
    argv: tuple[str, ...]
    terminal: bool
    size: tuple[int, int]


def wanted(request: dict[str, Any]) -> Wanted:
    """Read a request.

    Raises:
        RunnerError: It is none.
    """
    argv = request.get("argv")
    if not isinstance(argv, list) or not 0 < len(argv) <= _MOST_WORDS:
        raise refused("a command is a list of words", where="argv")
    if not all(isinstance(word, str) and "\0" not in word for word in argv):
        raise refused("a command is a list of words", where="argv")
    if sum(map(len, argv)) > _LONGEST:
        raise refused("the command is too long", where="argv")
    roles = looking.roles({"roles": [request.get("role")]})
    size = tuple(looking.number(request, key, most=_MOST_SIZE) for key in ("rows", "columns"))
    return Wanted(roles[0], tuple(argv), bool(request.get("terminal")), (size[0], size[1]))


class Running(NamedTuple):
    """A command that runs: Docker's name for it, and both of its ends."""

    identity: str
    container: str
    stream: Stream


def start(layout: Layout, engine: Engine, asked: Wanted) -> Running:
    """Start a command in the container of a role.

    Raises:
        RunnerError: The role is not there or does not run, or Docker refused.
    """
    found = looking.containers(layout, engine, [asked.role])[0]
    if not found.running:
        raise unfit(
            f"{found.name} does not run",
            where=asked.role,
            remedy="`invoke vps.logs` shows what it said last.",
        )
    body = {
        "Cmd": list(asked.argv),
        "Tty": asked.terminal,
        **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr"), True),
        **(
            {"Env": ["TERM=xterm-256color"], **looking_stream.console(asked.size)}
            if asked.terminal
            else {}
        ),
    }
    made = engine.call("POST", f"/containers/{found.name}/exec", send=body)
    identity = str(json.loads(made.body)["Id"])
    size = asked.size if asked.terminal else None
    stream = looking_stream.command(engine, identity, size=size)
    running = Running(identity, found.name, stream)
    if asked.terminal:
        resize(engine, running, *asked.size)  # an engine before 23 does not take it at the start
    return running


def resize(engine: Engine, running: Running, rows: int, columns: int) -> None:
    """Tell the command's terminal its size; best effort."""
    if not rows or not columns:
        return
    with contextlib.suppress(EngineError, OSError):
        query = {"h": str(rows), "w": str(columns)}
        engine.call("POST", f"/exec/{running.identity}/resize", query)


def be_its_terminal(
    engine: Engine, running: Running, source: BinaryIO, out: BinaryIO, error: BinaryIO
) -> int:
    """Pass everything on, both ways, until the command has ended; its exit code."""
    feeder = threading.Thread(target=feed, args=(engine, running, source), daemon=True)
    feeder.start()
    try:
        while not running.stream.ended:
            for frame in running.stream.read():
                sink = error if frame.error else out
                sink.write(frame.content)
                sink.flush()
    except BrokenPipeError:
        end(engine, running)
    return exit_code(engine, running)


def feed(engine: Engine, running: Running, source: BinaryIO) -> None:
    """Pass on what the laptop sends; where it just ends, the laptop is gone: so is the command."""
    with contextlib.suppress(OSError, ValueError):
        while line := source.readline(_LONGEST_LINE):
            request = json.loads(line)
            if request["do"] == "size":
                resize(engine, running, int(request["rows"]), int(request["columns"]))
            elif request["do"] == "input":
                content = source.read(int(request.get("bytes") or 0))
                running.stream.send(content) if content else running.stream.end_input()
    if not line:
        end(engine, running)


def end(engine: Engine, running: Running) -> None:
    """End a command whose terminal is gone, as a terminal does: hang up, and then insist."""
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
        found = engine.get(f"/exec/{running.identity}/json")
        if not found.get("Running") or not found.get("Pid"):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(found["Pid"]), number)
        time.sleep(_GRACE_SECONDS)


def exit_code(engine: Engine, running: Running) -> int:
    """The command's exit code."""
    code = engine.get(f"/exec/{running.identity}/json").get("ExitCode")
    return _LOST if code is None else int(code)


def run(
    layout: Layout,
    engine: Engine,
    request: dict[str, Any],
    source: BinaryIO,
    say: Callable[[dict[str, Any]], None],
) -> int:
    """All of it, from the request to the exit code.

    Raises:
        RunnerError: It could not be started.
    """
    asked = wanted(request)
    began = time.monotonic()
    running = start(layout, engine, asked)
    say({"event": "exec", "role": asked.role, "container": running.container})
    code = be_its_terminal(engine, running, source, sys.stdout.buffer, sys.stderr.buffer)
    # The program alone: a later word may be a password.
    program = shlex.quote(os.path.basename(asked.argv[0])[:_PROGRAM_SHOWN])  # noqa: PTH119 - a word, no path of this host
    facts = {"role": asked.role, "program": program, "exit_code": code}
    seconds = round(time.monotonic() - began, 3)
    audit.record(layout, protocol.actor(request), "exec", **facts, seconds=seconds)
    return code


def leave(code: int) -> None:
    """End this process at once: a thread of it may wait for input that never comes."""
    for sink in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            sink.flush()
    os._exit(code)
