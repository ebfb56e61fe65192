"""Keep each row as soon as it is done: the next session goes on with the one after it.

The file is named by the sources that were proven. Where these change, every row is taken anew.
Several sessions may take rows of the same sources side by side: each adds its own to the file.
Where they have not changed since the tables were committed, a machine without the file goes on
from the tables.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hostwright import paths
from hostwright.rig.prove import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from hostwright.rig.prove.rows import Row

#: What the operator of a proof works in, below the root of the clone.
SUBJECT = ("src/hostwright", "ops/compose", "ops/contract", "ops/host", "ops/probe", "tasks.py")
#: What of it has no part in a server's life: other targets, and what only checks or shows.
_ASIDE = (
    "ops/contract/exemptions.yaml",
    "ops/contract/kubernetes-values.schema.json",
    "ops/probe/README.md",
    "ops/compose/README.md",
    *(
        f"src/hostwright/{name}"
        for name in (
            "by_hand.py",
            "checks/",
            "ci/",
            "cloud/",
            "cluster/",
            "contract/chart.py",
            "contract/matrix.py",
            "contract/pages.py",
            "contract/show.py",
            "docs/",
            "doctor",
            "helm/",
            "image_scan.py",
            "render/clouds/",
            "render/helm/",
            "report/",
            "rig/agent.py",
            "rig/bench",
            "rig/looks.py",
            "rig/demo.py",
            "rig/prove/command.py",
            "rig/prove/store.py",
            "rig/prove/tables.py",
            "setup/",
            "site/",
            "tasks/",
            "terraform/",
            "toolchain/",
            "validate/",
        )
    ),
)


@dataclass
class State:
    """The rows that are done.

    Attributes:
        path: Where they are kept.
        facts: What the servers were, by their kind: versions, by name.
        done: Rows by the name of their case.
        missed: Why a row could not be taken, or was taken anew, by its name: a line each time.
    """

    path: Path
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    missed: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, key: str) -> State:
        """What is known of these sources; a file that cannot be read counts for nothing."""
        state = cls(paths.cache() / "prove" / f"{key}.json")
        state.look()
        return state

    def look(self) -> None:
        """Take up what the file says, other sessions' rows included."""
        try:
            value = json.loads(self.path.read_text(encoding="utf-8"))
            self.facts, self.done = dict(value["facts"]), dict(value["rows"])
            self.missed = dict(value.get("missed", {}))
        except (OSError, ValueError, KeyError, TypeError):
            self.facts, self.done, self.missed = {}, {}, {}

    def adopt(self, tables: Path) -> None:
        """Take up the rows of committed tables that are of these sources and not known yet."""
        for table in sorted(tables.glob("*.json")):
            kind = "power" if table.stem == "power" else "plain"
            try:
                value = json.loads(table.read_text(encoding="utf-8"))
                about = value["about"]
                found = [rows.read(table.stem, row) for row in value["rows"]]
                missed = dict(value.get("missed", {}))
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if about.get("Sources") != self.path.stem:
                continue
            with self._changed():
                self.facts.setdefault(kind, about)
                for row in found:
                    self.done.setdefault(row.case.id, rows.plain(row))
                self.missed = {**missed, **self.missed}

    def put(self, identity: str, row: Row) -> None:
        """Keep a row; one that it takes the place of is not forgotten where it was broken."""
        with self._changed():
            if before := self.done.get(identity, {}).get("broken"):
                self._miss(identity, f"it broke what is promised: {'; '.join(before)}")
            self.done[identity] = rows.plain(row)

    def miss(self, identity: str, reason: str) -> None:
        """Keep why a row could not be taken, or is taken anew."""
        with self._changed():
            self._miss(identity, reason)

    def _miss(self, identity: str, reason: str) -> None:
        self.missed[identity] = [*self.missed.get(identity, ()), rows.one_line(reason)]

    def know(self, kind: str, facts: dict[str, str]) -> None:
        """Keep what a kind of server is."""
        with self._changed():
            self.facts[kind] = facts

    @contextmanager
    def _changed(self) -> Iterator[None]:
        """Change what the file says, and write it as a whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.look()
            yield
            fresh = self.path.with_suffix(f".{os.getpid()}")
            value = {"facts": self.facts, "rows": self.done, "missed": self.missed}
            fresh.write_text(json.dumps(value), encoding="utf-8")
            fresh.replace(self.path)

    def kept(self, group: str, identities: Iterable[str]) -> list[Row]:
        """The rows of these names that are done and can be read."""
        found = []
        for identity in identities:
            try:
                found.append(rows.read(group, self.done[identity]))
            except (KeyError, TypeError):
                continue
        return found


def key(root: Path, flavour: str) -> str:
    """Twelve digits that change when anything changes that a server's life depends on.

    Args:
        root: The clone.
        flavour: What else tells one proof from another.
    """
    digest = hashlib.sha256(flavour.encode())
    for file in subject(root):
        digest.update(f"\0{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def subject(root: Path) -> Iterator[Path]:
    """The files that a proof is about, in order."""
    for place in SUBJECT:
        path = root / place
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            shown = str(file.relative_to(root))
            if file.is_file() and "__pycache__" not in file.parts and not shown.startswith(_ASIDE):
                yield file
