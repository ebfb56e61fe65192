"""The words that restic is given, and what its failures are called."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from hostwright.runner.backup import restic, tools
from hostwright.runner.backup.settings import Keep, Repository
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.layout import Layout
from hostwright.runner.process import Ended, Shell

if TYPE_CHECKING:
    from pathlib import Path

AWAY = Repository(
    "away",
    "s3",
    "prod",
    endpoint="https://s3.example.com",
    bucket="shop",
    region="eu-1",
    access_key="AKIA",
    secret_key="very-secret",
)
BOX = Repository("box", "sftp", "b/shop", address="shop@box.example.com", port=2222, host_key="k A")
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


def test_nothing_secret_is_a_word(layout: Layout) -> None:
    for one in (AWAY, BOX, HERE):
        words = " ".join(restic.options(layout, one))
        assert "very-secret" not in words
    env = restic.environment(layout, AWAY)
    assert env["AWS_SECRET_ACCESS_KEY"] == "very-secret"
    assert env["RESTIC_PASSWORD_FILE"] == str(layout.backup / "run" / "key")


def test_ssh_accepts_the_pinned_key_alone(layout: Layout) -> None:
    words = restic.options(layout, BOX)[1]
    assert "StrictHostKeyChecking=yes" in words
    assert "GlobalKnownHostsFile=/dev/null" in words
    assert restic.known_hosts(BOX) == "[box.example.com]:2222 k A\n"


def test_retention_never_takes_what_a_way_back_needs(layout: Layout) -> None:
    words = restic.retain_words(layout, Keep(7, 0, 6))
    assert words[words.index("--keep-tag") + 1] == restic.KEEP_TAG
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
