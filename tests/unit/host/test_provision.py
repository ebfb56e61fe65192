"""The order of things, with a session whose answers are written down; e2e has a real server."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from tests.host.builders import KEY, desired, text
from tests.host.talk import Said, Scripted, as_session

from hostwright.errors import (
    Busy,
    HostwrightError,
    LoginError,
    PreflightError,
    ProvisionError,
    Unreachable,
    UnsupportedHost,
)
from hostwright.host import guard, preflight
from hostwright.host.provision import Outcome, provision
from hostwright.transport import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostwright.transport import Session

PIPELINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxGVvPHaV7pPYxHNkTHbz3kfQpm4kZZ0v4JpJmCkq1x"
BARE = text("trixie-bare")
GOOD = {"sh -s": Completed(0, BARE, "")}


@dataclass
class Host:
    """Hands out sessions: the first as *user*, then one per proof; *refusals* come in between."""

    user: str = "root"
    replies: dict[str, Completed | Exception] = field(default_factory=lambda: {**GOOD})
    refusals: deque[HostwrightError | None] = field(default_factory=deque)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    sessions: list[Scripted] = field(default_factory=list)

    def __call__(self, users: Sequence[str]) -> Session:
        self.asked.append(tuple(users))
        first = len(self.asked) == 1
        if not first and self.refusals and (error := self.refusals.popleft()):
            raise error
        made = Scripted(user=self.user if first else users[0], replies=self.replies)
        self.sessions.append(made)
        return as_session(made)

    @property
    def commands(self) -> list[str]:
        """Of the first session."""
        return self.sessions[0].commands

    def count(self, part: str) -> int:
        return sum(part in command for command in self.commands)


def run(host: Host, *, dry_run: bool = False, say: Said | None = None) -> Outcome:
    wanted = desired(min_memory_mib=100)
    return provision(host, wanted, say=say or Said(), dry_run=dry_run)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def any_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded facts are of another day."""
    monkeypatch.setattr(preflight, "MAX_SKEW_SECONDS", float("inf"))


def test_a_dry_run_reads_and_changes_nothing() -> None:
    host = Host()
    outcome = run(host, dry_run=True)
    assert outcome.changes
    assert len(host.commands) == 1
    assert host.commands[0].startswith("sh -s")


def test_the_administrator_is_tried_before_the_bootstrap_user() -> None:
    host = Host()
    run(host, dry_run=True)
    assert host.asked == [("admin", "root")]


def test_new_logins_are_proven_before_and_after_sshd_is_touched() -> None:
    host, say = Host(), Said()
    outcome = run(host, say=say)
    assert sorted(host.asked[1:3]) == sorted(host.asked[3:5]) == [("admin",), ("deploy",)]
    proofs = {session.user: session.commands for session in host.sessions[1:]}
    assert proofs == {
        "deploy": ["sudo -n /usr/local/sbin/hostwright-runner version"],
        "admin": ["sudo -n true"],
    }
    assert [word for word in say.words if word.startswith("end")] == [
        "end Prove the new logins",
        "end Prove them again",
    ]
    assert host.count("apply.sh") == 2
    assert "systemctl stop hostwright-revert.timer" in host.commands[-1]
    assert set(outcome.seconds) == {"connect", "facts", "plan", "apply", "prove", "harden"}


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_administrator_does_not_take_his_own_key_away(*, dry_run: bool) -> None:
    host = Host(user="admin")
    wanted = desired(min_memory_mib=100, admin_keys=(PIPELINE,))

    with pytest.raises(PreflightError, match="is not one of admin_keys") as caught:
        provision(host, wanted, say=Said(), dry_run=dry_run)

    assert caught.value.where.endswith("/home/admin/.ssh/authorized_keys")
    assert host.count("apply.sh") == 0


@pytest.mark.parametrize(
    ("user", "keys"), [("admin", (PIPELINE, f"{KEY} me@laptop")), ("root", (PIPELINE,))]
)
def test_keys_may_change_where_who_comes_gets_in_again(user: str, keys: tuple[str, ...]) -> None:
    outcome = provision(
        Host(user=user), desired(min_memory_mib=100, admin_keys=keys), say=Said(), dry_run=True
    )

    assert "Authorize admin" in [change.title for change in outcome.changes]


