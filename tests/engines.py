"""Real engines on loopback for tests: Postgres, Redis, S3 and AWS Secrets Manager.

Each is a context manager that starts one server on a free port with a directory of its own, waits
until it answers, and at the end (also of a failed test) ends it by its process id and removes the
directory. Passwords travel by file, standard input or environment, as they do in the product.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: Seconds that an engine gets to answer, and to end. Never a measurement: only a bound.
STARTING = 60.0
ENDING = 20.0
LOOPBACK = "127.0.0.1"
#: With characters that a URL must quote, so that nobody forgets to.
PASSWORD = "p@ss/word%:$1 'ä"


class EngineError(Exception):
    """An engine did not start; the message ends with its last lines."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def answers(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody listens on a port of an address of this machine."""
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False


def wait_for(what: str, test: Callable[[], bool], seconds: float = STARTING) -> None:
    """Wait until *test* holds.

    Raises:
        EngineError: It did not within *seconds*.
    """
    deadline = time.monotonic() + seconds
    while not test():
        if time.monotonic() > deadline:
            raise EngineError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


@contextmanager
def directory(owner: pwd.struct_passwd | None = None) -> Iterator[Path]:
    """A new directory below /tmp, the given user's, removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="hostwright-engine-"))
    try:
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def process(  # noqa: PLR0913 - the options of a process are what they are
    argv: Sequence[str],
    home: Path,
    *,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    owner: pwd.struct_passwd | None = None,
    ending: signal.Signals = signal.SIGTERM,
    ready: Callable[[], bool],
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that is ready; its output goes to ``home/log``."""
    log = home / "log"
    given = home / "stdin"
    given.write_text(stdin, encoding="utf-8")
    user: dict[str, Any] = (
        {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    )
    with log.open("wb") as output, given.open("rb") as source:
        server = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            argv, cwd=home, env={**os.environ, **(env or {})}, stdin=source,
            stdout=output, stderr=subprocess.STDOUT, **user,
        )  # fmt: skip
    given.unlink()

    def settled() -> bool:
        return server.poll() is not None or ready()

    try:
        wait_for(argv[0], settled)
        if server.poll() is not None:
            raise EngineError(f"{argv[0]} ended: {log.read_text(errors='replace')[-2000:]}")
        yield server
    finally:
        end(server, ending)


