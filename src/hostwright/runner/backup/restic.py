"""One repository of encrypted backups, by the distribution's restic; arguments are built purely.

The key goes by a file, credentials by the environment: nothing secret is ever a word. What restic
says on failure is put into one of a few plain sentences, each with its exit code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import durable, redact, room
from ..fault import Code, RunnerError, unfit
from . import tools

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..layout import Layout
    from ..process import Ended, Shell
    from .settings import Keep, Repository, Settings

#: What every snapshot of ours carries, and what those carry that retention never takes.
TAG, KEEP_TAG = "hostwright", "keep"
_QUICK_SECONDS = 180.0
_REACH_SECONDS = 10.0
_SHOWN_LINES = 8
#: The distribution's restic exits so where a source file could not be read.
_INCOMPLETE = 3
_MISSING, _LOCKED, _WRONG = 10, 11, 12
_NOT_INSTALLED = 127

_REFUSED = re.compile(
    r"access ?denied|signature ?does ?not ?match|signature we calculated|invalid ?access ?key"
    r"|access key id you provided|\b403\b|forbidden",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"connection (?:refused|reset|timed out|closed)|no such host|i/o timeout|unreachable"
    r"|no route to host|could not resolve|deadline exceeded|tls|x509|host key verification failed"
    r"|permission denied \(publickey|unable to start the sftp session",
    re.IGNORECASE,
)
_FULL = re.compile(r"no space left|disk full|quota|insufficient ?storage|\b507\b", re.IGNORECASE)
_READ_ONLY = re.compile(
    r"read-only|permission denied|operation not permitted|methodnotallowed|method not allowed",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"repository does not exist|does not exist|no such file or directory|nosuchkey|file not found",
    re.IGNORECASE,
)
_LOCKED_WORDS = re.compile(r"already locked", re.IGNORECASE)
_DAMAGED = re.compile(
    r"ciphertext verification|invalid data returned|not found in index|hash does not match"
    r"|pack .* (?:is )?(?:missing|damaged)|repository contains errors",
    re.IGNORECASE,
)
_VANISHED = re.compile(
    r"no such file or directory|\"err\":2\b|at least one source file", re.IGNORECASE
)


class Snapshot(NamedTuple):
    """A snapshot of ours: its id in the repository, its backup's id, when, and its tags."""

    id: str
    backup: str
    time: str
    tags: tuple[str, ...]


class Stored(NamedTuple):
    """What storing a backup gave: the snapshot, its size, and the bytes that were new."""

    snapshot: str
    total: int
    added: int
    vanished: bool


