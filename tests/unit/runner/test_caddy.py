from __future__ import annotations

import errno
import json
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.runner import fake_host as fake

from hostwright.runner import caddy, prepare, reverting
from hostwright.runner.caddy import Caddy
from hostwright.runner.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator

MOUNTS = {"/etc/caddy": "/srv/app/caddy", "/run/hostwright": "/srv/app/run", "/data": "/v/data"}
#: How long the admin socket waits for who asks it.
PATIENCE_SECONDS = 20.0


def test_paths_are_translated_through_the_mounts() -> None:
    running = Caddy("c", MOUNTS)

    assert running.inside(Path("/srv/app/caddy/.candidate/Caddyfile")) == (
        "/etc/caddy/.candidate/Caddyfile"
    )
    assert running.outside(Path("/run/hostwright/admin.sock")) == Path("/srv/app/run/admin.sock")
    assert running.inside(Path("/elsewhere")) is None
    assert running.outside(Path("/elsewhere")) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("admin unix//run/hostwright/admin.sock|0600", "/srv/app/run/admin.sock"),
        ("    admin unix//run/hostwright/a.sock {", "/srv/app/run/a.sock"),
        ("admin off", None),
        ("admin localhost:2019", None),
        ("# admin unix//run/x", None),
        ("admin unix//not/mounted.sock", None),
    ],
)
def test_the_admin_socket_is_found_where_the_caddyfile_says(
    tmp_path: Path, line: str, expected: str | None
) -> None:
    layout = Layout("app", tmp_path)
    layout.caddy.mkdir()
    (layout.caddy / "Caddyfile").write_text(f"{{\n{line}\n}}\n")

    found = caddy.admin_socket(layout, Caddy("c", MOUNTS))

    assert (str(found) if found else None) == expected


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Path]:
    """An admin socket that knows three upstreams."""
    path = tmp_path / "admin.sock"
    upstreams = [
        {"address": "app-old-api:8000", "num_requests": 2, "fails": 0},
        {"address": "app-old-web:3000", "num_requests": 1, "fails": 0},
        {"address": "app-new-api:8000", "num_requests": 7, "fails": 0},
    ]
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    server.settimeout(PATIENCE_SECONDS)

    def serve() -> None:
        connection, _ = server.accept()
        connection.settimeout(PATIENCE_SECONDS)
        asked = connection.recv(65_536)
        body = json.dumps(upstreams).encode()
        good = asked.startswith(b"GET /reverse_proxy/upstreams") and b"Host: 127.0.0.1" in asked
        connection.sendall(b"HTTP/1.1 %d X\r\n\r\n" % (200 if good else 403) + body)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield path
    thread.join()
    server.close()


def test_requests_in_flight_are_those_of_the_old_release_alone(admin: Path) -> None:
    assert caddy.in_flight(admin, {"app-old-api:8000", "app-old-web:3000"}) == 3


def test_a_caddy_that_cannot_be_asked_is_not_taken_for_idle(tmp_path: Path) -> None:
    assert caddy.in_flight(tmp_path / "none.sock", {"x:1"}) is None


def test_the_configuration_on_the_disk_becomes_exactly_the_releases(tmp_path: Path) -> None:
    layout = Layout("app", tmp_path)
    caddy.install(layout, {"Caddyfile": b"a", "apps/app/old.caddy": b"b"})

    caddy.install(layout, {"Caddyfile": b"c", "apps/app/new.caddy": b"d"})
    caddy.settled(layout, "two", "2" * 64)

    assert caddy.files_of(layout.caddy) == {"Caddyfile": b"c", "apps/app/new.caddy": b"d"}
    assert caddy.installed(layout) == ("2" * 64, "two")
    modes = {path.stat().st_mode & 0o777 for path in layout.caddy.rglob("*.caddy")}
    assert modes == {0o644}


def test_a_configuration_that_is_torn_counts_as_nobodys_and_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = fake.host(tmp_path)
    for identity, sha in ((fake.OLD, "0" * 64), (fake.NEW, "1" * 64)):
        files = {"caddy/Caddyfile": sha.encode(), "caddy/more": sha.encode()}
        fake.unpacked(host, identity, files, caddy_sha256=sha)
    op = fake.operation(host)
    assert op.previous is not None
    assert prepare.configure_caddy(op, fake.OLD, "0" * 64)
    put = caddy._put  # noqa: SLF001 - to fail at the second file

    def full(path: Path, content: bytes) -> None:
        if path.name == "more":
            raise OSError(errno.ENOSPC, "No space left on device")
        put(path, content)

    monkeypatch.setattr(caddy, "_put", full)
    with pytest.raises(OSError, match="No space"):
        prepare.configure_caddy(op, fake.NEW, "1" * 64)
    assert caddy.installed(host.layout) == (None, None)

    monkeypatch.setattr(caddy, "_put", put)
    reverting.configure(op, op.previous)

    assert (host.layout.caddy / "Caddyfile").read_bytes() == b"0" * 64
    assert caddy.installed(host.layout) == ("0" * 64, fake.OLD)


def test_a_candidate_lies_beside_the_live_configuration_and_goes_without_a_trace(
    tmp_path: Path,
) -> None:
    layout = Layout("app", tmp_path)
    caddy.install(layout, {"Caddyfile": b"live"})

    path = caddy.candidate(layout, {"Caddyfile": b"next", "apps/app/x.caddy": b""})
    assert path.read_bytes() == b"next"
    caddy.drop_candidate(layout)

    assert caddy.files_of(layout.caddy) == {"Caddyfile": b"live"}


def test_of_what_caddy_says_only_its_complaints_are_shown() -> None:
    lines = [
        '{"level":"info","msg":"using config"}',
        '{"level":"error","msg":"adapting config","error":"Caddyfile:7: unknown"}',
        "Error: plain words",
    ]
    said = "\n".join(lines)

    assert caddy.complaints(said) == ("adapting config Caddyfile:7: unknown", "Error: plain words")
