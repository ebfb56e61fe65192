"""Change a password of the base in the running service while somebody serves with the old one.

It happens inside a deploy, whose release brings the new password, and has two ends: the release
serves, or the one before does. Until then both are let in:

- Redis takes any number of passwords of a user: the new one is added, and the old one goes in the
  end.
- Postgres takes one, so that is exchanged, and the containers that still have the other are let in
  by their address. They are known, the network is internal, and it lasts as long as the deploy.

``rotation/record.json`` says that this is going on; it is written before the first change and goes
after the last. With it lie the old passwords, so that every state that a kill leaves can be brought
to either end: :func:`settle` looks who serves, and does all of it again.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import base, cooling, durable, redis_wire, scram
from .fault import broken, unfit
from .operation import tolerant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .backup.postgres import Database
    from .layout import Layout
    from .operation import Host, Operation

POSTGRES, REDIS = "postgres_password", "redis_password"
_SERVICES = {POSTGRES: "postgres", REDIS: "redis"}
_VERIFIER = re.compile(r"[A-Za-z0-9+/=$:-]{1,300}")
_RELOAD_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_MARK = "# hostwright: while a password changes"
#: ``$1`` is the file, ``$2`` who is let in, the rest from where. One rename: never half a file.
_LET_IN = f"""
set -eu; umask 077; file=$1; user=$2; shift 2
for address in "$@"; do printf 'host all "%s" %s/32 trust {_MARK}\\n' "$user" "$address"; done \\
  >"$file.new"
