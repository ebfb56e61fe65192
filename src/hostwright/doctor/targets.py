"""What each target still needs: a section of lines for each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.doctor.model import ABSENT, Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.contract.models import TargetName
    from hostwright.doctor.model import (
        CloudFact,
        ClusterFact,
        Facts,
        HostFact,
        Login,
        NameFact,
        Secret,
        ServersFact,
        Severity,
    )

#: Who publishes each cloud's tool, what it is called, and how a person logs in.
CLOUDS: dict[TargetName, tuple[str, str, str]] = {
    "aws": ("AWS", "aws", "aws sso login"),
    "azure": ("Microsoft", "az", "az login"),
    "gcp": ("Google", "gcloud", "gcloud auth login"),
}


@dataclass(frozen=True)
class Section:
    """Makes the lines of one target; what it lacks is *missing* if the target was asked for."""

    name: TargetName
    asked: bool

    def ok(self, subject: str, why: str) -> Line:
        """Something that is there."""
        return Line(self.name, subject, "ok", why)

    def note(self, subject: str, why: str, remedy: str) -> Line:
        """Something to know, which nothing fails for."""
        return Line(self.name, subject, "note", why, remedy)

    def lack(self, subject: str, why: str, remedy: str) -> Line:
        """Something that the target cannot be operated without."""
        severity: Severity = "missing" if self.asked else "note"
        return Line(self.name, subject, severity, why, remedy)


def report(facts: Facts, asked: Sequence[TargetName]) -> Iterator[Line]:
    """The lines of every target that was looked at, in the contract's order."""
    for name, fact in facts.clouds.items():
        yield from _cloud(Section(name, name in asked), fact)
    if facts.cluster:
        yield from _cluster(Section("kubernetes", "kubernetes" in asked), facts.cluster)
    if facts.servers:
        yield from _servers(Section("vps", "vps" in asked), facts.servers)


# --- clouds ------------------------------------------------------------------------------------


def _cloud(section: Section, fact: CloudFact) -> Iterator[Line]:
    yield _login(section, fact)
    if fact.default_credentials is not None:
        yield _default_credentials(section, there=fact.default_credentials)
    yield _state(section, fact)
    yield _inputs(section, fact)
    yield _secrets(section, fact)
    for name in fact.names:
        yield _domain(section, name, name.key, ())


def _login(section: Section, fact: CloudFact) -> Line:
    vendor, tool, command = CLOUDS[section.name]
    if fact.login == "yes":
        return section.ok("login", f"{tool} has a session{_by(fact.variables)}")
    if fact.login == "nobody":
        return section.lack(
            "login",
            f"{tool} is not here to be asked{_by(fact.variables)}",
            f"Install it as {vendor} says, then `{command}`.",
        )
    if fact.login == "silent":
        return section.lack(
            "login",
            f"{tool} gave no answer in time",
            f"Run `{command}`, and see what it waits for.",
        )
    return section.lack(
        "login",
        f"{tool} has no session that is let in{_by(fact.variables)}",
        f"Run `{command}`; `invoke {section.name}.plan` asks who is logged in.",
    )


def _by(variables: Sequence[str]) -> str:
    return f"; {', '.join(variables)} set" if variables else ""


def _default_credentials(section: Section, *, there: bool) -> Line:
    if there:
        return section.ok("application default", "credentials that Terraform finds are there")
    return section.lack(
        "application default",
        "none: Terraform does not use gcloud's own session",
        "Run `gcloud auth application-default login`.",
    )


def _state(section: Section, fact: CloudFact) -> Line:
    directory = f"ops/infra/{section.name}"
    if fact.backend:
        return section.ok("state", f"{directory}/backend.tf says where it is")
    return section.note(
        "state",
        "would be kept in this directory alone",
        f"Copy {directory}/examples/backend.tf.example to {directory}/backend.tf.",
    )


def _inputs(section: Section, fact: CloudFact) -> Line:
    if fact.inputs:
        return section.ok("inputs", ", ".join(fact.inputs))
    return section.note(
        "inputs",
        "no .tfvars beside the clone",
        f"`cp ops/infra/{section.name}/examples/production.tfvars prod.tfvars`, and edit it.",
    )


def _secrets(section: Section, fact: CloudFact) -> Line:
    file = f".env.{section.name}"
    if fact.secrets:
        return section.ok("secrets", f"{file} is there")
    return section.note(
        "secrets",
        f"no {file} beside the clone",
        f"`invoke contract.new-env --target {section.name} --out {file}` writes fresh ones.",
    )


# --- Kubernetes --------------------------------------------------------------------------------


def _cluster(section: Section, fact: ClusterFact) -> Iterator[Line]:
    yield _kubeconfig(section, fact)
    if fact.context:
        yield _answers(section, fact)


def _kubeconfig(section: Section, fact: ClusterFact) -> Line:
    shown = ", ".join(name for name, _ in fact.files)
    if fact.fault:
        return section.lack("kubeconfig", fact.fault, "Set KUBECONFIG to one that can be read.")
    if not any(there for _, there in fact.files):
        return section.lack(
            "kubeconfig", f"none at {shown}", "Set KUBECONFIG, or have your cloud's tool write one."
        )
    if not fact.context:
        return section.lack(
            "context",
            f"{shown} has no current context",
            "Give --context to each task, or `kubectl config use-context NAME`.",
        )
    return section.ok("kubeconfig", f"{shown}: context {fact.context}")