class Store:
    """A repository, as one command works on it.

    Args:
        layout: Whose backups.
        shell: Starts restic.
        settings: Has the key.
        repository: Which one.
    """

    def __init__(
        self, layout: Layout, shell: Shell, settings: Settings, repository: Repository
    ) -> None:
        self.layout, self.shell = layout, shell
        self.settings, self.repository = settings, repository
        self._secrets = redact.secrets(
            (settings.key, repository.access_key, repository.secret_key, repository.private_key)
        )

    @property
    def name(self) -> str:
        """What the operator calls it."""
        return self.repository.name

    def open(self, *, make: bool = False) -> bool:
        """See that it answers and that the key opens it; with *make* a missing one is made.

        One that was there before is not made anew: its disk may not be mounted, and a new one in
        its place would hide every backup.

        Returns:
            Whether it was made just now.

        Raises:
            RunnerError: It does not answer (23), is of another key (24), or is not there (23).
        """
        self._prepare()
        reach(self.repository)
        # Without a lock of its own: one that a killed command left would keep us from lifting that.
        done = self._run("cat", "config", "--no-lock", timeout=_QUICK_SECONDS)
        mark = seen(self.layout, self.repository)
        if done.exit_code == 0:
            self._run("unlock", timeout=_QUICK_SECONDS)  # only locks of the dead
            _leave(mark)
            return False
        if not (make and absent(done)):
            raise self.explained(done, "cannot be opened")
        if mark.exists():
            raise _unusable(self.name, "holds none of the backups that it had", _VANISHED_PLACE)
        made = self._run("init", timeout=_QUICK_SECONDS)
        if made.exit_code != 0:
            raise self.explained(made, "cannot be made")
        _leave(mark)
        return True

    def ready(self) -> None:
        """See that the server of a repository that was opened before takes connections.

        Raises:
            RunnerError: It does not (23).
        """
        self._prepare()
        reach(self.repository)

    def save(self, paths: Sequence[Path], tags: Sequence[str]) -> Stored:
        """Store files as one snapshot.

        Raises:
            RunnerError: They are not all there; what there is of a snapshot is forgotten.
        """
        done = self._run(*save_words(self.layout, paths, tags), timeout=self.settings.timeout)
        summary = summarised(done.stdout)
        if done.exit_code == _INCOMPLETE and summary and only_vanished(done.stderr):
            return summary._replace(vanished=True)
        if done.exit_code != 0 or summary is None:
            if summary:
                self._run("forget", summary.snapshot, timeout=_QUICK_SECONDS)
            raise self.explained(done, "did not take the backup")
        return summary

    def snapshots(self) -> list[Snapshot]:
        """Our snapshots, the oldest first.

        Raises:
            RunnerError: They cannot be listed.
        """
        words = ("snapshots", "--json", "--tag", TAG, "--host", host_name(self.layout))
        done = self._run(*words, timeout=_QUICK_SECONDS)
        if done.exit_code != 0:
            raise self.explained(done, "cannot be listed")
        return listed(done.stdout)

    def fetch(self, snapshot: str, target: Path) -> None:
        """Bring a snapshot's files below *target*.

        Raises:
            RunnerError: They did not all come.
        """
        words = ("restore", snapshot, "--target", str(target))
        done = self._run(*words, timeout=self.settings.timeout)
        if done.exit_code != 0:
            told = self.explained(done, "did not give the backup back")
            raise _no_room_here(told) if filled_here(done) else told

    def size(self, snapshot: str) -> int:
        """Bytes that a snapshot's files take on a disk.

        Raises:
            RunnerError: The repository does not say it.
        """
        words = ("stats", snapshot, "--json", "--mode", "restore-size", "--no-lock")
        done = self._run(*words, timeout=self.settings.timeout)
        found = measured(done.stdout)
        if done.exit_code != 0 or found is None:
            raise self.explained(done, "does not say how large the backup is")
        return found

    def forget(self, backup: str) -> int:
        """Remove the snapshots of one backup, and say how many there were."""
        doomed = [one.id for one in self.snapshots() if one.backup == backup]
        if doomed:
            self._run("forget", *doomed, timeout=_QUICK_SECONDS)
        return len(doomed)

    def drop(self, snapshots: Sequence[str], *, prune: bool = False) -> None:
        """Forget snapshots; with *prune* their room is given back where that takes no rewriting.

        Raises:
            RunnerError: It could not be done.
        """
        if not snapshots and not prune:
            return
        words = ["forget", *snapshots] if snapshots else ["prune"]
        more = ["--prune"] if prune and snapshots else []
        bound = ["--max-unused", "unlimited"] if prune else []
        done = self._run(*words, *more, *bound, timeout=self.settings.timeout)
        if done.exit_code != 0:
            raise self.explained(done, "could not be pruned")

    def retain(self, keep: Keep, newest: str) -> None:
        """Forget what is no longer kept, and give its room back; never the backup *newest*.

        Raises:
            RunnerError: It could not be done.
        """
        done = self._run(*retain_words(self.layout, keep, newest), timeout=self.settings.timeout)
        if done.exit_code != 0:
            raise self.explained(done, "could not be pruned")

    def check(self, part: int, parts: int) -> None:
        """Check the repository's structure, and read one part of its data back.

        Raises:
            RunnerError: It is damaged.
        """
        words = ("check", f"--read-data-subset={part}/{parts}")
        done = self._run(*words, timeout=self.settings.timeout)
        if done.exit_code != 0:
            raise self.explained(done, "did not pass its check")

    def _run(self, *words: str, timeout: float) -> Ended:
        argv = ["restic", *options(self.layout, self.repository), *words]
        env = environment(self.layout, self.repository)
        return tools.run(self.shell, argv, timeout=timeout, env=env)

    def _prepare(self) -> None:
        """Lay out for restic and ssh what they read from files."""
        run = self.layout.backup / "run"
        run.mkdir(mode=0o700, exist_ok=True)
        wanted = {key_file(self.layout): self.settings.key + "\n"}
        if self.repository.kind == "sftp":
            host = known_hosts(self.repository)
            wanted |= {run / f"{self.name}.key": self.repository.private_key.rstrip("\n") + "\n"}
            wanted |= {run / f"{self.name}.known": host}
        for path, text in wanted.items():
            if not path.is_file() or path.read_text(encoding="ascii") != text:
                durable.write(path, text.encode(), mode=0o600)

    def explained(self, done: Ended, what: str) -> RunnerError:
        """Why restic failed, in plain words."""
        lines = done.stderr.splitlines() or done.stdout.splitlines()
        shown = [line for line in lines if line.strip() and not line.startswith('{"message_type"')]
        log = tuple(redact.blank(line, self._secrets)[:500] for line in shown[-_SHOWN_LINES:])
        return explained(self.name, done, what, log)


