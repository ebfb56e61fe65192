from __future__ import annotations

import grp
import gzip
import io
import os
import pwd
import tarfile
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from tests.host.builders import bare, desired
from tests.host.talk import Said, Scripted, as_session

from hostwright.errors import Busy, HostError, LoginError, ProvisionError
from hostwright.host.apply import apply, as_root, bundle, command, root_exec, script
from hostwright.host.change import Change, Directory, File
from hostwright.host.plan import plan
from hostwright.run import run
from hostwright.transport import Completed

if TYPE_CHECKING:
    from pathlib import Path

ME = pwd.getpwuid(os.getuid()).pw_name
MINE = grp.getgrgid(os.getgid()).gr_name


def file(path: Path, content: bytes, *, check: str = "", packed: bool = False) -> File:
    digest = sha256(gzip.decompress(content) if packed else content).hexdigest()
    return File(str(path), content, 0o640, ME, MINE, check, digest, packed)


def carry_out(tmp_path: Path, *changes: Change) -> tuple[int, str]:
    """Run the steps with a real shell, on files below *tmp_path*; programs of its bin first."""
    work = tmp_path / "work"
    with tarfile.open(fileobj=io.BytesIO(bundle(changes))) as archive:
        archive.extractall(work, filter="data")
    steps = (work / "steps.sh").read_text()
    for place in ("backups=/var/backups", "uptime=/proc/uptime"):
        steps = steps.replace(place, place.replace("=", f"={tmp_path}"))
    (work / "steps.sh").write_text(steps)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    done = run(["sh", work / "steps.sh", work], env={"PATH": path}, check=False)
    return done.exit_code, done.stdout


def test_files_and_directories_arrive_with_their_modes(tmp_path: Path) -> None:
    change = Change(
        "x",
        "y",
        directories=(Directory(str(tmp_path / "new/dir"), 0o750, ME, MINE),),
        files=(file(tmp_path / "new/dir/file", b"bytes\x00\xff"),),
        commands=(f"cat {tmp_path}/new/dir/file > {tmp_path}/seen",),
    )
    code, out = carry_out(tmp_path, change)
    assert (code, out) == (0, "@hostwright begin 1\n@hostwright done 1\n")
    assert (tmp_path / "new/dir").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "new/dir/file").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "seen").read_bytes() == b"bytes\x00\xff"


def test_each_change_gets_its_own_files(tmp_path: Path) -> None:
    first = Change("a", "", files=(file(tmp_path / "1", b"one"), file(tmp_path / "2", b"two")))
    second = Change("b", "", files=(file(tmp_path / "3", b"three"),))
    assert carry_out(tmp_path, first, second)[0] == 0
    assert [(tmp_path / name).read_text() for name in "123"] == ["one", "two", "three"]


def test_a_file_that_its_check_refuses_never_takes_the_place_of_the_old(tmp_path: Path) -> None:
    target = tmp_path / "rules"
    target.write_text("good")
    bad = Change("x", "y", files=(file(target, b"bad", check="grep -q good"),))
    code, out = carry_out(tmp_path, bad)
    assert code != 0
    assert out.endswith(f"@hostwright failed 1 {code}\n")
    assert target.read_text() == "good"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["rules"]


def test_what_is_replaced_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "daemon.json"
    target.write_text("theirs")
    carry_out(tmp_path, Change("x", "y", files=(file(target, b"ours"),)))
    kept = list((tmp_path / "var/backups").rglob("*daemon.json"))
    assert [path.read_text() for path in kept] == ["theirs"]
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600]
    assert target.read_text() == "ours"


@pytest.mark.parametrize("name", ["keys", "keys.hostwright-new"])
def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / name).symlink_to(elsewhere)
    assert carry_out(tmp_path, Change("x", "y", files=(file(tmp_path / "keys", b"ours"),)))[0] == 0
    assert list(elsewhere.iterdir()) == []
    assert not (tmp_path / "keys").is_symlink()
    assert (tmp_path / "keys").read_bytes() == b"ours"


def test_a_packed_file_is_unpacked_and_its_sum_noted(tmp_path: Path) -> None:
    target = tmp_path / "binary"
    carry_out(tmp_path, Change("x", "y", files=(file(target, gzip.compress(b"elf"), packed=True),)))
    assert target.read_bytes() == b"elf"
    noted = (tmp_path / ".binary.sha256").read_text().split()
    assert noted[0] == sha256(b"elf").hexdigest()
    assert noted[2] == "3"


def test_the_first_failure_ends_it(tmp_path: Path) -> None:
    after = Change("never", "", commands=(f"touch {tmp_path}/never",))
    code, out = carry_out(tmp_path, Change("x", "", commands=("echo reason", "exit 7")), after)
    assert code == 7
    assert out == "@hostwright begin 1\nreason\n@hostwright failed 1 7\n"
    assert not (tmp_path / "never").exists()


def test_a_command_that_reads_its_input_finds_none(tmp_path: Path) -> None:
    assert carry_out(tmp_path, Change("x", "", commands=("cat",)), Change("y", ""))[0] == 0


