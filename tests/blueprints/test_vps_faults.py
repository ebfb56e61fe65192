"""Faults planted into copies of the VPS blueprint: each must be found, and told usefully.

A fault is planted the way a person would make it, the real engines render the copy, and the finding
must name the check, the file, the role and the variable, and say what to do.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.blueprints.counting import assert_all_found

from hostwright import paths
from hostwright.checks.ids import is_known
from hostwright.render.blueprint import Blueprint
from hostwright.validate import linters, shared, vps

if TYPE_CHECKING:
    from hostwright.checks.finding import Finding

COMPOSE = "ops/compose/docker-compose.prod.yml"
CADDY = "ops/compose/caddy/Caddyfile"
WEB = "ops/compose/caddy/apps/app/web.caddy"
REDIS = "ops/compose/entrypoints/redis.sh"
CONTRACT = "ops/contract/contract.yaml"
DOCKERFILE = "ops/probe/Dockerfile"

HAND = ("by hand",)
RELEASE = ("release",)

Plant = Callable[[Path], None]
Document = dict[str, Any]


# --- ways to plant -----------------------------------------------------------------------------


def edit(file: str, change: Callable[[Document], object]) -> Plant:
    """Change a YAML file as data."""

    def plant(root: Path) -> None:
        path = root / file
        document = yaml.safe_load(path.read_text())
        change(document)
        path.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))

    return plant


def service(name: str, **given: Any) -> Plant:  # noqa: ANN401 - YAML is anything
    """Set keys of a service; None removes one."""

    def change(document: Document) -> None:
        body = document["services"][name]
        for key, value in given.items():
            body[key] = value
            if value is None:
                del body[key]

    return edit(COMPOSE, change)


def env(name: str, **given: str | None) -> Plant:
    """Add to the environment of a service."""
    return edit(
        COMPOSE,
        lambda document: document["services"][name].setdefault("environment", {}).update(given),
    )


def adds(name: str, key: str, value: object) -> Plant:
    """Append to a list of a service."""
    return edit(
        COMPOSE, lambda document: document["services"][name].setdefault(key, []).append(value)
    )


def variable(name: str, **given: object) -> Plant:
    """Set keys of a variable of the contract; None removes one."""

    def change(document: Document) -> None:
        document["variables"][name].update(given)
        for key in [key for key, value in given.items() if value is None]:
            del document["variables"][name][key]

    return edit(CONTRACT, change)


def replaced(file: str, old: str, new: str) -> Plant:
    """Replace a text that the file has."""

    def plant(root: Path) -> None:
        text = (root / file).read_text()
        assert old in text, f"{file} has no {old!r} any more: plant this fault another way"
        (root / file).write_text(text.replace(old, new))

    return plant


def with_input(name: str, item: Document) -> Plant:
    """Add or replace an input of the contract."""
    return edit(CONTRACT, lambda document: document["inputs"].update({name: item}))


def written(file: str, text: str) -> Plant:
    """Replace the whole of a file."""

    def plant(root: Path) -> None:
        (root / file).write_text(text)

    return plant


def swapped_env_files(document: Document) -> None:
    api, web = (document["services"][name] for name in ("api", "web"))
    api["env_file"], web["env_file"] = web["env_file"], api["env_file"]


def literal_limit(**given: object) -> Plant:
    def change(document: Document) -> None:
        limits = document["services"]["worker"]["deploy"]["resources"]["limits"]
        for key, value in given.items():
            limits[key] = value
            if value is None:
                del limits[key]

    return edit(COMPOSE, change)


def volume_without_backup(document: Document) -> None:
    document["volumes"]["uploads"] = {"name": "app_uploads"}
    mount = {"type": "volume", "source": "uploads", "target": "/uploads"}
    document["services"]["worker"]["volumes"].append(mount)


# --- the faults --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A fault, and how it must be told."""

    id: str
    plant: Plant
    check: str
    role: str = ""
    variable: str = ""
    file: str = COMPOSE
    jobs: tuple[str, ...] = HAND
    #: Words that the message must hold.
    says: tuple[str, ...] = field(default=())


