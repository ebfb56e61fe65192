"""What is tried, row by row: pure lists, in the order in which they are tried."""

from __future__ import annotations

from typing import NamedTuple

from hostwright.runner.phases import HEALTHY, MIGRATED, PHASES, SWITCHED

#: Phases by operation, as their events name them; the repository of the proofs is called away.
STEPS: dict[str, tuple[str, ...]] = {
    "deploy": PHASES,
    "rollback": PHASES,
    "backup": ("OPENED", "DUMPED", "SNAPSHOT", "STORED in away", "TIDIED away"),
    "restore": ("FETCHED", "LOADED", "SWAPPED", "HEALTHY"),
}
#: What happens, by its name in an order, in the words of the table.
FAULTS = {
    "killed": "the runner is killed (SIGKILL)",
    "cut": "the SSH connection is cut",
    "server": "the server is killed",
    "power": "the power of the server is cut",
    "full": "the disk fills up to its last block",
    "ahead": "the runner's clock jumps a day ahead, and back for the next command",
    "back": "the runner's clock jumps a day back, and ahead for the next command",
    "busy": "a second command is typed meanwhile",
    "owner": "the runner is killed, and the lock names a process id that is in use again",
}
#: Faults that end everything that works on the server.
DEADLY = frozenset({"server", "power"})
#: Phases of a restore in which nothing serves: its roles are stopped, or not yet well.
AWAY = frozenset({"SWAPPED", "HEALTHY"})
#: Faults of which an operation notices nothing: it comes to its end by itself.
HARMLESS = frozenset({"cut", "ahead", "back", "busy"})


class Case(NamedTuple):
    """One row of the kill table.

    Attributes:
        op: The operation that is disturbed.
        fault: A key of :data:`FAULTS`.
        when: ``middle`` of the phase, or ``after`` it.
        phase: One of the operation's phases.
    """

    op: str
    fault: str
    when: str
    phase: str

    @property
    def id(self) -> str:
        """Its name, for ``--rows`` and the state file."""
        return f"kill/{self.op}/{self.fault}/{self.when}/{self.phase.replace(' ', '-')}"

    @property
    def at(self) -> str:
        """When, in words."""
        return f"in {self.phase}" if self.when == "middle" else f"after {self.phase}"

    @property
    def serves(self) -> frozenset[str]:
        """Who may serve between what happened and the next command: ``old``, ``new`` or nobody.

        A restore that is cut off while its roles are stopped is settled by the host itself, but
        later than the next command is typed here.
        """
        both = frozenset({"old", "new"})
        cut_off = self.fault in {"killed", "owner", "full"}
        if self.op == "restore" and self.phase in AWAY and cut_off:
            return frozenset({"old", ""})
        if self.op not in {"deploy", "rollback"}:
            return frozenset({"old"})
        if self.fault in HARMLESS:
            return frozenset({"new"})
        if self.fault == "full":
            return both
        place, switch = PHASES.index(self.phase), PHASES.index(SWITCHED)
        if place == switch and self.when == "middle":
            return both
        return frozenset({"new"}) if place >= switch else frozenset({"old"})

    @property
    def may_fail(self) -> str:
        """Which requests may fail meanwhile: ``any``, ``writes`` or none."""
        if self.fault in DEADLY or self.op == "restore":
            return "any"
        return "writes" if self.fault == "full" else ""


#: Requests per second of the load table, and the share of them that must really be sent.
LOAD_RATE, LOAD_FLOOR = 80.0, 0.8
#: What changes who serves, and is so timed; and the phase in which a bad version must fail.
MOVES = frozenset({"deploy", "warm rollback", "cold rollback"})
FAILS_IN = {"failing health": HEALTHY, "failing migration": MIGRATED}


class Load(NamedTuple):
    """One row of the load table: so many runs of one thing under load.

    Attributes:
        what: What is done.
        part: The row is taken in parts, each kept when it is done.
        runs: How often in this part.
        code: The exit code that the command is to have; None where nothing is typed.
        quiet: No request may fail, and the WebSocket has to survive.
    """

    what: str
    part: int
    runs: int
    code: int | None = 0
    quiet: bool = True

    @property
    def id(self) -> str:
        """Its name."""
        return f"load/{self.what.replace(' ', '-')}/{self.part}"


class Size(NamedTuple):
    """One row of the restore table.

    Attributes:
        mb: How large the database is made, in megabytes.
        recover: Whether a new host is made of the backup as well.
    """

    mb: int
    recover: bool = True

    @property
    def id(self) -> str:
        """Its name."""
        return f"restore/{self.mb}"


def kills() -> list[Case]:
    """The whole kill table; the rows of the small disk, which need a server of their own, last."""
    found = [
        Case(op, fault, when, phase)
        for op, phases in STEPS.items()
        for fault, whens in (
            ("killed", ("middle", "after")),
            ("cut", ("middle",)),
            ("ahead", ("middle",)),
            ("back", ("middle",)),
            ("server", ("middle",)),
        )
        for phase in phases
        for when in whens
    ]
    found += [
        Case(op, fault, "middle", phases[min(2, len(phases) - 1)])
        for op, phases in STEPS.items()
        for fault in ("busy", "owner")
    ]
    return found + [
        Case(op, "full", "middle", phase) for op, phases in STEPS.items() for phase in phases
    ]


def powers() -> list[Case]:
    """The power is cut in the middle of every phase: rows for a virtual machine."""
    return [
        Case(op, "power", "middle", phase) for op in ("deploy", "rollback") for phase in STEPS[op]
    ]


def short_kills() -> list[Case]:
    """One kill a phase of a deploy, in the middle and after in turns."""
    whens = ("middle", "after")
    return [
        Case("deploy", "killed", whens[number % 2], phase) for number, phase in enumerate(PHASES)
    ]


_REFUSED = 18


def loads() -> list[Load]:
    """The whole load table."""
    return [
        *(Load("deploy", part, 10) for part in range(1, 6)),
        *(Load("warm rollback", part, 10) for part in range(1, 3)),
        Load("cold rollback", 1, 5),
        Load("failing health", 1, 3, code=_REFUSED),
        Load("failing migration", 1, 3, code=_REFUSED),
        Load("worker stop", 1, 5, code=None),
        Load("Caddy restart", 1, 3, code=None, quiet=False),
        Load("server reboot", 1, 2, code=None, quiet=False),
    ]


def short_loads() -> list[Load]:
    """One deploy and its rollback."""
    return [Load("deploy", 1, 1), Load("warm rollback", 1, 1)]


def sizes() -> list[Size]:
    """The whole restore table."""
    return [Size(10), Size(100), Size(1000)]


def short_sizes() -> list[Size]:
    """One restore, without a new host."""
    return [Size(10, recover=False)]
