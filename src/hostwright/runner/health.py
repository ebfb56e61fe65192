"""Gate a release on the health of its roles: HTTP to the container's own address, or a command.

Probes go past Caddy and DNS, so that they ask this very container; the Host header is its name,
which the contract says health paths must answer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import redact, wire
from .engine import EngineError
from .fault import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from .manifest import Service, Worker
    from .operation import Operation

#: Seconds between two probes, between two looks at the container, and for one answer.
PROBE_SECONDS = 0.05
LOOK_SECONDS = 0.25
ANSWER_SECONDS = 5.0
#: A container that was restarted that often is not starting, it is crashing.
MOST_RESTARTS = 3
_BODY_SHOWN = 300
_LARGEST_ANSWER = 1 << 16


class Answer(NamedTuple):
    """What a probe heard.

    Attributes:
        well: Whether the role is well.
        text: In words what came.
        said: The role's own words, as they came: they may quote a secret, and are not shown
            before it is blanked. To cut them before would leave a part of it.
        from_end: Whether their end says more than their beginning.
    """

    well: bool
    text: str
    said: str = ""
    from_end: bool = False

    def shown(self, texts: Iterable[str]) -> str:
        """It in few words, with every one of *texts* blanked."""
        said = " ".join(redact.blank(self.said, texts).split())
        piece = said[-_BODY_SHOWN:] if self.from_end else said[:_BODY_SHOWN]
        return f"{redact.blank(self.text, texts)} {piece}".strip()


class Look(NamedTuple):
    """What Docker says about a container.

    Attributes:
        address: Where it can be asked; None where it cannot.
        crashed: Why it can never get well; None where it still may.
        waiting: Why it has no address yet.
    """

    address: str | None
    crashed: str | None = None
    waiting: str = "it has no address yet"


def look(found: dict[str, Any] | None, network: str) -> Look:
    """Read a container's state.

    Args:
        found: What Docker knows of it; None where it is gone.
        network: The network whose address is preferred.
    """
    if found is None:
        return Look(None, crashed="its container is gone")
    state, restarts = found["State"], int(found.get("RestartCount", 0))
    if restarts >= MOST_RESTARTS:
        ended = f"{_ended(state)} and " if state["ExitCode"] else "it "
        return Look(None, crashed=f"{ended}was restarted {restarts} times")
    if state["Status"] in {"exited", "dead"}:
        return Look(None, crashed=_ended(state))
    if state["Status"] == "restarting":
        return Look(None, waiting=f"{_ended(state)} and is being restarted")
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    ordered = [networks.get(network), *networks.values()]
    addresses = (str(entry.get("IPAddress") or "") for entry in ordered if entry)
    return Look(next((address for address in addresses if address), None))


def _ended(state: dict[str, Any]) -> str:
    return f"it ended with exit code {state['ExitCode']}"


def probe(address: str, name: str, service: Service) -> Answer:
    """Ask a service whether it is ready."""
    asked = f"GET {service.ready}"
    try:
        connection = wire.tcp(address, service.port, ANSWER_SECONDS)
        reply = wire.ask(connection, "GET", service.ready, host=name, largest=_LARGEST_ANSWER)
    except (OSError, wire.WireError) as error:
        words = "nothing listens" if isinstance(error, ConnectionRefusedError) else str(error)
        return Answer(well=False, text=f"{asked} on port {service.port}: {words}")
    well = 200 <= reply.status < 300  # noqa: PLR2004 - the range that HTTP calls success
    said = reply.body.decode(errors="replace")
    return Answer(well, f"{asked} answered {reply.status}", said)


def gate_service(op: Operation, role: str, stop: Event) -> None:
    """Wait until api or web is ready.

    Raises:
        RunnerError: It crashed, or was not ready in time.
    """
    service = op.goal.services[role]

    def ask(seen: Look) -> Answer:
        if seen.address is None:
            return Answer(well=False, text=seen.waiting)
        return probe(seen.address, op.name(role), service)

    _gate(op, role, service.start_seconds, ask, stop)


def gate_worker(op: Operation, stop: Event) -> None:
    """Wait until the worker's health command says yes.

    Raises:
        RunnerError: It crashed, or was not well in time.
    """
    worker = op.goal.worker
    if worker is not None:
        _gate(op, "worker", worker.start_seconds, lambda _: command(op, worker), stop)


def command(op: Operation, worker: Worker) -> Answer:
    """Run the worker's health command inside its container."""
    try:
        code, output = op.engine.execute(op.name("worker"), worker.health, ANSWER_SECONDS)
    except (EngineError, OSError, wire.WireError) as error:
        return Answer(well=False, text=f"its health command could not run: {error}")
    return Answer(code == 0, f"its health command ended with {code}", output, from_end=True)


def _gate(
    op: Operation, role: str, seconds: int, ask: Callable[[Look], Answer], stop: Event
) -> None:
    deadline = time.monotonic() + seconds
    answer, seen, looked = Answer(well=False, text="it was not asked"), Look(None), 0.0
    while not stop.is_set():
        if time.monotonic() - looked > LOOK_SECONDS:
            seen = look(op.engine.container(op.name(role)), f"{op.layout.app}_edge")
            looked = time.monotonic()
        if seen.crashed:
            raise op.failure(f"{role} did not get well: {seen.crashed}", role)
        answer = ask(seen)
        if answer.well:
            _same_env(op, role)
            return
        if time.monotonic() > deadline:
            raise _late(op, role, seconds, answer)
        time.sleep(PROBE_SECONDS)


def _late(op: Operation, role: str, seconds: int, answer: Answer) -> Exception:
    texts = redact.of_release(op.layout.release(op.goal.id).directory)
    return op.failure(
        f"{role} was not well after {seconds} s: {answer.shown(texts)}",
        role,
        remedy="Its last lines are shown; start_seconds in the contract says how long it may take.",
    )


def _same_env(op: Operation, role: str) -> None:
    found = op.engine.container(op.name(role))
    wrong = op.check_env(role, found) if found else []
    if wrong:
        raise broken(
            f"the environment of the running {role} is not the declared one: {', '.join(wrong)}",
            where=role,
            remedy="Build the release again from the contract and its values.",
        )


def gates(op: Operation) -> list[Callable[[Event], None]]:
    """One gate per service, to be run side by side."""

    def gate(role: str) -> Callable[[Event], None]:
        return lambda stop: gate_service(op, role, stop)

    return [gate(role) for role in op.goal.services]
