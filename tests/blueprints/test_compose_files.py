"""The VPS blueprint as a person runs it by hand, asked of the real tools."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hostwright import paths, toolchain
from hostwright.contract import load
from hostwright.image_pins import read as read_pins
from hostwright.release import blueprint
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.run import Completed

COMPOSE: tuple[str | Path, ...] = toolchain.find("docker-compose").argv
CADDY: tuple[str | Path, ...] = toolchain.find("caddy").argv
ENTRYPOINTS = paths.COMPOSE / "entrypoints"
SCRIPTS = sorted(ENTRYPOINTS.glob("*.sh"))
ROLES = ("api", "web", "worker", "migrate")
DATA = ("postgres", "redis")
#: Every name that the compose file interpolates.
SETTINGS = sorted(set(re.findall(r"\$\{([A-Z_]+)", paths.COMPOSE_FILE.read_text())))
NOTHING: Mapping[str, str] = {}
OPTIONAL = {
    "API_DOMAIN": "api.app.test",
    "ACME_EMAIL": "me@app.test",
    "ACME_CA": "https://ca.test/directory",
    "ACME_CA_ROOT": "",  # a file; the fixture names a real one
    "TRUSTED_PROXIES": "10.0.0.0/8 fd00::/8",
}


def config(given: Mapping[str, str] = NOTHING, path: Path = paths.COMPOSE_FILE) -> dict[str, Any]:
    """What Compose makes of the file with nothing but *given* set."""
    assert not set(SETTINGS) & set(os.environ)
    done = run([*COMPOSE, "-f", path, "config", "--format", "json"], env=given)
    assert not done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


@pytest.fixture(autouse=True)
def _no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`caddy validate` makes an authority for localhost, in the user's home by default."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services with nothing set."""
    found: dict[str, Any] = config()["services"]
    return found


# --- Compose -------------------------------------------------------------------------------------


def test_the_plain_command_passes_with_nothing_set() -> None:
    done = run([*COMPOSE, "-f", "ops/compose/docker-compose.prod.yml", "config"], cwd=paths.ROOT)
    assert not done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == {"caddy", *ROLES, *DATA}


def test_it_passes_in_a_fresh_clone_and_from_anywhere(tmp_path: Path) -> None:
    shutil.copy(paths.COMPOSE_FILE, tmp_path)
    read = config(path=tmp_path / paths.COMPOSE_FILE.name)
    assert read["services"]["api"].get("environment") is None


def test_it_passes_with_every_setting_empty() -> None:
    assert config(dict.fromkeys(SETTINGS, "")) == config()


def test_nothing_is_demanded_and_no_password_has_a_default(services: dict[str, Any]) -> None:
    text = paths.COMPOSE_FILE.read_text()
    assert ":?" not in text
    assert not re.search(r"\$\{[A-Z_]*(PASSWORD|SECRET|KEY|TOKEN)", text)
    for name in DATA:
        environment = services[name]["environment"]
        secret = {key for key in environment if "PASSWORD" in key}
        assert secret == {f"{name.upper()}_PASSWORD_FILE"}
        assert environment[secret.pop()] == f"/run/secrets/{name}_password"


def test_an_env_file_reaches_its_role_and_no_other(tmp_path: Path) -> None:
    shutil.copy(paths.COMPOSE_FILE, tmp_path)
    (tmp_path / "env").mkdir()
    for role in ROLES:
        (tmp_path / "env" / f"{role}.env").write_text(f'WHO="{role} \\$HOME"\n')
    read = config(path=tmp_path / paths.COMPOSE_FILE.name)["services"]
    for role in ROLES:
        assert read[role]["environment"] == {"WHO": f"{role} $$HOME"}
    assert not any("WHO" in read[name]["environment"] for name in ("caddy", *DATA))


