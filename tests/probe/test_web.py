from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.probe.roles import answers

from probe import web
from probe.config import Config

if TYPE_CHECKING:
    from tests.probe.roles import Stack

pytestmark = pytest.mark.engines


def test_the_page_shows_versions_and_states_and_escapes_them(stack: Stack) -> None:
    page = stack.web.get("/")
    assert page.status_code == 200
    assert "probe, version 1&lt;b&gt;" in page.text
    assert "<b>" not in page.text
    for name in ("web", "api", "worker", "database", "redis", "secrets", "storage"):
        assert f"{name}</th>" in page.text
    assert 'class="bad"' not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert stack.web.get("/style.css").headers["content-type"].startswith("text/css")


def test_the_form_leads_to_an_item_that_the_worker_does(stack: Stack) -> None:
    with stack.web.client() as client:
        sent = client.post("/", data={"name": "<i>form & co</i>"})
        assert sent.status_code == 303
        where = sent.headers["location"]
        stack.web.done(int(where.removeprefix("/?item=")), "/api")
        page = client.get(where)
    assert "(&lt;i&gt;form &amp; co&lt;/i&gt;) is done" in page.text


@pytest.mark.parametrize("item", ["x", "99999999", "1/../../version", "%3Cscript%3E", "²"])
def test_an_item_that_is_not_there_is_said_on_the_page(stack: Stack, item: str) -> None:
    page = stack.web.get(f"/?item={item}")
    assert page.status_code == 200
    assert '<p class="bad">no such item</p>' in page.text


def test_what_lies_below_api_is_passed_on_with_status_and_body(stack: Stack) -> None:
    made = stack.web.post("/api/items", {"name": "ä$"})
    assert made.status_code == 201
    assert stack.web.done(made.json()["id"], "/api")["name"] == "ä$"
    assert stack.web.post("/api/items", {"name": 5}).status_code == 400
    assert stack.web.get("/api/version").json() == {"version": "1<b>"}
    assert stack.web.get("/api/slow?seconds=0.1").json()["seconds"] == 0.1
    assert stack.web.get("/api/slow?seconds=31").status_code == 400
    assert stack.web.get("/api/contract").status_code == 404


def test_health_answers_any_host(stack: Stack) -> None:
    for path in ("/api/health", "/api/health/ready"):
        assert stack.web.get(path, host="10.99.0.2").status_code == 200


def test_connections_to_the_api_are_kept(stack: Stack) -> None:
    def connections() -> set[str]:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {
            row[1] for row in rows if row[2].endswith(f":{stack.api.port:04X}") and row[3] == "01"
        }

    stack.web.get("/api/version")
    before = connections()
    for _ in range(3):
        stack.web.get("/api/version")
    assert before
    assert connections() == before


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("", "API_BASE_URL is not set"),
        ("ftp://api", "API_BASE_URL is not an http or https URL"),
        ("http://127.0.0.1:1", "the api did not answer"),
    ],
)
def test_without_its_api_web_lives_is_not_ready_and_says_why(base: str, words: str) -> None:
    paths = ("/api/health/ready", "/api/health", "/api/version", "/")
    ready, health, version, page = answers(web.application(Config({"API_BASE_URL": base})), *paths)
    assert ready.status_code == 503
    assert words in ready.json()["checks"]["api"]["reason"]
    assert health.status_code == 200
    assert version.status_code in {502, 503}
    assert page.status_code == 200
    assert 'class="bad"' in page.text


@pytest.mark.parametrize(
    ("force", "insecure", "secure"),
    [("", "", True), ("false", "", True), ("false", "true", False), ("true", "true", True)],
)
def test_cookies_are_secure_unless_development_says_otherwise(
    force: str, insecure: str, *, secure: bool
) -> None:
    values = {"AGENT_FORCE_SECURE_COOKIES": force, "AGENT_ALLOW_INSECURE_COOKIES": insecure}
    assert web.secure_cookies(Config(values)) is secure


def test_the_cookie_has_its_flags(stack: Stack) -> None:
    words = stack.web.get("/").headers["set-cookie"].lower()
    assert all(flag in words for flag in ("httponly", "secure", "samesite=lax"))