grep -vF '{_MARK}' "$file" >>"$file.new" || [ $? = 1 ]
sync "$file.new" 2>/dev/null || sync
mv "$file.new" "$file"
"""


class Record(NamedTuple):
    """A change that is going on.

    Attributes:
        release: Brings the new passwords.
        previous: Serves with the old ones.
        names: Which secrets differ.
        verifier: What Postgres keeps of the old one; None where it is not concerned.
        state: The base's state before.
    """

    release: str
    previous: str
    names: tuple[str, ...]
    verifier: str | None
    state: Any


def record(layout: Layout) -> Record | None:
    """The change that is going on, or None."""
    value = durable.read_json(layout.rotation / "record.json")
    if not isinstance(value, dict):
        return None
    return Record(
        release=str(value["release"]),
        previous=str(value["previous"]),
        names=tuple(value["names"]),
        verifier=value["verifier"],
        state=value["state"],
    )


def changed(layout: Layout, release: str) -> list[str]:
    """The secrets of a release that are others than those of the base that runs."""
    found = []
    for path in sorted((layout.release(release).directory / "secrets").glob("*")):
        here = layout.base / "secrets" / path.name
        if here.is_file() and _line(here) != _line(path):
            found.append(path.name)
    return found


def refuse_former(layout: Layout, release: str) -> None:
    """Refuse to go back to a release that does not know today's passwords.

    Raises:
        RunnerError: It does not.
    """
    stale = changed(layout, release)
    if stale:
        raise unfit(
            f"since then the {stale[0]} of the base was changed: this release has the former one",
            where=release,
            remedy="Deploy its images again instead, with today's values.",
        )


def refuse_unfit(layout: Layout, release: str, names: Sequence[str]) -> None:
    """Refuse a password that a running service cannot be given, before anything is touched.

    Raises:
        RunnerError: One of *names* that the release brings is such.
    """
    unknown = sorted(set(names) - set(_SERVICES))
    if unknown:
        raise unfit(f"nobody here knows how to change {unknown[0]}", where="secrets")
    if POSTGRES in names:
        _verifier(_line(layout.release(release).directory / "secrets" / POSTGRES))


def begin(op: Operation, names: Sequence[str], state: object) -> None:
    """Let the new passwords in beside the old ones; the base runs.

    Args:
        op: The deploy that brings them.
        names: The secrets that differ; with none, nothing is done.
        state: The base's state before the deploy.

    Raises:
        RunnerError: A service did not take it.
    """
    layout, serving = op.layout, op.host.serving
    if not names or serving is None:
        return
    place = layout.rotation
    shutil.rmtree(place, ignore_errors=True)
    (place / "old").mkdir(parents=True)
    place.chmod(0o700)
    for name in names:
        durable.write(place / "old" / name, (layout.base / "secrets" / name).read_bytes())
    verifier = _kept(op.host) if POSTGRES in names else None
    made = Record(op.goal.id, serving, tuple(names), verifier, state)
    durable.write_json(place / "record.json", made._asdict())
    lean(op.host, made, new=True)
    op.events.note(f"{' and '.join(names)}: old and new are taken until the release serves")


def lean(host: Host, made: Record, *, new: bool) -> None:
    """Take both passwords; Postgres takes those of one side, and lets the other in by address.

    Raises:
        RunnerError: A service did not take it.
    """
    if REDIS in made.names:
        both = [_secret(host.layout, made, REDIS, new=one) for one in (False, True)]
        _redis(host, both, [("ACL", "SETUSER", "default", f">{one}") for one in both])
    if POSTGRES in made.names:
        other = made.previous if new else made.release
        _postgres(host, made, new=new, let_in=_addresses(host, other))


def lean_back(host: Host) -> None:
    """Make the old passwords the ones that count again, while the new release may still serve."""
    made = record(host.layout)
    if made is not None:
        with tolerant(host, "giving the base its former password back"):
            lean(host, made, new=False)


def settle(host: Host) -> None:
    """Bring a change to its end: the new passwords where the release serves, else the old ones.

    Raises:
        RunnerError: A service did not take it; the next command tries again.
    """
    made = record(host.layout)
    if made is None:
        if not (host.layout.rotation / "record.json").exists():  # it had not begun
            shutil.rmtree(host.layout.rotation, ignore_errors=True)
        return
    new = host.serving == made.release
    _running(host, made)
    if POSTGRES in made.names:
        _postgres(host, made, new=new, let_in=())
    # The file first: Redis's own health check reads it.
    for name in made.names:
        _in_place(host.layout.base / "secrets" / name, _content(host.layout, made, name, new=new))
    if REDIS in made.names:
        both = [_secret(host.layout, made, REDIS, new=one) for one in (new, not new)]
        _redis(host, both, [("CONFIG", "SET", "requirepass", both[0])])
    if not new:
        _former_state(host, made)
    durable.remove(host.layout.rotation / "record.json")
    shutil.rmtree(host.layout.rotation, ignore_errors=True)
    word = "new" if new else "former"
    host.events.note(f"{' and '.join(made.names)}: only the {word} one is taken now")


def _former_state(host: Host, made: Record) -> None:
    """The base is that of the release before again, unless more of it had changed."""
    layout = host.layout
    now, then = layout.base / "compose.yaml", layout.release(made.previous).base
    same = now.is_file() and then.is_file() and now.read_bytes() == then.read_bytes()
    former = made.state if same and isinstance(made.state, dict) else None
    durable.write_json(layout.base_state, former or {"sha256": None, "release": None})


def _running(host: Host, made: Record) -> None:
    """See that the services that are to be spoken to run."""
    from .backup import postgres

    with tolerant(host, "the base"):  # who is not needed here may stay as it is
        base.stand(host, base.services(host, host.serving))
    for name in made.names:
        found = postgres.service(host, _SERVICES[name])
        if found is not None:
            host.engine.start(str(found["Id"]))
            base.await_well(host, frozenset({_SERVICES[name]}))


# --- Postgres ------------------------------------------------------------------------------------


def _postgres(host: Host, made: Record, *, new: bool, let_in: Iterable[str]) -> None:
    database = _database(host)
    _let_in(host, database, let_in)
    if new:
        wanted = _verifier(_secret(host.layout, made, POSTGRES, new=True))
    else:
        wanted = made.verifier or ""
    _alter(host, database, wanted)


def _database(host: Host) -> Database:
    from .backup import postgres

    found = postgres.find(host)
    if found is None:
        raise broken("there is no Postgres whose password could be changed", where="postgres")
    return found


def _verifier(password: str) -> str:
    try:
        return scram.verifier(password)
    except ValueError as error:
        raise unfit(
            f"this password cannot be given to the running Postgres: {error}",
            where=f"secrets/{POSTGRES}",
            remedy="`invoke vps.secrets.rotate --name POSTGRES_PASSWORD` makes one that can.",
        ) from error


def _kept(host: Host) -> str | None:
    """What Postgres keeps of the password that its user has now."""
    from .backup import postgres

    database = _database(host)
    sql = f"select rolpassword from pg_authid where rolname = '{database.user}'"  # noqa: S608 - checked form
    lines = postgres.query(host, database, sql)
    if lines and not _VERIFIER.fullmatch(lines[0]):
        raise broken("Postgres keeps its password in an unknown form", where="postgres")
    return lines[0] if lines else None


def _alter(host: Host, database: Database, verifier: str) -> None:
    """Have Postgres keep *verifier*; by a file, as what it is told is nobody's argument."""
    from .backup import tools

    value = f"'{verifier}'" if verifier else "null"
    script = host.layout.rotation / "alter.sql"
    durable.write(script, f'alter role "{database.user}" password {value};\n'.encode())
    words = ("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", database.user, "-d", database.name)
    argv = ["docker", "exec", "--interactive", database.container, *words]
    done = tools.run(host.shell, argv, timeout=60, streams=tools.Streams(source=script))
    script.unlink(missing_ok=True)
    if done.exit_code != 0:
        raise broken("Postgres did not take the password", where="postgres")