def test_every_service_is_hardened_and_bounded(services: dict[str, Any]) -> None:
    for name, body in services.items():
        assert body["read_only"] is True, name
        assert body["cap_drop"] == ["ALL"], name
        assert body["security_opt"] == ["no-new-privileges:true"], name
        assert body["init"] is True, name
        assert any(mount.startswith("/tmp:") for mount in body["tmpfs"]), name  # noqa: S108 - theirs
        assert set(body["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert set(body["logging"]["options"]) == {"max-size", "max-file"}, name
        assert body["ulimits"]["nofile"], name
        assert body["healthcheck"].get("test") or name == "migrate", name
        assert body["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert not {"privileged", "oom_score_adj", "pid", "ipc", "devices"} & set(body), name
        assert body["labels"]["dev.hostwright.role"] == name


def test_only_caddy_gets_a_capability_and_publishes_ports(services: dict[str, Any]) -> None:
    assert {name: body["cap_add"] for name, body in services.items() if "cap_add" in body} == {
        "caddy": ["NET_BIND_SERVICE"]
    }
    published = {name: body["ports"] for name, body in services.items() if "ports" in body}
    assert set(published) == {"caddy"}
    ports = {(port["published"], port["protocol"]) for port in published["caddy"]}
    assert ports == {("80", "tcp"), ("443", "tcp"), ("443", "udp")}


def test_data_is_reached_by_those_who_need_it_and_by_nobody_outside() -> None:
    read = config()
    assert {name for name, net in read["networks"].items() if net.get("internal")} == {"data"}
    members = {
        network: {name for name, body in read["services"].items() if network in body["networks"]}
        for network in read["networks"]
    }
    assert members == {
        "edge": {"caddy", "api", "web"},
        "data": {"postgres", "redis", "api", "worker", "migrate"},
        "out": {"worker", "migrate"},
    }


def test_data_runs_as_the_images_own_user(services: dict[str, Any]) -> None:
    assert {services[name]["user"] for name in DATA} == {"999:999"}


def test_a_directory_is_mounted_never_a_single_file(services: dict[str, Any]) -> None:
    for body in services.values():
        for volume in body.get("volumes", ()):
            if volume["type"] == "bind" and not volume["source"].endswith("/run"):
                assert Path(volume["source"]).is_dir()
                assert volume["read_only"]


def test_migration_comes_first_and_waits_for_the_database(services: dict[str, Any]) -> None:
    after = {
        name: {other: entry["condition"] for other, entry in body["depends_on"].items()}
        for name, body in services.items()
        if "depends_on" in body
    }
    data = dict.fromkeys(DATA, "service_healthy")
    migrated = {**data, "migrate": "service_completed_successfully"}
    assert after == {
        "api": migrated,
        "worker": migrated,
        "migrate": {"postgres": "service_healthy"},
    }


def test_what_stops_slowly_gets_its_time(services: dict[str, Any]) -> None:
    text = (paths.COMPOSE / "caddy" / "Caddyfile").read_text()
    grace = re.search(r"grace_period (\d+)s", text)
    assert grace
    assert int(services["caddy"]["stop_grace_period"].rstrip("s")) > int(grace[1])
    assert services["postgres"]["stop_signal"] == "SIGINT"


def test_the_images_are_those_of_the_one_list(services: dict[str, Any]) -> None:
    listed = {image.name: image.ref for image in read_pins(paths.IMAGES)}
    assert listed == {name: services[name]["image"] for name in ("caddy", *DATA)}


def test_the_defaults_are_what_the_contract_says_of_its_roles(services: dict[str, Any]) -> None:
    set_by_contract = config(blueprint.settings_of(load().roles))["services"]
    assert set_by_contract == services


def test_commands_and_images_can_be_set() -> None:
    read = config({"API_IMAGE": "app:1", "WORKER_COMMAND": "work --queue 'a b'"})["services"]
    assert [read[role]["image"] for role in ("api", "worker", "migrate")] == ["app:1"] * 3
    assert read["web"]["image"] != "app:1"
    assert read["worker"]["command"] == ["work", "--queue", "a b"]


def test_every_setting_is_explained() -> None:
    readme = (paths.COMPOSE / "README.md").read_text()
    assert [name for name in SETTINGS if f"`{name}`" not in readme] == []


# --- linters -------------------------------------------------------------------------------------


def test_yaml_is_clean() -> None:
    rules = "{extends: default, rules: {line-length: {max: 110}}}"
    files = [paths.COMPOSE_FILE, paths.IMAGES]
    run([*toolchain.find("yamllint").argv, "--strict", "-d", rules, *files])


def test_scripts_are_clean_posix_shell() -> None:
    assert SCRIPTS
    run([*toolchain.find("shellcheck").argv, "--shell=sh", "--severity=style", *SCRIPTS])


def test_caddyfiles_are_formatted() -> None:
    files = [paths.CADDYFILE, *(paths.COMPOSE / "caddy").rglob("Caddyfile")]
    files += (paths.COMPOSE / "caddy").rglob("*.caddy")
    for file in files:
        assert run([*CADDY, "fmt", file], check=False).stdout == file.read_text()


# --- entrypoints ---------------------------------------------------------------------------------


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    """A directory with the image's entrypoint, which says how it was called."""
    directory = tmp_path / "bin"
    directory.mkdir()
    entrypoint = directory / "docker-entrypoint.sh"
    entrypoint.write_text('#!/bin/sh\nprintf "%s\\n" started "$@"\n')
    entrypoint.chmod(0o755)
    return directory


def start(stub: Path, name: str, secret: Path, *command: str) -> Completed:
    """Run the wrapper of *name* with *secret* as its password file."""
    environment = {
        "PATH": f"{stub}:/usr/bin:/bin",
        f"{name.upper()}_PASSWORD_FILE": str(secret),
        "REDIS_CONFIG": str(stub / "redis.conf"),
        "REDIS_DATA": str(stub),
    }
    return run(["sh", ENTRYPOINTS / f"{name}.sh", *command], env=environment, check=False)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("content", ["", "\n", "  \n", "\t"])
def test_a_blank_password_is_refused(stub: Path, name: str, content: str) -> None:
    secret = stub / "secret"
    secret.write_text(content)
    done = start(stub, name, secret, "server")
    assert (done.exit_code, done.stdout) == (78, "")
    assert f"{name}: the secret {name}_password is blank" in done.stderr
    assert not (stub / "redis.conf").exists()


@pytest.mark.parametrize("name", DATA)
def test_a_missing_password_is_refused(stub: Path, name: str) -> None:
    done = start(stub, name, stub / "none", "server")
    assert done.exit_code == 78
    assert f"the secret {name}_password is missing" in done.stderr
    # Docker makes a directory of a mount whose source is missing.
    (stub / "none").mkdir()
    again = start(stub, name, stub / "none", "server")
    assert (again.exit_code, again.stderr) == (done.exit_code, done.stderr)


def test_a_password_of_two_lines_is_refused(stub: Path) -> None:
    secret = stub / "secret"
    secret.write_text("one\nappendonly no\n")
    done = start(stub, "redis", secret, "redis-server")
    assert done.exit_code == 78
    assert "control character" in done.stderr
    assert "appendonly" not in done.stderr


@pytest.mark.parametrize("name", DATA)
def test_the_images_entrypoint_takes_over_without_the_password(stub: Path, name: str) -> None:
    secret = stub / "secret"
    secret.write_text("hunter2hunter2\n")
    done = start(stub, name, secret, "server", "-c", "a b")
    last = [str(stub / "redis.conf")] if name == "redis" else []
    assert done.stdout.splitlines() == ["started", "server", "-c", "a b", *last]
    assert not done.stderr


AWKWARD = ['p"a\\ss', "it's a $HOME #1", "pä ss\\n", "'\"\\x41\"'", "x" * 200]


@pytest.mark.engines
@pytest.mark.parametrize("password", AWKWARD)
def test_redis_takes_any_password_and_keeps_its_data_safe(stub: Path, password: str) -> None:
    (stub / "secret").write_text(password + "\n")
    with redis(stub) as (port, process):
        assert (stub / "redis.conf").stat().st_mode & 0o777 == 0o600
        assert password.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()
        health = ["sh", str(ENTRYPOINTS / "redis-health.sh")]
        environment = {"PATH": f"{stub}:{os.environ['PATH']}", **secret_of(stub)}
        # The real check, with the port that a test needs.
        redis_cli(stub, port)
        run(health, env=environment)
        # Written down, since it is a default of today's Redis only.
        assert "maxmemory-policy noeviction\n" in (stub / "redis.conf").read_text()
        assert ask_redis(port, password, "CONFIG", "GET", "appendonly") == "yes"
        assert ask_redis(port, password, "CONFIG", "GET", "maxmemory") == str(192 * 2**20)
        (stub / "secret").write_text("wrong\n")
        assert run(health, env=environment, check=False).exit_code == 1


COMMAND = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\0\0\0\0\r\n"


@pytest.mark.parametrize("zeros", [0, 1, 2, 3, 511, 4096, 100_001])
@pytest.mark.parametrize("log", [COMMAND, COMMAND + COMMAND[:30], COMMAND * 5000, b""])
def test_the_zeros_that_a_power_loss_leaves_are_cut_off_and_nothing_else(
    stub: Path, log: bytes, zeros: int
) -> None:
    (stub / "secret").write_text("hunter2hunter2\n")
    (stub / "appendonlydir").mkdir()
    kept = stub / "appendonlydir" / "appendonly.aof.2.incr.aof"
    base = stub / "appendonlydir" / "appendonly.aof.2.base.rdb"
    kept.write_bytes(log + bytes(zeros))
    base.write_bytes(b"REDIS\0")

    done = start(stub, "redis", stub / "secret", "redis-server")

    assert done.stdout.splitlines()[0] == "started"
    # A command that is cut off within zeros of its own loses them too: Redis drops it anyway.
    assert kept.read_bytes() == (log + bytes(zeros)).rstrip(b"\0")
    assert base.read_bytes() == b"REDIS\0"
    assert done.stderr.count("were cut off the end") == (kept.stat().st_size < len(log) + zeros)


@pytest.mark.engines
@pytest.mark.parametrize("cut", [0, 5])
def test_redis_starts_with_the_log_that_a_power_loss_leaves(stub: Path, cut: int) -> None:
    """Zeros after a whole command: "Bad file format", at every start, if they are not cut off.

    A command that is not whole is dropped with them, as Redis does it by itself.
    """
    (stub / "secret").write_text("hunter2hunter2\n")
    with redis(stub) as (port, _):
        for key in ("one", "two"):
            assert ask_redis(port, "hunter2hunter2", "SET", key, "1") == "OK"
    (log,) = (stub / "appendonlydir").glob("*.incr.aof")
    written = log.read_bytes()
    log.write_bytes(written[: len(written) - cut] + bytes(cut + 300))

    with redis(stub) as (port, _):
        kept = ask_redis(port, "hunter2hunter2", "DBSIZE")

    assert kept == ("1" if cut else "2")


@contextmanager
def redis(stub: Path) -> Iterator[tuple[int, int]]:
    """Redis behind our entrypoint: the port of its own that it listens on, and its process."""
    port = free_port()
    (stub / "docker-entrypoint.sh").write_text(
        f'#!/bin/sh\nexec "$@" --port {port} --bind 127.0.0.1\n'
    )
    environment = {
        **os.environ,
        "PATH": f"{stub}:{os.environ['PATH']}",
        "REDIS_CONFIG": str(stub / "redis.conf"),
        "REDIS_DATA": str(stub),
        **secret_of(stub),
    }
    argv = ["sh", str(ENTRYPOINTS / "redis.sh"), "redis-server"]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - ours
        try:
            wait_for(port)
            yield port, process.pid
        finally:
            process.terminate()


def secret_of(stub: Path) -> dict[str, str]:
    return {"REDIS_PASSWORD_FILE": str(stub / "secret")}


def redis_cli(stub: Path, port: int) -> None:
    """A redis-cli that asks this test's port."""
    real = shutil.which("redis-cli")
    (stub / "redis-cli").write_text(f'#!/bin/sh\nexec {real} -p {port} "$@"\n')
    (stub / "redis-cli").chmod(0o755)


def ask_redis(port: int, password: str, *command: str) -> str:
    argv = ["redis-cli", "-p", str(port), "--no-auth-warning", *command]
    return run(argv, env={"REDISCLI_AUTH": password}).stdout.splitlines()[-1]


@pytest.mark.parametrize("tool", ["curl", "wget", "python3", "node", None])
def test_health_is_asked_with_whatever_tool_the_image_has(tmp_path: Path, tool: str | None) -> None:
    for name in ("grep", "printf", *([tool] if tool else ())):
        # The PATH's Python may be a version manager's script, which needs more than this PATH.
        found = sys.executable if name == "python3" else shutil.which(name)
        if found:
            (tmp_path / name).symlink_to(found)
    if tool and not (tmp_path / tool).exists():
        # The tool that this machine lacks is asked by the one it has: the branch is what is shown.
        (tmp_path / tool).write_text("#!/bin/sh\nexit 7\n")
        (tmp_path / tool).chmod(0o755)
        assert ask_health(tmp_path, 1, "/") == 7
        return
    with backend("one") as port:
        assert ask_health(tmp_path, port, "/health") == 0
        if tool:
            assert ask_health(tmp_path, port, "/broken") != 0
    assert ask_health(tmp_path, port, "/health") != 0


def ask_health(path: Path, port: int, below: str) -> int:
    shell = str(shutil.which("sh"))
    environment = {"PATH": str(path), "http_proxy": "http://127.0.0.1:9"}
    return run(
        [shell, ENTRYPOINTS / "health.sh", str(port), below], env=environment, check=False
    ).exit_code


# --- Caddy ---------------------------------------------------------------------------------------


def validate(environment: Mapping[str, str]) -> dict[str, Any]:
    run([*CADDY, "validate", "--config", paths.CADDYFILE], env=environment)
    done = run([*CADDY, "adapt", "--config", paths.CADDYFILE], env=environment)
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def served(adapted: dict[str, Any]) -> set[str]:
    found = re.findall(r'"host": ?\["([^"]+)"\]', json.dumps(adapted))
    return set(found) - {"127.0.0.1"}


def test_the_caddyfile_passes_with_nothing_in_the_environment() -> None:
    assert served(validate({})) == {"localhost"}


def caddy_environment(**given: str) -> dict[str, str]:
    """What the caddy container gets, from the real Compose."""
    found: dict[str, str] = config(given)["services"]["caddy"]["environment"]
    return {name: text for name, text in found.items() if not name.startswith("XDG_")}


def test_the_caddyfile_passes_with_every_optional_value_empty() -> None:
    environment = caddy_environment(**dict.fromkeys(OPTIONAL, ""), APP_DOMAIN="app.test")
    adapted = validate(environment)
    assert served(adapted) == {"app.test"}
    assert "issuers" not in json.dumps(adapted)


@pytest.fixture
def root_pem(tmp_path: Path) -> Path:
    """Some authority's certificate."""
    path = tmp_path / "root.pem"
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
    run(["openssl", "req", "-x509", *key, tmp_path / "key.pem", "-subj", "/CN=test", "-out", path])
    return path


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_the_caddyfile_passes_with_any_one_optional_value(name: str, root_pem: Path) -> None:
    given = {name: OPTIONAL[name] or str(root_pem), "APP_DOMAIN": "app.test"}
    adapted = validate(caddy_environment(**given))
    assert (OPTIONAL[name] or str(root_pem)).split()[0] in json.dumps(adapted)


def test_the_caddyfile_passes_with_everything_set(root_pem: Path) -> None:
    given = {**OPTIONAL, "ACME_CA_ROOT": str(root_pem), "APP_DOMAIN": "app.test"}
    adapted = validate(caddy_environment(**given, MAX_BODY_SIZE="1MB", HSTS_SECONDS="60"))
    assert served(adapted) == {"app.test", "api.app.test"}
    [server] = [
        server
        for server in adapted["apps"]["http"]["servers"].values()
        if server["listen"] == [":443"]
    ]
    assert server["protocols"] == ["h1", "h2", "h3"]
    assert server["trusted_proxies"]["ranges"] == ["10.0.0.0/8", "fd00::/8"]
    text = json.dumps(adapted)
    assert text.count("max-age=60") == 2
    assert '"max_size": 1000000' in text


def test_the_admin_api_is_a_socket_that_only_its_owner_opens() -> None:
    assert validate({})["admin"]["listen"] == "unix//run/hostwright/admin.sock|0600"


def test_nothing_bounds_a_long_request_or_a_websocket() -> None:
    for server in validate({})["apps"]["http"]["servers"].values():
        assert "read_timeout" not in server
        assert "write_timeout" not in server
        assert server["read_header_timeout"] == 10 * 10**9


def test_localhost_is_never_pinned_to_https() -> None:
    assert "max-age" not in json.dumps(validate(caddy_environment()))
    assert "max-age=31536000" in json.dumps(validate(caddy_environment(APP_DOMAIN="app.test")))


# --- Caddy, serving ------------------------------------------------------------------------------


class Backend(BaseHTTPRequestHandler):
    """A role's server: says its name, echoes bodies."""

    protocol_version = "HTTP/1.1"
    name = ""

    def do_GET(self) -> None:
        self._answer(503 if self.path == "/broken" else 200, f"{self.name} " + "text " * 400)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, f"{self.name} {len(body)}")

    def _answer(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("X-Frame-Options", "SAMEORIGIN")
        self.send_header("X-Powered-By", "test")
        self.send_header("Set-Cookie", "session=hidden-cookie")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def backend(name: str, address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A role called *name* on a port of loopback."""
    handler = type("Named", (Backend,), {"name": name})
    with ThreadingHTTPServer((address, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Proxy:
    """A running Caddy with the blueprint's configuration."""

    directory: Path
    port: int

    @property
    def live(self) -> Path:
        return self.directory / "live"

    def connection(self) -> http.client.HTTPSConnection:
        root = self.directory / "data/caddy/pki/authorities/local/root.crt"
        context = ssl.create_default_context(cafile=str(root))
        return http.client.HTTPSConnection("localhost", self.port, context=context, timeout=30)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NOTHING
    ) -> Answer:
        connection = self.connection()
        try:
            return ask(connection, method, path, body, headers)
        finally:
            connection.close()

    def switch(self, release: str) -> None:
        """One rename, as a release does it."""
        new = self.live / "next"
        new.symlink_to(release)
        new.rename(self.live / "current")

    def log(self) -> str:
        return (self.directory / "stdout").read_text()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes


def ask(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] = NOTHING,
) -> Answer:
    connection.request(method, path, body or None, dict(headers))
    response = connection.getresponse()
    return Answer(response.status, response.msg, response.read())


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Caddy on high ports of loopback, between two releases of web: one and two."""
    directory = tmp_path_factory.mktemp("caddy")
    app = free_port()
    for release, address in (("r1", "127.0.0.2"), ("r2", "127.0.0.3")):
        (directory / "live" / release).mkdir(parents=True)
        (directory / "live" / release / "web").write_text(f"{address}\n")
    found = Proxy(directory, free_port())
    found.switch("r1")
    configuration = placed(found, app)
    with (
        backend("one", "127.0.0.2", app),
        backend("two", "127.0.0.3", app),
        (directory / "stdout").open("wb") as log,
        (directory / "stderr").open("wb") as errors,
    ):
        environment = {**os.environ, "XDG_DATA_HOME": str(directory / "data")}
        argv = [*map(str, CADDY), "run", "--config", str(configuration)]
        with subprocess.Popen(argv, env=environment, stdout=log, stderr=errors) as process:  # noqa: S603 - ours
            try:
                wait_for(found.port)
                wait_for_certificate(found)
                yield found
            finally:
                process.send_signal(signal.SIGKILL)


def placed(proxy: Proxy, app: int) -> Path:
    """The blueprint's configuration with ports and paths of this test; gives the main file."""
    source = paths.COMPOSE / "caddy"
    target = proxy.directory / "caddy"
    document = yaml.safe_load(paths.COMPOSE_FILE.read_text())
    values = blueprint.caddy_values(document, {"WEB_PORT": str(app), "MAX_BODY_SIZE": "100KB"})
    texts = {
        path.relative_to(source).as_posix(): path.read_text()
        for path in source.rglob("*")
        if path.is_file()
    }
    made = blueprint.caddy_files(texts, app="app", roles=frozenset({"web"}), values=values)
    changes = {
        "/run/hostwright/": f"{proxy.directory}/",
        "/live/": f"{proxy.live}/",
        "8090": str(free_port()),
        "lb_try_duration 10s": "lb_try_duration 500ms",
        "\tskip_install_trust\n": "\tskip_install_trust\n"
        f"\thttp_port {free_port()}\n\thttps_port {proxy.port}\n\tdefault_bind 127.0.0.1\n",
    }
    for name, text in made.items():
        changed = text
        for old, new in changes.items():
            changed = changed.replace(old, new)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(changed)
    return target / "Caddyfile"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until something listens, or half a minute is over."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"nothing listens on {port}")


def wait_for_certificate(proxy: Proxy) -> None:
    """Caddy listens before its own authority has signed."""
    for _ in range(300):
        try:
            proxy.request("GET", "/")
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Caddy has no certificate")


def test_switching_the_link_under_load_fails_no_request(proxy: Proxy) -> None:
    """The switch: one rename of live/current, no reload."""
    seen: list[str] = []
    halt = threading.Event()

    def load(number: int) -> None:
        connection = proxy.connection()
        while not halt.is_set():
            answer = ask(connection, *(("GET", "/"), ("POST", "/", b"x" * 999))[number % 2])
            seen.append(f"{answer.status} {answer.content.split()[0].decode()}")
            if number % 4 >= 2:  # new connections as well as kept ones
                connection.close()
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load, number) for number in range(4)]
        try:
            for turn in range(20):
                proxy.switch(("r2", "r1")[turn % 2])
                wanted = len(seen) + 30
                while len(seen) < wanted and not any(item.done() for item in loads):
                    time.sleep(0.001)
        finally:
            halt.set()
        for item in loads:
            item.result()

    assert len(seen) >= 600
    assert set(seen) == {"200 one", "200 two"}


