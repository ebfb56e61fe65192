"""The words that restic is given, and what its failures are called."""

from __future__ import annotations

import contextlib
import itertools
import socket
from typing import TYPE_CHECKING

import pytest

from hostwright.runner.backup import restic, tools
from hostwright.runner.backup.settings import Alerts, Keep, Repository, Settings
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.layout import Layout
from hostwright.runner.process import Ended, Shell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AWAY = Repository(
    "away",
    "s3",
    "prod",
    endpoint="https://s3.example.com",
    bucket="shop",
    region="eu-1",
    access_key="AKIAWHOEVER",
    secret_key="very-secret",
)
BOX = Repository(
    "box",
    "sftp",
    "b/shop",
    address="shop@box.example.com",
    port=2222,
    host_key="k A",
    private_key="-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n-----END",
)
KEY = "repository-key-" + "k" * 40
SETTINGS = Settings(KEY, (), Keep(7, 4, 6), 86_400, 7200, 604_800, False, Alerts((), "", 90, 14), {})  # noqa: E501, FBT003 # fmt: skip
HERE = Repository("here", "local", "/var/backups/shop")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout("shop", tmp_path / "shop")


@pytest.mark.parametrize(
    ("repository", "location", "address"),
    [
        (AWAY, "s3:https://s3.example.com/shop/prod", ("s3.example.com", 443)),
        (AWAY._replace(endpoint="http://10.0.0.1:9000", where=""),
         "s3:http://10.0.0.1:9000/shop", ("10.0.0.1", 9000)),
        (BOX, "sftp:shop@box.example.com:b/shop", ("box.example.com", 2222)),
        (HERE, "/var/backups/shop", None),
    ],
)  # fmt: skip
def test_each_kind_has_its_place(
    repository: Repository, location: str, address: tuple[str, int] | None
) -> None:
    assert restic.location(repository) == location
    assert restic.address(repository) == address


#: A restic that writes its words down, and does nothing.
RECORDER = """\
#!/bin/sh
printf '%s\\n' "$@" >>"$0.words"
"""
SECRETS = (KEY, AWAY.access_key, AWAY.secret_key, *BOX.private_key.splitlines())


def words_of_all_calls(layout: Layout, tools_at: Path, repository: Repository) -> str:
    """What restic is started with by everything that is done with a repository."""
    (tools_at / "restic").write_text(RECORDER)
    (tools_at / "restic").chmod(0o700)
    shell = Shell(path=f"{tools_at}:{Shell().path}")
    store = restic.Store(layout, shell, SETTINGS, repository)
    store._prepare()  # noqa: SLF001 - the files that hold what is secret; no server is asked
    doings: list[Callable[[], object]] = [
        lambda: store.save([tools_at], ("tag",)),
        store.snapshots,
        lambda: store.fetch("abc", tools_at),
        lambda: store.size("abc"),
        lambda: store.drop(["abc"], prune=True),
        lambda: store.retain(SETTINGS.keep, "newest"),
        lambda: store.check(1, 2),
    ]
    for do in doings:
        with contextlib.suppress(RunnerError):  # it says nothing
            do()
    return (tools_at / "restic.words").read_text()


@pytest.mark.parametrize("repository", [AWAY, BOX, HERE], ids=lambda one: one.name)
def test_nothing_secret_is_a_word(layout: Layout, tmp_path: Path, repository: Repository) -> None:
    layout.backup.mkdir(parents=True)

    words = words_of_all_calls(layout, tmp_path, repository)

    called = {"backup", "snapshots", "restore", "stats", "forget", "check"}
    assert called <= set(words.splitlines())
    assert [secret for secret in SECRETS if secret in words] == []


def test_what_is_secret_goes_by_files_and_the_environment(layout: Layout) -> None:
    env = restic.environment(layout, AWAY)
    assert env["AWS_SECRET_ACCESS_KEY"] == AWAY.secret_key
    assert env["RESTIC_PASSWORD_FILE"] == str(layout.backup / "run" / "key")
    assert [name for name, value in env.items() if KEY in value] == []


def test_ssh_accepts_the_pinned_key_alone(layout: Layout) -> None:
    words = restic.options(layout, BOX)[1]
    assert "StrictHostKeyChecking=yes" in words
    assert "GlobalKnownHostsFile=/dev/null" in words
    assert restic.known_hosts(BOX) == "[box.example.com]:2222 k A\n"