#: contract.md's table, rows vps and contract: faults that a published blueprint really had.
REFERENCE = [
    Fault(
        "reference-app-network-is-internal",
        edit(COMPOSE, lambda d: d["networks"]["edge"].update(internal=True)),
        "no-way-out",
        role="api",
    ),
    Fault(
        "reference-caddyfile-needs-the-optional-email",
        replaced(CADDY, "{$ACME_EMAIL_LINE}", "email {$ACME_EMAIL}"),
        "caddy-refused",
        role="caddy",
        file=CADDY,
        says=("email",),
    ),
    Fault(
        "reference-default-password",
        env("postgres", POSTGRES_PASSWORD="${POSTGRES_PASSWORD:-postgres}"),
        "default-password",
        role="postgres",
        variable="POSTGRES_PASSWORD",
    ),
    Fault(
        "reference-redis-without-auth",
        replaced(REDIS, 'requirepass "$quoted"\n', ""),
        "redis-requirepass",
        role="redis",
    ),
    Fault(
        "reference-no-health-check",
        service("api", healthcheck=None),
        "healthcheck-missing",
        role="api",
    ),
    Fault(
        "reference-no-backup",
        edit(COMPOSE, volume_without_backup),
        "backup-missing",
        variable="uploads",
        says=("worker",),
    ),
    Fault(
        "reference-vault-demanded-whatever-the-provider",
        variable("VAULT_ADDR", when=None),
        "demanded-whatever-is-chosen",
        variable="VAULT_ADDR",
        file=CONTRACT,
        jobs=("contract",),
    ),
    Fault(
        "reference-nobody-demands-secret-key",
        variable("SECRET_KEY", required=None),
        "secret-not-demanded",
        variable="SECRET_KEY",
        file=CONTRACT,
        jobs=("contract",),
    ),
    *(
        Fault(
            f"reference-input-spelled-{name}",
            with_input(name, item),
            "input-spelling",
            file=CONTRACT,
            jobs=("contract",),
            says=(name,),
        )
        for name, item in {
            "db_username": {"type": "string", "meaning": "Owner of the database"},
            "api_desired_count": {"type": "int", "meaning": "Instances of the api"},
            "worker_memory": {"type": "string", "meaning": "Memory of a worker"},
            "api_cpu": {"type": "number", "default": "0.5", "meaning": "Processors of the api"},
            "web_memory_mib": {"type": "int", "default": "1Gi", "meaning": "Memory of web"},
        }.items()
    ),
]