def test_a_login_with_keys_of_others_alone_is_not_tried_but_what_it_may_run_is() -> None:
    host, say = Host(), Said()
    wanted = desired(min_memory_mib=100, deploy_keys=(PIPELINE,))
    provision(host, wanted, say=say)
    assert host.asked[1:] == [("admin",), ("admin",)]
    runs = "sudo -n sudo -n -u deploy sudo -n /usr/local/sbin/hostwright-runner version"
    assert [session.commands for session in host.sessions[1:]] == [[runs], [runs]]
    [note] = [word for word in say.words if word.startswith("note")]
    assert "your key is not one of deploy_keys" in note


def test_logins_that_do_not_work_leave_sshd_and_firewall_alone() -> None:
    host = Host(refusals=deque([LoginError("deploy was refused")]))
    with pytest.raises(ProvisionError, match="sshd and firewall were not changed"):
        run(host)
    assert host.count("apply.sh") == 1


def test_logins_that_stop_working_are_reverted_at_once() -> None:
    host = Host(refusals=deque([None, None, LoginError("no"), LoginError("no")]))
    with pytest.raises(ProvisionError, match="have been put back as they were"):
        run(host)
    assert "sh /run/hostwright/revert.sh" in host.commands[-1]


def test_a_lost_first_connection_leaves_the_revert_to_the_host() -> None:
    host = Host(
        replies={**GOOD, "revert.sh": Unreachable("gone")},
        refusals=deque([None, None, LoginError("no"), LoginError("no")]),
    )
    with pytest.raises(ProvisionError, match="puts sshd and firewall back by itself within 60 s"):
        run(host)


def test_a_login_that_was_somebody_elses_proves_nothing() -> None:
    class Confused(Host):
        def __call__(self, users: Sequence[str]) -> Session:
            session = super().__call__(users)
            session.user = "root"
            return session

    with pytest.raises(ProvisionError, match="that proves nothing"):
        run(Confused())


def test_a_failed_hardening_is_reverted() -> None:
    host = Host()
    calls = iter([Completed(0, "", ""), Completed(1, "@hostwright begin 3\nbad\n", "")])

    class Failing(Scripted):
        def exec(
            self,
            command: str,
            stdin: bytes = b"",
            on_line: Callable[[str], object] | None = None,
            progress: Callable[[int], object] | None = None,
        ) -> Completed:
            if "apply.sh" in command:
                self.replies = {**self.replies, "apply.sh": next(calls)}
            return super().exec(command, stdin, on_line, progress)

    failing = Failing(user="root", replies=host.replies)

    def connect(users: Sequence[str]) -> Session:
        return as_session(failing) if len(users) > 1 else host(users)

    host.asked.append(("first",))
    with pytest.raises(ProvisionError, match="Harden sshd") as caught:
        provision(connect, desired(min_memory_mib=100), say=Said())
    assert caught.value.remedy.startswith("Sshd and firewall have been put back")
    assert "revert.sh" in failing.commands[-1]


def test_a_proof_that_came_too_late_is_no_success() -> None:
    host = Host(replies={**GOOD, "stop hostwright-revert.timer": Completed(1, "", "")})
    with pytest.raises(ProvisionError, match="too late"):
        run(host)


def test_another_run_is_not_taken_for_a_lock_out() -> None:
    host = Host(replies={**GOOD, "apply.sh": Completed(75, "", "")})
    with pytest.raises(Busy):
        run(host)
    assert host.count("revert.sh") == 0


def test_the_deploy_user_may_look() -> None:
    replies: dict[str, Completed | Exception] = {"hostwright-runner facts": GOOD["sh -s"]}
    host = Host(user="deploy", replies=replies)
    assert run(host, dry_run=True).changes
    assert host.commands == ["sudo -n /usr/local/sbin/hostwright-runner facts"]


def test_the_deploy_user_may_not_change_the_host() -> None:
    replies: dict[str, Completed | Exception] = {"hostwright-runner facts": GOOD["sh -s"]}
    host = Host(user="deploy", replies=replies)
    with pytest.raises(ProvisionError, match="Log in as admin"):
        run(host)
    assert host.count("apply.sh") == 0


def test_an_unsupported_host_is_left_alone() -> None:
    other = BARE.replace("ID=debian", "ID=alpine")
    host = Host(replies={"sh -s": Completed(0, other, "")})
    with pytest.raises(UnsupportedHost):
        run(host)
    assert len(host.commands) == 1


def test_an_obstacle_stops_it_before_anything_is_touched() -> None:
    host = Host()
    wanted = replace(desired(), min_memory_mib=10**9)
    with pytest.raises(PreflightError):
        provision(host, wanted, say=Said())
    assert len(host.commands) == 1
