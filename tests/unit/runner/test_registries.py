"""Logins in a request, in Docker's header, and in what is said when a pull fails."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host
from tests.unit.runner.fake_host import Docker, Told

from hostwright.runner import images, protocol, registries, wire
from hostwright.runner.engine import Engine, EngineError
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.manifest import Image
from hostwright.runner.process import Ended
from hostwright.runner.registries import Login

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.operation import Operation

SECRET = "s3cr3t-of-the-test"
REF = f"ghcr.io/shop/api@sha256:{'ab' * 32}"
MINE = Login("me", SECRET)


@pytest.mark.parametrize(
    ("reference", "server"),
    [
        (f"caddy@sha256:{'0' * 64}", "docker.io"),
        ("grafana/k6:1", "docker.io"),
        ("index.docker.io/library/redis:8", "docker.io"),
        ("registry-1.docker.io/library/redis:8", "docker.io"),
        (REF, "ghcr.io"),
        ("registry.test:5000/a/b:1", "registry.test:5000"),
        ("registry:5000/a", "registry:5000"),
        ("localhost/a:1", "localhost"),
        ("10.99.7.254:5000/a@sha256:1", "10.99.7.254:5000"),
    ],
)
def test_the_registry_of_a_reference_is_the_one_that_docker_reads(
    reference: str, server: str
) -> None:
    assert registries.server(reference) == server


def test_a_request_brings_logins() -> None:
    line = {"do": "deploy", "registries": {"ghcr.io": {"username": "me", "password": SECRET}}}
    assert protocol.parse(json.dumps(line).encode())["registries"] == {"ghcr.io": MINE}
    assert SECRET not in repr(MINE)
    assert SECRET not in f"{MINE}"


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        SECRET,
        {"ghcr.io": SECRET},
        {"ghcr.io": {}},
        {"ghcr.io": {"username": "me"}},
        {"ghcr.io": {"username": "", "password": SECRET}},
        {"ghcr.io": {"username": "me", "password": 5}},
        {"ghcr.io": {"username": "me", "password": SECRET * registries.LONGEST}},
    ],
)
def test_what_is_no_login_is_refused_without_being_told(value: object) -> None:
    line = json.dumps({"do": "rollback", "registries": value}).encode()
    with pytest.raises(RunnerError) as refused:
        protocol.parse(line)
    assert refused.value.code is Code.REQUEST
    assert SECRET not in f"{refused.value.what} {refused.value.where} {refused.value.remedy}"


@pytest.mark.parametrize(
    ("name", "address"),
    [("ghcr.io", "ghcr.io"), ("docker.io", "https://index.docker.io/v1/")],
)
def test_docker_takes_a_login_in_a_header(name: str, address: str) -> None:
    [(header, value)] = registries.header(name, MINE).items()
    assert header == "X-Registry-Auth"
    told = json.loads(base64.urlsafe_b64decode(value))
    assert told == {"username": "me", "password": SECRET, "serveraddress": address}


# -- the pull --------------------------------------------------------------------------------------


def operation(directory: Path, refusal: str, login: Login | None) -> Operation:
    """A deploy on a host whose Docker says this against every pull."""
    docker = Docker()
    docker.refusal = refusal
    at = fake_host.host(directory, docker)
    assert isinstance(at.shell, Told)
    at.shell.answer = Ended(1 if refusal else 0, "", f"Error response from daemon: {refusal}\n")
    at.logins = {"ghcr.io": login} if login else {}
    fake_host.unpacked(at, fake_host.NEW)
    return fake_host.operation(at)


@pytest.mark.parametrize(
    ("said", "login", "words", "remedy"),
    [
        ("no basic auth credentials", None, "only after a login, and none came", "registries.ghc"),
        ("pull access denied for a", None, "only after a login, and none came", "hosts.yaml"),
        ("denied: no", MINE, "does not give the image to me: denied: no", "password_from"),
        ("unauthorized: auth", MINE, "does not give the image to me", "password_from"),
        ("manifest unknown", MINE, "the host could not pull the image: man", "name and digest"),
        ("manifest unknown", None, "the host could not pull the image: man", "name and digest"),
        ("connection refused", MINE, "the host could not pull", "may read that registry"),
        ("no space left on device", MINE, "the disk filled up while ghcr", "docker system df"),
        ("no space left on device", None, "the disk filled up while ghcr", "docker system df"),
    ],
)
def test_a_pull_says_what_is_missing(
    tmp_path: Path, said: str, login: Login | None, words: str, remedy: str
) -> None:
    with pytest.raises(RunnerError, match=words) as refused:
        images.pull(operation(tmp_path, said, login), Image(REF, None, pull=True))
    assert refused.value.code is Code.PREFLIGHT
    assert remedy in refused.value.remedy


def test_a_pull_with_a_login_starts_no_process_and_writes_no_password(tmp_path: Path) -> None:
    op = operation(tmp_path, "", MINE)

    images.pull(op, Image(REF, None, pull=True))

    assert isinstance(op.engine, Docker)
    assert op.engine.calls == [f"pull {REF} X-Registry-Auth"]
    assert isinstance(op.host.shell, Told)
    assert op.host.shell.said == []
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert op.layout.journal in written
    assert [file for file in written if SECRET.encode() in file.read_bytes()] == []


def test_the_password_is_blanked_in_what_docker_says(tmp_path: Path) -> None:
    with pytest.raises(RunnerError) as refused:
        images.pull(
            operation(tmp_path, f"denied: me:{SECRET}@ghcr.io", MINE), Image(REF, None, pull=True)
        )
    assert "denied: me:***@ghcr.io" in refused.value.what


def test_without_a_login_the_hosts_own_docker_is_asked(tmp_path: Path) -> None:
    op = operation(tmp_path, "", None)
    images.pull(op, Image(REF, None, pull=True))
    assert isinstance(op.host.shell, Told)
    assert op.host.shell.said == [["docker", "pull", "--quiet", REF]]


# -- the engine ------------------------------------------------------------------------------------


class Answering(Engine):
    """An engine that answers every request with one body, and keeps what it was asked."""

    def __init__(self, body: bytes) -> None:
        super().__init__("/nonexistent")
        self.body = body
        self.asked: tuple[object, ...] = ()

    def call(self, method: str, path: str, query: Any = None, **more: Any) -> wire.Reply:  # noqa: ANN401 - as it comes
        self.asked = (method, path, query, more)
        return wire.Reply(200, {}, self.body)


def test_a_pull_is_by_digest_and_its_login_is_a_header() -> None:
    engine = Answering(b'{"status":"Pulling from shop/api"}\r\n{"status":"Digest: sha256:ab"}\r\n')

    engine.pull(REF, {"X-Registry-Auth": "x"}, 9)

    wanted = {"fromImage": "ghcr.io/shop/api", "tag": f"sha256:{'ab' * 32}"}
    more = {"headers": {"X-Registry-Auth": "x"}, "timeout": 9}
    assert engine.asked == ("POST", "/images/create", wanted, more)


def test_a_failure_after_the_answer_has_begun_is_one() -> None:
    body = b'{"status":"Pulling"}\n{"errorDetail":{"message":"denied"},"error":"denied: no"}\n'
    with pytest.raises(EngineError, match="denied: no"):
        Answering(body).pull(REF, {}, 9)
