"""A server and an operator beside it: what the demo and the end-to-end tests play on.

The operator types the real commands (``invoke vps.…``) in real processes, with a home of their own
(``HOSTWRIGHT_HOME``: hosts.yaml, pinned keys, values) and the rig's Docker engine for their images.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from hostwright import paths
from hostwright.contract import load
from hostwright.contract.example import text
from hostwright.errors import ToolError
from hostwright.rig.load import PROBE, Stream, trust, version_in
from hostwright.rig.resources import Directory
from hostwright.run import Completed, blank, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import httpx

    from hostwright.rig import Rig
    from hostwright.rig.acme import Acme
    from hostwright.rig.rig import ServerKind
    from hostwright.rig.server import Server

HOST = "demo"
APP_DOMAIN, API_DOMAIN = "app.test", "api.test"
#: A job is done well within this; more means that no worker works.
JOB_SECONDS = 30.0


@dataclass
class Scene:
    """One server, its operator's home, and what the operator can do and see.

    Attributes:
        rig: What everything stands on.
        server: The server.
        acme: Who signs its certificates.
        images: Name (``probe:1``, ``caddy`` …) to reference in the rig's engine.
        home: The operator's directory.
        settings: What hosts.yaml says of the host, beyond the scene's own.
        clone: The copy of the repository that the operator works in.
        patience: Seconds that a visitor waits for an answer.
        variables: What the operator's environment says, beyond the scene's own.
    """

    rig: Rig
    server: Server
    acme: Acme
    images: Mapping[str, str]
    home: Path
    settings: dict[str, Any] = field(default_factory=dict)
    clone: Path = paths.ROOT
    variables: dict[str, str] = field(default_factory=dict)
    patience: float = 15.0

    @classmethod
    def set_up(
        cls,
        rig: Rig,
        *,
        suite: str = "trixie",
        versions: Sequence[str] = ("1", "2"),
        kind: ServerKind = "container",
        **settings: Any,  # noqa: ANN401 - fields of settings.Host
    ) -> Scene:
        """Boot a bare server and write the operator's files; nothing is provisioned yet."""
        images = rig.images(versions=versions, suite=suite)
        server = rig.server(suite, kind=kind)
        home = rig.ledger.home / "operator"
        rig.ledger.add(Directory(str(home)))
        home.mkdir(mode=0o700)
        scene = cls(rig, server, rig.acme, images, home, settings)
        scene.write_values()
        scene.write_hosts()
        return scene

    @property
    def env_file(self) -> Path:
        """The operator's values."""
        return self.home / ".env.demo"

    @property
    def env(self) -> dict[str, str]:
        """Variables of the operator's commands."""
        return {
            "HOSTWRIGHT_HOME": str(self.home),
            # Before the packages of this interpreter, which know the clone of these tests.
            "PYTHONPATH": str(self.clone / "src"),
            **self.rig.engine.env,
            **self.variables,
        }

    def write_values(self) -> None:
        """Fresh secrets, and the switch that lets the probe tell what arrived."""
        contract = load(self.clone / paths.CONTRACT.relative_to(paths.ROOT))
        made = text(contract, "vps", "production", lambda: os.urandom(24).hex())
        self.env_file.touch(mode=0o600)
        self.env_file.write_text(
            made.replace("# CONTRACT_ENDPOINT_ENABLED=false", "CONTRACT_ENDPOINT_ENABLED=true")
        )

    def write_hosts(self, **settings: Any) -> None:  # noqa: ANN401 - fields of settings.Host
        """Say in hosts.yaml what the scene is like; *settings* win."""
        host = {
            "address": self.server.address,
            "bootstrap_user": self.server.user,
            "identity_file": str(self.server.key),
            "app_domain": APP_DOMAIN,
            "api_domain": API_DOMAIN,
            "images": dict.fromkeys(("api", "web"), self.images["probe:1"]),
            "base_images": {name: self.images[name] for name in ("caddy", "postgres", "redis")},
            "transport": "ssh",
            "values": {"env_file": str(self.env_file)},
            "acme": {"directory": self.acme.directory_url, "root": str(self.acme.api_pem)},
            "swap_mib": 0,
            **self.settings,
            **settings,
        }
        document = {"version": 1, "hosts": {HOST: host}}
        (self.home / "hosts.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    def fingerprint(self) -> str:
        """What the provider's console would show: the server's own host key."""
        shown = run(["ssh-keygen", "-lf", self.server.known_hosts]).stdout.splitlines()
        return next(line.split()[1] for line in shown if "ED25519" in line)

    # -- what the operator does ----------------------------------------------------------------

    def invoke(self, *words: str, check: bool = True, timeout: float = 600.0) -> Completed:
        """Run ``invoke …`` as the operator and keep its output."""
        argv = [sys.executable, "-m", "invoke", *words]
        return run(argv, cwd=self.clone, env=self.env, check=check, timeout=timeout)

    def invoke_shown(self, *words: str) -> None:
        """Run ``invoke …`` on the terminal that this process has.

        Raises:
            ToolError: It failed; it has said why.
        """
        argv = [sys.executable, "-m", "invoke", *words]
        code = subprocess.call(argv, cwd=self.clone, env={**os.environ, **self.env})  # noqa: S603
        if code:
            raise ToolError(f"exit code {code}", where=f"invoke {' '.join(words)}")

    def trust(self) -> None:
        """Pin the server's key."""
        self.invoke("vps.trust", "--host", HOST, "--fingerprint", self.fingerprint())

    def version(self, number: str) -> list[str]:
        """The flags that deploy a version of the probe."""
        image = self.images[f"probe:{number}"]
        return ["--image", f"api={image}", "--image", f"web={image}"]

    # -- what a visitor sees -------------------------------------------------------------------

    def request(
        self, method: str, url: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """One verified HTTPS request to the server by name, whatever DNS says."""
        import httpx

        parts = httpx.URL(url)
        with httpx.Client(verify=trust(str(self.acme.root_pem)), trust_env=False) as client:
            return client.request(
                method,
                parts.copy_with(host=self.server.address),
                headers={"Host": parts.host},
                extensions={"sni_hostname": parts.host},
                json=body,
                timeout=self.patience,
            )

    def serving(self) -> str:
        """The version that answers on the application's own name.

        Raises:
            ToolError: Something answers that is not the application.
        """
        answer = self.request("GET", f"https://{APP_DOMAIN}/api/version")
        version = version_in(answer.content)
        if answer.is_error or not version:
            raise ToolError(f"status {answer.status_code} and no version", where=APP_DOMAIN)
        return version

    def do_job(self) -> dict[str, Any]:
        """Give the application a job through web, and wait until its worker has done it.

        Raises:
            ToolError: It was not done in time.
        """
        made = self.request("POST", f"https://{APP_DOMAIN}/api/items", {"name": "scene"}).json()
        until = time.monotonic() + JOB_SECONDS
        while time.monotonic() < until:
            url = f"https://{APP_DOMAIN}/api/items/{made['id']}"
            item: dict[str, Any] = self.request("GET", url).json()
            if item["state"] == "done":
                return item
            time.sleep(0.1)
        raise ToolError(f"the worker did not do its job in {JOB_SECONDS:g} s", where="worker")

    def stream(self, **options: Any) -> Stream:  # noqa: ANN401 - fields of Stream
        """A stream of requests to this server."""
        return Stream(
            address=self.server.address,
            authority=str(self.acme.root_pem),
            **{"requests": PROBE, "timeout": self.patience, **options},
        )

    def secrets(self) -> Sequence[str]:
        """Every secret value of the operator: none of them may be seen anywhere."""
        lines = self.env_file.read_text().splitlines()
        values = (line.partition("=")[2].strip('"') for line in lines if '="' in line)
        return [value for value in values if value]

    def seen(self, output: Completed) -> list[str]:
        """The secrets that *output* holds, blanked: for a test that wants none."""
        whole = output.stdout + output.stderr
        return [blank(json.dumps(item), [item]) for item in self.secrets() if item in whole]