def test_traffic_follows_the_link_at_once(proxy: Proxy) -> None:
    for release, name in (("r2", b"two"), ("r1", b"one"), ("r2", b"two"), ("r1", b"one")):
        proxy.switch(release)
        assert proxy.request("GET", "/").content.startswith(name)


def test_a_link_to_nothing_is_a_page_for_people_until_it_is_mended(proxy: Proxy) -> None:
    proxy.switch("gone")
    answer = proxy.request("GET", "/")
    proxy.switch("r1")
    assert answer.status == 502
    assert b"Back in a moment" in answer.content
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Server"] is None
    assert proxy.request("GET", "/").status == 200


def test_what_the_application_answers_is_passed_on_as_it_is(proxy: Proxy) -> None:
    answer = proxy.request("GET", "/broken")
    assert (answer.status, answer.content[:3]) == (503, b"one")


def test_security_headers_are_set_and_the_applications_own_are_kept(proxy: Proxy) -> None:
    headers = proxy.request("GET", "/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=()"
    assert headers.get_all("X-Frame-Options") == ["SAMEORIGIN"]
    assert headers["Server"] is None
    assert headers["X-Powered-By"] is None
    assert 'h3=":' in headers["Alt-Svc"]


def test_answers_are_compressed(proxy: Proxy) -> None:
    for encoding in ("zstd", "gzip"):
        answer = proxy.request("GET", "/", headers={"Accept-Encoding": encoding})
        assert answer.headers["Content-Encoding"] == encoding
    assert gzip.decompress(answer.content).startswith(b"one ")


def test_a_body_beyond_the_limit_is_refused(proxy: Proxy) -> None:
    assert proxy.request("POST", "/", b"x" * 99_000).status == 200
    assert proxy.request("POST", "/", b"x" * 101_000).status == 413


def test_the_access_log_is_json_without_credentials(proxy: Proxy) -> None:
    path = "/logged?token=hidden-token&code=hidden-code&page=2"
    headers = {
        "Authorization": "Bearer hidden-bearer",
        "Cookie": "a=hidden-cookie",
        "X-Api-Key": "hidden-key",
    }
    assert proxy.request("GET", path, headers=headers).status == 200
    lines = [json.loads(line) for line in proxy.log().splitlines()]
    [line] = [line for line in lines if line["request"]["uri"].startswith("/logged")]
    assert "page=2" in line["request"]["uri"]
    assert line["status"] == 200
    assert "hidden" not in proxy.log()


def test_the_admin_socket_says_what_is_in_flight(proxy: Proxy) -> None:
    path = proxy.directory / "admin.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    assert proxy.request("GET", "/").status == 200
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /reverse_proxy/upstreams HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = client.recv(65536)
    assert head.startswith(b"HTTP/1.1 200")
    assert b"num_requests" in head
