"""SSH: the one place that opens connections, with pinned host keys and plain errors.

Fabric opens the connection, as strictly as :func:`_connection` sets it up, which is the only place
that makes one: Fabric's own policy would accept and remember any host key, this one rejects. A host
key that is not in *known_hosts* ends the connection before any authentication, whatever its type.
No configuration of Fabric or OpenSSH is read. The operator pins a key once
(:func:`scan_host_key`, :func:`pin`).

After connecting, a command costs three serial round trips (open a channel, exec, data); with
``TCP_NODELAY`` none of them waits for Nagle's algorithm. sshd does not allow another user name on
a connection whose first one was refused, so every further name to try costs a connection.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import socket
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from hostwright.errors import HostKeyError, LoginError, Unreachable, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    import fabric
    import paramiko

#: Seconds between keepalives, and until unanswered data ends a connection.
KEEPALIVE_SECONDS = 15
DEAD_SECONDS = 45

#: Names that are tried in ``~/.ssh`` when no key is named; then the agent's keys.
IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")

#: sshd hangs up after six failed attempts (MaxAuthTries); one is kept in reserve.
MAX_KEYS = 5

DEFAULT_PORT = 22
MAX_PORT = 65535
_CHUNK = 1 << 18
_SILENCE = logging.NullHandler()

_ADDRESS = re.compile(
    r"(?:(?P<user>[A-Za-z_][A-Za-z0-9_.-]{0,31})@)?"
    r"(?:(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)|\[(?P<v6>[0-9A-Fa-f:.]{2,45})\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True)
class Address:
    """Where a host is, and as whom to log in where that was said.

    Attributes:
        host: A name, an IPv4 or an IPv6 address (without brackets).
        port: 1 to 65535.
        user: None when it was left to the command.
    """

    host: str
    port: int = DEFAULT_PORT
    user: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``[user@]host[:port]``; an IPv6 address stands in brackets.

        Raises:
            UserError: Empty, or with anything that has no place in a host name.
        """
        match = _ADDRESS.fullmatch(text)
        port = int(match["port"] or DEFAULT_PORT) if match else 0
        if match is None or not 1 <= port <= MAX_PORT or ".." in (match["name"] or ""):
            raise UserError(
                f"{text!r} is not a host address" if text else "the host address is empty",
                remedy="Write it as user@host or user@host:port; IPv6 as user@[2001:db8::1]:22.",
            )
        return cls(match["name"] or match["v6"], port, match["user"])

    @property
    def pinned_name(self) -> str:
        """The name that OpenSSH's known_hosts uses for it."""
        return self.host if self.port == DEFAULT_PORT else f"[{self.host}]:{self.port}"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{user}{host}" + (f":{self.port}" if self.port != DEFAULT_PORT else "")