class Apt:
    """An apt-get that says *words* and fails, and a clock that runs only while somebody waits."""

    def __init__(self, tmp_path: Path, words: str, *, waits: bool) -> None:
        self.clock, self.calls = tmp_path / "proc/uptime", tmp_path / "calls"
        for directory in ("bin", "proc"):
            (tmp_path / directory).mkdir()
        self.clock.write_text("1000.50 1.00\n")
        tick = f"read -r now _ <{self.clock}; echo $((${{now%.*}} + $1)).50 1.00 >{self.clock}"
        timeout = 'for word; do case $word in *Timeout=*) set -- "${word#*=}" ;; esac; done'
        waiting = [timeout, tick] if waits else []
        told = [f"echo '{line}'" for line in words.splitlines()]
        self.program(
            tmp_path / "bin/apt-get", f"echo call >>{self.calls}", *waiting, *told, "exit 1"
        )
        self.program(tmp_path / "bin/sleep", tick)

    def program(self, path: Path, *lines: str) -> None:
        path.write_text("\n".join(["#!/bin/sh", *lines]))
        path.chmod(0o755)

    @property
    def waited(self) -> int:
        return int(self.clock.read_text().partition(".")[0]) - 1000

    @property
    def tries(self) -> int:
        return len(self.calls.read_text().splitlines())


LOCKED = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)"


@pytest.mark.parametrize("waits", [True, False])
def test_another_run_of_apt_is_waited_for_two_minutes_in_all(
    tmp_path: Path, *, waits: bool
) -> None:
    apt = Apt(tmp_path, LOCKED, waits=waits)
    code, out = carry_out(tmp_path, Change("x", "", commands=("apt_get install -y sudo",)))
    assert code == 100
    assert "It is held by process 7" in out
    assert 120 <= apt.waited <= 122


def test_what_apt_fails_for_when_it_has_waited_is_not_tried_again(tmp_path: Path) -> None:
    waiting = f"Waiting for cache lock: {LOCKED.removeprefix('E: ')}..."
    apt = Apt(tmp_path, f"{waiting}\nE: Unable to locate package sudoo", waits=False)
    assert carry_out(tmp_path, Change("x", "", commands=("apt_get install -y sudoo",)))[0] == 100
    assert apt.tries == 1


def test_the_script_of_a_whole_plan_is_what_a_shell_accepts(tmp_path: Path) -> None:
    path = tmp_path / "steps.sh"
    path.write_text(script(plan(bare(("debian", "12")), desired())))
    run(["sh", "-n", path])
    run(["shellcheck", "--severity=warning", path])


def test_the_archive_is_for_root_alone_and_the_command_names_nothing_of_it() -> None:
    changes = plan(bare(), desired())
    with tarfile.open(fileobj=io.BytesIO(bundle(changes))) as archive:
        assert {entry.mode for entry in archive} == {0o600}
    line = command(as_session(Scripted(user="admin")), "app")
    assert line.startswith("sudo -n sh -c ")
    assert "umask 077" in line
    assert "ssh-ed25519" not in line


def test_root_needs_no_sudo() -> None:
    assert as_root(as_session(Scripted(user="root")), "x") == "x"
    assert as_root(as_session(Scripted(user="debian")), "x") == "sudo -n x"


def test_progress_is_told_per_change() -> None:
    say = Said()
    lines = (
        "@hostwright begin 1\nnoise\n@hostwright done 1\n@hostwright begin 2\n@hostwright done 2\n"
    )
    session = Scripted(user="root", replies={"apply.sh": Completed(0, lines, "")})
    apply(as_session(session), [Change("A", ""), Change("B", "")], "app", say)
    assert say.words == ["begin A", "end A", "begin B", "end B"]


def test_a_failed_step_is_named_with_its_last_lines() -> None:
    out = "@hostwright begin 1\n@hostwright done 1\n@hostwright begin 2\nE: no space left\n"
    session = Scripted(user="root", replies={"apply.sh": Completed(100, out, "")})
    with pytest.raises(ProvisionError, match=r"^.*B \(exit code 100\)\n    E: no space left"):
        apply(as_session(session), [Change("A", ""), Change("B", "")], "app", Said())


def test_a_taken_lock_is_busy() -> None:
    session = Scripted(user="root", replies={"apply.sh": Completed(75, "", "")})
    with pytest.raises(Busy):
        apply(as_session(session), [Change("A", "")], "app", Said())


@pytest.mark.parametrize(
    "done",
    [
        Completed(1, "", "sudo: a password is required\n"),
        Completed(127, "", "sh: 1: sudo: not found\n"),
    ],
)
def test_no_way_to_become_root_is_a_refused_login(done: Completed) -> None:
    session = Scripted(user="debian", replies={"x": done})
    with pytest.raises(LoginError, match="may not become root"):
        root_exec(as_session(session), "x")


def test_another_failure_of_a_command_is_the_hosts() -> None:
    session = Scripted(user="root", replies={"x": Completed(1, "", "broken\n")})
    with pytest.raises(HostError, match="broken"):
        root_exec(as_session(session), "x")
