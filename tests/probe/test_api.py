from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import websockets
from tests import engines

if TYPE_CHECKING:
    from tests.probe.roles import Installation, Stack, Surroundings

pytestmark = pytest.mark.engines
AWKWARD = "$HOME 'x' \"y\" \\ ä 漢\n<script>"


def test_an_item_is_stored_queued_and_done_and_its_name_is_unchanged(stack: Stack) -> None:
    made = stack.api.post("/items", {"name": AWKWARD})
    assert (made.status_code, made.json()["state"]) == (201, "pending")
    item = stack.api.done(made.json()["id"])
    assert item["name"] == AWKWARD
    assert (item["made_by"], item["done_by"]) == ("1<b>", "1<b>")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"[1]", 'an object with a text "name"'),
        (b'{"name": 5}', 'an object with a text "name"'),
        (b'{"name": ""}', "200 characters"),
        (json.dumps({"name": "x" * 201}).encode(), "200 characters"),
        (b'{"name": "a\\u0000b"}', "NUL"),
        (b'{"name": "x", "work_seconds": "NaN"}', "work_seconds"),
        (b'{"name": "x", "work_seconds": 31}', "work_seconds"),
        (b'{"name": "x", "work_seconds": []}', "work_seconds"),
    ],
)
def test_a_bad_body_is_refused_with_what_is_wrong(stack: Stack, body: bytes, words: str) -> None:
    with stack.api.client() as client:
        answer = client.post("/items", content=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_a_body_without_end_is_refused(stack: Stack) -> None:
    with stack.api.client() as client:
        answer = client.post("/items", content=b"x" * 70_000)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/items/99999999", "/items/x", "/nothing", "/contract"])
def test_what_is_not_there_is_a_404_in_json(stack: Stack, path: str) -> None:
    answer = stack.api.get(path)
    assert answer.status_code == 404
    assert "error" in answer.json()


@pytest.mark.parametrize("host", ["10.99.0.2:8000", "probe.invalid", "[::1]:8000"])
def test_health_paths_answer_any_host_and_no_other_path_does(stack: Stack, host: str) -> None:
    assert stack.api.get("/health", host=host).status_code == 200
    assert stack.api.get("/health/ready", host=host).status_code == 200
    refused = stack.api.get("/version", host=host)
    assert refused.status_code == 400
    assert "ALLOWED_HOSTS" in refused.json()["error"]
    assert stack.api.get("/version", host="api.test").status_code == 200


def test_only_allowed_origins_may_call_from_a_browser(stack: Stack) -> None:
    def allowed(origin: str) -> str | None:
        headers = stack.api.get("/version", origin=origin).headers
        return dict(headers).get("access-control-allow-origin")

    assert allowed("https://app.test") == "https://app.test"
    assert allowed("https://evil.test") is None


def test_the_web_socket_echoes_and_heeds_the_host_rule(stack: Stack) -> None:
    async def talk(host: str) -> str:
        url = f"ws://{host}/ws"
        async with websockets.connect(url, host="127.0.0.1", port=stack.api.port, proxy=None) as ws:
            await ws.send("ä")
            return str(await ws.recv())

    assert asyncio.run(talk("api.test")) == "ä"
    with pytest.raises(websockets.InvalidStatus, match="403"):
        asyncio.run(talk("evil.test"))


def test_readiness_names_the_check_that_fails_and_health_goes_on(
    installation: Installation, around: Surroundings
) -> None:
    secret = "hidden-word"
    env = around.env(REDIS_URL=f"redis://:{secret}@127.0.0.1:1/0")
    with installation.service("api", env) as api:
        answer = api.get("/health/ready")
        assert api.get("/health").status_code == 200
        item = api.post("/items", {"name": "no queue"})
        log = api.log.read_text(encoding="utf-8")
    assert answer.status_code == 503
    checks: dict[str, Any] = answer.json()["checks"]
    assert [name for name, check in checks.items() if check["status"] != "ok"] == ["redis"]
    assert item.status_code == 503
    with psycopg.connect(around.database_url) as connection:
        query = "select count(*) from items where name = 'no queue'"
        assert connection.execute(query).fetchone() == (0,)
    assert secret not in log + answer.text + item.text


def test_sigterm_finishes_the_request_in_flight_and_refuses_new_ones(
    installation: Installation, around: Surroundings
) -> None:
    with (
        installation.service("api", around.env()) as api,
        socket.create_connection(("127.0.0.1", api.port), engines.ENDING) as asking,
    ):
        asking.sendall(b"GET /slow?seconds=2 HTTP/1.1\r\nHost: api.test\r\n\r\n")
        # The server reads in order: once this later one is answered, the slow one is in flight.
        assert api.get("/slow?seconds=0.2").status_code == 200
        api.process.terminate()
        engines.wait_for("a closed port", lambda: not engines.answers(api.port))
        answer = b"".join(iter(lambda: asking.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b'{"seconds":2.0,"version":"1"}')
        assert api.process.wait(engines.ENDING) == 0
        assert api.events()[-1]["event"] == "stopped"


@pytest.mark.parametrize("name", ["PORT", "LOG_LEVEL"])
def test_what_it_cannot_start_with_is_named(
    installation: Installation, around: Surroundings, name: str
) -> None:
    done = installation.run(["api"], around.env(**{name: "nonsense"}))
    assert done.returncode == 2
    assert done.stderr.startswith(f"api: {name} is not")
    assert "nonsense" not in done.stderr
