from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from hostwright.runner import health
from hostwright.runner.manifest import Service

if TYPE_CHECKING:
    from collections.abc import Iterator


def container(
    status: str = "running", code: int = 0, restarts: int = 0, **networks: str
) -> dict[str, Any]:
    return {
        "State": {"Status": status, "ExitCode": code},
        "RestartCount": restarts,
        "NetworkSettings": {"Networks": {n: {"IPAddress": a} for n, a in networks.items()}},
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (container(app_edge="10.0.0.2", app_data="10.0.1.2"), ("10.0.0.2", None)),
        (container(app_data="10.0.1.2"), ("10.0.1.2", None)),
        (container(app_edge="", app_data="10.0.1.2"), ("10.0.1.2", None)),
        (container(), (None, None)),
        (container("created"), (None, None)),
        (container("exited", 3), (None, "it ended with exit code 3")),
        (container("dead", 1), (None, "it ended with exit code 1")),
        (container("restarting", 3, restarts=1), (None, None)),
        (
            container("running", 3, restarts=3, app_edge="10.0.0.2"),
            (None, "it ended with exit code 3 and was restarted 3 times"),
        ),
        (container("running", restarts=3), (None, "it was restarted 3 times")),
        (None, (None, "its container is gone")),
    ],
)
def test_a_container_is_read(
    found: dict[str, Any] | None, expected: tuple[str | None, str | None]
) -> None:
    seen = health.look(found, "app_edge")

    assert (seen.address, seen.crashed) == expected


def test_a_container_that_is_being_restarted_says_why_it_has_no_address() -> None:
    seen = health.look(container("restarting", 5, restarts=1), "app_edge")

    assert seen.waiting == "it ended with exit code 5 and is being restarted"


class Handler(BaseHTTPRequestHandler):
    hosts: list[str]

    def do_GET(self) -> None:
        Handler.hosts.append(self.headers["Host"])
        status = {"/ready": 200, "/moved": 302}.get(self.path, 503)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b'{"database":\n  "refused"}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Handler.hosts = []
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "well", "words"),
    [
        ("/ready", True, "GET /ready answered 200"),
        ("/other", False, 'GET /other answered 503 {"database": "refused"}'),
        ("/moved", False, "GET /moved answered 302"),
    ],
)
def test_a_service_is_asked_by_its_address_under_its_own_name(
    port: int, path: str, words: str, *, well: bool
) -> None:
    answer = health.probe("127.0.0.1", "app-x-api", Service(port, path, path, 1, 1, 1))

    assert answer.well is well
    assert answer.shown(()).startswith(words)
    assert Handler.hosts == ["app-x-api"]


def test_a_port_where_nothing_listens_is_said(port: int) -> None:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        free = int(server.server_address[1])
    assert free != port

    answer = health.probe("127.0.0.1", "x", Service(free, "/", "/", 1, 1, 1))

    assert (answer.well, answer.text) == (False, f"GET / on port {free}: nothing listens")


SECRET = "correct  horse" * 20


@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("before", [0, 250, 290])
def test_no_part_of_a_secret_is_left_where_a_long_answer_is_cut(
    before: int, *, from_end: bool
) -> None:
    said = f"{'x' * before}{SECRET}{'x' * before}"

    shown = health.Answer(well=False, text="it said", said=said, from_end=from_end).shown([SECRET])

    assert "***" in shown
    assert "horse" not in shown
    assert len(shown) < 320


def test_an_answer_in_several_lines_is_shown_in_one() -> None:
    answer = health.Answer(well=False, text="it ended with 1", said=" a\n\tb ")

    assert answer.shown(()) == "it ended with 1 a b"
