"""A real HTTP server on loopback is what was deployed."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from hostwright.cloud import smoke
from hostwright.contract import load
from hostwright.errors import CloudError, NotReady
from hostwright.progress import Progress
from hostwright.render.release import without

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTRACT = load()
READY = (200, json.dumps({"status": "ready", "checks": {}}))
FAILING = (
    503,
    json.dumps(
        {
            "checks": {
                "database": {"status": "failed", "reason": "no route"},
                "redis": {"status": "ok"},
            }
        }
    ),
)


@contextmanager
def answering(*answers: tuple[int, str]) -> Iterator[str]:
    """Serve these answers one after another, the last for ever; gives the address."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait(url: str, seconds: float = 5.0) -> list[smoke.Answer]:
    wanted = smoke.addresses(CONTRACT, {"web_url": url, "api_url": None})
    with Progress() as progress:
        return smoke.wait(wanted, seconds, progress, pause=lambda _: None)


def test_the_ready_paths_are_the_contracts() -> None:
    outputs = {"api_url": "https://api.example.org/", "web_url": "https://app.example.org"}
    assert smoke.addresses(CONTRACT, outputs) == [
        smoke.Wanted("api", "https://api.example.org/health/ready"),
        smoke.Wanted("web", "https://app.example.org/api/health/ready"),
    ]


def test_a_role_that_is_not_public_is_not_asked() -> None:
    alone = without(CONTRACT, frozenset({"worker"}))
    with pytest.raises(CloudError, match="no role has a public address"):
        smoke.addresses(alone, {"api_url": "https://api.example.org", "web_url": None})


def test_it_waits_until_the_role_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(FAILING, (502, "<html>"), READY) as url:
        [answer] = wait(url)
    assert answer.ready
    told = capsys.readouterr().err
    assert "not ready: database" in told
    assert "502, no readiness report" in told
    assert "web is ready" in told


def test_what_stays_unready_is_told_with_the_checks_that_fail() -> None:
    with answering(FAILING) as url, pytest.raises(NotReady) as refused:
        wait(url, seconds=0.2)
    assert "503, not ready: database" in refused.value.what
    assert refused.value.where.startswith("web, http://127.0.0.1")
    assert "no route" not in str(refused.value)


def test_nothing_that_answers_is_told_plainly() -> None:
    with pytest.raises(NotReady, match="no answer"):
        wait("http://127.0.0.1:1", seconds=0.1)