def reach(repository: Repository) -> None:
    """See that a remote server takes connections: restic itself would try for minutes.

    Raises:
        RunnerError: It does not.
    """
    place = address(repository)
    if place is None:
        return
    try:
        socket.create_connection(place, _REACH_SECONDS).close()
    except (OSError, UnicodeError) as error:  # a name with an empty part cannot even be asked for
        reason = getattr(error, "strerror", None) or error
        raise _unusable(
            repository.name,
            f"cannot be reached: {place[0]}:{place[1]}: {reason}",
            "See whether it runs, and whether this host may connect to it.",
        ) from error


def address(repository: Repository) -> tuple[str, int] | None:
    """Host and port of a remote repository."""
    if repository.kind == "sftp":
        return repository.address.rpartition("@")[2], repository.port
    if repository.kind == "s3":
        scheme, _, rest = repository.endpoint.partition("://")
        host, _, port = rest.partition(":")
        return host, int(port or (443 if scheme == "https" else 80))
    return None


def host_name(layout: Layout) -> str:
    """What snapshots call this host: the same on the next one, which goes on where it ended."""
    return f"hostwright-{layout.app}"


def key_file(layout: Layout) -> Path:
    """The file that restic reads the key from."""
    return layout.backup / "run" / "key"


def seen(layout: Layout, repository: Repository) -> Path:
    """The mark that says that this host has found a repository at its place."""
    digest = hashlib.sha256(location(repository).encode()).hexdigest()
    return layout.backup / "seen" / digest[:16]


def _leave(mark: Path) -> None:
    with contextlib.suppress(OSError):  # a full disk is no reason to back nothing up
        mark.parent.mkdir(mode=0o700, exist_ok=True)
        mark.touch()


def location(repository: Repository) -> str:
    """The repository as restic calls it."""
    if repository.kind == "s3":
        inside = f"/{repository.where.strip('/')}" if repository.where else ""
        return f"s3:{repository.endpoint}/{repository.bucket}{inside}"
    if repository.kind == "sftp":
        return f"sftp:{repository.address}:{repository.where}"
    return repository.where


def environment(layout: Layout, repository: Repository) -> dict[str, str]:
    """The variables that restic is given."""
    env = {
        "RESTIC_REPOSITORY": location(repository),
        "RESTIC_PASSWORD_FILE": str(key_file(layout)),
        "RESTIC_CACHE_DIR": str(layout.backup / "cache"),
        "RESTIC_PROGRESS_FPS": "0.1",
    }
    if repository.kind == "s3":
        env |= {
            "AWS_ACCESS_KEY_ID": repository.access_key,
            "AWS_SECRET_ACCESS_KEY": repository.secret_key,
        }
        env |= {"AWS_DEFAULT_REGION": repository.region} if repository.region else {}
    return env


def options(layout: Layout, repository: Repository) -> list[str]:
    """Words that go before every command."""
    if repository.kind != "sftp":
        return []
    run = layout.backup / "run"
    ssh = [
        *("ssh", "-i", str(run / f"{repository.name}.key"), "-p", str(repository.port)),
        *("-o", f"UserKnownHostsFile={run / f'{repository.name}.known'}"),
        *("-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes"),
        *("-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"),
        *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"),
        *(repository.address, "-s", "sftp"),
    ]
    return ["-o", f"sftp.command={' '.join(ssh)}"]


def known_hosts(repository: Repository) -> str:
    """The line that pins an SFTP server's key."""
    host = repository.address.rpartition("@")[2]
    named = host if repository.port == 22 else f"[{host}]:{repository.port}"  # noqa: PLR2004 - of SSH
    return f"{named} {repository.host_key}\n"


def save_words(layout: Layout, paths: Sequence[Path], tags: Sequence[str]) -> list[str]:
    """Store *paths* as one snapshot."""
    tagged = [word for tag in (TAG, *tags) for word in ("--tag", tag)]
    names = [str(path) for path in paths]
    return ["backup", "--json", "--host", host_name(layout), *tagged, "--", *names]


def retain_words(layout: Layout, keep: Keep, newest: str) -> list[str]:
    """Forget what is no longer kept; the newest one, and what a way back needs, always are.

    Restic tells the newest by the clock, which may have been set back: *newest* is our own word.
    """
    counts = [
        word
        for name, count in keep._asdict().items()
        if count
        for word in (f"--keep-{name}", str(count))
    ]
    whose = ["--host", host_name(layout), "--tag", TAG, "--group-by", "host"]
    return ["forget", *whose, "--keep-last", "1", *_tagged(KEEP_TAG, newest), *counts, "--prune"]


def _tagged(*tags: str) -> list[str]:
    return [word for tag in tags for word in ("--keep-tag", tag)]


