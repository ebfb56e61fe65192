"""Public addresses, and a forwarded port: a script stands for `kubectl port-forward` alone."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.unit.cluster.lab import installation

from hostwright import toolchain
from hostwright.cloud.smoke import Wanted
from hostwright.cluster import smoke
from hostwright.cluster.model import Key
from hostwright.contract import load
from hostwright.errors import KubernetesError, NotReady
from hostwright.progress import Progress
from hostwright.toolchain import Tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTRACT = load()
WEB = {"metadata": {"labels": {"app.kubernetes.io/component": "web"}}}
API = {"metadata": {"labels": {"app.kubernetes.io/component": "api"}}}
VALUES = {"appPublicUrl": "https://app.example.org/", "apiDomain": "api.example.org"}


def test_the_ready_paths_of_routed_roles_are_asked_at_their_public_addresses() -> None:
    routed = {Key("HTTPRoute", "w"): WEB, Key("Ingress", "a"): API}
    assert smoke.addresses(CONTRACT, VALUES, routed) == [
        Wanted("api", "https://api.example.org/health/ready"),
        Wanted("web", "https://app.example.org/api/health/ready"),
    ]
    assert smoke.addresses(CONTRACT, VALUES, {Key("HTTPRoute", "w"): WEB})[0].role == "web"


def test_what_no_route_leads_to_is_not_public() -> None:
    assert smoke.addresses(CONTRACT, VALUES, {Key("Service", "w"): WEB}) == []
    assert smoke.addresses(CONTRACT, {}, {Key("HTTPRoute", "w"): WEB}) == []


def test_an_installation_without_services_has_nobody_to_ask() -> None:
    with pytest.raises(KubernetesError, match="nothing that is installed answers"):
        smoke.services(CONTRACT, {Key("Deployment", "w"): WEB})


class Ready(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Bound", (Ready,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def forwarding(directory: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """kubectl, but for the one command that the stand-in cannot serve."""
    provide = toolchain.provide
    real = provide("kubectl").argv[0]
    script = directory / "kubectl.py"
    script.write_text(
        "import os, sys, time\n"
        "if 'port-forward' not in sys.argv:\n"
        f"    os.execv({real!r}, ['kubectl', *sys.argv[1:]])\n"
        f"{said}\n"
    )
    tool = Tool("kubectl", (sys.executable, str(script)), "1.37.1", "path", "")
    monkeypatch.setattr(
        toolchain, "provide", lambda name: tool if name == "kubectl" else provide(name)
    )


def ask(directory: Path, monkeypatch: pytest.MonkeyPatch, said: str, seconds: float) -> list[str]:
    with installation("helm-4", "1", directory, monkeypatch) as (cluster, _):
        forwarding(directory, monkeypatch, said)
        with Progress() as progress:
            found = smoke.smoke(cluster, CONTRACT, progress, seconds=seconds, forward=True)
    return [answer.role for answer in found]


def test_every_service_is_asked_through_a_port_that_is_forwarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering() as (port, asked):
        line = f"Forwarding from 127.0.0.1:{port} -> 8000"
        said = f"print({line!r}, flush=True)\ntime.sleep(60)"
        assert ask(tmp_path, monkeypatch, said, 20) == ["api", "web"]
    assert asked == ["/health/ready", "/api/health/ready"]


def test_a_port_that_cannot_be_forwarded_is_told_with_kubectls_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "sys.exit('error: unable to forward port because pod is not running')"
    with pytest.raises(KubernetesError, match="pod is not running"):
        ask(tmp_path, monkeypatch, said, 20)


def test_a_role_that_does_not_answer_in_time_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "print('Forwarding from 127.0.0.1:1 -> 8000', flush=True)\ntime.sleep(60)"
    with pytest.raises(NotReady, match="not ready after"):
        ask(tmp_path, monkeypatch, said, 0.2)
