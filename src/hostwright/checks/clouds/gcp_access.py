"""Who may do what: identities of roles, grants on secrets, other grants, and CI's trust."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.checks.clouds.gcp_view import View, referred, template
from hostwright.render.clouds import gcp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.gcp_view import Rule
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Resource

CHECKS = {
    "identity-shared": "every role runs as an identity of its own",
    "secret-version-floating": "secrets are referred to by the number of a version",
    "secret-name-refused": "secrets have names that the platform takes",
    "secret-grant-missing": "a role may read every secret that it is given",
    "secret-grant-extra": "nobody else may read a secret",
    "secret-version-lost": "the version before stays when a secret is written anew",
    "secret-unprotected": "what only the application knows is not destroyed by mistake",
    "grant-too-wide": "rights are granted on one thing, and no more of them than are used",
    "signing-not-granted": "who signs URLs may sign as itself",
    "storage-not-granted": "who has the bucket may use it",
    "ci-trust-too-wide": "CI is trusted by repository and environment",
    "static-key": "no key is made that could leak",
}
ACCESSOR = "roles/secretmanager.secretAccessor"
#: What grants a right, by what the right may be; whatever else there is, is too much.
GRANTS = {
    "google_secret_manager_secret_iam_member": {ACCESSOR},
    "google_storage_bucket_iam_member": {"roles/storage.objectUser"},
    "google_service_account_iam_member": {
        "roles/iam.serviceAccountTokenCreator",
        "roles/iam.serviceAccountUser",
        "roles/iam.workloadIdentityUser",
    },
    "google_artifact_registry_repository_iam_member": {
        "roles/artifactregistry.reader",
        "roles/artifactregistry.writer",
    },
    "google_cloud_run_v2_service_iam_member": {"roles/run.developer"},
    "google_cloud_run_v2_worker_pool_iam_member": {"roles/run.developer"},
    "google_cloud_run_v2_job_iam_member": {"roles/run.developer"},
}
EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
_GRANTING = re.compile(r"google_\w+_iam_(member|binding|policy)")
_KEYS = ("google_service_account_key", "google_storage_hmac_key", "google_apikeys_key")
#: Artifact Registry itself, which reads the token of a private registry.
_REGISTRY_AGENT = re.compile(
    r"serviceAccount:service-.+@gcp-sa-artifactregistry\.iam\.gserviceaccount\.com"
)


@dataclass(frozen=True)
class Grant:
    """Somebody may read a secret.

    Args:
        secret: As :func:`hostwright.render.clouds.gcp.secret_of` names it.
        member: Address of a service account, or whatever else stands there.
    """

    secret: str
    member: str
    resource: Resource


def identities(view: View) -> Iterator[Finding]:
    """With another's identity, or the project's default one, a role reads what is not its own."""
    used = [(item, name, template(item, "service_account")) for item, name, _ in view.compute]
    shared = Counter(str(account) for _, _, account in used)
    for resource, name, account in used:
        others = [other for _, other, there in used if there == account and other != name]
        own = referred(account).startswith("google_service_account.")
        if not own or shared[str(account)] > 1:
            told = (
                f"runs as {account}, as {', '.join(others)} does"
                if own
                else "runs as the project's default account"
            )
            yield view.finding(
                "identity-shared",
                resource,
                told,
                "Set service_account = google_service_account.role[each.key].email.",
                role=name,
                variable="service_account",
            )


def versions(view: View) -> Iterator[Finding]:
    """``latest`` is read when an instance starts: two instances of one revision may differ."""
    for resource in gcp.compute(view.plan):
        for block in gcp.env(resource):
            reference = gcp.secret_key(block)
            version = str(reference.get("version"))
            if reference and not (version.isdigit() or gcp.version_of(view.plan, version)):
                yield view.finding(
                    "secret-version-floating",
                    resource,
                    f"reads the version {version} of its secret: a rollback may read another",
                    "Refer to the version of google_secret_manager_secret_version.made.",
                    variable=str(block.get("name")),
                )


def names(view: View) -> Iterator[Finding]:
    """Secret Manager takes letters, digits, dashes and underscores."""
    grammar = view.contract.targets["gcp"].secret_name
    for name, resource in gcp.secrets_by_name(view.plan).items():
        if not re.fullmatch(grammar, name):
            yield view.finding(
                "secret-name-refused",
                resource,
                f"is called {name!r}, which Secret Manager refuses",
                f"Give it a name that matches {grammar}.",
                variable="secret_id",
            )


def kept_versions(view: View) -> Iterator[Finding]:
    """A revision to roll back to refers to the version before by its number."""
    used = {
        version.address
        for resource in gcp.compute(view.plan)
        for block in gcp.env(resource)
        if (version := gcp.version_of(view.plan, str(gcp.secret_key(block).get("version"))))
    }
    for resource in view.plan.of_type("google_secret_manager_secret_version"):
        if resource.address in used and resource.get("deletion_policy") != "ABANDON":
            yield view.finding(
                "secret-version-lost",
                resource,
                "is destroyed when it is written anew, and every revision that refers to it",
                'Set deletion_policy = "ABANDON".',
                variable="deletion_policy",
            )


def protected(view: View) -> Iterator[Finding]:
    """What the roles read cannot be made anew; a registry's token can."""
    for resource in view.plan.of_type("google_secret_manager_secret"):
        anew = resource.address in _registry_secrets(view)
        if view.production and not anew and resource.get("deletion_protection") is not True:
            yield view.finding(
                "secret-unprotected",
                resource,
                "would be destroyed with all its versions, and sessions and passwords with it",
                "Leave deletion_protection to the profile: local.protected.",
                variable="deletion_protection",
            )