def _answers(section: Section, fact: ClusterFact) -> Line:
    if fact.answer == "yes":
        return section.ok("cluster", "answers, and knows us")
    if fact.answer == "nobody":
        return section.note(
            "cluster",
            "not asked: kubectl is not here yet",
            "`invoke kubernetes.diff` unpacks one.",
        )
    why = "gives no answer in time" if fact.answer == "silent" else "does not answer, or refuses us"
    return section.lack("cluster", why, "`kubectl get --raw /version` says more.")


# --- servers -----------------------------------------------------------------------------------


def _servers(section: Section, fact: ServersFact) -> Iterator[Line]:
    if fact.fault:
        yield _hosts_file(section, fact)
    if not fact.hosts or any(host.identity is None for host in fact.hosts):
        yield _keys(section, fact)
    for host in fact.hosts:
        yield from _host(section, host)


def _hosts_file(section: Section, fact: ServersFact) -> Line:
    if fact.fault == "there is none":
        return section.note(
            fact.file,
            "there is none",
            "`cp hosts.example.yaml hosts.yaml`, and keep what you need; or give an address.",
        )
    return section.lack(fact.file, fact.fault, "Correct it: every task on a server reads it.")


def _keys(section: Section, fact: ServersFact) -> Line:
    agent = "an agent has keys" if fact.agent == "yes" else ""
    found = [*fact.keys, *([agent] if agent else [])]
    if found:
        return section.ok("ssh key", ", ".join(found))
    why = {
        "no": "the agent has none, and ~/.ssh none of the usual name",
        "silent": "the agent gives no answer, and ~/.ssh has none of the usual name",
    }.get(fact.agent, "no agent, and none of the usual name in ~/.ssh")
    return section.lack(
        "ssh key", why, "`ssh-keygen -t ed25519` makes one; give the server its .pub."
    )


def _host(section: Section, host: HostFact) -> Iterator[Line]:
    yield _pin(section, host)
    if host.identity:
        yield _identity(section, f"{host.name}: ssh key", host.identity)
    files: tuple[tuple[str, Secret | None, str], ...] = (
        ("values", host.values, "`invoke contract.new-env --out FILE` writes fresh ones."),
        ("backup key", host.backup_key, f"`invoke vps.backup-key --host {host.name}` makes one."),
    )
    for subject, secret, remedy in files:
        if secret:
            yield _secret(section, f"{host.name}: {subject}", secret, remedy)
    for registry, login in host.registries.items():
        yield _registry(section, f"{host.name}: {registry}", login)
    for name in host.names:
        yield _domain(section, name, f"{host.name}: {name.key}", host.resolved)


def _pin(section: Section, host: HostFact) -> Line:
    subject = f"{host.name}: host key"
    if host.pinned:
        return section.ok(subject, f"pinned for {host.address}")
    return section.lack(
        subject,
        f"not pinned for {host.address}",
        f"`invoke vps.trust --host {host.name}`, once.",
    )


def _identity(section: Section, subject: str, key: Secret) -> Line:
    if key.fault in {"", ABSENT}:
        return _secret(section, subject, key, "Name another in identity_file.")
    # Our own connection takes it; OpenSSH would not.
    return section.note(subject, f"{key.path} {key.fault}", f"`chmod 600 {key.path}`.")


def _secret(section: Section, subject: str, secret: Secret, remedy: str) -> Line:
    if not secret.fault:
        return section.ok(subject, f"{secret.path}, for its owner alone")
    why = f"{secret.path} {secret.fault}"
    if secret.fault == ABSENT:
        return section.lack(subject, why, remedy)
    return section.lack(subject, why, f"Tasks refuse it: `chmod 600 {secret.path}`.")


def _registry(section: Section, subject: str, login: Login) -> Line:
    if login == "host":
        return section.ok(subject, "hosts.yaml has a login")
    why = {
        "docker": "Docker here has a login, which the host does not pull with",
        "": "no login: enough for public images",
    }[login]
    return section.note(subject, why, "For private images name one in `registries` of the host.")


# --- names -------------------------------------------------------------------------------------


def _domain(section: Section, name: NameFact, subject: str, host: Sequence[str]) -> Line:
    """Whether a domain resolves, and to the *host*, where that has addresses."""
    if name.answer == "silent":
        return section.note(subject, f"{name.name}: no answer in time", "Ask your resolver.")
    if not name.addresses:
        return section.lack(
            subject,
            f"{name.name} does not resolve",
            f"Make an A or AAAA record{f' to {host[0]}' if host else ''}: certificates need it.",
        )
    shown = f"{name.name} is {', '.join(name.addresses)}"
    if not host or {*name.addresses} <= {*host}:
        return section.ok(subject, shown)
    return section.note(
        subject,
        f"{shown}; the host is {', '.join(host)}",
        "Correct the record, unless a proxy stands before the host.",
    )