def test_retention_never_takes_what_a_way_back_needs(layout: Layout) -> None:
    words = restic.retain_words(layout, Keep(7, 0, 6), "the-newest")
    kept = [after for word, after in itertools.pairwise(words) if word == "--keep-tag"]
    assert kept == [restic.KEEP_TAG, "the-newest"]  # restic goes by the clock alone
    assert "--keep-weekly" not in words
    assert words[words.index("--keep-daily") + 1] == "7"
    assert "--prune" in words


@pytest.mark.parametrize(
    ("code", "said", "kind", "told"),
    [
        (1, "Fatal: wrong password or no key found", Code.KEY, "does not open"),
        (12, "", Code.KEY, "does not open"),
        (1, "Save: write /srv/x: no space left on device", Code.STORE, "is full"),
        (1, "Save returned error: 507 Insufficient Storage", Code.STORE, "is full"),
        (1, "mkdir /srv/x: read-only file system", Code.STORE, "is read-only"),
        (1, "client.PutObject: Access Denied.", Code.STORE, "refuses the credentials"),
        (1, "dial tcp: connect: connection refused\nIs there a repository at this location?",
         Code.STORE, "cannot be reached"),
        (1, "Stat: The request signature we calculated does not match the signature you provided.",
         Code.STORE, "refuses the credentials"),
        (1, "Host key verification failed.", Code.STORE, "cannot be reached"),
        (1, "unable to create lock in backend: repository is already locked", Code.STORE, "locked"),
        (11, "", Code.STORE, "locked"),
        (1, "unable to create lock in backend: client.PutObject: Access Denied.",
         Code.STORE, "refuses the credentials"),
        (1, "unable to create lock in backend: open /srv/x/locks/1: permission denied",
         Code.STORE, "is read-only"),
        (10, "", Code.STORE, "holds no backups"),
        (1, "ciphertext verification failed", Code.STORE, "is damaged"),
        (1, "pack 1234 is missing", Code.STORE, "is damaged"),
        (tools.TOO_LONG, "it did not end within 10 s", Code.STORE, "is too slow"),
        (tools.GAVE_UP, "Save(<data/1>) returned error, retrying after 1s", Code.STORE, "tried"),
        (127, "restic is not installed", Code.PREFLIGHT, "not installed"),
        (1, "something new", Code.STORE, "did not do it"),
    ],
)  # fmt: skip
def test_each_failure_has_its_sentence_and_code(
    code: int, said: str, kind: Code, told: str
) -> None:
    error = restic.explained("away", Ended(code, "", said), "did not do it", ())
    assert error.code == kind
    assert told in error.what
    assert error.remedy


@pytest.mark.parametrize(
    ("code", "said", "gone"),
    [
        (10, "", True),
        (1, "Fatal: repository does not exist: unable to open config file", True),
        (1, "unable to open config file: Stat: The specified key does not exist.", True),
        (1, "Stat: dial tcp 10.0.0.1: connection refused\nfile does not exist", False),
        (1, "Stat: 403 Forbidden, or it does not exist", False),
        (1, "The Access Key Id you provided does not exist in our records.", False),
        (1, "wrong password or no key found", False),
    ],
)
def test_only_a_place_that_answers_can_be_empty(code: int, said: str, *, gone: bool) -> None:
    """A new repository over one that did not answer for a moment would hide all backups."""
    assert restic.absent(Ended(code, "", said)) is gone


def test_a_server_that_does_not_listen_is_said_at_once() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(RunnerError, match="cannot be reached") as told:
            restic.reach(AWAY._replace(endpoint=f"http://127.0.0.1:{port}"))
    assert told.value.code == Code.STORE


def test_a_server_whose_name_has_an_empty_part_is_said_and_no_fault() -> None:
    with pytest.raises(RunnerError, match="cannot be reached") as told:
        restic.reach(AWAY._replace(endpoint="https://s3..example.com"))
    assert told.value.code == Code.STORE


class Scripted(restic.Store):
    """A repository whose restic answers as is written down, by its first word."""

    def __init__(self, layout: Layout, repository: Repository, **answers: Ended) -> None:
        super().__init__(layout, Shell(), SETTINGS, repository)
        self.answers, self.asked = answers, []

    def _run(self, *words: str, timeout: float) -> Ended:
        del timeout
        self.asked.append(words[0])
        return self.answers.get(words[0], Ended(0, "", ""))

    answers: dict[str, Ended]
    asked: list[str]


NONE_THERE = Ended(10, "", "repository does not exist")