# --- secrets -----------------------------------------------------------------------------------


def grants(view: View) -> list[Grant]:
    """Every grant on a secret."""
    return [
        Grant(
            gcp.secret_of(view.plan, str(item.get("secret_id"))),
            referred(item.get("member")) or str(item.get("member")),
            item,
        )
        for item in view.plan.of_type("google_secret_manager_secret_iam_member")
    ]


def missing_grants(view: View) -> Iterator[Finding]:
    """A revision does not start whose identity cannot read one of its secrets."""
    there = {(grant.secret, grant.member) for grant in grants(view)}
    for resource, name, _ in view.compute:
        account = referred(template(resource, "service_account"))
        for variable, secret in _referred(view, resource).items():
            if (secret, account) not in there:
                yield view.finding(
                    "secret-grant-missing",
                    resource,
                    "is given a secret that its identity may not read: no instance starts",
                    f"Grant {ACCESSOR} on it to the role's own service account.",
                    role=name,
                    variable=variable,
                )


def extra_grants(view: View) -> Iterator[Finding]:
    """A role's identity reads the role's secrets, and nobody reads another's."""
    may = {
        referred(template(resource, "service_account")): {
            *_referred(view, resource).values(),
            *_read_by_name(view, resource),
        }
        for resource, _, _ in view.compute
    }
    roles = {referred(template(item, "service_account")): name for item, name, _ in view.compute}
    for grant in grants(view):
        agents = _REGISTRY_AGENT.fullmatch(grant.member) and grant.secret in _registry_secrets(view)
        if grant.secret not in may.get(grant.member, set()) and not agents:
            yield view.finding(
                "secret-grant-extra",
                grant.resource,
                f"{grant.member} may read {grant.secret}, which is none of its secrets",
                "Grant each secret to the roles whose env has it: local.made_grants does.",
                role=roles.get(grant.member, ""),
                variable=_variable(grant),
            )


def _referred(view: View, resource: Resource) -> dict[str, str]:
    """Variable to the secret that it is taken from."""
    return {
        str(block.get("name")): gcp.secret_of(view.plan, str(gcp.secret_key(block).get("secret")))
        for block in gcp.env(resource)
        if gcp.secret_key(block)
    }


def _read_by_name(view: View, resource: Resource) -> set[str]:
    """The secrets whose names a role is told, so that it reads them itself."""
    told = {str(block.get("value")) for block in gcp.env(resource) if block.get("value")}
    made = gcp.secrets_by_name(view.plan)
    return {secret.address for name, secret in made.items() if name in told}


def _registry_secrets(view: View) -> set[str]:
    path = "remote_repository_config.0.upstream_credentials.0.username_password_credentials.0"
    used = {
        referred(item.get(f"{path}.password_secret_version"))
        for item in view.plan.of_type("google_artifact_registry_repository")
    }
    return {
        gcp.secret_of(view.plan, str(item.get("secret")))
        for item in view.plan.of_type("google_secret_manager_secret_version")
        if item.address in used
    }


def _variable(grant: Grant) -> str:
    """The variable in an address such as ``made["api/SECRET_KEY"]``; empty if there is none."""
    found = re.search(r'"(?:\w+/)?([A-Z][A-Z0-9_]*)"\]$', grant.secret) or re.search(
        r'"(?:\w+/)?([A-Z][A-Z0-9_]*)"\]$', grant.resource.address
    )
    return found[1] if found else ""


