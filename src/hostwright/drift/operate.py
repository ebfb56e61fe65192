"""Look for drift: read the host's facts and the runner's findings; nothing is changed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from hostwright import runner_archive
from hostwright.contract import load
from hostwright.drift import judge
from hostwright.drift.judge import Drift, Finding
from hostwright.fleet.shared import once
from hostwright.host import plan, plugin, provision
from hostwright.host.steps import docker
from hostwright.plan.still import still
from hostwright.provisioning import desire

if TYPE_CHECKING:
    from hostwright.progress import Progress
    from hostwright.remote import Event, Runner
    from hostwright.settings import Host
    from hostwright.transport import Session


def look(session: Session, host: Host, app: str, progress: Progress) -> Drift:
    """Everything on the host that is not as it was deployed or provisioned.

    Raises:
        Busy: A command is at work there: nothing stands still to be compared.
        HostError: The host does not answer as it should.
    """
    mine = once("runner", runner_archive.build).version
    with still(session, app, progress) as runner:
        serving, theirs = runner.hello["serving"], str(runner.hello["runner"])
        findings = list(judge.of_version(mine, theirs))
        if not findings:
            findings += _release(runner, host, progress)
    findings += _provisioned(session, host, progress)
    return Drift(serving, tuple(findings))


def _release(runner: Runner, host: Host, progress: Progress) -> list[Finding]:
    began = time.monotonic()
    progress.begin("the release, its containers, base and networks")
    runner.send({"do": "drift"})
    answer: Event = list(runner.events("drift"))[-1]
    progress.end("RELEASE    compared", time.monotonic() - began)
    contract = once("contract", load)
    return [
        *judge.told(answer),
        *judge.of_certificates(host, answer),
        *judge.of_contract(contract, host, answer),
    ]


def _provisioned(session: Session, host: Host, progress: Progress) -> list[Finding]:
    began = time.monotonic()
    progress.begin("the host: files, units, firewall, sshd")
    desired = desire(host, session.public_key)
    facts, _ = provision.read(session, desired)
    if docker.needs_plugin(facts):
        desired = replace(desired, plugin=plugin.shared(facts.architecture))
    changes = plan.plan(facts, desired)
    progress.end("HOST       compared", time.monotonic() - began)
    return list(judge.of_host(changes, host, desired))