def end(server: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End a process by its id, in the end by force, and collect it."""
    if server.poll() is None:
        server.send_signal(how)
    try:
        server.wait(ENDING)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@dataclass(frozen=True)
class Authority:
    """A CA made for one test run, and a key pair it signed for 127.0.0.1 and localhost."""

    certificate: str
    server_certificate: str
    server_key: str


def authority() -> Authority:
    """A new CA of a name of its own, and one server certificate, all PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    issuer = f"test CA {token_hex(4)}"

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    root_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    root = (
        builder(issuer, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    leaf = (
        builder("localhost", server_key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key = server_key.private_bytes(pem, *plain).decode()
    return Authority(root.public_bytes(pem).decode(), leaf.public_bytes(pem).decode(), key)


@dataclass(frozen=True)
class Postgres:
    """A Postgres server with TLS, its superuser ``app`` and :data:`PASSWORD`."""

    port: int
    tls: Authority
    host: str = LOOPBACK

    def url(self, database: str = "postgres") -> str:
        """URL of one database."""
        from urllib.parse import quote

        return f"postgresql://app:{quote(PASSWORD, safe='')}@{self.host}:{self.port}/{database}"

    def create(self, database: str, template: str = "template1") -> str:
        """Create a database, empty or the copy of another that nobody uses, and return its URL."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url(), autocommit=True) as connection:
            words = sql.SQL("create database {} template {}")
            connection.execute(words.format(sql.Identifier(database), sql.Identifier(template)))
        return self.url(database)


def postgres_programs() -> Path:
    """The directory of the newest Postgres that Debian installed.

    Raises:
        EngineError: There is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if not found:
        raise EngineError("no Postgres below /usr/lib/postgresql: apt install postgresql")
    return found[-1].parent


def _version(initdb: Path) -> int:
    return int(initdb.parent.parent.name)


@contextmanager
def postgres(port: int = 0, host: str = LOOPBACK) -> Iterator[Postgres]:
    """A Postgres server; it refuses root, so as root it runs as the package's own user."""
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    programs, port, tls = postgres_programs(), port or free_port(), authority()
    with directory(owner) as home:
        _own(home / "password", PASSWORD, owner)
        data = str(home / "data")
        initdb = [
            str(programs / "initdb"), "-D", data, "-U", "app", "-A", "scram-sha-256",
            "--pwfile", str(home / "password"), "--no-sync", "-E", "UTF8", "--locale", "C",
        ]  # fmt: skip
        user: dict[str, Any] = (
            {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
        )
        made = subprocess.run(initdb, cwd=home, capture_output=True, check=False, **user)  # noqa: S603
        if made.returncode != 0:
            raise EngineError(f"initdb: {made.stderr.decode(errors='replace')[-2000:]}")
        _own(home / "server.crt", tls.server_certificate, owner)
        _own(home / "server.key", tls.server_key, owner)
        settings = {
            "listen_addresses": host, "port": str(port), "unix_socket_directories": "",
            "fsync": "off", "shared_buffers": "16MB", "max_connections": "60", "ssl": "on",
            "ssl_cert_file": str(home / "server.crt"), "ssl_key_file": str(home / "server.key"),
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = [str(programs / "postgres"), "-D", data, *options]
        server = Postgres(port, tls, host)
        with (home / "data" / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.write("host all all all scram-sha-256\n")
        # SIGQUIT: without the last checkpoint, since the data is thrown away.
        with process(
            argv, home, owner=owner, ending=signal.SIGQUIT, ready=lambda: _accepts(server)
        ):
            yield server


def _own(path: Path, text: str, owner: pwd.struct_passwd | None) -> None:
    """Write a private file of the owner's."""
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    if owner:
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _accepts(server: Postgres) -> bool:
    import psycopg

    with suppress(psycopg.OperationalError), psycopg.connect(server.url(), connect_timeout=2):
        return True
    return False


@dataclass(frozen=True)
class Redis:
    """A Redis server that demands :data:`PASSWORD`."""

    port: int
    host: str = LOOPBACK

    @property
    def url(self) -> str:
        """URL of database 0."""
        from urllib.parse import quote

        return f"redis://:{quote(PASSWORD, safe='')}@{self.host}:{self.port}/0"


@contextmanager
def redis(*, tls: Authority | None = None, host: str = LOOPBACK) -> Iterator[Redis]:
    """A Redis server with append-only persistence off; with *tls* it listens with TLS only."""
    port = free_port()
    with directory() as home:
        lines = [
            f"bind {host}", f"dir {home}", 'save ""', "appendonly no",
            f'requirepass "{PASSWORD}"', f"port {0 if tls else port}",
        ]  # fmt: skip
        if tls:
            for name, text in (("crt", tls.server_certificate), ("key", tls.server_key)):
                _own(home / f"server.{name}", text, None)
            lines += [
                f"tls-port {port}", f"tls-cert-file {home}/server.crt",
                f"tls-key-file {home}/server.key", "tls-auth-clients no",
            ]  # fmt: skip
        argv = ["redis-server", "-"]
        with process(argv, home, stdin="\n".join(lines), ready=lambda: answers(port, host)):
            yield Redis(port, host)


@dataclass(frozen=True)
class S3:
    """An S3 service with one bucket; it refuses any other key."""

    endpoint: str
    bucket: str
    key: str
    secret: str


@contextmanager
def s3(bucket: str = "probe") -> Iterator[S3]:
    """An S3 service over a directory (``rclone serve s3``)."""
    port = free_port()
    with directory() as home:
        (home / "buckets" / bucket).mkdir(parents=True)
        service = S3(f"http://127.0.0.1:{port}", bucket, "test-key-id", "test-secret-access-key")
        argv = [
            _script("rclone"),
            "serve",
            "s3",
            "--addr",
            f"127.0.0.1:{port}",
            str(home / "buckets"),
        ]
        # A list in rclone's environment is CSV: the pair holds a comma, so it is quoted.
        pair = f'"{service.key},{service.secret}"'
        env = {"RCLONE_AUTH_KEY": pair, "RCLONE_CONFIG": "/dev/null"}
        # By force: its own end waits for every client to hang up.
        with process(argv, home, env=env, ending=signal.SIGKILL, ready=lambda: answers(port)):
            yield service


@contextmanager
def aws(host: str = LOOPBACK) -> Iterator[str]:
    """An AWS API emulator (moto); gives its endpoint's URL. Any credentials will do."""
    port = free_port()
    with directory() as home:
        argv = [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
        with process(argv, home, ready=lambda: answers(port, host)):
            yield f"http://{host}:{port}"


def _script(name: str) -> str:
    """A program of this Python environment, else of PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name


def trusting(tls: Authority) -> ssl.SSLContext:
    """A client's TLS context that trusts a test CA alone."""
    return ssl.create_default_context(cadata=tls.certificate)


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        yield port