OWN = [
    # What each role gets
    Fault(
        "env-files-of-api-and-web-swapped",
        edit(COMPOSE, swapped_env_files),
        "env-of-other-role",
        role="web",
        says=("api",),
    ),
    Fault("env-file-dropped", service("migrate", env_file=None), "env-missing", role="migrate"),
    Fault(
        "variable-missing-in-worker-only",
        env("worker", REDIS_URL=None),
        "variable-missing",
        role="worker",
        variable="REDIS_URL",
    ),
    Fault(
        "variable-blanked",
        env("api", ALLOWED_HOSTS=""),
        "wrong-source",
        role="api",
        variable="ALLOWED_HOSTS",
        says=("blank",),
    ),
    Fault(
        "variable-nobody-declared",
        env("worker", DEBUG="1"),
        "variable-extra",
        role="worker",
        variable="DEBUG",
    ),
    Fault(
        "variable-of-another-role",
        env("web", LOG_LEVEL="debug", ALLOWED_HOSTS="*"),
        "variable-extra",
        role="web",
        variable="ALLOWED_HOSTS",
        says=("api",),
    ),
    Fault(
        "variable-overridden-by-the-blueprint",
        env("api", SECRETS_PROVIDER="env"),
        "wrong-source",
        role="api",
        variable="SECRETS_PROVIDER",
    ),
    Fault(
        "secret-in-plain-environment",
        env("api", SECRET_KEY="k" * 40),
        "secret-in-plain-slot",
        role="api",
        variable="SECRET_KEY",
    ),
    Fault(
        "database-url-in-web",
        env("web", DATABASE_URL="postgresql://app:hunter2@postgres/app"),
        "data-store-in-web",
        role="web",
        variable="DATABASE_URL",
    ),
    Fault(
        "database-ca-where-there-is-none",
        env("api", DATABASE_CA_CERT="pem"),
        "variable-not-emitted",
        role="api",
        variable="DATABASE_CA_CERT",
    ),
    Fault(
        "env-file-shared-by-roles",
        adds("worker", "env_file", {"path": "./env/common.env", "required": False}),
        "env-file-shared",
        role="worker",
        says=("common.env",),
    ),
    # Containers
    Fault("privileged", service("worker", privileged=True), "privileged", role="worker"),
    Fault(
        "host-network",
        service("api", network_mode="host", networks=None),
        "host-namespace",
        role="api",
    ),
    Fault("host-processes", service("worker", pid="host"), "host-namespace", role="worker"),
    Fault(
        "engine-socket-mounted",
        adds("worker", "volumes", "/var/run/docker.sock:/var/run/docker.sock"),
        "engine-socket",
        role="worker",
    ),
    Fault(
        "host-directory-mounted", adds("api", "volumes", "/etc:/host:ro"), "host-mount", role="api"
    ),
    Fault(
        "mount-became-writable",
        adds("web", "volumes", "./live:/live"),
        "writable-bind",
        role="web",
    ),
    Fault("anonymous-volume", adds("web", "volumes", "/scratch"), "volume-unnamed", role="web"),
    Fault("root-became-writable", service("web", read_only=False), "writable-root", role="web"),
    Fault("capabilities-kept", service("redis", cap_drop=None), "capabilities-kept", role="redis"),
    Fault(
        "capability-added", service("api", cap_add=["SYS_ADMIN"]), "capability-added", role="api"
    ),
    Fault(
        "privileges-gained", service("worker", security_opt=None), "new-privileges", role="worker"
    ),
    Fault(
        "seccomp-lifted",
        adds("worker", "security_opt", "seccomp:unconfined"),
        "unconfined",
        role="worker",
    ),
    Fault("latest-tag", service("caddy", image="caddy:latest"), "image-unpinned", role="caddy"),
    Fault("no-tag", service("postgres", image="postgres"), "image-unpinned", role="postgres"),
    # Keeping it going
    Fault(
        "health-check-disabled",
        service("worker", healthcheck={"disable": True}),
        "healthcheck-missing",
        role="worker",
    ),
    Fault(
        "health-check-asks-the-ready-path",
        replaced(COMPOSE, "${API_LIVE_PATH:-/health}", "/health/ready"),
        "healthcheck-differs",
        role="api",
        says=("/health/ready",),
    ),
    Fault("no-restart", service("web", restart=None), "restart-policy", role="web"),
    Fault(
        "job-restarts-for-ever",
        service("migrate", restart="always"),
        "restart-policy",
        role="migrate",
    ),
    Fault(
        "no-memory-limit",
        literal_limit(memory=None),
        "limit-missing",
        role="worker",
        says=("memory",),
    ),
    Fault(
        "no-process-limit", literal_limit(pids=None), "limit-missing", role="worker", says=("pids",)
    ),
    Fault(
        "log-without-size",
        service("caddy", logging={"driver": "json-file"}),
        "log-unbounded",
        role="caddy",
        says=("max-size",),
    ),
    Fault(
        "worker-killed-mid-job",
        service("worker", stop_grace_period="10s"),
        "stop-too-short",
        role="worker",
        says=("60 s",),
    ),
    Fault(
        "command-is-not-the-contract's",
        replaced(COMPOSE, "${WORKER_COMMAND:-python -m probe worker}", "python -m probe api"),
        "command-differs",
        role="worker",
    ),
    # Who reaches whom
    Fault(
        "redis-port-published",
        service("redis", ports=["6379:6379"]),
        "port-published",
        role="redis",
    ),
    Fault(
        "caddy-admin-port-published",
        adds("caddy", "ports", "2019:2019"),
        "port-published",
        role="caddy",
    ),
    Fault("web-on-the-data-network", adds("web", "networks", "data"), "data-network", role="web"),
    Fault(
        "postgres-on-the-edge",
        adds("postgres", "networks", "edge"),
        "store-exposed",
        role="postgres",
    ),
    Fault(
        "data-network-not-internal",
        edit(COMPOSE, lambda d: d["networks"]["data"].pop("internal")),
        "store-exposed",
        role="redis",
    ),
    Fault(
        "worker-before-migration",
        edit(COMPOSE, lambda d: d["services"]["worker"]["depends_on"].pop("migrate")),
        "migration-not-first",
        role="worker",
    ),
    Fault(
        "release-answers-to-a-common-name",
        service("api", networks={"edge": {"aliases": ["backend"]}, "data": None}),
        "name-shared",
        role="api",
        jobs=RELEASE,
        says=("backend",),
    ),
    Fault(
        "role-labelled-as-base",
        edit(
            COMPOSE,
            lambda d: d["services"]["api"]["labels"].update({"dev.hostwright.part": "base"}),
        ),
        "blueprint-refused",
        jobs=RELEASE,
        says=("api",),
    ),
    # Secrets and stores
    Fault(
        "secret-from-the-environment",
        edit(
            COMPOSE,
            lambda d: d["secrets"].update(postgres_password={"environment": "POSTGRES_PASSWORD"}),
        ),
        "secret-not-a-file",
        says=("postgres_password",),
    ),
    Fault(
        "secret-of-postgres-in-api",
        service("api", secrets=["postgres_password"]),
        "secret-shared",
        role="api",
    ),
    Fault(
        "password-in-the-command",
        service("redis", command=["redis-server", "--requirepass", "hunter2"]),
        "secret-argument",
        role="redis",
    ),
    Fault(
        "password-in-the-environment",
        env("redis", REDIS_PASSWORD="hunter2"),
        "secret-literal",
        role="redis",
        variable="REDIS_PASSWORD",
    ),
    Fault(
        "password-file-not-read",
        service("postgres", secrets=None),
        "store-password",
        role="postgres",
    ),
    Fault(
        "nothing-renders-without-a-value",
        replaced(COMPOSE, "${APP_DOMAIN:-localhost}", "${APP_DOMAIN:?set it}"),
        "interpolation-required",
        variable="APP_DOMAIN",
    ),
    Fault(
        "postgres-trusts-everybody",
        env("postgres", POSTGRES_HOST_AUTH_METHOD="trust"),
        "postgres-trust",
        role="postgres",
        says=("POSTGRES_HOST_AUTH_METHOD",),
    ),
    Fault(
        "redis-forgets-on-restart",
        replaced(REDIS, "appendonly yes", "appendonly no"),
        "redis-appendonly",
        role="redis",
        file=REDIS,
    ),
    Fault(
        "redis-evicts-jobs",
        replaced(REDIS, "maxmemory-policy noeviction", "maxmemory-policy allkeys-lru"),
        "redis-maxmemory-policy",
        role="redis",
        file=REDIS,
    ),
    Fault(
        "redis-without-a-bound",
        replaced(REDIS, "maxmemory ${REDIS_MAXMEMORY:-192mb}\n", ""),
        "redis-maxmemory",
        role="redis",
    ),
    Fault(
        "data-in-the-container",
        edit(COMPOSE, lambda d: d["services"]["postgres"]["volumes"].pop()),
        "data-not-kept",
        role="postgres",
    ),
    Fault(
        "too-few-connections",
        replaced(COMPOSE, "${POSTGRES_MAX_CONNECTIONS:-100}", "20"),
        "too-few-connections",
        role="postgres",
        says=("20", "api 5"),
    ),
    # Caddy
    Fault(
        "admin-on-tcp",
        replaced(CADDY, "admin unix//run/hostwright/admin.sock|0600", "admin 0.0.0.0:2019"),
        "caddy-admin",
        role="caddy",
        file=CADDY,
        says=("2019",),
    ),
    Fault(
        "site-without-tls",
        replaced(WEB, "https://{$APP_DOMAIN:localhost}", "http://{$APP_DOMAIN:localhost}"),
        "caddy-tls",
        role="caddy",
        file=WEB,
    ),
    Fault(
        "route-to-a-role-that-does-not-listen",
        replaced(WEB, "live/current/web}:{$WEB_PORT:3000}", "live/current/worker}:9000"),
        "caddy-role-absent",
        role="worker",
        file=WEB,
    ),
    Fault(
        "route-to-a-role-that-is-absent",
        replaced(
            WEB,
            "\treverse_proxy {file./live/current/web}",
            "\thandle /api/* {\n\t\treverse_proxy {file./live/current/api}:8000 {\n"
            "\t\t\timport upstream\n\t\t}\n\t}\n\treverse_proxy {file./live/current/web}",
        ),
        "caddy-role-absent",
        role="api",
        file=WEB,
        jobs=("release of web, worker alone",),
    ),
    Fault(
        "upstream-that-no-switch-moves",
        replaced(WEB, "{file./live/current/web}:{$WEB_PORT:3000}", "web:3000"),
        "caddy-upstream-fixed",
        role="web",
        file=WEB,
    ),
    Fault(
        "upstream-at-another-port",
        replaced(WEB, "{$WEB_PORT:3000}", "3001"),
        "caddy-port",
        role="web",
        file=WEB,
    ),
    Fault(
        "security-header-dropped",
        replaced(CADDY, "\t\tX-Content-Type-Options nosniff\n", ""),
        "caddy-header",
        role="caddy",
        file=CADDY,
        says=("X-Content-Type-Options",),
    ),
    Fault(
        "hsts-dropped",
        replaced(WEB, "{$HSTS_LINE}", ""),
        "caddy-header",
        role="caddy",
        file=CADDY,
        says=("Strict-Transport-Security",),
    ),
    Fault(
        "bodies-of-any-size",
        replaced(CADDY, "\trequest_body {\n\t\tmax_size {$MAX_BODY_SIZE:10MB}\n\t}\n", ""),
        "caddy-request-limit",
        role="caddy",
        file=WEB,
    ),
    Fault(
        "credentials-in-the-log",
        replaced(CADDY, "request>headers>Cookie delete", ""),
        "caddy-log-credentials",
        role="caddy",
        file=CADDY,
        says=("Cookie",),
    ),
    Fault(
        "everybody-is-a-trusted-proxy",
        replaced(CADDY, "{$TRUSTED_PROXIES_LINE}", "trusted_proxies static 0.0.0.0/0"),
        "caddy-trusted-proxies",
        role="caddy",
        file=CADDY,
    ),
    Fault(
        "no-patience-with-a-restart",
        replaced(CADDY, "lb_try_duration 10s", ""),
        "caddy-try-duration",
        role="caddy",
        file=CADDY,
    ),
    # The contract and its releases
    Fault(
        "nobody-composes-it",
        variable("API_BASE_URL", sources={"default": {"composed": "api_adress"}}),
        "release-refused",
        variable="API_BASE_URL",
        file=CONTRACT,
        jobs=("release values",),
        says=("requires it",),
    ),
    Fault(
        "export-not-made-anew",
        variable("LOG_LEVEL", default="debug"),
        "export-stale",
        file="ops/compose/contract.json",
        jobs=("contract",),
    ),
    # What the tools say
    Fault(
        "unknown-key",
        service("web", restarts="always"),
        "compose-refused",
        says=("restarts",),
    ),
    Fault(
        "unknown-network",
        adds("web", "networks", "inside"),
        "compose-refused",
        says=("inside",),
    ),
    Fault(
        "caddyfile-directive-misspelt",
        replaced(CADDY, "encode zstd gzip", "encoding zstd gzip"),
        "caddy-refused",
        role="caddy",
        file=CADDY,
        says=("encoding",),
    ),
    Fault(
        "shell-variable-unquoted",
        replaced(REDIS, '[ -f "$file" ]', "[ -f $file ]"),
        "shellcheck-sc2086",
        file=REDIS,
        jobs=("shellcheck",),
    ),
    Fault(
        "dockerfile-on-latest",
        written(DOCKERFILE, "FROM python:latest\n"),
        "hadolint-dl3007",
        file=DOCKERFILE,
        jobs=("hadolint",),
    ),
    Fault(
        "yaml-key-twice",
        replaced(CONTRACT, "\nroles:\n", "\nroles:\n  api: {}\n"),
        "yamllint-key-duplicates",
        file=CONTRACT,
        jobs=("yamllint",),
    ),
]

