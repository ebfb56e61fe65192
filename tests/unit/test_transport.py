from __future__ import annotations

import ast
import base64
import gc
import logging
import re
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import fabric
import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from hostwright import paths
from hostwright.errors import (
    HostKeyError,
    HostwrightError,
    LoginError,
    Unreachable,
    UserError,
)
from hostwright.transport import Address, Channel, HostKey, Session, connect, pin, scan_host_key

#: paramiko.common has them, its type stubs do not.
AUTH_SUCCESSFUL, AUTH_PARTIALLY_SUCCESSFUL, AUTH_FAILED, OPEN_SUCCEEDED = 0, 1, 2, 0

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KINDS: dict[str, Callable[[], PrivateKeyTypes]] = {
    "ssh-ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa-sha2-nistp256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ssh-rsa": lambda: rsa.generate_private_key(65537, 2048),
}


def new_key(path: Path, *, passphrase: bytes = b"", kind: str = "ssh-ed25519") -> paramiko.PKey:
    private = KINDS[kind]()
    scheme: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, scheme
        )
    )
    return paramiko.PKey.from_path(path, passphrase or None)  # type: ignore[arg-type]


@dataclass
class Server(paramiko.ServerInterface):
    """A real SSH server on loopback: one user, one key, a handful of commands.

    Attributes:
        user: Who is let in.
        allowed: With what.
        host_keys: It has one of each type; the client says which type it wants.
        besides: What it wants besides the key, in SSH's words.
        attempts: The users of every attempt to log in.
        connections: All that were made.
    """

    user: str
    allowed: paramiko.PKey
    host_keys: list[paramiko.PKey]
    besides: str = ""
    attempts: list[str] = field(default_factory=list)
    connections: list[paramiko.Transport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address("127.0.0.1", self.listener.getsockname()[1])
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            for host_key in self.host_keys:
                transport.add_server_key(host_key)
            self.connections.append(transport)
            try:
                transport.start_server(server=self)
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for transport in self.connections:
            transport.close()
            transport.join(5)
        self.thread.join(5)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.attempts.append(username)
        if username != self.user or key != self.allowed:
            return AUTH_FAILED
        return AUTH_PARTIALLY_SUCCESSFUL if self.besides else AUTH_SUCCESSFUL

    def check_auth_none(self, username: str) -> int:
        self.attempts.append(username)
        return AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        del username
        return self.besides or "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self.run, args=(channel, command.decode()), daemon=True).start()
        return True

    def run(self, channel: paramiko.Channel, command: str) -> None:
        word, _, rest = command.partition(" ")
        if word == "cat":
            while chunk := channel.recv(65536):
                channel.sendall(chunk)
            channel.send_exit_status(0)
            channel.close()
            return
        # The end of input comes after the client has heard that the command runs.
        assert channel.recv(1) == b""
        if word == "noise":
            channel.sendall_stderr(b"e" * int(rest))
            channel.sendall((b"o" * 99 + b"\n") * (int(rest) // 100))
        elif word == "fail":
            channel.sendall_stderr(b"it did not work\n")
            channel.send_exit_status(int(rest))
            channel.close()
            return
        elif word == "hang-up":
            channel.get_transport().close()
            return
        channel.send_exit_status(0)
        channel.close()


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return tmp_path / "pins" / "known_hosts"


@pytest.fixture
def server(tmp_path: Path, key: Path) -> Iterator[Server]:
    made = Server("admin", new_key(key), [new_key(tmp_path / "host_key")])
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operator's own directory, where there is an empty ``.ssh``."""
    made = tmp_path / "home"
    (made / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(made))
    return made


@pytest.fixture
def session(server: Server, key: Path, known: Path) -> Iterator[Session]:
    pin(known, server.address, scan_host_key(server.address))
    with connect(server.address, key=key, known_hosts=known, users=("admin",)) as made:
        yield made


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", Address("203.0.113.7")),
        ("root@203.0.113.7", Address("203.0.113.7", user="root")),
        ("shop.example.com:2222", Address("shop.example.com", 2222)),
        ("ci-deploy@shop.example.com:22", Address("shop.example.com", 22, "ci-deploy")),
        ("root@[2001:db8::1]:2222", Address("2001:db8::1", 2222, "root")),
        ("[::1]", Address("::1")),
        ("localhost", Address("localhost")),
    ],
)
def test_an_address_is_read_and_written_the_same(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "host name",
        "host;reboot",
        "$(reboot)",
        "`reboot`",
        "host|cat",
        "host&",
        "host>x",
        "'host'",
        '"host"',
        "host\n",
        "ho\\st",
        "-oProxyCommand=x",
        "-host",
        "user@-host",
        "us er@host",
        "@host",
        "user@",
        "a@b@c",
        "host:",
        "host:0",
        "host:65536",
        "host:ssh",
        "2001:db8::1",
        "host/path",
        "exämple.com",
        "shop..example.com",
        "203.0.113..7",
    ],
)
def test_anything_else_is_refused_as_input(text: str) -> None:
    with pytest.raises(UserError):
        Address.parse(text)