def summarised(output: str) -> Stored | None:
    """The summary of a backup's output, or None where it gave none."""
    for line in reversed(output.splitlines()):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and value.get("message_type") == "summary":
            total, added = value.get("total_bytes_processed"), value.get("data_added")
            snapshot = str(value.get("snapshot_id"))
            return Stored(snapshot, int(total or 0), int(added or 0), vanished=False)
    return None


def listed(output: str) -> list[Snapshot]:
    """Our snapshots in a listing, the oldest first."""
    try:
        values: list[dict[str, Any]] = json.loads(output) or []
    except ValueError:
        return []
    from ..layout import RELEASE_ID

    found = []
    for value in values:
        tags = tuple(str(tag) for tag in value.get("tags") or ())
        backup = next((tag for tag in tags if RELEASE_ID.fullmatch(tag)), "")
        found.append(Snapshot(str(value.get("id")), backup, str(value.get("time")), tags))
    return sorted(found, key=lambda one: one.time)


def measured(output: str) -> int | None:
    """The size in what restic counted, or None where it says none."""
    try:
        return int(json.loads(output)["total_size"])
    except (ValueError, KeyError, TypeError):
        return None


def filled_here(done: Ended) -> bool:
    """Whether a disk was full while only a lock was written elsewhere: it was this host's."""
    text = done.stderr + done.stdout
    return room.ran_out(text) and "unable to create lock" not in text.lower()


def only_vanished(stderr: str) -> bool:
    """Whether all that restic could not read is files that were deleted while it read."""
    return all(_VANISHED.search(line) for line in stderr.splitlines() if line.strip())


def absent(done: Ended) -> bool:
    """Whether there is no repository at a place that does answer."""
    if done.exit_code == _MISSING:
        return True
    text = done.stderr
    silent = _REFUSED.search(text) or _UNREACHABLE.search(text) or _WRONG_WORDS.search(text)
    return not silent and _ABSENT.search(text) is not None


_WRONG_WORDS = re.compile(r"wrong password|no key found", re.IGNORECASE)


def explained(  # noqa: PLR0911 - one for each sentence
    name: str, done: Ended, what: str, log: tuple[str, ...]
) -> RunnerError:
    """One of a few sentences for a failure of restic."""
    text = done.stderr + done.stdout
    if done.exit_code == _NOT_INSTALLED:
        return unfit("restic is not installed", remedy="`invoke vps.provision` installs it.")
    if done.exit_code == _WRONG or _WRONG_WORDS.search(text):
        return RunnerError(
            Code.KEY,
            f"the backup key does not open the repository {name}",
            where=name,
            remedy="Use the key file that it was made with; nothing in it was changed.",
        )
    for pattern, said, remedy in _SENTENCES:
        if pattern.search(text):
            return _unusable(name, said, remedy, log)
    if done.exit_code == _LOCKED:
        return _unusable(name, *_BUSY, log)
    if done.exit_code == tools.TOO_LONG:
        return _unusable(name, f"is too slow: {done.stderr.splitlines()[-1]}", _SLOW, log)
    if done.exit_code == tools.GAVE_UP:
        return _unusable(name, "does not answer reliably: it was tried again and again", _SLOW, log)
    if done.exit_code == _MISSING or absent(done):
        return _unusable(name, "holds no backups", "Make one: `invoke vps.backup`.", log)
    return _unusable(name, what, "Its own words are shown.", log)


_VANISHED_PLACE = (
    "See whether its disk is mounted, and whether its address is right. To begin anew, give it "
    "another path, bucket or prefix."
)
_SLOW = "See its connection; timeout_minutes of `backup` says how long one backup may take."
_BUSY = (
    "is locked by another host or command",
    "Wait for its end. A lock of a host that is gone: `restic unlock` by hand.",
)
_SENTENCES = (
    (_FULL, "is full", "Make room there, or keep fewer backups."),
    (_LOCKED_WORDS, *_BUSY),
    (_REFUSED, "refuses the credentials, or what they may do", "Compare BACKUP_S3_… with its own."),
    (_UNREACHABLE, "cannot be reached", "See whether it runs and lets this host in."),
    (_READ_ONLY, "is read-only for this host", "Let this host write there."),
    (
        _DAMAGED,
        "is damaged",
        "Do not prune it. See `restic check` there; other repositories are whole.",
    ),
)


def _no_room_here(error: RunnerError) -> RunnerError:
    return RunnerError(
        Code.RESTORE,
        "this host's disk is full: the backup did not come whole",
        where="disk",
        remedy=room.FREE_SOME,
        log=error.log,
    )


def _unusable(name: str, said: str, remedy: str, log: tuple[str, ...] = ()) -> RunnerError:
    where = f"repository {name}"
    return RunnerError(Code.STORE, f"the {where} {said}", where=name, remedy=remedy, log=log)
