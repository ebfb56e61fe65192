"""What the rig promises: real servers, a real engine, a real certificate, nothing left over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import UserError
from hostwright.rig import Rig, processes
from hostwright.rig import ledger as ledgers
from hostwright.rig.acme import fetch
from hostwright.rig.load import LoadGenerator, Request, Stream
from hostwright.rig.resources import NETNS, NSPAWN, hierarchies
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.rig.server import Server

#: Its number in linux/capability.h.
CAP_SYS_TIME = 25

pytestmark = pytest.mark.server

DOCKER = "docker.io docker-cli docker-compose iptables"


def called(purpose: str) -> str:
    """A rig's name that no other run has, nor one that was killed; names have 20 characters."""
    return f"test-{purpose}-{os.getpid()}"


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(called("rig")) as made:
        yield made


@pytest.fixture(scope="module")
def server(rig: Rig) -> Server:
    return rig.server()


@pytest.fixture(scope="module")
def docker(rig: Rig, server: Server) -> Server:
    """The server with Debian's Docker in it and the rig's images loaded."""
    install = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {DOCKER}"
    server.exec(["sh", "-c", install], timeout=600)
    saved = rig.ledger.home / "images.tar"
    rig.engine.docker("save", "--output", saved, *rig.images(versions=()).values())
    run(server.ssh("docker", "load"), stdin=saved.read_bytes(), timeout=600)
    saved.unlink()
    return server


def numbers() -> set[int]:
    """The network numbers that rigs have now."""
    with ledgers.lock():
        return {ledger.number for ledger in ledgers.every()}


def leftovers(name: str, number: int) -> list[str]:
    """What this machine still has of a rig, whatever a ledger says.

    Its network's number is free when it is gone, and another rig may have it at once.
    """
    home, before = ledgers.HOME / name, numbers()
    found = [str(path) for path in NETNS.glob(f"hwrig-{name}-*")]
    found += [str(path) for root in hierarchies() for path in root.glob(f"hwrig-{name}-*")]
    found += [str(path) for path in (NSPAWN / "propagate").glob(f"hwrig-{name}-*")]
    lines = Path("/proc/mounts").read_text() + run(["ps", "-eo", "pid,args"]).stdout
    found += [line for line in lines.splitlines() if f"{home}/" in line]
    network = of_network(number)
    if home.exists() or number not in before | numbers():
        found += network
    return [*found, str(home)] if home.exists() else found


def of_network(number: int) -> list[str]:
    """What this machine has of the network of a number."""
    links = Path("/sys/class/net")
    found = [str(path) for path in links.glob(f"hwr{number}")]
    found += [str(path) for path in links.glob(f"hwr{number}s*")]
    for table in ("nat", "filter", "mangle"):
        rules = run(["iptables-save", "-t", table]).stdout.splitlines()
        found += [rule for rule in rules if f"HWRIG-{number} " in f"{rule} "]
    return found


# -- servers ----------------------------------------------------------------------------------


def test_a_bare_server_runs_without_a_failed_unit(server: Server) -> None:
    assert server.exec(["systemctl", "is-system-running"]).stdout == "running\n"
    assert "trixie" in server.exec(["cat", "/etc/os-release"]).stdout


def test_ssh_reaches_root_with_the_key_and_only_under_the_pinned_host_key(server: Server) -> None:
    assert run(server.ssh("id", "-un")).stdout == "root\n"
    pinned = server.known_hosts.read_text()
    server.known_hosts.write_text("")
    try:
        refused = run(server.ssh("true"), check=False)
    finally:
        server.known_hosts.write_text(pinned)
    assert "Host key verification failed" in refused.stderr


def test_the_server_reaches_the_package_mirrors(server: Server) -> None:
    server.exec(["apt-get", "update", "-qq"], timeout=300)


@pytest.mark.parametrize("process", ["1", "self"], ids=["the server", "a command by exec"])
@pytest.mark.parametrize("kind", ["CapEff", "CapPrm", "CapBnd"])
def test_nothing_in_the_server_can_set_this_machines_clock(
    server: Server, process: str, kind: str
) -> None:
    # Read from what it is allowed, never tried: a try that works changes the clock of all.
    status = server.exec(["cat", f"/proc/{process}/status"]).stdout
    allowed = next(line.split()[1] for line in status.splitlines() if line.startswith(kind))
    assert not int(allowed, 16) & 1 << CAP_SYS_TIME


@pytest.mark.parametrize("way", ["power_off", "kill"])
def test_the_disk_survives(server: Server, way: str) -> None:
    before = server.exec(["cat", "/proc/sys/kernel/random/boot_id"]).stdout
    server.exec(["sh", "-c", f"echo {way} > /root/kept; sync"])
    getattr(server, way)()
    assert not server.running
    server.boot()
    assert server.exec(["cat", "/root/kept"]).stdout == f"{way}\n"
    assert server.exec(["cat", "/proc/sys/kernel/random/boot_id"]).stdout != before
    assert run(server.ssh("true")).exit_code == 0


