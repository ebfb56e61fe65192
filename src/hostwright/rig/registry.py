"""An image registry that servers can pull from, with TLS, on the rig's own network."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hostwright.rig import acme, processes
from hostwright.rig.requirements import which
from hostwright.rig.resources import Directory

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.rig.ledger import Ledger
    from hostwright.rig.processes import Process
    from hostwright.rig.server import Server

PORT = 5000


@dataclass
class Registry:
    """A registry; what was pushed stays while it is switched off.

    Attributes:
        ip: Where it listens.
        home: Its directory: configuration, certificates, data, log.
        ledger: The rig's.
    """

    ip: str
    home: Path
    ledger: Ledger
    _process: Process | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """``host:port``, the first part of its images' names."""
        return f"{self.ip}:{PORT}"

    @property
    def authority(self) -> Path:
        """PEM of the authority that signed its certificate, for whoever pulls from it."""
        return self.home / "ca.pem"

    def switch_on(self) -> None:
        """Let it answer.

        Raises:
            ToolError: It did not start.
        """
        log = self.home / "registry.log"
        words = [which("docker-registry"), "serve", str(self.home / "config.yml")]
        # Without this it would try to send traces somewhere.
        process = processes.start(words, log=log, env={"OTEL_TRACES_EXPORTER": "none"})
        self.ledger.add(process)
        self._process = process
        processes.await_port(process, self.ip, PORT, log=log)

    def switch_off(self) -> None:
        """Let nothing answer at its address."""
        if self._process is not None:
            self.ledger.drop(self._process)
            self._process = None

    def ask_for_login(self, username: str, password: str) -> None:
        """Let nobody in but who has this login, from now on.

        Raises:
            ToolError: It did not start again.
        """
        entry = f"{username}:{hashed(password)}\n"
        (self.home / "htpasswd").write_text(entry)
        self._restart(str(self.home / "htpasswd"))

    def let_everybody_in(self) -> None:
        """Ask nobody for a login any more.

        Raises:
            ToolError: It did not start again.
        """
        self._restart("")

    def _restart(self, logins: str) -> None:
        self.switch_off()
        configure(self.ip, self.home, logins)
        self.switch_on()

    def requests(self) -> str:
        """What was asked of it so far, a line each, in no form that anybody promised."""
        return (self.home / "registry.log").read_text(errors="replace")

    def introduce(self, server: Server) -> None:
        """Put its authority where the server's Docker looks for it, as its operator would."""
        directory = f"/etc/docker/certs.d/{self.address}"
        server.exec(["mkdir", "-p", directory])
        server.exec(["tee", f"{directory}/ca.crt"], stdin=self.authority.read_bytes())


def hashed(password: str) -> str:
    """A line's second half in an htpasswd file; of its kinds a registry reads bcrypt alone."""
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()


def configure(address: str, home: Path, logins: str = "") -> None:
    """Write the registry's configuration: JSON is YAML."""
    (home / "config.yml").write_text(json.dumps(settings(address, home, logins)))


def settings(address: str, home: Path, logins: str = "") -> dict[str, object]:
    """The registry's configuration; *logins* is an htpasswd file, or empty to let everybody in."""
    asked = {"auth": {"htpasswd": {"realm": "the rig", "path": logins}}} if logins else {}
    return {
        **asked,
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": str(home / "data")},
            "delete": {"enabled": True},
        },
        "http": {
            "addr": f"{address}:{PORT}",
            "tls": {"certificate": str(home / "api.pem"), "key": str(home / "api.key")},
        },
    }


def start(ledger: Ledger, address: str) -> Registry:
    """Start an empty registry.

    Raises:
        ToolError: It did not start.
    """
    home = ledger.home / "registry"
    ledger.add(Directory(str(home)))
    home.mkdir(mode=0o700)
    acme.write_certificates(home, address)
    configure(address, home)
    made = Registry(address, home, ledger)
    made.switch_on()
    return made