# --- everything else ---------------------------------------------------------------------------


def wide(view: View) -> Iterator[Finding]:
    """Rights over a project, an authoritative list, everybody, or a role that nobody uses here."""
    for resource in view.plan.resources:
        if resource.mode == "managed" and _GRANTING.fullmatch(resource.type):
            told = _too_wide(resource)
            if told:
                yield view.finding(
                    "grant-too-wide",
                    resource,
                    told,
                    "Grant a narrow role on the one thing that is used, by its _iam_member.",
                    variable=str(resource.get("role") or "role"),
                )


def _too_wide(resource: Resource) -> str:
    role, member = str(resource.get("role")), str(resource.get("member"))
    if resource.type not in GRANTS:
        return f"a {resource.type} reaches further than one thing and one right"
    if member in EVERYBODY:
        return f"{member} is everybody"
    if role not in GRANTS[resource.type]:
        return f"{role} is more than anything here uses"
    return ""


def signing(view: View) -> Iterator[Finding]:
    """Signed URLs without a key file need the right to sign, on the account itself."""
    there = {
        (referred(item.get("service_account_id")), referred(item.get("member")))
        for item in view.plan.of_type("google_service_account_iam_member")
        if item.get("role") == "roles/iam.serviceAccountTokenCreator"
    }
    for resource, name, _ in view.compute:
        account = referred(template(resource, "service_account"))
        signs = any(block.get("name") == "GCS_SIGNING_EMAIL" for block in gcp.env(resource))
        if signs and (account, account) not in there:
            yield view.finding(
                "signing-not-granted",
                resource,
                "is told to sign URLs, but may not sign as itself: every signed URL fails",
                "Grant roles/iam.serviceAccountTokenCreator on the role's account to itself.",
                role=name,
                variable="GCS_SIGNING_EMAIL",
            )


def storage(view: View) -> Iterator[Finding]:
    """Who is told the bucket's name may use it."""
    there = {
        (str(item.get("bucket")), referred(item.get("member")))
        for item in view.plan.of_type("google_storage_bucket_iam_member")
    }
    made = {str(item.get("name")) for item in view.plan.of_type("google_storage_bucket")}
    for resource, name, _ in view.compute:
        account = referred(template(resource, "service_account"))
        for block in gcp.env(resource):
            bucket = str(block.get("value"))
            told = block.get("name") == "GCS_BUCKET"
            if told and bucket in made and (bucket, account) not in there:
                yield view.finding(
                    "storage-not-granted",
                    resource,
                    "is told the bucket's name, but may not use it",
                    "Grant roles/storage.objectUser on the bucket to the role's account.",
                    role=name,
                    variable="GCS_BUCKET",
                )


def trust(view: View) -> Iterator[Finding]:
    """Everybody on GitHub has tokens of GitHub's issuer."""
    for resource in view.plan.of_type("google_iam_workload_identity_pool_provider"):
        condition = str(resource.get("attribute_condition") or "")
        lacking = [
            claim
            for claim in ("repository", "environment")
            if not re.search(rf"assertion\.{claim}\s*==\s*['\"][^'\"]+['\"]", condition)
        ]
        if lacking or "||" in condition:
            yield view.finding(
                "ci-trust-too-wide",
                resource,
                f"trusts tokens whatever their {' and '.join(lacking) or 'other claims'}",
                "Compare assertion.repository and assertion.environment in attribute_condition.",
                variable="attribute_condition",
            )
    for resource in view.plan.of_type("google_service_account_iam_member"):
        member = str(resource.get("member"))
        if member.startswith("principalSet:") and "/attribute.repository/" not in member:
            yield view.finding(
                "ci-trust-too-wide",
                resource,
                "lets everything in the pool be this account",
                "Name the repository: principalSet://…/attribute.repository/OWNER/NAME.",
                variable="member",
            )


def keys(view: View) -> Iterator[Finding]:
    """A key works for whoever has it, wherever they are, and lies in the state."""
    for resource in view.plan.of_type(*_KEYS):
        yield view.finding(
            "static-key",
            resource,
            "is a key, which lies in the state and works for whoever finds it",
            "Remove it; roles have their own identity, and CI has workload identity federation.",
            variable=resource.type,
        )


RULES: tuple[Rule, ...] = (
    identities,
    versions,
    names,
    kept_versions,
    protected,
    missing_grants,
    extra_grants,
    wide,
    signing,
    storage,
    trust,
    keys,
)