def test_a_pinned_host_lets_the_key_in(session: Session, server: Server) -> None:
    assert (session.user, session.address) == (
        "admin",
        Address("127.0.0.1", server.address.port, "admin"),
    )
    assert session.public_key == f"ssh-ed25519 {server.allowed.get_base64()}"


def test_the_connection_is_fabrics_and_ends_with_the_session(session: Session) -> None:
    assert isinstance(session.connection, fabric.Connection)
    assert (session.connection.user, session.connection.is_connected) == ("admin", True)
    session.close()
    assert not session.connection.is_connected


def test_the_next_key_is_tried_on_the_same_connection(
    server: Server, key: Path, known: Path, home: Path
) -> None:
    new_key(home / ".ssh" / "id_ed25519")
    key.rename(home / ".ssh" / "id_ecdsa")
    pin(known, server.address, scan_host_key(server.address))
    before = len(server.connections)
    with connect(server.address, known_hosts=known, users=("admin",)) as made:
        assert made.public_key == f"ssh-ed25519 {server.allowed.get_base64()}"
        assert made.connection.is_connected
    assert server.attempts == ["admin", "admin"]
    assert len(server.connections) == before + 1


@pytest.mark.parametrize("besides", ["password", "keyboard-interactive"])
def test_a_host_that_wants_a_password_besides_the_key_asks_nobody(
    server: Server, key: Path, known: Path, besides: str
) -> None:
    server.besides = besides
    pin(known, server.address, scan_host_key(server.address))
    with pytest.raises(LoginError):
        connect(server.address, key=key, known_hosts=known, users=("admin",))
    assert server.attempts == ["admin"]


def test_without_any_key_the_remedy_is_to_name_one(server: Server, known: Path, home: Path) -> None:
    assert home.exists()
    pin(known, server.address, scan_host_key(server.address))
    with pytest.raises(LoginError) as caught:
        connect(server.address, known_hosts=known)
    assert "no key to try" in caught.value.remedy


def test_an_unknown_host_key_ends_it_before_any_login(
    server: Server, key: Path, known: Path
) -> None:
    with pytest.raises(HostKeyError, match="not known yet") as caught:
        connect(server.address, key=key, known_hosts=known)
    assert scan_host_key(server.address).fingerprint in caught.value.what
    assert f"invoke vps.trust --host 127.0.0.1:{server.address.port}" in caught.value.remedy
    assert server.attempts == []
    assert not known.exists()


def test_the_pins_of_others_do_not_vouch_for_a_host_and_stay_as_they_are(
    server: Server, key: Path, known: Path
) -> None:
    shown = scan_host_key(server.address)
    for other in (Address("127.0.0.1"), Address("localhost", server.address.port)):
        pin(known, other, shown)
    before = known.read_text()
    with pytest.raises(HostKeyError, match="not known yet"):
        connect(server.address, key=key, known_hosts=known)
    assert server.attempts == []
    assert known.read_text() == before


def test_known_hosts_of_the_operators_own_does_not_vouch_for_a_host(
    server: Server, key: Path, known: Path, home: Path
) -> None:
    pin(home / ".ssh" / "known_hosts", server.address, scan_host_key(server.address))
    with pytest.raises(HostKeyError, match="not known yet"):
        connect(server.address, key=key, known_hosts=known)
    assert server.attempts == []


