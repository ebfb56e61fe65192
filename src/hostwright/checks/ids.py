"""Every check by its id, with what it holds; exemptions name these."""

from __future__ import annotations

from hostwright.checks import kubernetes
from hostwright.checks.clouds import aws, azure, gcp, shared
from hostwright.checks.kubernetes import rendering

#: Checks whose findings carry a code of the tool's own: ``hadolint-dl3008``.
TOOLS = ("hadolint-", "shellcheck-", "yamllint-", "trivy-", "checkov-")

CHECKS = {
    # The contract
    "contract": "the contract keeps its own rules",
    "demanded-whatever-is-chosen": "a vendor's variables are required where it is chosen only",
    "export-stale": "generated files are what the contract gives",
    "input-spelling": "an input has one spelling, with its unit in its name",
    "secret-not-demanded": "a secret without a condition is required in production",
    "example-unknown": "the example of an env file names nothing that is unknown",
    "example-missing": "the example of an env file names whatever is required",
    "exemption": "exemptions are dated, known and needed",
    # Parity: the rendered roles against the contract
    "role-missing": "every role of the contract runs",
    "role-extra": "no other role runs",
    "env-missing": "a role gets its variables at all",
    "env-of-other-role": "a role gets its own variables, not another's",
    "variable-missing": "every variable of the contract reaches its roles",
    "variable-extra": "no other variable reaches a role",
    "variable-not-emitted": "what the platform sets itself is not set",
    "wrong-source": "a variable comes from where the contract says",
    "secret-in-plain-slot": "a secret arrives in a place for secrets",
    "data-store-in-web": "web gets no address of a data store",
    # Releases
    "release-missing": "a release delivers what is required, whatever is chosen",
    "release-extra": "a release delivers nothing else",
    "release-refused": "a release can be built from complete values",
    "secret-leak": "no secret's value stands outside the files made for it",
    "secret-readable": "files that may hold secrets are their owner's alone",
    # What a container may do
    "compose-refused": "the engine takes the blueprint",
    "compose-warning": "the engine has nothing to warn of",
    "blueprint-refused": "the blueprint can be split into a base and a release",
    "privileged": "no container is privileged or has devices",
    "host-namespace": "no container shares a namespace of the host",
    "engine-socket": "no container holds the container engine's socket",
    "host-mount": "no directory of the host is mounted but the blueprint's",
    "writable-bind": "what is mounted from the host is read-only",
    "volume-unnamed": "volumes have names",
    "writable-root": "root file systems are read-only",
    "capabilities-kept": "all capabilities are dropped",
    "capability-added": "no capability comes back that is not needed",
    "new-privileges": "no process gains privileges",
    "unconfined": "no confinement is lifted",
    "image-unpinned": "images have a tag that does not move, or a digest",
    # What keeps a container going
    "healthcheck-missing": "whatever stays up has a health check",
    "healthcheck-differs": "a role's health check asks what the contract says",
    "restart-policy": "whatever stays up comes back; a job does not",
    "limit-missing": "memory, processor and processes are bounded",
    "log-unbounded": "logs are bounded",
    "stop-too-short": "whatever stops gets the time it needs",
    "command-differs": "a role runs the contract's command",
    # Who reaches whom
    "port-published": "Caddy alone publishes ports: 80 and 443",
    "no-way-out": "every role reaches the world",
    "store-exposed": "stores are on internal networks only",
    "data-network": "nobody is on the database's network without business there",
    "migration-not-first": "whoever uses the database waits for the migration",
    "wrong-project": "a release holds roles alone, the base none",
    "name-shared": "no two releases answer to one name",
    "network-created": "a release creates no network",
    # Secrets and stores
    "default-password": "no password has a default",
    "secret-interpolated": "no secret is interpolated into readable configuration",
    "secret-literal": "no secret stands in a service's environment",
    "secret-argument": "no password stands in a command line",
    "secret-shared": "a file secret reaches its own service only",
    "secret-not-a-file": "secrets are files",
    "target-secret-missing": "each secret of the target is taken",
    "interpolation-required": "everything renders with nothing set",
    "env-file-shared": "each role reads its own env file",
    "store-password": "a store reads its password from a file secret",
    "postgres-trust": "Postgres lets nobody in without a password",
    "redis-requirepass": "Redis asks for a password",
    "redis-appendonly": "Redis writes to disk what it is told",
    "redis-maxmemory": "Redis's memory is bounded",
    "redis-maxmemory-policy": "Redis forgets nothing",
    "data-not-kept": "a store's data is in a named volume",
    "too-few-connections": "all roles' pools fit into max_connections",
    "backup-missing": "every volume says how it is backed up",
    # Caddy
    "caddy-refused": "Caddy takes the Caddyfile",
    "caddy-admin": "the admin API is a socket",
    "caddy-tls": "sites are served over TLS",
    "caddy-upstream-fixed": "upstreams are read from the live files",
    "caddy-role-absent": "routes lead to roles that exist",
    "caddy-role-unserved": "every public role has a site",
    "caddy-port": "upstreams use the contract's ports",
    "caddy-header": "sites answer with the security headers",
    "caddy-request-limit": "requests are bounded",
    "caddy-log": "requests are logged as JSON",
    "caddy-log-credentials": "no credential is logged",
    "caddy-trusted-proxies": "not everybody is a trusted proxy",
    "caddy-try-duration": "requests wait while a role restarts",
    # Tools
    "tool-failed": "every linter runs to its end",
    # Clouds
    **shared.CHECKS,
    **aws.CHECKS,
    **azure.CHECKS,
    **gcp.CHECKS,
    # Kubernetes
    **kubernetes.CHECKS,
    **rendering.CHECKS,
}


def is_known(check: str) -> bool:
    """Whether a check of this id can give findings."""
    return check in CHECKS or check.startswith(TOOLS)