def test_bookworm_boots_beside_trixie_with_an_address_and_keys_of_its_own(
    rig: Rig, server: Server
) -> None:
    other = rig.server("bookworm", name="old")
    assert "bookworm" in run(other.ssh("cat", "/etc/os-release")).stdout
    assert other.address != server.address
    ours, theirs = (s.known_hosts.read_text().split() for s in (server, other))
    assert not set(ours[2::3]) & set(theirs[2::3])
    other.power_off()


# -- what a release needs of a server ------------------------------------------------------------


def compose(server: Server, document: object, *words: str) -> None:
    run(server.ssh("sh", "-c", "cat > /root/try.json"), stdin=json.dumps(document).encode())
    line = ["docker", "compose", "--project-name", "try", "--file", "/root/try.json", *words]
    server.exec(line, timeout=300)


@contextmanager
def composed(server: Server, document: object, *words: str) -> Iterator[None]:
    """A project that is up; afterwards nothing of it is left, nor are its ports taken."""
    try:
        compose(server, document, "up", "--detach", *words)
        yield
    finally:
        compose(server, document, "down", "--volumes", "--timeout", "1")


def test_an_internal_network_has_no_way_out_and_another_has(rig: Rig, docker: Server) -> None:
    images = rig.images(versions=())
    idle = {"image": images["redis"], "command": ["sleep", "600"], "init": True}
    networks = {"inside": {"internal": True}, "outside": {}}
    services = {name: {**idle, "networks": [name]} for name in networks}
    host, port = rig.registry.address.split(":")
    dial = f"import socket; socket.create_connection(('{host}', {port}), 5)"
    with composed(docker, {"services": services, "networks": networks}):
        outcome = {
            name: docker.exec(
                ["docker", "exec", f"try-{name}-1", "python3", "-c", dial], check=False
            ).exit_code
            for name in networks
        }
    assert outcome == {"inside": 1, "outside": 0}