class HostKey(NamedTuple):
    """A server's public key: its type and its base64 text as known_hosts has them."""

    kind: str
    text: str

    @property
    def fingerprint(self) -> str:
        """``SHA256:…`` as ``ssh-keygen -l`` prints it."""
        digest = sha256(base64.b64decode(self.text)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


class Completed(NamedTuple):
    """What a remote command left: exit code (-1 when a signal ended it) and its outputs."""

    exit_code: int
    out: str
    err: str

    @property
    def tail(self) -> str:
        """The last lines of stderr, or of stdout where stderr is empty."""
        return "\n".join((self.err.strip() or self.out.strip()).splitlines()[-20:])


class Channel:
    """A running remote command, both ways: write bytes, read lines.

    Its standard error is collected aside, so that a chatty command cannot block.
    """

    def __init__(self, channel: paramiko.Channel, where: str) -> None:
        self._channel = channel
        self._where = where
        self._rest = b""
        self._whole: deque[bytes] = deque()
        self._err = bytearray()
        #: Told standard error as it comes, instead of its being kept for the end.
        self.on_error: Callable[[bytes], object] | None = None
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        while chunk := self._channel.recv_stderr(_CHUNK):
            if self.on_error:
                self.on_error(chunk)
            else:
                self._err += chunk

    def send(self, data: bytes, progress: Callable[[int], object] | None = None) -> None:
        """Write all of *data*; *progress* is told the bytes sent so far.

        Raises:
            Unreachable: The connection is gone, or the command reads no more.
        """
        sent = 0
        try:
            while sent < len(data):
                sent += self._channel.send(data[sent : sent + _CHUNK])
                if progress:
                    progress(sent)
        except OSError as error:
            raise Unreachable("the connection was lost while sending", where=self._where) from error

    def send_line(self, text: str) -> None:
        """Write one line, UTF-8."""
        self.send(text.encode() + b"\n")

    def end(self) -> None:
        """Say that nothing more will be sent (the command's standard input ends)."""
        with suppress(OSError, EOFError):
            self._channel.shutdown_write()

    def read_line(self) -> str | None:
        """The next line of standard output without its newline; None at its end."""
        while not self._whole:
            chunk = self._channel.recv(_CHUNK)
            if not chunk:
                last, self._rest = self._rest, b""
                return last.decode(errors="replace") if last else None
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            self._whole.extend(whole)
        return self._whole.popleft().decode(errors="replace")

    def read(self) -> bytes:
        """Whatever of standard output is there or comes next, as it is; nothing at its end."""
        if self._whole or self._rest:
            kept = b"".join(line + b"\n" for line in self._whole) + self._rest
            self._whole.clear()
            self._rest = b""
            return kept
        return self._channel.recv(_CHUNK)

    def lines(self) -> Iterator[str]:
        """Every line of standard output until it ends."""
        while (line := self.read_line()) is not None:
            yield line

    def finish(self) -> tuple[int, str]:
        """Wait for the end.

        Returns:
            The exit code (-1 when a signal ended the command) and all of standard error.

        Raises:
            Unreachable: The connection was lost first.
        """
        code = self._channel.recv_exit_status()
        self._reader.join()
        # A host that ended the command has said so; a dead connection may still look alive.
        told = self._channel.eof_received and self._channel.get_transport().is_active()
        lost = code == -1 and not told
        self._channel.close()
        if lost:
            raise Unreachable("the connection was lost", where=self._where)
        return code, self._err.decode(errors="replace")

    def close(self) -> None:
        """Give up on the command; what it does about that is its own business."""
        self._channel.close()


class Session:
    """An authenticated connection.

    Attributes:
        connection: Fabric's, open. Its own methods open it again where it was lost; these do not.
        address: The host, with the user that was let in.
        user: That user.
        public_key: The key that was let in, ``type base64``, as for an authorized_keys file.
        connect_seconds: From the first packet to being logged in.
    """

    def __init__(
        self, connection: fabric.Connection, address: Address, key: HostKey, seconds: float
    ) -> None:
        self.connection = connection
        self.address = address
        self.user = address.user or ""
        self.public_key = f"{key.kind} {key.text}"
        self.connect_seconds = seconds
        self._connected = time.monotonic()

    @property
    def since_connected(self) -> float:
        """Seconds since the host let us in."""
        return time.monotonic() - self._connected

    def open(self, command: str) -> Channel:
        """Start *command* (a shell line without secrets) and talk to it.

        Raises:
            Unreachable: The connection is gone.
        """
        with _plain_errors(self.address):
            channel = self.connection.transport.open_session(timeout=60)
            channel.exec_command(command)
        return Channel(channel, str(self.address))

    def exec(
        self,
        command: str,
        stdin: bytes = b"",
        on_line: Callable[[str], object] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Completed:
        """Run *command* (a shell line without secrets) to its end.

        Args:
            command: Interpreted by the user's login shell.
            stdin: All of its standard input.
            on_line: Told each line of standard output as it arrives.
            progress: Told the bytes of *stdin* sent so far.

        Raises:
            Unreachable: The connection was lost; the command may have gone on.
        """
        channel = self.open(command)
        writer = threading.Thread(target=_feed, args=(channel, stdin, progress), daemon=True)
        writer.start()
        lines = []
        for line in channel.lines():
            lines.append(line)
            if on_line:
                on_line(line)
        code, err = channel.finish()
        writer.join()
        return Completed(code, "".join(f"{line}\n" for line in lines), err)

    def close(self) -> None:
        """End the connection."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def connect(
    address: Address,
    *,
    key: Path | None = None,
    known_hosts: Path,
    users: Sequence[str] = ("deploy", "root"),
    timeout: float = 10.0,
) -> Session:
    """Log in to a host whose key is pinned.

    Args:
        address: Its user, if it names one, is the only one tried.
        key: A private key file; without one the usual files of ``~/.ssh``. The agent's keys follow.
        known_hosts: The file with the pinned keys, in OpenSSH's format.
        users: Names to try in this order, each on a connection of its own.
        timeout: Seconds for each of: TCP connection, handshake, authentication.

    Raises:
        UserError: The key file is missing, unreadable, of a kind that cannot be used, or needs a
            passphrase; or no key was named, and the agent fails.
        Unreachable: No such name, refused, or no answer in time.
        HostKeyError: The host's key is not pinned, or is another than the pinned one.
        LoginError: No user was let in with any key.
    """
    keys = _keys(key)
    names = (address.user,) if address.user else tuple(users)
    for name in names:
        session = _attempt(replace(address, user=name), keys, known_hosts, timeout)
        if session:
            return session
    raise LoginError(
        f"the host let none of these in: {', '.join(names)}",
        where=str(address),
        remedy=_key_remedy(key, keys),
    )


def scan_host_key(address: Address, timeout: float = 10.0) -> HostKey:
    """The key the host presents now. It proves nothing until a person has compared it.

    Raises:
        Unreachable: No such name, refused, or no answer in time.
    """
    with _plain_errors(address):
        transport = _transport(_dial(address, timeout), timeout=timeout)
        try:
            transport.start_client(timeout=timeout)
            _in_time(transport)
            return _public(transport.get_remote_server_key())
        finally:
            transport.close()


def pin(known_hosts: Path, address: Address, key: HostKey) -> None:
    """Make *key* the one key of the host in *known_hosts*; the file is created if need be."""
    kept = [line for line in _lines(known_hosts) if not _names(line, address.pinned_name)]
    known_hosts.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = known_hosts.with_name(f".{known_hosts.name}.{os.getpid()}")
    fresh.write_text("".join([*kept, f"{address.pinned_name} {key.kind} {key.text}\n"]))
    fresh.replace(known_hosts)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True) if path.exists() else []


def _names(line: str, name: str) -> bool:
    words = line.split()
    return bool(words) and name in words[0].split(",")


def _attempt(
    address: Address, keys: Sequence[paramiko.PKey], known_hosts: Path, timeout: float
) -> Session | None:
    """One connection for one user; None when none of the keys was let in."""
    import paramiko

    connection = _connection(address, known_hosts, keys, timeout)
    started = time.monotonic()
    try:
        with _plain_errors(address):
            connection.connect_kwargs["sock"] = _dial(address, timeout)
            accepted = _open(connection, address)
    except paramiko.AuthenticationException:
        return None
    finally:
        if not connection.is_connected:
            connection.client.close()
    connection.transport.set_keepalive(KEEPALIVE_SECONDS)
    return Session(connection, address, _public(accepted), time.monotonic() - started)


def _connection(
    address: Address, known_hosts: Path, keys: Sequence[paramiko.PKey], timeout: float
) -> fabric.Connection:
    """The one place that makes a Fabric connection: strict, and not open yet.

    A host is accepted by *known_hosts* alone, only *keys* are offered, and no other file is read.
    """
    import fabric
    import paramiko

    connection = fabric.Connection(
        address.host,
        user=address.user,
        port=address.port,
        config=fabric.Config(lazy=True),
        # Fabric would cut a connect_timeout of its own down to whole seconds.
        connect_kwargs={"timeout": timeout, "auth_strategy": _Login(address.user or "", keys)},
    )
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy)
    if known_hosts.exists():
        connection.client.load_host_keys(str(known_hosts))
    kinds = tuple(_pinned(connection, address))
    connection.connect_kwargs["transport_factory"] = partial(
        _transport, kinds=kinds, timeout=timeout
    )
    return connection


def _pinned(connection: fabric.Connection, address: Address) -> Mapping[str, paramiko.PKey]:
    """The keys that the connection accepts, by their type."""
    return connection.client.get_host_keys().lookup(address.pinned_name) or {}


def _open(connection: fabric.Connection, address: Address) -> paramiko.PKey:
    """Handshake, check of the host key, then login.

    Returns:
        The key that was let in.

    Raises:
        HostKeyError: The host's key is not pinned, or is another than the pinned one.
        paramiko.AuthenticationException: None of the keys was let in.
    """
    import paramiko

    try:
        accepted: paramiko.PKey = connection.open()
    except paramiko.BadHostKeyException as error:
        raise _changed(address, _public(error.expected_key), _public(error.key)) from error
    except paramiko.AuthenticationException:
        raise
    except paramiko.SSHException as error:
        transport = connection.client.get_transport()
        _in_time(transport)
        # Where no key is pinned, what follows the handshake is the policy's rejection.
        if transport.initial_kex_done and not _pinned(connection, address):
            raise _unknown(address, _public(transport.get_remote_server_key())) from error
        raise
    return accepted


class _Login(NamedTuple):
    """The keys to offer; what Fabric hands on to Paramiko as its strategy.

    Paramiko's default would prompt on the terminal where a host wants a password besides the key.
    """

    user: str
    keys: Sequence[paramiko.PKey]

    def authenticate(self, transport: paramiko.Transport) -> paramiko.PKey:
        """Try the first MAX_KEYS keys on one connection, whose host key has been accepted.

        Returns:
            The key that was let in.

        Raises:
            paramiko.AuthenticationException: None was.
        """
        import paramiko

        for key in self.keys[:MAX_KEYS]:
            with suppress(paramiko.AuthenticationException):
                wanted_besides = transport.auth_publickey(self.user, key)
                if not wanted_besides:
                    return key
            if not transport.is_active():
                break
        raise paramiko.AuthenticationException


def _dial(address: Address, timeout: float) -> socket.socket:
    connection = socket.create_connection((address.host, address.port), timeout)
    _tune(connection)
    return connection


def _tune(connection: socket.socket) -> None:
    """No waiting for more to send, and a dead peer is noticed."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux only
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_SECONDS * 1000)


def _transport(
    connection: socket.socket,
    *,
    timeout: float,
    kinds: Sequence[str] = (),
    disabled_algorithms: Mapping[str, Iterable[str]] | None = None,
) -> paramiko.Transport:
    """What will speak SSH on *connection*; it asks for the *kinds* of host key first, if any."""
    import paramiko

    # Paramiko logs tracebacks of what is told as a plain error here.
    logging.getLogger("paramiko").addHandler(_SILENCE)
    transport = paramiko.Transport(connection, disabled_algorithms=disabled_algorithms)
    transport.auth_timeout = timeout
    # The whole handshake has a limit of its own, which comes first: it has a plain error.
    transport.banner_timeout = transport.handshake_timeout = timeout + 1
    options = transport.get_security_options()
    signatures = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
    first = [name for kind in kinds for name in signatures.get(kind, (kind,))]
    options.key_types = sorted(
        options.key_types, key=lambda kind: first.index(kind) if kind in first else len(first)
    )
    return transport


def _in_time(transport: paramiko.Transport) -> None:
    """Raise TimeoutError if Paramiko, in silence, stopped waiting for the handshake."""
    if transport.is_active() and not transport.initial_kex_done:
        raise TimeoutError


def _unknown(address: Address, shown: HostKey) -> HostKeyError:
    where = str(replace(address, user=None))
    return HostKeyError(
        f"its host key is not known yet: {shown.kind} {shown.fingerprint}",
        where=where,
        remedy="Compare it with what the provider's console shows, then pin it once: "
        f"`invoke vps.trust --host {where}`.",
    )


def _changed(address: Address, pinned: HostKey, shown: HostKey) -> HostKeyError:
    where = str(replace(address, user=None))
    return HostKeyError(
        f"its host key has CHANGED: pinned {pinned.kind} {pinned.fingerprint}, "
        f"now {shown.kind} {shown.fingerprint}",
        where=where,
        remedy="Someone may be in between. Only if the server was rebuilt, pin it again: "
        f"`invoke vps.trust --host {where}`.",
    )


def _keys(named: Path | None) -> list[paramiko.PKey]:
    home = Path.home() / ".ssh"
    files = [named] if named else [home / name for name in IDENTITIES if (home / name).exists()]
    keys: list[paramiko.PKey] = []
    for path in files:
        try:
            keys.append(_load(path))
        except UserError:
            if named:
                raise
    try:
        keys.extend(_of_agent())
    except UserError:
        if not named:
            raise
    return keys


def _of_agent() -> Sequence[paramiko.PKey]:
    import paramiko

    try:
        return paramiko.Agent().get_keys()
    except (paramiko.SSHException, OSError) as error:
        raise UserError(
            f"the SSH agent does not tell its keys: {error}",
            where="SSH_AUTH_SOCK",
            remedy="Start it again, or unset SSH_AUTH_SOCK to do without it.",
        ) from error


def _load(path: Path) -> paramiko.PKey:
    import paramiko
    from cryptography.exceptions import UnsupportedAlgorithm
    from paramiko.pkey import UnknownKeyType

    try:
        return paramiko.PKey.from_path(path)
    except FileNotFoundError as error:
        raise UserError("there is no such key file", where=str(path)) from error
    except (paramiko.PasswordRequiredException, TypeError) as error:
        raise UserError(
            "the key needs a passphrase", where=str(path), remedy=f"Run `ssh-add {path}` first."
        ) from error
    except (UnsupportedAlgorithm, UnknownKeyType) as error:
        raise UserError(
            "a key of this kind cannot be used from a file",
            where=str(path),
            remedy=f"Name an ed25519, ECDSA or RSA key; or let the agent use it: `ssh-add {path}`.",
        ) from error
    except (paramiko.SSHException, OSError, ValueError) as error:
        raise UserError("this is not a private key", where=str(path)) from error


def _key_remedy(named: Path | None, keys: Sequence[paramiko.PKey]) -> str:
    if not keys:
        return "There is no key to try: name one, or add one to the SSH agent."
    tried = str(named) if named else "the keys of ~/.ssh and of the agent"
    return f"Tried {tried}. Is its public half in authorized_keys of that user on the host?"


def _public(key: paramiko.PKey) -> HostKey:
    return HostKey(key.get_name(), key.get_base64())


def _feed(channel: Channel, data: bytes, progress: Callable[[int], object] | None) -> None:
    """Write *data* and end; a command that stops reading early is not an error here."""
    with suppress(Unreachable):
        channel.send(data, progress)
    channel.end()


@contextmanager
def _plain_errors(address: Address) -> Iterator[None]:
    """Everything that means "no connection" as Unreachable; a refused login passes through."""
    import paramiko

    where = str(replace(address, user=None))
    try:
        yield
    except paramiko.AuthenticationException:
        raise
    except socket.gaierror as error:
        raise Unreachable(f"no address for that name ({error.strerror})", where=where) from error
    except ConnectionRefusedError as error:
        raise Unreachable(
            f"nothing listens on port {address.port} there",
            where=where,
            remedy="Is SSH on another port? Write it as host:port.",
        ) from error
    except TimeoutError as error:
        raise Unreachable(
            "no answer in time", where=where, remedy="Is it up, and does a firewall allow SSH?"
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        reason = str(error) or "it was closed"
        raise Unreachable(f"the SSH connection failed: {reason}", where=where) from error