def test_no_configuration_of_openssh_or_fabric_is_read(
    server: Server, key: Path, known: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".ssh" / "config").write_text("Host *\n  HostName 127.0.0.9\n  ProxyCommand false\n")
    (home / ".fabric.yaml").write_text("gateway: 'false'\n")
    monkeypatch.setenv("FABRIC_GATEWAY", "false")
    pin(known, server.address, scan_host_key(server.address))
    with connect(server.address, key=key, known_hosts=known, users=("admin",)) as made:
        assert (made.connection.host, made.connection.gateway) == ("127.0.0.1", None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_with_keys_of_several_types_is_asked_for_the_pinned_one(
    server: Server, key: Path, known: Path, tmp_path: Path, kind: str
) -> None:
    server.host_keys = [new_key(tmp_path / name, kind=name) for name in KINDS]
    [wanted] = [one for one in server.host_keys if one.get_name() == kind]
    pin(known, server.address, HostKey(kind, wanted.get_base64()))
    with connect(server.address, key=key, known_hosts=known, users=("admin",)) as made:
        assert made.connection.transport.get_remote_server_key() == wanted


def test_every_pinned_type_is_asked_for_before_one_that_is_not_pinned(
    server: Server, key: Path, known: Path, tmp_path: Path
) -> None:
    kinds = ["ecdsa-sha2-nistp256", "ssh-rsa"]
    pins = [new_key(tmp_path / kind, kind=kind) for kind in kinds]
    server.host_keys = [new_key(tmp_path / "other"), pins[1]]
    known.parent.mkdir()
    name = server.address.pinned_name
    lines = [f"{name} {pinned.get_name()} {pinned.get_base64()}\n" for pinned in pins]
    known.write_text("".join(lines))
    with connect(server.address, key=key, known_hosts=known, users=("admin",)) as made:
        assert made.connection.transport.get_remote_server_key() == pins[1]


def test_a_changed_host_key_ends_it_before_any_login(
    server: Server, key: Path, known: Path, tmp_path: Path
) -> None:
    other = new_key(tmp_path / "other")
    pin(known, server.address, HostKey(other.get_name(), other.get_base64()))
    with pytest.raises(HostKeyError, match="CHANGED"):
        connect(server.address, key=key, known_hosts=known)
    assert server.attempts == []


def test_a_host_key_of_another_type_than_the_pinned_one_is_a_changed_one(
    server: Server, key: Path, known: Path
) -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    kind, text = (
        public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode()
        .split()
    )
    pin(known, server.address, HostKey(kind, text))
    with pytest.raises(HostKeyError, match="CHANGED"):
        connect(server.address, key=key, known_hosts=known)
    assert server.attempts == []


def test_one_function_makes_every_connection() -> None:
    """Nobody else can: only this module may know Fabric, as test_architecture.py holds."""
    tree = ast.parse((paths.ROOT / "src/hostwright/transport.py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [one.name for one in functions if imports(one, "fabric")] == ["_connection"]
    assert not any(imports(node, "fabric") for node in tree.body if not guarded(node))


def imports(node: ast.AST, name: str) -> bool:
    found = re.compile(rf"(import|from) {name}\b")
    return any(
        found.match(ast.unparse(part))
        for part in ast.walk(node)
        if isinstance(part, ast.Import | ast.ImportFrom)
    )


def guarded(node: ast.stmt) -> bool:
    """Whether it is a function, or is there for type checkers only."""
    return isinstance(node, ast.FunctionDef) or ast.unparse(node).startswith("if TYPE_CHECKING:")


def test_nothing_in_the_package_accepts_host_keys_by_itself() -> None:
    lenient = re.compile(r"\b(AutoAddPolicy|WarningPolicy|SSHClient|SerialGroup|ThreadingGroup)\b")
    sources = list((paths.ROOT / "src").rglob("*.py"))
    assert sources
    assert [path for path in sources if lenient.search(path.read_text())] == []


def test_the_fingerprint_is_what_ssh_keygen_prints() -> None:
    text = "AAAAC3NzaC1lZDI1NTE5AAAAIDbX3hDhShVcN2Qpcg/20BAJ4cS+IQKrdVQhNZjPcqLT"
    assert HostKey("ssh-ed25519", text).fingerprint == (
        "SHA256:4xThneOLyp03Amnr8juf0CKTCKkLp1J14p+C5ibXKlo"
    )


def test_pinning_replaces_this_host_and_leaves_the_others(known: Path) -> None:
    first, second = Address("a.example"), Address("b.example", 2222)
    pin(known, first, HostKey("ssh-ed25519", "AAAA"))
    pin(known, second, HostKey("ssh-ed25519", "BBBB"))
    pin(known, first, HostKey("ssh-rsa", "CCCC"))
    assert known.read_text().splitlines() == [
        "[b.example]:2222 ssh-ed25519 BBBB",
        "a.example ssh-rsa CCCC",
    ]


def test_the_users_are_tried_in_order(server: Server, key: Path, known: Path) -> None:
    pin(known, server.address, scan_host_key(server.address))
    with connect(
        server.address, key=key, known_hosts=known, users=("deploy", "admin", "root")
    ) as made:
        assert made.user == "admin"
    assert list(dict.fromkeys(server.attempts)) == ["deploy", "admin"]


def test_a_user_in_the_address_is_the_only_one_tried(
    server: Server, key: Path, known: Path
) -> None:
    pin(known, server.address, scan_host_key(server.address))
    address = Address(server.address.host, server.address.port, "root")
    with pytest.raises(LoginError, match="root"):
        connect(address, key=key, known_hosts=known, users=("admin",))
    assert set(server.attempts) == {"root"}


def test_a_wrong_key_is_a_refused_login(server: Server, known: Path, tmp_path: Path) -> None:
    pin(known, server.address, scan_host_key(server.address))
    new_key(tmp_path / "wrong")
    with pytest.raises(LoginError) as caught:
        connect(server.address, key=tmp_path / "wrong", known_hosts=known)
    assert "deploy, root" in caught.value.what
    assert "authorized_keys" in caught.value.remedy


@pytest.mark.parametrize(("content", "words"), [(None, "no such key"), ("hello", "not a private")])
def test_a_key_file_that_is_none_is_the_users_fault(
    server: Server, known: Path, tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "named"
    if content:
        path.write_text(content)
    with pytest.raises(UserError, match=words):
        connect(server.address, key=path, known_hosts=known)


def text_of(*parts: bytes) -> bytes:
    """SSH's strings: each with its length before it."""
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def key_of_a_security_key() -> bytes:
    """What ``ssh-keygen -t ed25519-sk`` leaves: a handle to a key that is elsewhere."""
    public = text_of(b"sk-ssh-ed25519@openssh.com", b"p" * 32, b"ssh:")
    private = struct.pack(">II", 7, 7) + public + b"\1" + text_of(b"handle", b"", b"me")
    private += bytes(range(1, 1 + -len(private) % 8))
    head = text_of(b"none", b"none", b"") + struct.pack(">I", 1)
    whole = b"openssh-key-v1\0" + head + text_of(public, private)
    begin, end = (f"-----{word} OPENSSH PRIVATE KEY-----\n".encode() for word in ("BEGIN", "END"))
    return begin + base64.encodebytes(whole) + end


def key_of_another_curve() -> bytes:
    return ed448.Ed448PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize("content", [key_of_a_security_key, key_of_another_curve])
def test_a_key_of_a_kind_that_cannot_be_used_is_told_or_passed_over(
    server: Server, key: Path, known: Path, home: Path, content: Callable[[], bytes]
) -> None:
    odd = home / ".ssh" / "id_ed25519"
    odd.write_bytes(content())
    with pytest.raises(UserError, match="of this kind cannot be used") as caught:
        connect(server.address, key=odd, known_hosts=known)
    assert caught.value.where == str(odd)
    assert "ssh-add" in caught.value.remedy
    key.rename(home / ".ssh" / "id_ecdsa")
    pin(known, server.address, scan_host_key(server.address))
    with connect(server.address, known_hosts=known, users=("admin",)) as made:
        assert made.user == "admin"


@pytest.fixture
def failing_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that hangs up on whoever asks."""
    path = tmp_path / "agent"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    gc.collect()


# Paramiko does not close its end when it gives up.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.usefixtures("failing_agent")
def test_an_agent_that_fails_is_told_unless_a_key_was_named(
    server: Server, key: Path, known: Path, home: Path
) -> None:
    assert home.exists()
    with pytest.raises(UserError, match="agent does not tell its keys") as caught:
        connect(server.address, known_hosts=known)
    assert "SSH_AUTH_SOCK" in caught.value.remedy
    pin(known, server.address, scan_host_key(server.address))
    with connect(server.address, key=key, known_hosts=known, users=("admin",)) as made:
        assert made.user == "admin"


def test_a_key_with_a_passphrase_belongs_into_the_agent(
    server: Server, known: Path, tmp_path: Path
) -> None:
    new_key(tmp_path / "locked", passphrase=b"secret")
    with pytest.raises(UserError, match="passphrase") as caught:
        connect(server.address, key=tmp_path / "locked", known_hosts=known)
    assert "ssh-add" in caught.value.remedy


def test_nobody_listening_is_unreachable(key: Path, known: Path) -> None:
    new_key(key)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match="nothing listens"):
        connect(Address("127.0.0.1", port), key=key, known_hosts=known)


def test_somebody_who_never_answers_is_unreachable(key: Path, known: Path) -> None:
    new_key(key)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(Unreachable, match="no answer in time"),
    ):
        connect(
            Address("127.0.0.1", silent.getsockname()[1]), key=key, known_hosts=known, timeout=0.2
        )


def test_paramiko_prints_no_traceback_of_its_own(session: Session) -> None:
    session.close()
    silent = [
        isinstance(one, logging.NullHandler) for one in logging.getLogger("paramiko").handlers
    ]
    assert any(silent)


def test_a_name_without_an_address_is_unreachable(
    key: Path, known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    new_key(key)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="no address for that name"):
        connect(Address("nowhere.invalid"), key=key, known_hosts=known)


def test_each_kind_of_failure_has_an_exit_code_of_its_own() -> None:
    kinds: list[type[HostwrightError]] = [UserError, Unreachable, HostKeyError, LoginError]
    assert len({kind.exit_code for kind in kinds}) == len(kinds)


def test_small_writes_do_not_wait(session: Session) -> None:
    connection = session.connection.transport.sock
    assert isinstance(connection, socket.socket)
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_a_command_returns_its_exit_code_and_both_outputs(session: Session) -> None:
    done = session.exec("fail 3")
    assert done == (3, "", "it did not work\n")
    assert done.tail == "it did not work"


def test_standard_input_arrives_whole_while_output_comes_back(session: Session) -> None:
    text = "".join(f"{number}\n" for number in range(400_000))
    sent: list[int] = []
    done = session.exec("cat", text.encode(), progress=sent.append)
    assert done.out == text
    assert sent[-1] == len(text)
    assert sent == sorted(sent)


def test_much_on_both_outputs_does_not_block(session: Session) -> None:
    size = 4_000_000
    done = session.exec(f"noise {size}")
    assert (len(done.out), len(done.err)) == (size, size)


def test_lines_are_told_as_they_arrive(session: Session) -> None:
    seen: list[str] = []
    session.exec("cat", b"one\ntwo\nhalf", on_line=seen.append)
    assert seen == ["one", "two", "half"]


def test_a_channel_goes_both_ways(session: Session) -> None:
    channel = session.open("cat")
    channel.send_line("héllo")
    assert channel.read_line() == "héllo"
    channel.send(b"\x00\x01raw\n")
    assert channel.read_line() == "\x00\x01raw"
    channel.end()
    assert list(channel.lines()) == []
    assert channel.finish() == (0, "")


def test_a_lost_connection_is_unreachable(session: Session) -> None:
    with pytest.raises(Unreachable, match="lost"):
        session.exec("hang-up")


class Ended:
    """A command's channel after its end, without an exit code."""

    def __init__(self, *, told: bool) -> None:
        self.eof_received = told

    def recv_stderr(self, size: int) -> bytes:
        del size
        return b""

    def recv_exit_status(self) -> int:
        return -1

    def get_transport(self) -> Ended:
        return self

    def is_active(self) -> bool:
        """Paramiko closes the channels of a connection that died before it says so."""
        return True

    def close(self) -> None:
        pass


def test_a_signal_is_told_from_a_connection_that_just_died() -> None:
    signalled = Channel(Ended(told=True), "box")  # type: ignore[arg-type]
    assert signalled.finish() == (-1, "")
    lost = Channel(Ended(told=False), "box")  # type: ignore[arg-type]
    with pytest.raises(Unreachable, match="lost"):
        lost.finish()


def test_a_command_on_a_closed_session_is_unreachable(session: Session) -> None:
    session.close()
    with pytest.raises(Unreachable):
        session.exec("cat")