@pytest.mark.parametrize("known_by", ["making it", "opening it"])
def test_a_repository_that_was_there_is_not_made_anew(layout: Layout, known_by: str) -> None:
    """Its disk is not mounted after a boot: a new one on the root disk would hide all backups."""
    layout.backup.mkdir(parents=True)
    if known_by == "making it":
        assert Scripted(layout, HERE, cat=NONE_THERE).open(make=True)
    assert not Scripted(layout, HERE).open()

    gone = Scripted(layout, HERE, cat=NONE_THERE)
    with pytest.raises(RunnerError, match="holds none of the backups that it had") as told:
        gone.open(make=True)

    assert told.value.code == Code.STORE
    assert "mounted" in told.value.remedy
    assert gone.asked == ["cat"]
    assert Scripted(layout, HERE._replace(where="/srv/new"), cat=NONE_THERE).open(make=True)


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        ("write /var/lib/x: no space left on device", Code.RESTORE, "this host's disk is full"),
        ("unable to create lock in backend: quota exceeded", Code.STORE, "away is full"),
        ("connection refused", Code.STORE, "cannot be reached"),
    ],
)
def test_what_fills_up_while_a_backup_comes_is_this_host(
    layout: Layout, tmp_path: Path, said: str, code: Code, told: str
) -> None:
    """Whoever was told that the repository is full would delete backups."""
    with pytest.raises(RunnerError, match=told) as caught:
        Scripted(layout, AWAY, restore=Ended(1, "", said)).fetch("abc", tmp_path)
    assert caught.value.code == code


def test_a_snapshot_says_how_large_it_is(layout: Layout) -> None:
    counted = Ended(0, '{"total_size": 12345, "total_file_count": 3}', "")
    assert Scripted(layout, HERE, stats=counted).size("abc") == 12345
    with pytest.raises(RunnerError, match="how large"):
        Scripted(layout, HERE, stats=Ended(0, "[]", "")).size("abc")


def test_a_summary_is_found_behind_progress() -> None:
    summary = '"snapshot_id":"abc","total_bytes_processed":9,"data_added":2'
    output = f'{{"message_type":"status"}}\nnot json\n{{"message_type":"summary",{summary}}}\n'
    assert restic.summarised(output) == ("abc", 9, 2, False)
    assert restic.summarised("") is None


def test_only_files_that_vanished_may_be_missing() -> None:
    gone = '{"message_type":"error","error":{"Op":"lstat","Path":"/x","Err":2},"item":"/x"}'
    denied = '{"message_type":"error","error":{"Op":"open","Path":"/x","Err":13},"item":"/x"}'
    assert restic.only_vanished(f"{gone}\nWarning: at least one source file could not be read")
    assert not restic.only_vanished(f"{gone}\n{denied}")


def test_snapshots_of_others_are_no_backups() -> None:
    listed = (
        '[{"id":"b","time":"2026-02-01","tags":["hostwright","20260201t000000z-bbbbbbb"]},'
        '{"id":"a","time":"2026-01-01","tags":["hostwright","20260101t000000z-aaaaaaa","keep"]},'
        '{"id":"c","time":"2026-03-01","tags":["hostwright"]}]'
    )
    assert [one.backup[:8] for one in restic.listed(listed)] == ["20260101", "20260201", ""]
    assert restic.listed("null") == []


# --- tools ---------------------------------------------------------------------------------------


def test_a_tool_writes_to_a_file_and_its_exit_status_counts(tmp_path: Path) -> None:
    target = tmp_path / "out"
    argv = ["sh", "-c", "echo half; echo sorry >&2; exit 3"]
    done = tools.run(Shell(), argv, timeout=10, streams=tools.Streams(target=target))
    assert (done.exit_code, done.stderr, target.read_text()) == (3, "sorry", "half\n")


def test_a_tool_that_takes_too_long_is_ended() -> None:
    done = tools.run(Shell(), ["sleep", "600"], timeout=0.3)
    assert done.exit_code == tools.TOO_LONG


def test_a_missing_tool_fails_like_another() -> None:
    assert tools.run(Shell(), ["no-such-tool"], timeout=1).exit_code == 127


def test_a_disturbance_that_passes_is_no_reason_to_give_up() -> None:
    line = "Save(<data/1>) returned error, retrying after 552ms: 503"
    short, long = tools.Retries(), tools.Retries()
    assert not any(short.hopeless(line, now) for now in (0.0, 1.0, 2.0, 500.0, 501.0))
    assert [long.hopeless(line, now) for now in (1.0, 20.0, 47.0)] == [False, False, True]
    assert not tools.Retries().hopeless("all is well", 0.0)