def test_postgres_behaves_as_the_official_image(rig: Rig, docker: Server) -> None:
    images = rig.images(versions=())
    docker.exec(["install", "-o", "999", "-m", "0400", "/dev/stdin", "/root/pw"], stdin=b"p'w $x\n")
    docker.exec(["chmod", "0711", "/root"])
    postgres = {
        "image": images["postgres"],
        "user": "999:999",
        "read_only": True,
        "cap_drop": ["ALL"],
        "tmpfs": ["/run/postgresql:uid=999,gid=999,mode=0770"],
        "environment": {
            "POSTGRES_USER": "app",
            "POSTGRES_DB": "shop",
            "POSTGRES_PASSWORD_FILE": "/run/secrets/pw",
            "POSTGRES_INITDB_ARGS": "--data-checksums --auth-local=trust",
        },
        "volumes": ["/root/pw:/run/secrets/pw:ro", "pg:/var/lib/postgresql/data"],
        "healthcheck": {
            "test": ["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "app", "-d", "shop"],
            "interval": "1s",
            "retries": 60,
        },
    }
    document = {"services": {"postgres": postgres}, "volumes": {"pg": {}}}

    def ask(password: str) -> str:
        """As the database sees the client over TCP, where a password is needed."""
        inside = ["env", f"PGPASSWORD={password}", "psql", "-h", "127.0.0.1", "-U", "app", "shop"]
        asked = ["-tA", "-c", "show server_version", "-c", "show data_checksums"]
        line = ["docker", "exec", "try-postgres-1", *inside, *asked]
        done = docker.exec(line, check=False)
        return done.stdout if done.exit_code == 0 else done.stderr

    with composed(docker, document, "--wait"):
        answers = [ask("p'w $x"), ask("wrong")]
        compose(docker, document, "restart", "postgres")
        compose(docker, document, "up", "--detach", "--wait")
        answers.append(ask("p'w $x"))
    assert answers[0].startswith("17.")
    assert answers[0].endswith("\non\n")
    assert "password authentication failed" in answers[1]
    assert answers[2] == answers[0]


def test_caddy_in_the_server_gets_a_certificate_that_visitors_trust(
    rig: Rig, docker: Server
) -> None:
    acme, images = rig.acme, rig.images(versions=())
    docker.exec(["mkdir", "-p", "/srv/caddy"])
    caddyfile = (
        f"{{\n\tacme_ca {acme.directory_url}\n\tacme_ca_root /etc/caddy/ca.pem\n}}\n"
        'app.test, api.test {\n\trespond `{"version": "1"}`\n}\n'
    )
    for name, text in (("Caddyfile", caddyfile), ("ca.pem", acme.api_pem.read_text())):
        docker.exec(["tee", f"/srv/caddy/{name}"], stdin=text.encode())
    caddy = {
        "image": images["caddy"],
        "ports": ["80:80", "443:443"],
        "volumes": ["/srv/caddy:/etc/caddy:ro"],
        "cap_drop": ["ALL"],
        "cap_add": ["NET_BIND_SERVICE"],
    }
    dial = ["--cacert", str(acme.root_pem), "--resolve", f"app.test:443:{docker.address}"]

    def answers() -> bool:
        return run(["curl", "-sf", *dial, "https://app.test/"], check=False).exit_code == 0

    requests = (Request("https://app.test/"), Request("https://api.test/", "POST", "{}"))
    with composed(docker, {"services": {"caddy": caddy}}):
        # Caddy asks again a minute after a first attempt that failed.
        assert processes.wait(answers, 150)
        with LoadGenerator(Stream(docker.address, str(acme.root_pem), requests)) as load:
            docker.exec(["true"])
            report = load.stop()
    assert report.failures == {}
    assert report.versions == {"1": report.sent}


def test_a_server_pulls_from_the_rigs_registry(rig: Rig, docker: Server) -> None:
    reference = f"{rig.registry.address}/redis:8"
    rig.engine.docker("tag", rig.images(versions=())["redis"], reference)
    rig.engine.docker("push", "--quiet", reference)
    # The engine's images are kept for the next run; this name means nothing there.
    rig.engine.docker("rmi", "--no-prune", reference)
    stranger = docker.exec(["docker", "pull", "--quiet", reference], timeout=60, check=False)
    assert "certificate signed by unknown authority" in stranger.stderr
    rig.registry.introduce(docker)
    docker.exec(["docker", "pull", "--quiet", reference], timeout=300)


# -- services beside the server ------------------------------------------------------------------


def rclone(rig: Rig, secret: str, *words: str, stdin: bytes | None = None) -> str:
    """A client of the object store; its last line of failure, or its output."""
    from hostwright.rig.s3 import rclone as program

    env = {
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_RIG_TYPE": "s3",
        "RCLONE_CONFIG_RIG_PROVIDER": "Other",
        "RCLONE_CONFIG_RIG_ENDPOINT": rig.s3.endpoint,
        "RCLONE_CONFIG_RIG_ACCESS_KEY_ID": rig.s3.key,
        "RCLONE_CONFIG_RIG_SECRET_ACCESS_KEY": secret,
    }
    line = [program(), "--retries=1", "--low-level-retries=1", *words]
    done = run(line, env=env, stdin=stdin, check=False, timeout=60)
    return done.stdout if done.exit_code == 0 else f"refused: {done.tail}"


def test_the_object_store_keeps_what_it_is_given_and_refuses_a_wrong_key(rig: Rig) -> None:
    place = f"rig:{rig.s3.bucket}/a/b"
    assert rclone(rig, rig.s3.secret, "rcat", place, stdin=b"kept") == ""
    assert rclone(rig, rig.s3.secret, "cat", place) == "kept"
    assert rclone(rig, "wrong" * 8, "cat", place).startswith("refused: ")


def test_a_relay_is_another_way_to_the_same_server(rig: Rig, server: Server) -> None:
    address, port = rig.relay(server, delay_ms=20)
    options = ["-p", str(port), "-o", f"HostKeyAlias={server.address}"]
    argv = [*server.ssh()[:-1], *options, f"root@{address}", "hostname"]
    assert run(argv).stdout == f"{server.name}\n"


def test_names_can_be_pointed_elsewhere(rig: Rig) -> None:
    rig.acme.point("192.0.2.7")
    rig.acme.point(rig.subnet.address(0))
    with pytest.raises(urllib.error.HTTPError):
        fetch(f"{rig.acme.names_url}/no-such-call", data=b"{}")


# -- several rigs, and their ends ------------------------------------------------------------------


def test_rigs_live_side_by_side_and_leave_nothing_behind(rig: Rig, server: Server) -> None:
    name = called("beside")
    with Rig(name) as other:
        number = other.ledger.number
        second = other.server()
        other.engine.docker("version")
        assert number != rig.ledger.number
        assert run(second.ssh("true")).exit_code == 0
        assert run(server.ssh("true")).exit_code == 0
        assert leftovers(name, number)
    assert leftovers(name, number) == []
    assert run(server.ssh("true")).exit_code == 0


def test_a_failure_in_the_block_leaves_nothing_behind() -> None:
    rig = Rig(called("failing"))

    def fail() -> None:
        with rig:
            rig.server()
            raise UserError("the test's own")

    with pytest.raises(UserError, match="the test's own"):
        fail()
    assert leftovers(rig.name, rig.ledger.number) == []


def start_another(name: str) -> tuple[subprocess.Popen[bytes], int]:
    """A rig with a server, an engine and an authority in a process of its own."""
    program = (
        "from hostwright.rig import Rig\nimport signal\n"
        # What runs in the background may have been told to pass interrupts over.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"with Rig({name!r}) as rig:\n"
        " rig.server(); rig.engine; rig.acme; print('up', flush=True); signal.pause()\n"
    )
    child = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    child.stdout.close()
    return child, ledgers.read(name).number


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_an_interrupted_run_leaves_nothing_behind(number: signal.Signals, code: int) -> None:
    name = called("stopped")
    child, network = start_another(name)
    child.send_signal(number)
    assert child.wait(60) == code
    assert leftovers(name, network) == []


def test_what_a_killed_run_left_is_cleaned_by_command() -> None:
    name = called("killed")
    child, network = start_another(name)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(60)
    assert leftovers(name, network)
    assert ledgers.read(name).abandoned
    run([sys.executable, "-m", "hostwright.rig", "clean", name])
    assert leftovers(name, network) == []
