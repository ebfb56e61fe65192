"""What each rig owns, on disk, so that a killed run can be cleaned up by a later command.

``/var/tmp/hostwright-rig/<name>/ledger.json``: in ``/var/tmp``, because a server's root file system
needs a real disk below it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright.errors import HostwrightError, ToolError, UserError
from hostwright.rig.processes import Process, alive, identify
from hostwright.rig.resources import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostwright.rig.resources import Resource

HOME = Path(os.environ.get("HOSTWRIGHT_RIG_HOME", "/var/tmp/hostwright-rig"))  # noqa: S108 - 0700
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
#: 10.99.N.0/24 belongs to the rig that drew N.
NUMBERS = range(1, 255)


@dataclass
class Ledger:
    """One rig's belongings, in the order they were made.

    Attributes:
        name: Name of the rig.
        number: N of its network 10.99.N.0/24.
        owner: The process that made it; nothing for a detached rig, which is kept until asked.
        resources: What to take back, oldest first.
    """

    name: str
    number: int
    owner: Process | None
    resources: list[Resource] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The rig's directory."""
        return HOME / self.name

    @property
    def abandoned(self) -> bool:
        """Whether its owner was killed before it could clean up."""
        return self.owner is not None and not alive(self.owner)

    def add(self, resource: Resource) -> None:
        """Write down what is about to be made."""
        if resource not in self.resources:
            self.resources.append(resource)
            self.save()

    def drop(self, resource: Resource) -> None:
        """Take one thing back now."""
        resource.undo()
        self.resources.remove(resource)
        self.save()

    def note(self, key: str, value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
        """Remember something for a later command."""
        self.notes[key] = value
        self.save()

    def save(self) -> None:
        """Write the file; a reader sees the old one or the new one."""
        new = self.home / "ledger.json.new"
        new.write_text(json.dumps(self.plain(), indent=1))
        new.replace(self.home / "ledger.json")

    def plain(self) -> dict[str, Any]:
        """The ledger as JSON knows it."""
        return {
            "number": self.number,
            "owner": asdict(self.owner) if self.owner else None,
            "notes": self.notes,
            "resources": [{"kind": type(r).__name__, **asdict(r)} for r in self.resources],  # type: ignore[call-overload]
        }

    def tear_down(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Take everything back, newest first; what cannot be is said and stays in the ledger.

        Raises:
            ToolError: Something could not be taken back.
        """
        stuck: list[str] = []
        for resource in reversed(self.resources[:]):
            try:
                self.drop(resource)
            except (HostwrightError, OSError) as error:
                stuck.append(f"{resource}: {error}")
        if stuck:
            raise ToolError(
                "the rig could not be taken down:\n" + "\n".join(stuck),
                where=str(self.home),
                remedy=f"`python -m hostwright.rig clean {self.name}` tries again.",
            )
        with lock():
            shutil.rmtree(self.home, ignore_errors=True)
            restore_forwarding()
        say(f"rig {self.name} is gone")


@contextlib.contextmanager
def lock(name: str = ".lock") -> Iterator[None]:
    """Hold the machine-wide lock of all rigs."""
    HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (HOME / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def claim(name: str) -> Ledger:
    """A fresh ledger under this name, with a network number no other rig has.

    Raises:
        UserError: The name is not one, or is taken.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name for a rig", remedy="Lower-case letters, digits, '-'.")
    with lock():
        taken = {other.name: other.number for other in every()}
        if name in taken:
            raise UserError(
                f"there is a rig named {name}",
                where=str(HOME / name),
                remedy=f"`python -m hostwright.rig clean {name}` ends it.",
            )
        free = next((n for n in NUMBERS if n not in taken.values() and not bridge(n).exists()), 0)
        if not free:
            raise UserError("all networks 10.99.N.0/24 are in use by rigs")
        ledger = Ledger(name, free, identify(os.getpid()))
        ledger.home.mkdir(mode=0o700)
        ledger.save()
    return ledger


def every() -> list[Ledger]:
    """All ledgers there are; one that goes while they are read is none any more."""
    found = []
    for path in sorted(HOME.glob("*/ledger.json")):
        with contextlib.suppress(UserError):
            found.append(read(path.parent.name))
    return found


def read(name: str) -> Ledger:
    """The ledger of a rig.

    Raises:
        UserError: There is no rig of this name.
    """
    try:
        plain = json.loads((HOME / name / "ledger.json").read_text())
    except FileNotFoundError as error:
        raise UserError(f"there is no rig named {name}") from error
    owner = Process(**plain["owner"]) if plain["owner"] else None
    resources = [restored(dict(entry)) for entry in plain["resources"]]
    return Ledger(name, plain["number"], owner, resources, plain["notes"])


def restored(entry: dict[str, Any]) -> Resource:
    """A resource from its JSON."""
    kind = KINDS[entry.pop("kind")]
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()})


def bridge(number: int) -> Path:
    """Where the kernel shows the bridge of a rig's services."""
    return Path("/sys/class/net", f"hwr{number}")


def switch_forwarding_on() -> None:
    """Let the kernel route, remembering what it did before the first rig came."""
    with lock():
        before = HOME / ".ip_forward"
        if not before.exists():
            before.write_text(FORWARDING.read_text())
        FORWARDING.write_text("1\n")


def restore_forwarding() -> None:
    """Put ``ip_forward`` back when the last rig goes; call it with the lock held."""
    before = HOME / ".ip_forward"
    if before.exists() and not every():
        FORWARDING.write_text(before.read_text())
        before.unlink()