def _let_in(host: Host, database: Database, addresses: Iterable[str]) -> None:
    """Let exactly these addresses in without a password, from now on."""
    from .backup import postgres

    [file] = postgres.query(host, database, "show hba_file")
    argv = ["/bin/sh", "-c", _LET_IN, "sh", file, database.user, *addresses]
    code, _ = host.engine.execute(database.container, argv, 60)
    if code != 0:
        raise broken("pg_hba.conf could not be written", where="postgres")
    loaded = "select pg_conf_load_time()"
    before = postgres.query(host, database, loaded)
    postgres.query(host, database, "select pg_reload_conf()")
    until = time.monotonic() + _RELOAD_SECONDS
    while postgres.query(host, database, loaded) == before:
        if time.monotonic() > until:
            raise broken("Postgres did not read pg_hba.conf again", where="postgres")
        time.sleep(_LOOK_SECONDS)


def _addresses(host: Host, release: str) -> list[str]:
    """Where the running containers of a release are, as Postgres sees them."""
    found = []
    for name, _ in cooling.containers(host, release):
        networks = (host.engine.container(name) or {}).get("NetworkSettings", {}).get("Networks")
        found += [str(entry.get("IPAddress") or "") for entry in (networks or {}).values()]
    return sorted({address for address in found if re.fullmatch(r"[0-9.]{7,15}", address)})


# --- Redis ---------------------------------------------------------------------------------------


def _redis(host: Host, passwords: Sequence[str], commands: Sequence[Sequence[str]]) -> None:
    from .backup import postgres

    found = postgres.service(host, "redis")
    networks = (found or {}).get("NetworkSettings", {}).get("Networks") or {}
    addresses = [str(entry.get("IPAddress") or "") for entry in networks.values()]
    address = next((one for one in addresses if one), None)
    if address is None:
        raise broken("there is no Redis whose password could be changed", where="redis")
    try:
        redis_wire.say(address, passwords, commands)
    except (redis_wire.RedisError, OSError) as error:
        raise broken(f"Redis did not take the password: {error}", where="redis") from error


# --- files ---------------------------------------------------------------------------------------


def _content(layout: Layout, made: Record, name: str, *, new: bool) -> bytes:
    place = layout.release(made.release).directory / "secrets" if new else layout.rotation / "old"
    return (place / name).read_bytes()


def _secret(layout: Layout, made: Record, name: str, *, new: bool) -> str:
    return _content(layout, made, name, new=new).rstrip(b"\r\n").decode()


def _line(path: Path) -> str:
    return path.read_bytes().rstrip(b"\r\n").decode()


def _in_place(path: Path, content: bytes) -> None:
    """Write into the very file that is mounted in a container: another file would not be seen."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
