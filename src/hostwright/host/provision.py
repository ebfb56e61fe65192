"""Provision a host: read, plan, apply; and never lock anybody out."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hostwright.errors import HostwrightError, ProvisionError
from hostwright.host import facts as reading
from hostwright.host import guard, preflight
from hostwright.host.apply import apply, check_root, root_exec
from hostwright.host.change import Change, Phase
from hostwright.host.plan import plan, watch
from hostwright.host.plugin import shared
from hostwright.host.steps import distribution, docker
from hostwright.host.steps.users import RUNNER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.host.apply import Say
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts
    from hostwright.host.guard import Connect
    from hostwright.transport import Session


@dataclass
class Outcome:
    """What provisioning found and did.

    Attributes:
        facts: The host as it was before.
        changes: What was changed, or (dry run) would be.
        warnings: What to think about; nothing was refused for it.
        seconds: By phase: connect, facts, plan, apply, prove.
        user: Who was logged in.
    """

    facts: Facts
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    user: str
    seconds: dict[str, float] = field(default_factory=dict)


def provision(connect: Connect, desired: Desired, *, say: Say, dry_run: bool = False) -> Outcome:
    """Make a host as desired; on one that is, nothing happens.

    Args:
        connect: Opens a new, authenticated connection as the first of the users that is let in.
        desired: The host as it should be.
        say: Shows progress.
        dry_run: Whether to stop at the plan.

    Raises:
        UnsupportedHost: Not a system this is written for; nothing was touched.
        PreflightError: The host cannot take it; nothing was touched.
        LoginError: Nobody was let in, or not as somebody who may become root.
        Busy: Another command is changing the host.
        ProvisionError: A step failed, or new logins did; see its text for what was put back.
    """
    seconds: dict[str, float] = {}
    with ThreadPoolExecutor(1) as pool:
        resolved = pool.submit(_resolve, desired.domains)
        with connect(desired.logins) as session:
            seconds["connect"] = session.connect_seconds
            with _timed(seconds, "facts"):
                facts, skew = read(session, desired)
            with _timed(seconds, "plan"):
                distribution.check(facts)
                warnings = _preflight(session, facts, desired, skew, resolved.result())
                changes = plan(facts, _complete(facts, desired))
                guard.refuse_own_end(session, desired, changes)
            if changes and not dry_run:
                _refuse_deploy_user(session, desired)
                _Run(session, connect, desired, say, seconds).carry_out(changes)
    return Outcome(facts, changes, warnings, session.user, seconds)


def read(session: Session, desired: Desired) -> tuple[Facts, float]:
    """The facts, and by how many seconds the host's clock is ahead of ours.

    The deploy user may not run a script as root; the runner runs the installed one for it.
    """
    started = time.time()
    if session.user == desired.deploy_user:
        done = session.exec(f"sudo -n {RUNNER} facts")
        if done.exit_code != 0:
            check_root(session, done)
            raise ProvisionError(
                f"the runner did not tell the facts: {done.tail}", where=str(session.address)
            )
    else:
        command = 'sh -s -- "$SSH_CONNECTION"'
        done = root_exec(session, command, reading.script(watch(desired)))
    facts = reading.parse(done.out)
    return facts, facts.clock - (started + time.time()) / 2


def _complete(facts: Facts, desired: Desired) -> Desired:
    """With the Compose plugin, where the host needs one and none was given."""
    if desired.plugin or not docker.needs_plugin(facts):
        return desired
    return replace(desired, plugin=shared(facts.architecture))


def _preflight(
    session: Session,
    facts: Facts,
    desired: Desired,
    skew: float,
    resolved: Mapping[str, Sequence[str]],
) -> tuple[str, ...]:
    found = preflight.obstacles(
        facts, desired, skew=skew, resolved=resolved, address=session.address.host
    )
    preflight.refuse(found, str(session.address))
    return tuple(f"{item.what}. {item.remedy}" for item in found if not item.fatal)


def _refuse_deploy_user(session: Session, desired: Desired) -> None:
    if session.user == desired.deploy_user:
        raise ProvisionError(
            f"{session.user} may look, but not change the host",
            where=str(session.address),
            remedy=f"Log in as {desired.administrator}, who may.",
        )


@dataclass
class _Run:
    """What carrying a plan out needs."""

    session: Session
    connect: Connect
    desired: Desired
    say: Say
    seconds: dict[str, float]

    @property
    def where(self) -> str:
        return str(self.session.address)

    def carry_out(self, changes: Sequence[Change]) -> None:
        """First what cannot lock anybody out; then the rest, between two proofs."""
        safe = [change for change in changes if change.phase < Phase.LOGIN]
        risky = [change for change in changes if change.phase == Phase.LOGIN]
        if safe:
            with _timed(self.seconds, "apply"):
                apply(self.session, safe, self.desired.app, self.say)
        if risky:
            self._tell_what_stays_unproven()
            with _timed(self.seconds, "prove"):
                self._prove_before()
            with _timed(self.seconds, "harden"):
                self._harden(risky)

    def _tell_what_stays_unproven(self) -> None:
        if not guard.opens(self.session.public_key, self.desired.deploy_keys):
            self.say.note(
                f"your key is not one of deploy_keys: what {self.desired.deploy_user} may run is "
                "proven, its login is not"
            )

    def _prove_before(self) -> None:
        try:
            self._prove("Prove the new logins")
        except HostwrightError as error:
            outcome = "sshd and firewall were not changed"
            raise guard.locked_out(error, outcome, self.where) from error

    def _harden(self, risky: Sequence[Change]) -> None:
        changes = [guard.arm(self.desired.revert_seconds), *risky]
        try:
            apply(self.session, changes, self.desired.app, self.say)
        except ProvisionError as error:
            outcome = guard.revert(self.session, self.desired)
            raise ProvisionError(
                error.what, where=error.where, remedy=f"{outcome.capitalize()}. {error.remedy}"
            ) from error
        try:
            self._prove("Prove them again")
        except HostwrightError as error:
            outcome = guard.revert(self.session, self.desired)
            raise guard.locked_out(error, outcome, self.where) from error
        guard.disarm(self.session)

    def _prove(self, title: str) -> None:
        self.say.begin(title)
        started = time.monotonic()
        guard.prove(self.connect, self.desired, self.session.public_key)
        self.say.end(title, time.monotonic() - started)


def _resolve(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {name: _addresses(name) for name in names}


def _addresses(name: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return ()
    return tuple(sorted({str(item[4][0]) for item in found}))


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        seconds[phase] = seconds.get(phase, 0.0) + time.monotonic() - started
