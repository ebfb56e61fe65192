"""Write what moving a server's installation to Kubernetes needs: asks the server what runs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hostwright import deploy, login, paths, registries, secrets, settings
from hostwright.cluster import graduation
from hostwright.cluster.graduation import Server
from hostwright.contract import load
from hostwright.errors import ReleaseError, SettingsError, UserError

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.cluster.graduation import Secret, Todo
    from hostwright.contract.models import Contract
    from hostwright.remote import Event
    from hostwright.settings import Host


@dataclass(frozen=True)
class Written:
    """The two files, and what is left to do."""

    values: str
    secrets_list: str
    release: str
    secrets: tuple[Secret, ...]
    todos: tuple[Todo, ...]
    left: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """What programs read."""
        lists = {
            "secrets": [item._asdict() for item in self.secrets],
            "todos": [item._asdict() for item in self.todos],
        }
        return {**asdict(self), **lists}

    @property
    def text(self) -> str:
        """What people read."""
        return "\n".join(
            [
                f"{self.values} written (mode 0600), from release {self.release}",
                f"{self.secrets_list} written: {len(self.secrets)} secrets to make",
                *(f"  choose {item.path}: {item.what}" for item in self.todos),
                *(f"  left behind: {item}" for item in self.left),
                "docs/ops/moving-between-targets.md says how the data moves.",
            ]
        )


def from_host(name: str, identity: str, out: Path, *, force: bool) -> Written:
    """Ask a server what serves, and write values and secrets.

    Raises:
        SettingsError: There is no such host.
        HostError: It does not answer, or nothing serves there.
        UserError: A file exists, and *force* is not given.
    """
    if not name:
        raise SettingsError("no host was named", remedy="Give --host: a name or an address.")
    listed = out.with_name(f"{out.stem}.secrets.yaml")
    for path in (out, listed):
        _refuse_existing(path, force=force)
    host = settings.host(name, overrides={"identity_file": identity})
    contract = load()
    server = served(host, contract, _status(host, contract))
    schema = json.loads(paths.VALUES_SCHEMA.read_text(encoding="utf-8"))
    made = graduation.graduate(contract, server, schema)
    _write(out, graduation.values_text(made, server), force=force)
    _write(listed, graduation.secrets_text(made, server), force=force)
    return Written(
        str(out), str(listed), server.release, tuple(made.secrets), tuple(made.todos),
        tuple(made.left),
    )  # fmt: skip


def _status(host: Host, contract: Contract) -> Event:
    with login.connect(host) as session:
        return deploy.status(session, host.project_name or contract.application)


def served(host: Host, contract: Contract, status: Event) -> Server:
    """What a runner's status says of the serving release, with the operator's values.

    Raises:
        ReleaseError: Nothing serves there.
        ValuesError: The operator's values cannot be read.
    """
    serving = status.get("serving")
    found = next((item for item in status["releases"] if item["id"] == serving), None)
    if found is None:
        raise ReleaseError(
            "nothing serves there: there is nothing to move",
            where=host.address,
            remedy="`invoke vps.status` shows what is on the host.",
        )
    given = secrets.gather(host.values, contract, "vps", registries.variables(host))
    return Server(host, given, found["images"], str(serving))


def _refuse_existing(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise UserError(
            "exists already; nothing was written",
            where=str(path),
            remedy="Choose another --out, or give --force.",
        )


def _write(path: Path, content: str, *, force: bool) -> None:
    """Write a file for its owner alone; one that is there is replaced in one step."""
    fresh = path.with_name(f".{path.name}.new") if force else path
    if force:
        fresh.unlink(missing_ok=True)
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        if force:
            fresh.replace(path)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from error
