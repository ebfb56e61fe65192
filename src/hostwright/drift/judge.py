"""What this side makes of a host's answers. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.host.steps.users import authorized_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.contract.models import Contract
    from hostwright.host.change import Change
    from hostwright.host.desired import Desired
    from hostwright.settings import Host

_DAY = 86_400
#: Caddy renews when a third of a certificate's life is left: thirty days of ninety.
CERTIFICATE_DAYS = 14
_PROVISION = "`invoke vps.provision` puts it right; with --dry-run it says what it would do."
_KEYS = (
    "No {keys} are set, so the key used here was expected. Name the people's keys as {keys} in "
    "hosts.yaml; or provision, if nobody else was meant to get in."
)
_DEPLOY = "Deploy: the release that serves was made with another contract."
_CERTIFICATE = "See `docker logs` of Caddy's container: it says why it is not renewed."


class Finding(NamedTuple):
    """One thing that is not as it should be.

    Attributes:
        area: What sort of thing.
        where: Which one of them.
        what: What is wrong with it.
        remedy: What to do about it.
    """

    area: str
    where: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Drift:
    """Everything that was found, and what serves."""

    serving: str | None
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        findings = [finding._asdict() for finding in self.findings]
        return {"serving": self.serving, "findings": findings, "count": len(findings)}


def told(answer: Mapping[str, Any]) -> Iterator[Finding]:
    """What the runner found."""
    for item in answer["findings"]:
        yield Finding(item["area"], item["where"], item["what"], item["remedy"])


def of_host(changes: Sequence[Change], host: Host, desired: Desired) -> Iterator[Finding]:
    """What provisioning would change: it would change nothing on a host that nobody touched."""
    assumed = {}
    if not host.deploy_keys:
        assumed[authorized_keys(desired.deploy_user)] = "deploy_keys"
    if not host.admin_keys:
        assumed[authorized_keys(desired.administrator)] = "admin_keys"
    for change in changes:
        yield Finding("host", _subject(change.title), change.why, _remedy(change, assumed))


def _remedy(change: Change, assumed: Mapping[str, str]) -> str:
    """Where no keys are set, ours was expected in *assumed* files: another person's is no drift."""
    for path, keys in assumed.items():
        if f"{path} has another content" in change.why:
            more = len(change.files) + len(change.directories) > 1
            return _KEYS.format(keys=keys) + (f" {_PROVISION}" if more else "")
    return _PROVISION


def _subject(title: str) -> str:
    """What a change is about, from its imperative: ``Harden sshd`` is about sshd."""
    verb, _, rest = title.partition(" ")
    return rest.removeprefix("the ") or verb


def of_version(mine: str, theirs: str) -> Iterator[Finding]:
    """Another runner answers in another way: what it would find is left out."""
    if mine != theirs:
        what = f"it is {theirs}, this clone brings {mine}; releases were not compared"
        yield Finding("host", "runner", what, "Run `invoke vps.provision`, then look again.")


def of_certificates(host: Host, answer: Mapping[str, Any]) -> Iterator[Finding]:
    """Names without a certificate, and certificates that end soon by the host's own clock."""
    if not answer["serving"]:
        return
    days = host.backup.alerts.certificate_days if host.backup else CERTIFICATE_DAYS
    there = {item["name"]: item["not_after"] for item in answer["certificates"]}
    # Caddy calls its files so, however a name is written.
    wanted = [name.lower() for name in (host.app_domain, host.api_domain) if name]
    for name in wanted:
        if name not in there:
            yield Finding("certificates", name, "there is no certificate for it", _CERTIFICATE)
    for name, until in there.items():
        left = None if until is None else (until - answer["time"]) / _DAY
        # What is left of a name that nobody serves any more harms nobody.
        if name not in wanted or (left is not None and left >= days):
            continue
        what = "it cannot be read" if left is None else f"it ends in {left:.1f} days"
        ended = left is not None and left < 0
        yield Finding("certificates", name, "it has ended" if ended else what, _CERTIFICATE)


def of_contract(contract: Contract, host: Host, answer: Mapping[str, Any]) -> Iterator[Finding]:
    """The contract of the release against this checkout's: names that came or went."""
    theirs = answer["contract_sha256"]
    if not theirs or theirs == digest(contract):
        return
    names = list(_names(contract, host, answer["env"]))
    for role, what in names:
        yield Finding("contract", role, what, _DEPLOY)
    if not names:
        what = "it is another version; every role has the names that this one wants"
        yield Finding("contract", "contract.yaml", what, _DEPLOY)


def digest(contract: Contract) -> str:
    """What a release's manifest calls a contract."""
    return hashlib.sha256(contract.model_dump_json().encode()).hexdigest()


def _names(
    contract: Contract, host: Host, env: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str]]:
    for role in contract.roles:
        if role not in env:
            yield role, "the release has no such role"
            continue
        declared = {
            name: one
            for name, one in contract.of_role(role).items()
            if one.source("vps").emitted and (one.needs_role or role) in contract.roles
        }
        # What is required only under a condition depends on values that only the release had.
        required = {
            n for n, one in declared.items() if host.profile in one.required and not one.when
        }
        for name in sorted(required - set(env[role])):
            yield role, f"{name} is missing: the contract requires it"
        for name in sorted(set(env[role]) - declared.keys()):
            yield role, f"{name} is not in the contract"
    known = {str(role) for role in contract.roles}
    for name in sorted(env.keys() - known):
        yield name, "the contract has no such role"
