"""Nobody gets locked out: what could do that is reverted by the host unless it is proven good.

Before sshd or the firewall change, their files are copied and a timer of systemd is armed that puts
the copies back. Only when new logins, over new connections, have worked is it disarmed. The timer
needs nobody: it also helps when this machine loses its network, or its power.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from hostwright.errors import (
    HostwrightError,
    LoginError,
    PreflightError,
    ProvisionError,
    Unreachable,
)
from hostwright.host import static
from hostwright.host.apply import as_root, check_root
from hostwright.host.change import Change, File, Phase
from hostwright.host.steps import firewall, sshd
from hostwright.host.steps.unproven import BEFORE
from hostwright.host.steps.users import RUNNER, authorized_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostwright.host.desired import Desired
    from hostwright.transport import Session

REVERT = "/run/hostwright/revert.sh"
#: revert.sh holds it while it works: stopping the timer does not stop what the timer has started.
LOCK = "/run/hostwright/revert.lock"
UNIT = "hostwright-revert"

#: Reloading sshd leaves a moment in which nothing listens.
PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.2


class Connect(Protocol):
    """Opens a new connection as the first of *users* that is let in."""

    def __call__(self, users: Sequence[str], /) -> Session:
        """Never hands out a connection twice."""


def arm(seconds: int) -> Change:
    """The change that goes before every other of the last phase."""
    # What an earlier run left unproven is no state to go back to: its copies stay.
    files = f"{sshd.PATH} {firewall.RULES}"
    copy = f"for file in {files}; do [ ! -e $file ] || cp -p $file {BEFORE}/; done"
    timer = f"--unit={UNIT} --on-active={seconds}s --timer-property=AccuracySec=1s"
    return Change(
        "Arm the way back",
        f"sshd and firewall revert after {seconds} s unless a new login works",
        Phase.LOGIN,
        files=(File(REVERT, static.text("revert.sh"), 0o700),),
        commands=(
            f"systemctl stop {UNIT}.timer 2>/dev/null || true",
            f"systemctl reset-failed {UNIT}.service 2>/dev/null || true",
            f"flock {LOCK} true",
            f"[ -d {BEFORE} ] || {{ mkdir {BEFORE}; {copy}; }}",
            f"systemd-run --quiet {timer} /bin/sh {REVERT}",
        ),
    )


def disarm(session: Session) -> None:
    """Keep the changes.

    Raises:
        ProvisionError: The host has reverted everything, or is just doing it.
    """
    alone = f"exec 9>{LOCK} && flock -n 9"
    line = f"systemctl stop {UNIT}.timer && {alone} && [ -d {BEFORE} ] && rm -rf {BEFORE} {REVERT}"
    done = session.exec(as_root(session, f"sh -c '{line}'"))
    if done.exit_code != 0:
        check_root(session, done)
        raise ProvisionError(
            "the proof came too late: sshd and firewall have been put back as they were",
            where=str(session.address),
            remedy="Run it again; a slow connection may need a larger `revert_seconds`.",
        )


def revert(session: Session, desired: Desired) -> str:
    """Put everything back now if the first connection still lives; what happened, in words."""
    line = f"systemctl stop {UNIT}.timer; sh {REVERT}"
    try:
        done = session.exec(as_root(session, f"sh -c '{line}'"))
    except Unreachable:
        return f"the host puts sshd and firewall back by itself within {desired.revert_seconds} s"
    if done.exit_code != 0:
        return f"the host puts sshd and firewall back by itself within {desired.revert_seconds} s"
    return "sshd and firewall have been put back as they were"


def opens(key: str, keys: Sequence[str]) -> bool:
    """Whether *key* (``type base64``) is one of *keys*, whose comments do not count."""
    return key in {" ".join(one.split(" ", 2)[:2]) for one in keys}


def refuse_own_end(session: Session, desired: Desired, changes: Sequence[Change]) -> None:
    """Refuse a plan that takes the administrator's key away from who would carry it out.

    No timer gives that back: with root's login closed nobody might get in any more.

    Raises:
        PreflightError: It does; nothing was touched.
    """
    if session.user != desired.administrator or opens(session.public_key, desired.admin_keys):
        return
    theirs = authorized_keys(session.user)
    if any(file.path == theirs for change in changes for file in change.files):
        raise PreflightError(
            f"the key that you came with is not one of admin_keys: {session.user} would not be let "
            "in with it again",
            where=f"{session.address}: {theirs}",
            remedy="Come with one of admin_keys (--identity), or list your key there until another "
            "has been seen to work.",
        )


def proofs(desired: Desired, key: str) -> dict[str, str]:
    """Who must be able to log in with the operator's *key*, and what each must then be able to run.

    Where others hold the keys of deploy (a pipeline), its login cannot be tried from here: the
    administrator, whose own can, shows that deploy may do its part.
    """
    part = f"sudo -n {RUNNER} version"
    if not opens(key, desired.deploy_keys):
        return {desired.administrator: f"sudo -n sudo -n -u {desired.deploy_user} {part}"}
    needed = {desired.deploy_user: part}
    if desired.administrator != "root":
        needed[desired.administrator] = "sudo -n true"
    return needed


def prove(connect: Connect, desired: Desired, key: str) -> None:
    """All the proofs at once, each over a new connection.

    Raises:
        HostwrightError: The first proof that failed.
    """
    needed = proofs(desired, key)
    with ThreadPoolExecutor(len(needed)) as pool:
        for proof in [pool.submit(_prove, connect, *pair) for pair in needed.items()]:
            proof.result()


def _prove(connect: Connect, user: str, command: str) -> None:
    with _patiently(lambda: connect((user,))) as session:
        if session.user != user:
            raise LoginError(
                f"{user} was to log in, but it was {session.user}: that proves nothing"
            )
        done = session.exec(command)
    if done.exit_code != 0:
        raise LoginError(f"{user} logged in, but `{command}` failed: {done.tail}")


def _patiently(connect: Callable[[], Session]) -> Session:
    """Connect, again and again while nothing answers; a refused login counts at once."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return connect()
        except Unreachable:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE_SECONDS)


def locked_out(error: HostwrightError, outcome: str, where: str) -> ProvisionError:
    """The error for a proof that failed."""
    return ProvisionError(
        f"a new login did not work, so it would have locked you out: {error.what}; {outcome}",
        where=where,
        remedy=error.remedy or "Everything else is done; run it again when the cause is gone.",
    )