FAULTS = [*REFERENCE, *OWN]
caught: set[str] = set()


# --- the tests ---------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A copy of what a target's blueprint consists of."""
    root = tmp_path / "copy"
    ignored = shutil.ignore_patterns(
        "src", "__pycache__", "env", "secrets", "run", ".env", ".env.prod"
    )
    shutil.copytree(paths.OPS, root / "ops", ignore=ignored)
    shutil.copy(paths.ROOT / ".yamllint.yaml", root)
    yield root
    shutil.rmtree(root)


def found(root: Path, jobs: tuple[str, ...] | None = None) -> list[Finding]:
    """What the named jobs find, or all of them, before the ledger is asked."""
    blueprint = Blueprint(root)
    every = [*shared.jobs(blueprint), *vps.jobs(blueprint)] if jobs != ("yamllint",) else []
    every = every or linters.jobs(blueprint)
    chosen = [job for job in every if jobs is None or job.name in jobs]
    assert chosen, jobs
    return [finding for job in chosen for finding in job.work().checked.findings]


@pytest.fixture(scope="session")
def usual() -> set[tuple[str, str, str]]:
    """What is found, and exempted, without any fault."""
    return {(item.check, item.object, item.message) for item in found(paths.ROOT)}


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.id for fault in FAULTS])
def test_a_planted_fault_is_found(
    fault: Fault, copy: Path, usual: set[tuple[str, str, str]]
) -> None:
    fault.plant(copy)

    new = [
        item
        for item in found(copy, fault.jobs)
        if (item.check, item.object, item.message) not in usual
    ]

    told = [item for item in new if says(item, fault)]
    shown = "\n".join(map(str, new)) or "nothing"
    assert told, f"expected {fault.check} in {fault.file}, found:\n{shown}"
    finding = told[0]
    assert finding.line or fault.check == "export-stale", str(finding)
    assert finding.remedy.endswith("."), str(finding)
    assert is_known(finding.check)
    for part in (fault.file, fault.role, fault.variable, finding.remedy):
        assert part in str(finding)
    caught.add(fault.id)


def says(finding: Finding, fault: Fault) -> bool:
    same = all(
        getattr(finding, name) == getattr(fault, name)
        for name in ("check", "file", "role", "variable")
    )
    return same and all(word in finding.message for word in fault.says)


def test_an_untouched_copy_has_no_finding_that_is_not_exempted(copy: Path) -> None:
    """The test of the tests: without a fault, nothing is found."""
    from hostwright.validate import examine
    from hostwright.validate.job import Watch

    report = examine(Blueprint(copy), ["vps"], Watch())

    assert not report.findings, "\n".join(map(str, report.findings))
    [_, part] = report.parts
    assert part.rendered is not None
    assert part.rendered.roles.keys() == Blueprint(copy).contract.roles.keys()


def test_every_fault_that_was_planted_was_found(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_all_found(request, capsys, caught, test="test_a_planted_fault_is_found")
